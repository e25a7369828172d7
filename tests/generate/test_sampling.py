import json
import math
import zipfile

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vgcourse import gan, generate
from vgcourse.generate import sampling

ACTIONS = ("walk", "run", "hop")


@pytest.fixture(scope="module")
def generator():
    keras.utils.set_random_seed(3)
    made = gan.VideoGenerator(32, ACTIONS, num_frames=4, fps=12, channels=2, latent_dims=(6, 5))
    made.build([(None, 6), (None, 4, 5), (None,)])
    return made


@pytest.fixture(scope="module")
def saved(generator, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "generator.keras"
    generator.save(path)
    return path


# ---- load ------------------------------------------------------------------------------------------------


def test_a_loaded_generator_makes_the_same_clips(generator, saved):
    loaded = generate.load_generator(saved)
    assert isinstance(loaded, gan.VideoGenerator)
    assert (loaded.size, loaded.num_frames, loaded.fps, loaded.action_names) == (32, 4, 12.0, ACTIONS)
    args = {"num_clips": 3, "seed": 1}
    np.testing.assert_array_equal(generate.sample(loaded, **args), generate.sample(generator, **args))


def test_without_a_path_the_shipped_generator_is_loaded(saved, tmp_path, monkeypatch):
    monkeypatch.setattr(sampling, "data_folder", lambda: tmp_path)
    with pytest.raises(ValueError, match=r"checkpoints.generator\.keras: .*no such file.*vgcourse demo"):
        generate.load_generator()
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "generator.keras").write_bytes(saved.read_bytes())
    assert generate.load_generator().action_names == ACTIONS


def test_a_folder_is_not_a_generator(tmp_path):
    with pytest.raises(ValueError, match="found a folder"):
        generate.load_generator(tmp_path)


def truncated(content):
    return content[: len(content) // 2]


def flipped(content):
    """One byte of the weights changed: zip's checksum must notice."""
    middle = content.index(b"model.weights.h5") + 3000
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [truncated, flipped, lambda content: b"", lambda content: b"not a model"])
def test_a_damaged_file_is_named_in_one_error(saved, tmp_path, damage):
    path = tmp_path / "damaged.keras"
    path.write_bytes(damage(saved.read_bytes()))
    with pytest.raises(ValueError, match=r"damaged\.keras: expected a generator .*cannot be read.*demo"):
        generate.load_generator(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size", 2**40),
        ("size", 32.5),
        ("num_frames", 10**9),
        ("channels", 10**6),
        ("channels", True),
        ("num_colours", -1),
        ("latent_dims", [6, 10**9]),
        ("latent_dims", 6),
        ("fps", float("nan")),
        ("fps", "fast"),
        ("action_names", ["walk", None, "hop"]),
        ("action_names", ["walk", "walk", "hop"]),
        ("action_names", []),
        ("action_names", {}),
        ("action_names", "walk"),
        ("action_names", ["walk", "../../run", "hop"]),
        ("action_names", ["walk", "r" * 201, "hop"]),
    ],
)
def test_forged_settings_are_refused_before_a_network_is_made(saved, tmp_path, monkeypatch, key, value):
    path = tmp_path / "forged.keras"
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(path, "w") as archive:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                model = json.loads(content)
                model["config"][key] = value
                content = json.dumps(model)
            archive.writestr(name, content)
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("too late"))
    with pytest.raises(ValueError, match=rf"forged\.keras: .*({key}: expected|TypeError)") as error:
        generate.load_generator(path)
    assert "\n" not in str(error.value)


def test_another_kind_of_file_is_named_in_one_error(tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.keras", "w") as archive:
        archive.writestr("photo.txt", "hello")
    with pytest.raises(ValueError, match=r"photos\.keras: expected a generator"):
        generate.load_generator(tmp_path / "photos.keras")


def test_another_model_is_named_in_one_error(tmp_path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "line.keras")
    with pytest.raises(ValueError, match=r"line\.keras: expected a VideoGenerator, found a Sequential"):
        generate.load_generator(tmp_path / "line.keras")


def test_code_in_a_file_is_not_run(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x + 1)])
    model.save(tmp_path / "code.keras")
    with pytest.raises(ValueError, match=r"code\.keras: expected a generator"):
        generate.load_generator(tmp_path / "code.keras")


# ---- latents ---------------------------------------------------------------------------------------------


