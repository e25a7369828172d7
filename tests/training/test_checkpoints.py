"""Checkpoints: what is saved comes back bit for bit; what is damaged is passed over, never half loaded."""

import errno
import io
import os
import re
import tempfile
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_game import make_gan, values

from vgcourse.files import PART
from vgcourse.training.checkpoints import (
    NotFiniteError,
    list_checkpoints,
    restore_checkpoint,
    save_checkpoint,
    state_of,
)


@pytest.fixture(scope="module")
def gan(compiled):
    return compiled[0]


def scramble(gan, step, *, seed=0):
    """Give every variable random values, as training would; returns them by name."""
    rng = np.random.default_rng([seed, step])
    for variable in state_of(gan).values():
        if "float" in str(variable.dtype):
            variable.assign(rng.standard_normal(variable.shape).astype(np.float32))
        else:
            variable.assign(rng.integers(1, 1000))
    gan.step.assign(step)
    return values(gan)


def same(first, second):
    return first.keys() == second.keys() and all(np.array_equal(first[k], second[k]) for k in first)


@pytest.fixture
def run(gan, tmp_path):
    """A run folder with checkpoints of steps 10 and 20, and their states."""
    states = {}
    for step in (10, 20):
        states[step] = scramble(gan, step)
        save_checkpoint(gan, tmp_path)
    scramble(gan, 99)
    return tmp_path, states


