"""The exercises of lesson 01, and what its verdicts say when something is broken."""

import numpy as np
import pytest
from PIL import Image

from vgcourse.classroom import check


def said(capsys, name, answer):
    """What `check.<name>(answer)` prints."""
    getattr(check, name)(answer)
    return capsys.readouterr().out


def moments(fps, duration):
    return np.arange(0, duration - 1e-9, 1 / fps)


def frames_on_show(timestamps, fps, duration):
    times = moments(fps, duration) + 1e-6
    return np.searchsorted(timestamps, times, side="right") - 1


def nearest_frames(timestamps, fps, duration):
    return [np.abs(timestamps - time).argmin() for time in moments(fps, duration)]


def triangle_weights(old, new, *, width=None, shift=0.5):
    """As Pillow scales a row of pixels: its weights are what comes out of single bright ones."""
    if width is None and shift == 0.5:
        rows = np.eye(old, dtype=np.float32)
        size = (new, 1)
        kind = Image.Resampling.BILINEAR
        made = [np.asarray(Image.fromarray(row[None]).resize(size, kind))[0] for row in rows]
        return np.stack(made, axis=1)
    scale = old / new
    centres = (np.arange(new) + shift) * scale - shift
    weights = np.maximum(0, 1 - np.abs(np.arange(old) - centres[:, None]) / (width or max(scale, 1)))
    return weights / weights.sum(axis=1, keepdims=True)


def shot_windows(num_frames, cuts, length, *, first=0, last=0, step=None):
    edges, starts = [0, *cuts, num_frames], []
    for begin, end in zip(edges[:-1], edges[1:], strict=True):
        begin += first if begin else 0
        starts.extend(range(begin, end - length + 1 + last, step or length))
    return starts


def ignoring_cuts(num_frames, cuts, length):
    return list(range(0, num_frames - length + 1, length))


def dropping_those_across(num_frames, cuts, length):
    starts = ignoring_cuts(num_frames, cuts, length)
    return [start for start in starts if not any(start < cut < start + length for cut in cuts)]


SOLUTIONS = {
    "frames_on_show": frames_on_show,
    "triangle_weights": triangle_weights,
    "shot_windows": shot_windows,
    "from_unit_range": lambda clip: 2 * clip - 1,
}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_passes(capsys, name):
    assert said(capsys, name, SOLUTIONS[name]).startswith(f"✓ {name}: ")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("frames_on_show", lambda t, f, d: list(frames_on_show(t, f, d))),
        ("frames_on_show", lambda t, f, d: (int((t <= m).sum()) - 1 for m in moments(f, d))),
        ("triangle_weights", lambda o, n: triangle_weights(o, n).tolist()),
        ("shot_windows", lambda n, c, k: np.array(shot_windows(n, c, k))),
        ("shot_windows", lambda n, c, k: (start for start in shot_windows(n, c, k))),
        ("from_unit_range", lambda clip: (clip - 0.5) / 0.5),
    ],
)
def test_other_forms_are_right_too(capsys, name, answer):
    assert said(capsys, name, answer).startswith(f"✓ {name}: ")


