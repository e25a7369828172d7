"""The joint finder: heat maps in closed form, and joints of people it was never trained on where they are."""

import json

import numpy as np
import pytest

from vgcourse import datasets, features, people
from vgcourse.features import extract, joints

# --- heat maps -------------------------------------------------------------------------------------------


def test_cells_are_two_pixels_wide_and_come_row_by_row():
    cells = joints.cell_centres()
    assert cells.shape == (1024, 2)
    assert cells[[0, 1, 32, -1]].tolist() == [[1, 1], [3, 1], [1, 3], [63, 63]]


def test_maps_are_round_about_the_joint():
    places = np.array([[[20.3, 41.9], [32.0, 10.0]]])
    maps = joints.heat_maps(places)
    np.testing.assert_allclose(maps.sum(axis=-1), 1, rtol=1e-5)
    for place, heat in zip(places[0], maps[0].reshape(2, 32, 32), strict=True):
        row, column = np.unravel_index(heat.argmax(), heat.shape)
        assert np.abs([2 * column + 1 - place[0], 2 * row + 1 - place[1]]).max() <= 1
        # A step of one cell, 2 pixels, away from the joint: by the normal density of deviation 1.5.
        near, next_ = heat[row, column], heat[row, column + 1]
        x = 2 * column + 1 - place[0]
        assert np.log(near / next_) == pytest.approx(((x + 2) ** 2 - x**2) / (2 * 1.5**2), abs=0.01)
    outside = joints.heat_maps(np.array([[[500.0, -300.0]]]))
    np.testing.assert_allclose(outside, 1 / 1024, rtol=1e-4)


def test_places_are_means_and_spreads_deviations():
    logits = np.full((1, 4, 1024), -1e9, np.float32)
    logits[0, 0, 33] = 0  # one cell, at (3, 3)
    logits[0, 1, [32, 42]] = 0  # (1, 3) and (21, 3)
    logits[0, 2] = 0  # all
    logits[0, 3] = np.log(joints.heat_maps(np.array([[[30.2, 25.7]]])))[0, 0]
    places, spreads = joints.places_and_spreads(logits)
    np.testing.assert_allclose(places[0], [[3, 3], [11, 3], [32, 32], [30.2, 25.7]], atol=0.03)
    # Even over 32 cells of 2 pixels: variance (64^2 - 2^2) / 12 along each side.
    np.testing.assert_allclose(spreads[0, :3], [0, 10, np.sqrt((64**2 - 4) / 6)], atol=0.01)
    assert spreads[0, 3] == pytest.approx(1.5 * np.sqrt(2), abs=0.25)


# --- what the shipped finder knows ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unseen():
    return datasets.load_actions("test", size=64).select(slice(None, None, 3))


def true_places(clips):
    columns = [people.JOINT_NAMES.index(name) for name in features.JOINTS]
    return datasets.load_action_joints(clips)[:, :, columns, :2]


def test_finds_joints_of_unseen_people(unseen):
    found = features.find_joints(unseen.clips)
    assert found.places.shape == (27, 16, 9, 2)
    assert found.spreads.shape == found.found.shape == (27, 16, 9)
    errors = np.linalg.norm(found.places - true_places(unseen), axis=-1)
    assert errors.mean() < 0.6
    assert errors.mean(axis=(0, 1)).max() < 0.9  # no joint is taken for another
    assert found.found.mean() > 0.97


@pytest.mark.parametrize("size", [32, 96])
def test_places_are_in_pixels_of_the_clips(unseen, size):
    clips = datasets.load_actions("test", size=size).select(slice(None, None, 9))
    found = features.find_joints(clips.clips)
    errors = np.linalg.norm(found.places - true_places(clips), axis=-1)
    assert errors.mean() < 0.8 * size / 64
    assert found.found.mean() > 0.96


def test_frames_need_not_be_square(unseen):
    clips = unseen.clips[:1]
    wide = np.repeat(clips, 2, axis=3)
    one, two = features.find_joints(clips).places, features.find_joints(wide).places
    np.testing.assert_allclose(two, one * [2, 1], atol=1.5)


def test_small_clips_have_limits_of_their_own(monkeypatch, unseen):
    spreads = np.full((1, 16, 9), 3.0)
    monkeypatch.setattr(joints, "apply_finder", lambda model, clips: (np.zeros((1, 16, 9, 2)), spreads))
    limits = {32: np.arange(9.0), 64: np.arange(9.0)[::-1]}
    monkeypatch.setattr(joints, "spread_limits", lambda: limits)
    expected = {32: [k >= 3 for k in range(9)], 64: [k <= 5 for k in range(9)]}
    for shape, size in (((32, 32), 32), ((63, 64), 32), ((64, 64), 64), ((96, 80), 64)):
        found = features.find_joints(np.zeros((1, 16, *shape, 3), np.uint8))
        assert found.found[0, 5].tolist() == expected[size]


def test_many_clips_are_found_as_few(unseen):
    together = features.find_joints(unseen.clips[:18, ::8])
    alone = features.find_joints(unseen.clips[17:18, ::8])
    np.testing.assert_allclose(together.places[17], alone.places[0], atol=1e-3)
    np.testing.assert_allclose(together.spreads[17], alone.spreads[0], atol=1e-2)


# --- files and errors -------------------------------------------------------------------------------------


def test_limits_are_read_by_name_and_a_broken_file_is_told(tmp_path):
    path = joints.limits_path(tmp_path / "joint_finder.keras")
    assert path == tmp_path / "joint_finder.json"
    table = {name: k / 2 for k, name in enumerate(features.JOINTS)}
    path.write_text(json.dumps({"64": dict(reversed(table.items())), "32": dict.fromkeys(table, 1)}))
    assert joints._read_limits(path)[64].tolist() == [k / 2 for k in range(9)]
    assert joints._read_limits(path)[32].tolist() == [1] * 9
    for content in ("", "[]", '{"64": {}, "32": {}}', '{"64": 3}'):
        path.write_text(content)
        with pytest.raises(ValueError, match=r"joint_finder\.json: cannot be read"):
            joints._read_limits(path)
    path.unlink()
    with pytest.raises(ValueError, match=r"joint_finder\.json: cannot be read .* restore the file"):
        joints._read_limits(path)


def test_wrong_clips():
    with pytest.raises(ValueError, match=r"32x32 or more, received \(1, 16, 31, 64, 3\)"):
        features.find_joints(np.zeros((1, 16, 31, 64, 3), np.uint8))
    with pytest.raises(ValueError, match="expected uint8"):
        features.find_joints(np.zeros((1, 16, 64, 64, 3)))


def test_the_finder_is_small():
    assert extract.checkpoint_path("joints").stat().st_size < 1e6