def test_content_and_motion_are_two_streams_of_the_seed(generator):
    """As NumPy draws them from [seed, 0] and [seed, 1]: saved seeds show the same people for years."""
    content, motion = generate.content_codes(generator, [3, 9]), generate.motion_noise(generator, [3, 9])
    for k, seed in enumerate((3, 9)):
        first, second = (np.random.default_rng([seed, stream]) for stream in (0, 1))
        np.testing.assert_array_equal(content[k], first.standard_normal(6, np.float32))
        np.testing.assert_array_equal(motion[k], second.standard_normal((4, 5), np.float32))


def test_latents_are_standard_normal(generator):
    for draw, shape in ((generate.content_codes, (2000, 6)), (generate.motion_noise, (2000, 4, 5))):
        latents = draw(generator, range(2000))
        assert latents.shape == shape
        assert latents.dtype == np.float32
        # Five standard errors of the mean and of the standard deviation.
        assert abs(latents.mean()) < 5 / math.sqrt(latents.size)
        assert abs(latents.std() - 1) < 5 / math.sqrt(2 * latents.size)


def test_a_seed_is_one_person_in_any_company(generator):
    together = generate.content_codes(generator, [3, 7])
    np.testing.assert_array_equal(together[1:], generate.content_codes(generator, [7]))
    assert not np.array_equal(together[0], together[1])
    # Content and motion come from separate streams: the first numbers differ.
    assert not np.allclose(together[1, :5], generate.motion_noise(generator, [7])[0, 0])


@pytest.mark.parametrize("seed", [-1, 1.5, "7", None, True])
def test_a_seed_that_is_none_is_refused(generator, seed):
    with pytest.raises(ValueError, match="seed: expected a whole number from 0 on"):
        generate.sample(generator, num_clips=1, seed=seed)


# ---- sample ----------------------------------------------------------------------------------------------


class Recorder:
    """A generator that shows what it gets: content code in red, motion noise in green, action in blue."""

    size, num_frames, content_dim, motion_shape, action_names = 8, 4, 6, (4, 5), ACTIONS

    def __init__(self):
        self.batches = []

    def predict_on_batch(self, inputs):
        content, motion, actions = inputs
        assert (content.dtype, motion.dtype, actions.dtype) == (np.float32, np.float32, np.int32)
        self.batches.append(len(content))
        clips = np.zeros((len(content), 4, 8, 8, 3), np.float32)
        clips[..., 0] = np.tanh(content[:, 0])[:, None, None, None]
        clips[..., 1] = np.tanh(motion[:, :, 0])[:, :, None, None]
        clips[..., 2] = (actions / 2 - 1)[:, None, None, None]
        return clips


def test_sample_gives_uint8_clips_and_repeats_itself(generator):
    clips = generate.sample(generator, num_clips=5, seed=11)
    assert clips.shape == (5, 4, 32, 32, 3)
    assert clips.dtype == np.uint8
    np.testing.assert_array_equal(clips, generate.sample(generator, num_clips=5, seed=11))
    assert not np.array_equal(clips, generate.sample(generator, num_clips=5, seed=12))


def test_clips_are_what_the_generator_makes_of_its_latents(generator):
    content, motion = generate.content_codes(generator, [1, 2]), generate.motion_noise(generator, [3, 4])
    clips = generate.make_clips(generator, content, motion, ["hop", "run"])
    called = generator([content, motion, np.array([2, 1])], training=False)
    assert abs(clips / 127.5 - 1 - np.asarray(called)).max() < 0.6 / 127.5  # half a grey level, and rounding


def test_model_range_becomes_stored_range():
    clips = generate.sample(Recorder(), num_clips=3, seed=0)
    assert clips[0, 0, 0, 0, 2] == 0  # walk: -1
    assert clips[2, 0, 0, 0, 2] in (127, 128)  # hop: 0


def test_another_action_keeps_the_person_and_the_noise():
    walk, run = (generate.sample(Recorder(), num_clips=1, actions=[a], seed=5) for a in ("walk", "run"))
    np.testing.assert_array_equal(walk[..., :2], run[..., :2])
    assert (walk[..., 2] != run[..., 2]).all()


def test_clip_0_is_the_person_of_the_seed():
    recorder = Recorder()
    clip = generate.sample(recorder, num_clips=1, seed=7)[0]
    content, motion = generate.content_codes(recorder, [7]), generate.motion_noise(recorder, [7])
    np.testing.assert_array_equal(generate.make_clips(recorder, content, motion, ["walk"])[0], clip)


