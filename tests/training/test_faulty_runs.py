"""Run folders with faults that checksums do not find: forged checkpoints, changed settings and histories."""

import errno
import io
import types
import warnings
import zipfile

import keras
import numpy as np
import pytest

from vgcourse import datasets
from vgcourse.gan import make_gan
from vgcourse.training import lock, run
from vgcourse.training.checkpoints import restore_checkpoint, save_checkpoint, state_of
from vgcourse.training.run import read_config, write_config


class Small:
    """As much of a GAN as a checkpoint needs."""

    def __init__(self):
        shapes = ((4, 3), (3,), (2,), (2,))
        values = [keras.Variable(np.zeros(shape, np.float32)) for shape in shapes]
        self.step = keras.Variable(0, dtype="int64", trainable=False)
        self.weights = [values[0], self.step, values[1]]
        self.g_optimizer, self.d_optimizer = (types.SimpleNamespace(variables=[v]) for v in values[2:])


@pytest.fixture
def gan():
    return Small()


def values(gan):
    return {name: np.asarray(variable).copy() for name, variable in state_of(gan).items()}


def same(first, second):
    return first.keys() == second.keys() and all(np.array_equal(first[k], second[k]) for k in first)


@pytest.fixture
def saved(gan, tmp_path):
    """A run folder with checkpoints of steps 10 and 20, and their states."""
    states = {}
    for step in (10, 20):
        for variable in state_of(gan).values():
            variable.assign(np.full(variable.shape, step))
        states[step] = values(gan)
        save_checkpoint(gan, tmp_path)
    return tmp_path, states


def restore(gan, folder):
    """Restore; returns the step and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        step = restore_checkpoint(gan, folder)
    return step, [str(warning.message) for warning in caught]


# ---- checkpoints -----------------------------------------------------------------------------------------


def resealed(content, change):
    """A checkpoint whose first member was changed and has a right checksum again."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for place, name in enumerate(old.namelist()):
            member = old.read(name)
            new.writestr(zipfile.ZipInfo(name), member if place else change(member))
    return file.getvalue()


def with_header(shape, descr="<f4"):
    """Any array under a header that says something else."""

    def change(member):
        text = (
            f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
        )
        return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + member[128:]

    return change