@pytest.mark.parametrize(
    ("name", "wrong", "phrase"),
    [
        ("frames_on_show", nearest_frames, "the nearest frame"),
        ("frames_on_show", lambda t, f, d: np.searchsorted(t, moments(f, d)), "the next frame"),
        ("frames_on_show", lambda t, f, d: range(round(f * d)), "you counted frames"),
        ("frames_on_show", lambda t, f, d: frames_on_show(t, f, d) + 1, "one less"),
        ("frames_on_show", lambda t, f, d: frames_on_show(t, f, d + 1 / f), "not before the end"),
        ("frames_on_show", lambda t, f, d: range(len(t)), "all frames"),
        ("frames_on_show", lambda t, f, d: sorted({*frames_on_show(t, f, d)}), "shows a frame twice"),
        ("frames_on_show", lambda t, f, d: 3, "a list of frame numbers"),
        ("triangle_weights", lambda o, n: triangle_weights(o, n).T, "turn it over"),
        ("triangle_weights", lambda o, n: 2 * triangle_weights(o, n), "sum to 1"),
        ("triangle_weights", lambda o, n: triangle_weights(o, n, shift=0), "half a pixel"),
        ("triangle_weights", lambda o, n: triangle_weights(o, n, width=1), "s wide to each side"),
        ("triangle_weights", lambda o, n: triangle_weights(o, n, width=o / n), "stays 1 wide"),
        ("triangle_weights", lambda o, n: np.full((n, o), 1 / o), "for the first new pixel"),
        ("shot_windows", lambda n, c, k: [(0, 4), (6, 10)], "a list that begins with (0, 4)"),
        ("from_unit_range", lambda clip: 2 * (clip - clip.min()) / np.ptp(clip) - 1, "darkest and brightest"),
        ("shot_windows", ignoring_cuts, "runs across the cut"),
        ("shot_windows", dropping_those_across, "start anew at the cut"),
        ("shot_windows", lambda n, c, k: shot_windows(n, c, k, first=1), "first frame of the new shot"),
        ("shot_windows", lambda n, c, k: shot_windows(n, c, k, last=1), "but the video ends at frame 20"),
        ("shot_windows", lambda n, c, k: shot_windows(n, c, k, last=3), "too long"),
        ("shot_windows", lambda n, c, k: shot_windows(n, c, k, last=-1), "each just fits"),
        ("shot_windows", lambda n, c, k: shot_windows(n, c, k, step=1), "clips overlap"),
        ("shot_windows", lambda n, c, k: [s for s in shot_windows(n, c, k) if s >= c[0]], "first shot"),
        ("shot_windows", lambda n, c, k: shot_windows(c[0], [], k), "last shot"),
        ("shot_windows", lambda n, c, k: 5, "a list of frame numbers"),
        ("from_unit_range", lambda clip: clip / 127.5 - 1, "for 0 to 255"),
        ("from_unit_range", lambda clip: clip, "nothing has changed"),
        ("from_unit_range", lambda clip: clip - 0.5, "half as wide"),
        ("from_unit_range", lambda clip: 2 * clip, "shift as well"),
        ("from_unit_range", lambda clip: clip - 1, "stretch as well"),
        ("from_unit_range", lambda clip: 1 - 2 * clip, "changed places"),
        ("from_unit_range", lambda clip: clip**2, "for 0.125, 0.25, 0.5, 0.875 expected"),
        ("from_unit_range", lambda clip: clip.ravel(), "the shape stays"),
    ],
)
def test_a_typical_mistake_gets_its_own_message(capsys, name, wrong, phrase):
    line = said(capsys, name, wrong)
    assert line.startswith(f"✗ {name}: ")
    assert phrase in line


def test_nearest_fails_the_verdicts_of_antialiasing():
    from vgcourse import preprocess, video
    from vgcourse.datasets import data_folder
    from vgcourse.evaluate import metrics

    large = video.read_clip(data_folder() / "real" / "city.mp4", num_frames=4)
    nearest, camera = large[:, 5::10, 5::10], large.reshape(4, 36, 10, 64, 10, 3).mean(axis=(2, 4))

    def verdicts(way):
        errors = [np.abs(clip - camera).mean() for clip in (nearest, way)]
        glitter = [metrics.motion_energy(clip[None]) for clip in (nearest, way)]
        return bool(errors[0] > 3 * errors[1]), bool(glitter[0] > 3 * glitter[1])

    assert verdicts(preprocess.resize(large, 36, 64)) == (True, True)
    assert verdicts(nearest) == (False, False)


def test_a_light_compression_keeps_the_motion(tmp_path):
    from vgcourse import video
    from vgcourse.datasets import data_folder
    from vgcourse.evaluate import metrics

    original = video.read_clip(data_folder() / "actions" / "jack" / "jack_003.mp4")
    video.write_video(tmp_path / "clip.mp4", original, fps=25, crf=18)
    read_back = video.read_clip(tmp_path / "clip.mp4")
    assert not metrics.motion_energy(read_back[None]) / metrics.motion_energy(original[None]) < 0.5