def test_more_clips_keep_the_first_ones_and_are_made_in_chunks():
    recorder = Recorder()
    many = generate.sample(recorder, num_clips=37, seed=2)
    assert sum(recorder.batches) == 37
    assert max(recorder.batches) <= sampling.CHUNK
    np.testing.assert_array_equal(generate.sample(Recorder(), num_clips=3, seed=2), many[:3])
    # Chunks are joined in order: 37 people, each with their own motion and action.
    content = np.random.default_rng([2, 0]).standard_normal((37, 6), np.float32)[:, 0]
    motion = np.random.default_rng([2, 1]).standard_normal((37, 4, 5), np.float32)[:, :, 0]
    for channel, values in ((0, content[:, None].repeat(4, axis=1)), (1, motion)):
        np.testing.assert_allclose(many[:, :, 0, 0, channel], (np.tanh(values) + 1) * 127.5, atol=0.51)
    np.testing.assert_allclose(many[:, 0, 0, 0, 2], [127.5 * (k % 3) / 2 for k in range(37)], atol=0.51)


@pytest.mark.parametrize(
    ("actions", "labels"),
    [
        (None, [0, 1, 2, 0, 1]),
        (["hop", "run"], [2, 1, 2, 1, 2]),
        ([1, "walk"], [1, 0, 1, 0, 1]),
        ("run", [1] * 5),
        (2, [2] * 5),
        (np.array([2, 0, 1]), [2, 0, 1, 2, 0]),
    ],
)
def test_actions_are_taken_in_turn(actions, labels):
    clips = generate.sample(Recorder(), num_clips=5, actions=actions, seed=0)
    blue = {0: (0,), 1: (63, 64), 2: (127, 128)}
    assert all(int(clip[0, 0, 0, 2]) in blue[label] for clip, label in zip(clips, labels, strict=True))


@pytest.mark.parametrize("action", ["fly", "", 3, -1, 0.5, True])
def test_an_unknown_action_is_named_with_the_known_ones(generator, action):
    with pytest.raises(ValueError, match=r"action: .* from 0 to 2 \(or one of walk, run, hop\), received"):
        generate.sample(generator, num_clips=2, actions=["walk", action], seed=0)
    if action != "":
        with pytest.raises(ValueError, match="action: expected"):
            generate.sample(generator, num_clips=2, actions=action, seed=0)


@pytest.mark.parametrize(
    ("num_clips", "actions"),
    [(0, None), ("2", None), (2.5, None), (True, None), (2, ["walk", "run", "hop"]), (2, [])],
)
def test_impossible_numbers_are_refused(generator, num_clips, actions):
    with pytest.raises(ValueError, match=rf"num_clips.*{num_clips}"):
        generate.sample(generator, num_clips=num_clips, actions=actions, seed=0)


def test_latents_of_another_shape_are_refused(generator):
    content, motion = generate.content_codes(generator, [1]), generate.motion_noise(generator, [1])
    with pytest.raises(ValueError, match=r"content: expected shape \(1, 6\), received \(1, 5\)"):
        generate.make_clips(generator, content[:, :5], motion, ["walk"])
    with pytest.raises(ValueError, match=r"motion: expected shape \(1, 4, 5\)"):
        generate.make_clips(generator, content, motion[:, :3], ["walk"])


# ---- between people --------------------------------------------------------------------------------------


def test_slerp_on_the_circle():
    points = generate.slerp([1, 0], [0, 1], 4)
    angles = np.radians([0, 30, 60, 90])
    np.testing.assert_allclose(points, np.stack([np.cos(angles), np.sin(angles)], 1), atol=1e-7)
    assert points.dtype == np.float32
    # From length 1 to length 3 over 120 degrees: halfway at length 2 and 60 degrees.
    third = generate.slerp([1, 0], [-1.5, 3 * np.sqrt(0.75)], 3)[1]
    np.testing.assert_allclose(third, [1, np.sqrt(3)], atol=1e-6)


@given(st.integers(0, 2**32), st.integers(2, 64), st.integers(2, 9))
@settings(max_examples=50)
def test_slerp_keeps_its_ends_and_changes_length_and_angle_evenly(seed, dim, num_steps):
    start, end = np.random.default_rng(seed).standard_normal((2, dim)).astype(np.float32)
    cosine = start @ end / np.linalg.norm(start) / np.linalg.norm(end)
    if abs(cosine) > 0.999:
        return
    arc = generate.slerp(start, end, num_steps)
    np.testing.assert_array_equal(arc[[0, -1]], [start, end])
    lengths = np.linalg.norm(arc, axis=1)
    np.testing.assert_allclose(lengths, np.linspace(lengths[0], lengths[-1], num_steps), rtol=1e-5)
    units = arc / lengths[:, None]
    steps = np.arccos(np.clip((units[1:] * units[:-1]).sum(1), -1, 1))
    np.testing.assert_allclose(steps, steps.mean(), atol=2e-3)


