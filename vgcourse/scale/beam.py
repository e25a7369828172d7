"""Outgrow, preparing videos: Apache Beam does the steps of `beam_steps`, here or on Flink, Spark or Dataflow.

Every worker needs `vgcourse` installed: with Beam's options `setup_file`, `requirements_file` or
`sdk_container_image`. What travels between workers are names and counts.
"""

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
from vgcourse.video import checked_path

VIDEOS = "videos.jsonl"
WORKERS_LOG = "workers.log"


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
        ValueError: Beam is missing, there is no usable video, a setting is out of its range, something else
            is where the store should be, or the job failed; then the same call goes on where it stopped.
    """
    addresses.import_beam()
    folders.check_clip_settings(*settings[:3])
    folder, store, work = _places(folder, store, overwrite)
    videos, labels = beam_steps.list_videos(folder)
    names = tuple(sorted(set(labels)))
    try:
        with addresses.new_file(addresses.join(work, VIDEOS)) as path:
            path.write_text("".join(json.dumps(item) + "\n" for item in videos), encoding="ascii")
        _run(work, settings, list(arguments))
        rows = beam_steps.read_report(work)
        report.extend(folders.FileReport(*row["report"]) for row in rows)
        folders.report_empty_labels(report, labels, names)
        if not any(row["clips"] for row in rows):
            addresses.remove_folder(work)
            raise ValueError(f"{folder}: expected a usable video, received {len(rows)} unusable ones")
        return beam_steps.finish_store(store, work, settings, action_names=names, rows=rows)
    except OSError as error:
        raise ValueError(f"{store}: expected to write a store here, received: {error}") from error


def _places(folder, store, overwrite):
    """Folder of videos, store and work folder, as text; a ValueError if the store's place is taken."""
    folder, store = checked_path(folder), checked_path(store)
    if addresses.is_address(store):
        store = store.rstrip("/")
        if addresses.exists(addresses.join(store, stores.INDEX_NAME)):
            raise ValueError(f"{store}: there is a store already; choose another address")
        return folder, store, f"{store}-work"
    store = Path(os.path.abspath(store))
    stores.check_vacant(store, overwrite)
    return folder, str(store), str(store.with_name(f".{store.name}-work"))


def _run(work, settings, arguments):
    """Runs the job: every video to a part, all rows to a plan, every planned shard to a file."""
    beam = addresses.import_beam()
    from apache_beam.options.pipeline_options import PipelineOptions

    here = "--runner=FnApiRunner" in arguments and not any("--direct_running_mode" in it for it in arguments)
    runner = _processes_here(os.path.join(work, WORKERS_LOG)) if here and os.path.isdir(work) else None
    pipeline = beam.Pipeline(runner=runner, options=PipelineOptions(arguments))
    (  # what comes out is in files
        pipeline
        | beam.Create([addresses.join(work, VIDEOS)])
        | "lines" >> beam.FlatMap(read_lines)
        | "spread videos" >> beam.Reshuffle()
        | "read videos" >> beam.Map(beam_steps.make_part, work, settings)
        | "all videos" >> beam.combiners.ToList()
        | "plan shards" >> beam.FlatMap(beam_steps.report_and_plan, work, settings)
        | "spread shards" >> beam.Reshuffle()
        | "write shards" >> beam.Map(beam_steps.make_shard, work)
    )
    try:
        pipeline.run().wait_until_finish()
    except Exception as error:  # of many kinds, by runner
        lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise ValueError(
            f"{work}: the Beam job failed: {lines[-1].strip()}. What is finished is kept: the same command "
            "goes on from there"
        ) from error


def _processes_here(log):
    """A runner with a process for each worker. Beam's own way takes no Python whose path has a space, and
    fills the terminal with the workers' messages; these go to the file `log`."""
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from apache_beam.transforms.environments import SubprocessSDKEnvironment

    logging.getLogger("apache_beam.runners").setLevel(logging.ERROR)
    command = [sys.executable, "-m", "apache_beam.runners.worker.sdk_worker_main"]
    quote = subprocess.list2cmdline if os.name == "nt" else shlex.join
    line = f"{quote(command)} 2>> {quote([log])}"
    return FnApiRunner(default_environment=SubprocessSDKEnvironment.from_command_string(line))


def read_lines(address):
    """Yield the lines of the text at `address`, without holding them all."""
    with addresses.open_file(address) as file:
        for line in file:
            yield line.decode("ascii")