FORGED = {
    "a shape of 4 TB": with_header((10**6, 10**6)),
    "a negative shape": with_header((-1,)),
    "no shape": with_header(()),
    "a shape of nothing": with_header((0, 10**18)),
    "objects": with_header((2,), "|O"),
    "half as large": with_header((1,), "<f2"),
    "another version": lambda member: member[:6] + b"\x09" + member[7:],
    "no array": lambda member: b"text",
    "nothing": lambda member: b"",
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_a_header_that_does_not_fit_is_found_before_there_is_room_made_for_it(
    gan, saved, change, monkeypatch
):
    folder, states = saved
    newest = folder / "checkpoint-00000020.npz"
    newest.write_bytes(resealed(newest.read_bytes(), change))
    monkeypatch.setattr(np.lib.format, "read_array", limited_read_array)
    step, messages = restore(gan, folder)
    assert step == 10
    assert same(values(gan), states[10])
    assert len(messages) == 1


def limited_read_array(file, *, read_array=np.lib.format.read_array, **options):
    array = read_array(file, **options)
    assert array.nbytes < 2**26
    return array


def test_a_packed_member_is_refused(gan, saved):
    """A packed file may hold any number of bytes; `save_checkpoint` packs nothing."""
    folder, states = saved
    newest, file = folder / "checkpoint-00000020.npz", io.BytesIO()
    with zipfile.ZipFile(newest) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    newest.write_bytes(file.getvalue())
    step, messages = restore(gan, folder)
    assert step == 10
    assert "packed" in messages[0]


def test_an_array_of_another_type_is_named(gan, saved):
    folder, _ = saved
    newest = folder / "checkpoint-00000020.npz"
    with np.load(newest) as file:
        arrays = dict(file)
    name = next(name for name, array in arrays.items() if array.dtype == np.float32)
    np.savez(newest, **{**arrays, name: arrays[name].astype(str)})
    before = values(gan)
    with pytest.raises(
        ValueError, match=f"checkpoint-00000020.npz: expected {name}, float32 of shape .*, received <U"
    ):
        restore_checkpoint(gan, folder)
    assert same(values(gan), before)


# ---- settings, history, whose folder it is ---------------------------------------------------------------


def test_settings_of_another_program_are_named(tmp_path):
    write_config(tmp_path, {"size": "64"})
    with pytest.raises(ValueError, match=r"config\.json: size: expected one of 32, 64, 128, received '64'"):
        read_config(tmp_path)


def test_settings_that_an_editor_put_a_mark_before_are_read(tmp_path):
    settings = {"size": 32, "num_frames": 4, "fps": 10.0, "action_names": ["left"], "precision": "float32"}
    write_config(tmp_path, settings | {"batch_size": 2, "seed": 0})
    path = tmp_path / "config.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_config(tmp_path)["size"] == 32
    lock.check_run_folder(tmp_path)


@pytest.fixture
def store(tmp_path):
    rng = np.random.default_rng(0)
    clips = rng.integers(0, 256, (8, 16, 32, 32, 3), np.uint8)
    names = ("left", "right")
    made = datasets.Clips(clips, np.arange(8) % 2, np.full(8, -1), names, 10.0)
    return datasets.save_clips(tmp_path / "store", made)


def test_a_folder_with_somebody_elses_files_is_refused(store, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text('{"learning_rate": 0.1}')
    with pytest.raises(ValueError, match="run: holds config.json.*choose another folder"):
        run.start_run(store, tmp_path / "run", precision="float32", batch_size=4)
    assert (tmp_path / "run" / "config.json").read_text() == '{"learning_rate": 0.1}'


def test_two_trainings_in_one_folder(store, tmp_path, monkeypatch):
    def taken(descriptor):
        raise BlockingIOError(errno.EAGAIN, "taken")

    run.start_run(store, tmp_path / "run", precision="float32", batch_size=4)
    kept = (tmp_path / "run" / "config.json").read_bytes()
    monkeypatch.setattr(lock, "_lock", taken)
    for start in (
        lambda: run.start_run(store, tmp_path / "run", precision="float32", batch_size=2),
        lambda: run.continue_run(store, tmp_path / "run", steps=10),
    ):
        with pytest.raises(ValueError, match="run: another training is writing here"):
            start()
    assert (tmp_path / "run" / "config.json").read_bytes() == kept


def test_a_batch_that_the_store_does_not_fill_is_said_with_the_stores_name(store, tmp_path):
    config = run.start_run(store, tmp_path / "run", precision="float32", batch_size=4)
    run.write_config(tmp_path / "run", {**config, "batch_size": 9})
    with pytest.raises(ValueError, match="store: the run was started with 9 clips a step, received 8"):
        run.continue_run(store, tmp_path / "run", steps=10)


TABLE = "step,seconds,d_loss\n10,1.5,0.7\n20,3.0,0.6\n"


@pytest.mark.parametrize("text", [TABLE, "\ufeff" + TABLE, TABLE.replace("\n", "\r\n")])
def test_a_history_is_read_whatever_a_spreadsheet_did_to_its_lines(tmp_path, text):
    (tmp_path / "history.csv").write_bytes(text.encode())
    rows = [{"step": 10, "seconds": 1.5, "d_loss": 0.7}, {"step": 20, "seconds": 3.0, "d_loss": 0.6}]
    assert run.read_history(tmp_path) == rows
    assert run.read_history(tmp_path, up_to=19) == rows[:1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("20", "inf"),
        ("20", "nan"),
        ("20", "20.5"),
        ("20", "10"),
        ("20", "9"),
        ("20", "-20"),
        ("10,", ","),
        (",", ";"),
    ]
    + [("seconds", "time"), ("step", "Step"), ("0.6", "nan"), ("0.6", "-inf"), ("0.6", "0.6,1"), (",0.6", "")]
    + [("1.5", "-1.5"), ("0.7", "x"), ("0.7", "\xe9"), ("0.7", "\0"), ("20", "1" * 400)],
)
def test_a_history_with_anything_else_is_named_in_one_line(tmp_path, old, new):
    assert old in TABLE
    (tmp_path / "history.csv").write_bytes(TABLE.replace(old, new).encode("latin-1"))
    with pytest.raises(ValueError, match=r"history\.csv: expected a table of numbers") as caught:
        run.read_history(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_history_with_other_columns_is_named_at_the_first_row(store, tmp_path):
    (tmp_path / "history.csv").write_text(TABLE)
    gan = make_gan(32, ("left", "right"), num_frames=4)
    gan.step.assign(20)
    rows = iter([{"step": 30, "seconds": 1.0, "d_loss": 0.5, "new": 1.0}])
    with pytest.raises(
        ValueError, match=r"history\.csv: expected columns step, seconds, d_loss, new, received"
    ):
        next(run.keep_run(rows, gan, tmp_path, steps=30))
