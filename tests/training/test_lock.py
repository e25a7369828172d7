"""The lock on a run's folder, with real processes; and which folders a new run may use."""

import errno
import json
import os
import subprocess
import sys
import types

import pytest

from vgcourse.training import lock
from vgcourse.training.lock import check_run_folder, own_folder

# Holds the lock, says so, and waits for its standard input to end. Without TensorFlow: it has to start fast.
HOLDER = """
import sys, types
sys.modules["vgcourse.training"] = package = types.ModuleType("vgcourse.training")
package.__path__ = [sys.argv[1] + "/vgcourse/training"]
settings = sys.modules["vgcourse.training.settings"] = types.ModuleType("settings")
settings.is_run_settings = None
from vgcourse.training.lock import own_folder
with own_folder(sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path, pytestconfig):
    """Another process that holds the lock on `tmp_path / "run"`."""
    command = [sys.executable, "-c", HOLDER, str(pytestconfig.rootpath), str(tmp_path / "run")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=pytestconfig.rootpath, **pipes) as process:
        assert process.stdout.readline() == b"held" + os.linesep.encode()
        yield process
        process.kill()


def test_a_folder_that_another_process_writes_to_is_refused_until_that_ends(holder, tmp_path):
    with pytest.raises(ValueError, match="run: another training is writing here.*another folder"):  # noqa: SIM117
        with own_folder(tmp_path / "run"):
            pytest.fail("two at once")
    with own_folder(tmp_path / "other"):
        pass
    assert not (tmp_path / "other").exists()  # nothing was written
    holder.stdin.close()
    assert holder.wait() == 0
    with own_folder(tmp_path / "run"):
        pass


def test_a_killed_process_locks_nobody_out(holder, tmp_path):
    holder.kill()
    holder.wait()
    assert (tmp_path / "run" / ".lock").exists()
    with own_folder(tmp_path / "run"):
        pass


def test_the_lock_is_held_to_the_end_of_the_outermost_block_and_freed_by_an_error(tmp_path):
    def another():
        """Whether another holder would be let in, asked of the system."""
        with (tmp_path / ".lock").open("ab") as file:
            try:
                lock._lock(file.fileno())
            except OSError:
                return False
            return True

    for _ in range(2):
        with own_folder(tmp_path):
            for _ in range(2):
                with own_folder(tmp_path / ".." / tmp_path.name):  # the same process, by another name
                    assert not another()
            assert not another()
        assert another()
        with pytest.raises(KeyError), own_folder(tmp_path):
            raise KeyError
        assert another()


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_locks_gives_one_warning(tmp_path, monkeypatch, code):
    def no_locks(descriptor):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(lock, "_lock", no_locks)
    with pytest.warns(UserWarning, match=f"run: cannot be locked here.*{os.strerror(code)}") as caught:  # noqa: SIM117
        with own_folder(tmp_path / "run"):
            entered = True
    assert entered
    assert len(caught) == 1


@pytest.mark.parametrize("code", [errno.EAGAIN, errno.EACCES])
def test_both_ways_to_say_that_a_lock_is_taken(tmp_path, monkeypatch, code):
    def taken(descriptor):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(lock, "_lock", taken)
    with pytest.raises(ValueError, match="another training"), own_folder(tmp_path):
        pytest.fail("two at once")


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "run").write_text("in the way")
    with pytest.raises(ValueError, match="run.*cannot be written"), own_folder(tmp_path / "run"):
        pytest.fail("there is no folder")
    with pytest.raises(ValueError, match="run: expected a folder"):
        check_run_folder(tmp_path / "run")


OURS = {"size": 32, "num_frames": 16, "fps": 10.0, "action_names": ["walk"], "precision": "float32"}
OURS |= {"batch_size": 8, "seed": 0}


@pytest.mark.parametrize(
    "name", ["config.json", "history.csv", "generator.keras", "changes.patch", "checkpoint-7.npz"]
)
def test_files_of_other_people_are_not_written_over(tmp_path, name):
    (tmp_path / name).write_text('{"learning_rate": 0.1}')
    with pytest.raises(ValueError, match=f"holds {name}.*choose another folder"):
        check_run_folder(tmp_path)
    if name != "config.json":
        (tmp_path / "config.json").write_text(json.dumps(OURS))
        check_run_folder(tmp_path)  # a run's own files


@pytest.mark.parametrize("content", ["", "[]", "7", "[" * 100_000, '{"size": 32}', "\ufeff{}"])
def test_settings_that_are_no_runs(tmp_path, content):
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="config.json"):
        check_run_folder(tmp_path)


def test_folders_for_a_new_run(tmp_path):
    check_run_folder(tmp_path / "missing")
    assert not (tmp_path / "missing").exists()
    check_run_folder(tmp_path)
    for name in (".lock", "notes.txt", "checkpoint.txt"):  # nothing that a run writes
        (tmp_path / name).write_text("")
    check_run_folder(tmp_path)


def test_windows_locks_by_another_call(tmp_path, monkeypatch):
    called = []
    windows = types.SimpleNamespace(LK_NBLCK=2, locking=lambda *arguments: called.append(arguments[1:]))
    monkeypatch.delattr(lock, "fcntl", raising=False)
    monkeypatch.setattr(lock, "msvcrt", windows, raising=False)
    with own_folder(tmp_path):
        assert called == [(2, 1)]