def restore(gan, folder):
    """Restore; returns the step and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        step = restore_checkpoint(gan, folder)
    return step, [str(warning.message) for warning in caught if "checkpoint" in str(warning.message)]


# ---- round trip ------------------------------------------------------------------------------------------


def test_every_variable_has_a_name_of_its_own(gan):
    state = state_of(gan)
    listed = [id(variable) for variable in state.values()]
    assert len(set(listed)) == len(listed)
    everything = [
        *gan.generator.weights,
        *gan.discriminator.weights,
        *gan.ema_generator.weights,
        *gan.g_optimizer.variables,
        *gan.d_optimizer.variables,
        gan.step,
    ]
    assert {id(variable) for variable in everything} == set(listed)


def test_loss_scaling_is_part_of_the_state():
    made = make_gan()
    optimizers = [keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-3)) for _ in range(2)]
    made.compile(*optimizers)
    listed = {id(variable) for variable in state_of(made).values()}
    for optimizer in optimizers:
        kept = [*optimizer.inner_optimizer.variables, optimizer.dynamic_scale, optimizer.step_counter]
        assert {id(variable) for variable in kept} <= listed


def test_what_is_saved_comes_back_bit_for_bit_in_another_model(gan, tmp_path):
    saved = scramble(gan, 123)
    path = save_checkpoint(gan, tmp_path / "new" / "run")
    assert path == tmp_path / "new" / "run" / "checkpoint-00000123.npz"
    other = make_gan()
    assert not same(values(other), saved)
    assert restore(other, tmp_path / "new" / "run") == (123, [])
    assert same(values(other), saved)


def test_the_newest_is_loaded(gan, run):
    folder, states = run
    assert restore(gan, folder) == (20, [])
    assert same(values(gan), states[20])


def test_the_newest_two_are_kept(gan, tmp_path):
    for step in (9, 10, 99_999_999, 100_000_000):
        scramble(gan, step)
        save_checkpoint(gan, tmp_path)
    expected = ["checkpoint-100000000.npz", "checkpoint-99999999.npz"]
    assert sorted(path.name for path in tmp_path.iterdir()) == expected
    assert restore(gan, tmp_path)[0] == 100_000_000


def test_after_a_step_back_later_ones_are_dropped(gan, run):
    folder, _ = run
    scramble(gan, 13)
    save_checkpoint(gan, folder)
    assert [path.name for path in list_checkpoints(folder)] == [
        "checkpoint-00000010.npz",
        "checkpoint-00000013.npz",
    ]


def test_other_files_are_left_alone(gan, run):
    folder, _ = run
    for name in ("notes.txt", "checkpoint-best.npz", "checkpoint-00000099.npz.bak"):
        (folder / name).write_text("mine")
    scramble(gan, 30)
    save_checkpoint(gan, folder)
    assert restore(gan, folder) == (30, [])
    assert sorted(path.name for path in folder.iterdir() if path.read_bytes() == b"mine") == [
        "checkpoint-00000099.npz.bak",
        "checkpoint-best.npz",
        "notes.txt",
    ]


def test_the_half_file_of_a_killed_process_is_never_read_and_is_removed(gan, run):
    folder, states = run
    half = folder / f"{PART}0123456789abcdef.npz"
    half.write_bytes((folder / "checkpoint-00000020.npz").read_bytes()[:1000])
    assert restore(gan, folder) == (20, [])
    assert same(values(gan), states[20])
    scramble(gan, 40)
    save_checkpoint(gan, folder)
    assert not half.exists()


# ---- damage ----------------------------------------------------------------------------------------------


def flip(content, place):
    return content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]


def with_a_pickle(content):
    file = io.BytesIO()
    np.savez(file, **{"weights/000": np.array([print], dtype=object)})
    return file.getvalue()


# The header of an array that no buffer holds as a whole: the discriminator's kernel, 3 frames by 400 units.
LARGE = b"{'descr': '<f4', 'fortran_order': False, 'shape': (9, 400), }"
DAMAGES = {
    "cut in the middle": lambda content: content[: len(content) // 2],
    "last byte missing": lambda content: content[:-1],
    "empty": lambda content: b"",
    "a byte flipped": lambda content: flip(content, len(content) // 2),
    "the header of an array flipped": lambda content: flip(content, content.index(b"descr") + 10),
    # Fewer numbers than there are: NumPy alone would not read on to the checksum.
    "a smaller type": lambda content: content.replace(LARGE, LARGE.replace(b"f4", b"f2"), 1),
    "a smaller shape": lambda content: content.replace(LARGE, LARGE.replace(b"(9", b"(1"), 1),
    "zeros": lambda content: bytes(len(content)),
    "text": lambda content: b"not a checkpoint",
    "a pickle": with_a_pickle,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_falls_back_to_the_one_before(gan, run, damage):
    folder, states = run
    newest = folder / "checkpoint-00000020.npz"
    whole = newest.read_bytes()
    newest.write_bytes(damage(whole))
    assert newest.read_bytes() != whole
    step, messages = restore(gan, folder)
    assert step == 10
    assert same(values(gan), states[10])
    assert len(messages) == 1
    assert re.search(r"checkpoint-00000020\.npz: corrupted checkpoint", messages[0])


@pytest.fixture(scope="module")
def contents(gan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    states = {step: scramble(gan, step) for step in (10,)}
    save_checkpoint(gan, folder)
    states[20] = scramble(gan, 20)
    save_checkpoint(gan, folder)
    return {path.name: path.read_bytes() for path in list_checkpoints(folder)}, states


@given(st.data())
@settings(max_examples=25)
def test_whatever_byte_is_flipped_no_mixture_is_loaded(gan, contents, data):
    files, states = contents
    newest = files["checkpoint-00000020.npz"]
    near_an_end = st.integers(0, 3000).map(lambda place: place - 1500)  # first header, central directory
    place = data.draw(near_an_end | st.integers(0, len(newest) - 1)) % len(newest)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(flip(content, place) if content is newest else content)
        step, messages = restore(gan, folder)
    assert same(values(gan), states[step])
    assert (step == 10) == bool(messages)  # a byte that says nothing, a date, does no harm


def test_if_all_are_damaged_nothing_is_loaded(gan, run):
    folder, _ = run
    for path in list_checkpoints(folder):
        path.write_bytes(path.read_bytes()[:-100])
    before = values(gan)
    with (
        pytest.warns(UserWarning, match="corrupted checkpoint"),
        pytest.raises(ValueError, match=re.escape(str(folder)) + ".*received 2 corrupted"),
    ):
        restore_checkpoint(gan, folder)
    assert same(values(gan), before)


@pytest.mark.parametrize("folder", ["empty", "missing"])
def test_no_checkpoint_is_one_clear_error(gan, tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=rf"{folder}: expected checkpoint-\*\.npz .* received none"):
        restore_checkpoint(gan, tmp_path / folder)
    assert list_checkpoints(tmp_path / folder) == []


def test_a_checkpoint_of_another_size_is_named_with_both_shapes(run):
    folder, _ = run
    other = make_gan(units=3)
    before = values(other)
    with np.load(folder / "checkpoint-00000020.npz") as file:
        name = next(name for name in before if file[name].shape != before[name].shape)
        kinds = f"{before[name].dtype} of shape {{}}, received {file[name].dtype} of shape {{}}"
        kinds = re.escape(f"expected {name}, {kinds}".format(before[name].shape, file[name].shape))
    with pytest.raises(ValueError, match=rf"checkpoint-00000020\.npz: {kinds}: this is another model"):
        restore_checkpoint(other, folder)
    assert same(values(other), before)


def test_a_checkpoint_of_another_model_is_named(gan, run):
    folder, states = run
    arrays = {name: array for name, array in states[20].items() if name != "g_optimizer/003"}
    np.savez(folder / "checkpoint-00000020.npz", **arrays)
    before = values(gan)
    with pytest.raises(ValueError, match=r"00000020\.npz: expected g_optimizer/003, .*, received none"):
        restore_checkpoint(gan, folder)
    assert same(values(gan), before)


# ---- writing that fails ----------------------------------------------------------------------------------


def assert_still_good(gan, folder, states):
    """The two checkpoints are untouched and nothing lies beside them."""
    assert sorted(path.name for path in folder.iterdir()) == [
        "checkpoint-00000010.npz",
        "checkpoint-00000020.npz",
    ]
    assert restore(gan, folder) == (20, [])
    assert same(values(gan), states[20])


@pytest.mark.parametrize(
    ("number", "group"), [(np.nan, "weights"), (np.inf, "g_optimizer"), (-np.inf, "d_optimizer")]
)
def test_a_state_that_is_not_finite_is_never_kept(gan, run, number, group):
    folder, states = run
    scramble(gan, 30)
    name = next(name for name, v in state_of(gan).items() if name.startswith(group) and len(v.shape) == 2)
    array = np.array(state_of(gan)[name].numpy())
    array[-1, -1] = number
    state_of(gan)[name].assign(array)
    with pytest.raises(NotFiniteError, match=rf"finite.*{name}"):
        save_checkpoint(gan, folder)
    assert_still_good(gan, folder, states)


def full_disk(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def half_of_savez(path, **arrays):
    path.write_bytes(b"PK\x03\x04" + bytes(1000))
    full_disk()


@pytest.mark.parametrize(
    ("module", "name", "fails"),
    [(os, "fsync", full_disk), (np, "savez", half_of_savez), (os, "replace", full_disk)],
)
def test_a_full_disk_leaves_the_last_checkpoints(gan, run, monkeypatch, module, name, fails):
    folder, states = run
    scramble(gan, 30)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, fails)
        with pytest.raises(ValueError, match=r"checkpoint-00000030\.npz: cannot be written: No space left"):
            save_checkpoint(gan, folder)
    assert_still_good(gan, folder, states)


def test_a_file_that_may_not_grow_leaves_the_last_checkpoints(gan, run):
    """The operating system itself stops the writing half-way."""
    resource = pytest.importorskip("resource", reason="file size limits are for POSIX")
    folder, states = run
    scramble(gan, 30)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = (folder / "checkpoint-00000020.npz").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, limits[1]))
    try:
        with pytest.raises(ValueError, match=r"checkpoint-00000030\.npz: cannot be written"):
            save_checkpoint(gan, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert_still_good(gan, folder, states)


def test_an_interrupt_while_writing_leaves_the_last_checkpoints(gan, run, monkeypatch):
    folder, states = run
    scramble(gan, 30)

    def interrupted(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            save_checkpoint(gan, folder)
    assert_still_good(gan, folder, states)


def test_a_folder_that_cannot_be_written_is_named(gan, tmp_path):
    (tmp_path / "file").write_text("in the way")
    scramble(gan, 1)
    with pytest.raises(ValueError, match=r"file.run.checkpoint-00000001\.npz: cannot be written"):
        save_checkpoint(gan, tmp_path / "file" / "run")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_named(gan, tmp_path):
    tmp_path.chmod(0o500)
    scramble(gan, 1)
    with pytest.raises(ValueError, match=r"checkpoint-00000001\.npz: cannot be written: Permission denied"):
        save_checkpoint(gan, tmp_path)
