"""Outgrow, preparing videos: Apache Beam does the steps of `beam_steps`, here or on Flink, Spark or Dataflow.

Every worker needs `vgcourse` installed: with Beam's options `setup_file`, `requirements_file` or
`sdk_container_image`. What travels between workers are names and counts.
"""

import contextlib
import json
import logging
import os
import shlex
import subprocess
import sys
from pathlib import Path

from vgcourse.datasets import folders
from vgcourse.datasets import store as stores
from vgcourse.scale import addresses, beam_steps
from vgcourse.scale.addresses import FileSystems
from vgcourse.training import own_folder
from vgcourse.video import checked_path

VIDEOS, REPORT, SHARDS = "videos.jsonl", "report.json", "shards.json"


def beam_arguments(runner, options=()):
    """Translate the command line's options to Beam's.

    Args:
        runner: "direct" for as many processes on this machine as it has cores, or a runner of Beam, for
            example "FlinkRunner", "SparkRunner" or "DataflowRunner".
        options: texts `key=value` (or `key`, for a switch) for Beam, for example
            "flink_master=host:8081".

    Returns:
        A list of arguments for Beam's `PipelineOptions`.

    Raises:
        ValueError: an option has no key.
    """
    for option in options:
        if not option.partition("=")[0].strip().lstrip("-"):
            raise ValueError(f"--beam-option: expected key=value, received {option!r}")
    given = [f"--{option.lstrip('-')}" for option in options]
    if runner.lower() not in ("direct", "directrunner"):
        return [f"--runner={runner}", *given]
    # By this name: Beam's DirectRunner would download another runner first.
    return ["--runner=FnApiRunner", "--direct_num_workers=0", *given]


def prepare_folder(folder, store, settings, *, report, overwrite=False, arguments=()):
    """Make a store out of a folder of videos with Apache Beam (needs `pip install vgcourse[beam]`).

    Damaged videos are always skipped: there is no `keep_damaged` here.

    Args:
        folder: the folder, as for `datasets.iter_folder`, or an address such as "gs://bucket/videos".
        store: the store to make, a folder or an address.
        settings: `beam_steps.Settings`.
        report: a list; a `FileReport` is appended for every video.
        overwrite: whether a store that is already there is replaced (not at an address).
        arguments: for Beam's `PipelineOptions`, see `beam_arguments`.

    Returns:
        The store's index, a dict (`datasets.store.make_index`).

    Raises:
        ValueError: there is no usable video, a setting is out of its range, something else is where the store
            should be, another process prepares the same store, or the job failed; then the same call goes on
            where it stopped.
    """
    folders.check_clip_settings(*settings[:3])
    places = _places(folder, store, overwrite)
    work = places[-1]
    alone = contextlib.nullcontext() if addresses.is_address(work) else own_folder(work, work="preparation")
    with alone:
        return _prepare(places, settings, report, overwrite, list(arguments))


def _prepare(places, settings, report, overwrite, arguments):
    folder, store, work = places
    shards = store if addresses.is_address(store) else os.path.join(work, "store")
    videos, labels, names = beam_steps.list_videos(folder, settings, report)
    try:
        rows, shard_rows = _run(videos, work, shards, settings, arguments)
        report.extend(folders.FileReport(*row["report"]) for row in rows)
        folders.report_empty_labels(report, labels, names)
        if not shard_rows:
            addresses.remove_folder(work)
            raise ValueError(f"{folder}: expected a usable video, received {len(rows)} unusable ones")
        size, num_frames, fps, _ = settings
        index = stores.make_index((num_frames, size, size, 3), names, fps, shard_rows)
        addresses.write_json(FileSystems.join(shards, stores.INDEX_NAME), index)  # last: it makes it a store
        if shards != store:
            stores.check_vacant(Path(store), overwrite)  # again: somebody may have been faster
            stores.put_in_place(shards, Path(store), Path(work, "replaced"))
    except OSError as error:
        raise ValueError(f"{store}: expected to write a store here, received: {error}") from error
    addresses.remove_folder(work)
    return index


def _places(folder, store, overwrite):
    """Folder of videos, store and work folder, as text; a ValueError if the store's place is taken."""
    folder, store = checked_path(folder), checked_path(store)
    if addresses.is_address(store):
        store = store.rstrip("/")
        if FileSystems.exists(FileSystems.join(store, stores.INDEX_NAME)):
            raise ValueError(f"{store}: there is a store already; choose another address")
        return folder, store, f"{store}-work"
    store = Path(os.path.abspath(store))
    stores.check_vacant(store, overwrite)
    return folder, str(store), str(store.with_name(f".{store.name}-work"))


def _run(videos, work, shards, settings, arguments):
    """Does all steps; returns the rows of all videos and of all shards, which go to the folder `shards`."""
    import apache_beam
    from apache_beam.options.pipeline_options import PipelineOptions

    addresses.remove_folder(os.path.join(work, "store"))  # of a plan that may have been another
    with addresses.new_place(FileSystems.join(work, VIDEOS)) as path:
        path.write_text("".join(json.dumps(item) + "\n" for item in videos), encoding="ascii")
    here = "--runner=FnApiRunner" in arguments and not any("--direct_running_mode" in it for it in arguments)
    runner = _processes_here(work) if here else None
    pipeline = apache_beam.Pipeline(runner=runner, options=PipelineOptions(arguments))
    _plan_job(pipeline, work, shards, settings)
    try:
        pipeline.run().wait_until_finish()
    except Exception as error:  # of many kinds, by runner
        lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise ValueError(
            f"{work}: the Beam job failed: {lines[-1].strip()}. What is finished is kept: the same command "
            "goes on from there"
        ) from error
    return tuple(addresses.read_json(FileSystems.join(work, name)) for name in (REPORT, SHARDS))


def _plan_job(pipeline, work, shards, settings):
    """Every video to a part, the rows to a plan, every planned shard to a file; what comes out is files."""
    import apache_beam as beam

    rows = (
        pipeline
        | beam.Create([FileSystems.join(work, VIDEOS)])
        | "lines" >> beam.FlatMap(FileSystems.open)
        | "spread videos" >> beam.Reshuffle()
        | "read videos" >> beam.Map(beam_steps.make_part, work, settings)
        | "all videos" >> beam.combiners.ToList()
    )
    rows | "report" >> beam.Map(beam_steps.keep_rows, FileSystems.join(work, REPORT))
    (
        rows
        | "plan shards" >> beam.FlatMap(beam_steps.plan_shards, settings)
        | "spread shards" >> beam.Reshuffle()
        | "write shards" >> beam.Map(beam_steps.make_shard, shards)
        | "all shards" >> beam.combiners.ToList()
        | "list shards" >> beam.Map(beam_steps.keep_rows, FileSystems.join(work, SHARDS))
    )


def _processes_here(work):
    """A runner with a process for each worker. Beam's own way takes no Python whose path has a space, and
    fills the terminal with the workers' messages; these go to a file, if the work folder is on this machine.
    """
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from apache_beam.transforms.environments import SubprocessSDKEnvironment

    logging.getLogger("apache_beam.runners").setLevel(logging.ERROR)
    command = [sys.executable, "-m", "apache_beam.runners.worker.sdk_worker_main"]
    quote = subprocess.list2cmdline if os.name == "nt" else shlex.join
    log = os.devnull if addresses.is_address(work) else os.path.join(work, "workers.log")
    line = f"{quote(command)} 2>> {quote([log])}"
    return FnApiRunner(default_environment=SubprocessSDKEnvironment.from_command_string(line))
