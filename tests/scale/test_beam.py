"""A few hundred files, some of them bad, by Apache Beam: on several processes, killed, and at addresses."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import odd_videos
import pytest
from typer.testing import CliRunner

from vgcourse import __main__ as command_line
from vgcourse import datasets
from vgcourse.datasets import folders
from vgcourse.datasets import store as stores
from vgcourse.scale import addresses, beam, beam_steps
from vgcourse.training import lock

SETTINGS = beam_steps.Settings(size=16, num_frames=4, fps=25.0, shard_bytes=60_000)  # 20 clips a shard
BAD = 6
NUM_FILES = 200


def write_corpus(folder, num_files):
    """Good videos of 12 frames, all different, in three subfolders; a bad one of each kind among them."""
    first = odd_videos.encode(folder / "pattern.mp4", odd_videos.moving_clip(12, 16, 16)).read_bytes()
    (folder / "pattern.mp4").unlink()
    kinds = [
        odd_videos.encode(folder / "kind.mp4", np.roll(odd_videos.moving_clip(12, 16, 16), k, axis=2))
        and (folder / "kind.mp4").read_bytes()
        for k in range(12)
    ]
    (folder / "kind.mp4").unlink()
    for k in range(num_files - BAD):
        path = folder / ("geht los", "läuft", "跑")[k % 3] / f"video {k:03d}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(kinds[k % 12])
    (folder / "läuft" / "a link to nowhere.mp4").symlink_to(folder / "nothing.mp4")
    (folder / "läuft" / "video 010b.mp4").write_bytes(b"")
    (folder / "geht los" / "text.mp4").write_text("no video")
    (folder / "跑" / "video 100 cut short.mp4").write_bytes(first[: len(first) // 2])
    odd_videos.with_sound(folder / "跑" / "sound only.mp4")
    odd_videos.encode(folder / "geht los" / "too short.mp4", odd_videos.moving_clip(3, 16, 16))
    return folder


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("meine Filme") / "viele Videos 视频"
    folder.mkdir()
    return write_corpus(folder, NUM_FILES)


@pytest.fixture(scope="module")
def plain(videos):
    """The store and the report of the plain path."""
    store, report = videos.parent / "plain", []
    options = {"size": SETTINGS.size, "num_frames": SETTINGS.num_frames, "fps": SETTINGS.fps}
    parts = datasets.iter_folder(videos, **options, report=report)
    return datasets.save_clips(store, parts, shard_bytes=SETTINGS.shard_bytes), report


def contents(store):
    return {path.name: path.read_bytes() for path in Path(store).iterdir()}


def prepare(videos, store, arguments=None, **options):
    report = []
    arguments = beam.beam_arguments("direct", ["direct_num_workers=2"]) if arguments is None else arguments
    index = beam.prepare_folder(videos, store, SETTINGS, report=report, arguments=arguments, **options)
    return index, report


JOB = """
import sys
from vgcourse.scale import beam, beam_steps
arguments = beam.beam_arguments("direct", ["direct_num_workers=2"])
if __name__ == "__main__":
    settings = beam_steps.Settings(16, 4, 25.0, 60_000)
    beam.prepare_folder(sys.argv[1], sys.argv[2], settings, report=[], arguments=arguments)