def test_slerp_of_a_person_with_themselves_stays():
    np.testing.assert_allclose(generate.slerp([1, 2, 3], [1, 2, 3], 5), np.tile([1, 2, 3], (5, 1)), rtol=1e-6)


@pytest.mark.parametrize(
    ("end", "num_steps", "message"),
    [
        ([1.0, 0.0], 1, "num_steps"),
        ([1.0, 0.0], 2.5, "num_steps"),
        ([0.0, 0.0], 3, "zero"),
        ([-2.0, 0.0], 3, "opposite"),
        ([np.nan, 1.0], 3, "finite codes of one shape"),
        ([1.0, 0.0, 0.0], 3, r"one shape.*\(2,\) and \(3,\)"),
    ],
)
def test_slerp_refuses_what_has_no_arc(end, num_steps, message):
    with pytest.raises(ValueError, match=message):
        generate.slerp([1.0, 0.0], end, num_steps)


def test_interpolate_goes_from_person_to_person_with_one_motion():
    clips = generate.interpolate(Recorder(), action="run", seeds=(1, 2), num_steps=5, motion_seed=9)
    assert clips.shape == (5, 4, 8, 8, 3)
    assert (clips[:, ..., 1] == clips[:1, ..., 1]).all()
    first, last = generate.content_codes(Recorder(), (1, 2))
    lengths = np.linalg.norm(first), np.linalg.norm(last)
    middle = first / lengths[0] + last / lengths[1]  # halfway between the two directions
    middle *= np.mean(lengths) / np.linalg.norm(middle)
    motion = generate.motion_noise(Recorder(), [9, 9, 9])
    expected = generate.make_clips(Recorder(), np.stack([first, middle, last]), motion, ["run"] * 3)
    np.testing.assert_array_equal(clips[::2], expected)
    for seeds in ((1, 2, 3), 5, None):
        with pytest.raises(ValueError, match="seeds: expected two whole numbers"):
            generate.interpolate(Recorder(), action="run", seeds=seeds, num_steps=5, motion_seed=9)


def test_swap_motion_has_people_in_rows_and_actions_in_columns():
    matrix = generate.swap_motion(Recorder(), content_seeds=[4, 5], actions=["hop", "walk", 1], motion_seed=0)
    assert matrix.shape == (2, 3, 4, 8, 8, 3)
    assert (matrix[..., 0] == matrix[:, :1, ..., 0]).all()  # a row: one person
    assert not np.array_equal(matrix[0, ..., 0], matrix[1, ..., 0])
    assert (matrix[..., 1:] == matrix[:1, ..., 1:]).all()  # a column: one action
    assert (matrix[..., 1] == matrix[:1, :1, ..., 1]).all()  # one motion for all
    for row, seed in enumerate((4, 5)):
        codes = generate.content_codes(Recorder(), [seed] * 3), generate.motion_noise(Recorder(), [0] * 3)
        expected = generate.make_clips(Recorder(), *codes, ["hop", "walk", "run"])
        np.testing.assert_array_equal(matrix[row], expected)
    assert len(np.unique(matrix[0, :, 0, 0, 0, 2])) == 3
    for people, actions, name in (
        ([], ["hop"], "content_seeds"),
        (1, ["hop"], "content_seeds"),
        ([1], [], "actions"),
        ([1], "walk", "actions"),
    ):
        with pytest.raises(ValueError, match=f"{name}: expected a list of at least one, received"):
            generate.swap_motion(Recorder(), content_seeds=people, actions=actions, motion_seed=0)


@pytest.mark.parametrize("seeds", [[], 3, None])
def test_people_are_a_list_of_seeds(generator, seeds):
    for draw in (generate.content_codes, generate.motion_noise):
        with pytest.raises(ValueError, match="seeds: expected a list of at least one, received"):
            draw(generator, seeds)


@pytest.mark.parametrize("path", [5, ["a.keras"]])
def test_a_generator_is_loaded_from_a_path(path):
    with pytest.raises(ValueError, match=r"expected a path \(text\), received"):
        generate.load_generator(path)


def test_weights_that_are_no_numbers_are_named_at_loading(generator, tmp_path):
    spoilt = gan.VideoGenerator.from_config(generator.get_config())
    weights = spoilt.get_weights()
    weights[0].flat[0] = np.nan
    spoilt.set_weights(weights)
    spoilt.save(tmp_path / "nan.keras")
    with pytest.raises(ValueError, match=r"nan\.keras: expected finite weights"):
        generate.load_generator(tmp_path / "nan.keras")