"""


def stamps(work, pattern):
    """Inode and time of every whole file: another one of either means that it was made again."""
    paths = [path for path in work.glob(pattern) if not path.name.startswith(".")]
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}


@pytest.mark.slow
def test_a_job_killed_again_and_again_does_nothing_twice_and_makes_the_store_of_the_plain_path(
    videos, plain, tmp_path, monkeypatch
):
    store, work, done = tmp_path / "by beam 视频", tmp_path / ".by beam 视频-work", {}
    for whom in ("all", "a worker", "the driver"):
        job = subprocess.Popen([sys.executable, "-c", JOB, videos, store], start_new_session=True)
        kill_in_the_middle(job, work, whom, at_least=len(done) + 10)
        assert not store.exists()
        after = stamps(work, "parts/*.json")
        assert {name: after[name] for name in done} == done  # none of them was read again
        done = after
    # Workers that lost their driver finish what they were handed; on a fast machine that may be all of it.
    assert 30 <= len(done) <= NUM_FILES
    with monkeypatch.context() as patch:
        patch.setattr(addresses, "remove_folder", lambda place: None)  # to look at afterwards
        index, report = prepare(videos, store)
    after = stamps(work, "parts/*.json")
    assert {name: after[name] for name in done} == done
    assert len(after) == NUM_FILES
    assert contents(store) == contents(plain[0])  # every byte, the index's checksum too
    assert (index["num_clips"], len(index["shards"])) == (3 * (NUM_FILES - BAD), 30)
    assert report == plain[1]
    assert sum(row.status == "skipped" for row in report) == BAD
    shutil.rmtree(work)
    assert [path.name for path in tmp_path.iterdir()] == [store.name]


def kill_in_the_middle(job, work, whom, *, at_least):
    """Kills once so many videos are done; no process of the job is left."""
    try:
        wait_for(lambda: job.poll() is not None or len(stamps(work, "parts/*.json")) >= at_least, 600)
        assert job.poll() is None, "it ended before it could be killed"
        if whom == "all":
            os.killpg(job.pid, signal.SIGKILL)
        elif whom == "the driver":
            os.kill(job.pid, signal.SIGKILL)
        else:
            os.kill(workers_of(job.pid)[0], signal.SIGKILL)
        job.wait(300)  # a job that lost a worker ends by itself
        wait_for(lambda: not group_is_alive(job.pid), 300)  # and so do workers that lost their driver
    finally:
        if group_is_alive(job.pid):
            os.killpg(job.pid, signal.SIGKILL)
            job.wait()


def workers_of(pid):
    """Process ids of the Python workers in the process group."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            same = os.getpgid(int(folder.name)) == pid
        except OSError:
            continue
        if same and command[1:3] == [b"-m", b"apache_beam.runners.worker.sdk_worker_main"]:
            found.append(int(folder.name))
    return found


def group_is_alive(pid):
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


# ---- in one process --------------------------------------------------------------------------------------

IN_MEMORY = ["--runner=FnApiRunner", "--direct_running_mode=in_memory", "--direct_num_workers=1"]


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    folder = tmp_path_factory.mktemp("few") / "videos"
    folder.mkdir()
    return write_corpus(folder, 12)


@pytest.fixture
def attic(tmp_path):
    """A file system of which only Beam knows: `attic://` is a folder. Returns the folder."""
    from apache_beam.io.localfilesystem import LocalFileSystem

    root = str(tmp_path / "attic")

    def path(address):
        return address.replace("attic:/", root, 1)

    class Attic(LocalFileSystem):
        @classmethod
        def scheme(cls):
            return "attic"

        def match(self, patterns, limits=None):
            results = super().match([path(pattern) for pattern in patterns], limits)
            for result in results:
                for file in result.metadata_list:
                    file.path = file.path.replace(root, "attic:/", 1)
            return results

        def create(self, address, *args, **kwargs):
            return super().create(path(address), *args, **kwargs)

        def open(self, address, *args, **kwargs):
            return super().open(path(address), *args, **kwargs)

        def rename(self, sources, targets):
            assert not any(self.exists(target) for target in targets)  # as HDFS has it
            super().rename([path(source) for source in sources], [path(target) for target in targets])

        def exists(self, address):
            return super().exists(path(address))

        def delete(self, addresses):
            for address in addresses:
                os.remove(path(address))

    yield Path(root)
    del Attic  # Beam finds file systems among the subclasses that are alive


def test_videos_and_store_may_be_at_addresses(few, attic, tmp_path):
    shutil.copytree(few, attic / "videos", ignore=shutil.ignore_patterns("*nowhere*"))
    options = {"size": SETTINGS.size, "num_frames": SETTINGS.num_frames, "fps": SETTINGS.fps}
    parts = datasets.iter_folder(attic / "videos", **options, report=(expected := []))
    datasets.save_clips(tmp_path / "plain", parts, shard_bytes=SETTINGS.shard_bytes)
    _, report = prepare("attic://videos", "attic://stores/one", IN_MEMORY)
    assert contents(attic / "stores" / "one") == contents(tmp_path / "plain")
    assert [path.name for path in (attic / "stores").rglob("*.*") if "work" in str(path)] == []
    shown = [row._replace(reason=row.reason.replace(f"{attic}/", "attic://")) for row in expected]
    assert report == shown
    with pytest.raises(ValueError, match="attic://stores/one: there is a store already"):
        prepare("attic://videos", "attic://stores/one", IN_MEMORY)


def test_the_command_says_what_the_plain_one_says(few, tmp_path):
    said = []
    for store, options in (("a", []), ("b", ["--runner", "direct", *in_memory_options()])):
        settings = ["--size", "32", "--num-frames", "4", "--fps", "25"]
        result = CliRunner().invoke(
            command_line.app, ["prepare", str(few), str(tmp_path / store), *settings, *options]
        )
        assert result.exit_code == 0, result.output
        said.append(result.output.replace(str(tmp_path / store), "STORE"))
    assert said[0] == said[1]
    assert "6 videos read, 6 skipped" in said[0]
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def in_memory_options():
    options = ("direct_running_mode=in_memory", "direct_num_workers=1")
    return [word for option in options for word in ("--beam-option", option)]


def test_a_store_that_is_there_is_replaced_only_when_told_and_whole(few, tmp_path):
    prepare(few, tmp_path / "store", IN_MEMORY)
    before = contents(tmp_path / "store")
    with pytest.raises(ValueError, match="there is a store already"):
        prepare(few, tmp_path / "store", IN_MEMORY)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.mp4").write_text("text")
    with pytest.raises(ValueError, match="usable video"):
        prepare(tmp_path / "bad", tmp_path / "store", IN_MEMORY, overwrite=True)
    assert contents(tmp_path / "store") == before
    prepare(few, tmp_path / "store", IN_MEMORY, overwrite=True)
    assert contents(tmp_path / "store") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad", "store"]


def test_two_that_prepare_one_store(few, tmp_path, monkeypatch):
    """The second begins while the first is at work."""

    def second(*args):
        monkeypatch.setattr(lock, "_held", set())  # as another process sees it
        with pytest.raises(ValueError, match="another preparation is writing here"):
            beam.prepare_folder(few, tmp_path / "store", SETTINGS, report=[])
        raise KeyboardInterrupt

    monkeypatch.setattr(beam, "_run", second)
    with pytest.raises(KeyboardInterrupt):
        beam.prepare_folder(few, tmp_path / "store", SETTINGS, report=[])
    assert list(tmp_path.iterdir()) == []  # nothing came of it


def test_a_job_that_fails_says_so_in_one_line_and_goes_on(few, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(stores, "shard_name", full)
        with pytest.raises(ValueError, match="No space left.*goes on") as failure:
            prepare(few, tmp_path / "store", IN_MEMORY)
    assert "\n" not in str(failure.value)
    assert not (tmp_path / "store").exists()
    videos = beam_steps.list_videos(str(few), SETTINGS, [])  # reads a clip of each label
    monkeypatch.setattr(beam_steps, "list_videos", lambda *_: videos)
    monkeypatch.setattr(folders, "iter_clips", None)  # every video is done: none is read again
    index, _ = prepare(few, tmp_path / "store", IN_MEMORY)
    assert index["num_clips"] == 18


def test_options_reach_beam_as_they_are():
    assert beam.beam_arguments("FlinkRunner", ["flink_master=host:8081", "--parallelism=8", "streaming"]) == [
        "--runner=FlinkRunner",
        "--flink_master=host:8081",
        "--parallelism=8",
        "--streaming",
    ]
    assert beam.beam_arguments("direct", ["direct_num_workers=3"])[-1] == "--direct_num_workers=3"
    with pytest.raises(ValueError, match="key=value"):
        beam.beam_arguments("direct", ["=3"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--beam-option", "a=b"], "goes with --runner"),
        (["--runner", "NoSuchRunner"], "NoSuchRunner"),
    ],
)
def test_wrong_options_are_one_line(few, tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.setattr(sys, "argv", ["vgcourse", "prepare", str(few), str(tmp_path / "store"), *arguments])
    with pytest.raises(SystemExit) as stop:
        command_line.main()
    error = capsys.readouterr().err
    assert stop.value.code == 1
    assert error.count("\n") == 1
    assert words in error
