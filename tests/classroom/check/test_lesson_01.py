"""The exercises of lesson 01, and what its verdicts say when something is broken."""

import numpy as np
import pytest

from vgcourse.classroom import check


def said(capsys, name, answer):
    """What `check.<name>(answer)` prints."""
    getattr(check, name)(answer)
    return capsys.readouterr().out


def letterbox(clip, *, top=None, dtype=np.uint8, fill=0):
    _, height, width, _ = clip.shape
    side = max(height, width)
    square = np.full((len(clip), side, side, 3), fill, dtype)
    down = (side - height) // 2 if top is None else top
    across = (side - width) // 2
    square[:, down : down + height, across : across + width] = clip
    return square


def stretched(clip):
    side = max(clip.shape[1:3])
    rows, columns = (np.arange(side) * size // side for size in clip.shape[1:3])
    return clip[:, rows][:, :, columns]


def upright_only(clip):
    missing = clip.shape[1] - clip.shape[2]
    return np.pad(clip, ((0, 0), (0, 0), (missing // 2, missing - missing // 2), (0, 0)))


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
    "dance_fps": 8,
    "letterbox": letterbox,
    "shot_windows": shot_windows,
    "from_unit_range": lambda clip: 2 * clip - 1,
}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_passes(capsys, name):
    assert said(capsys, name, SOLUTIONS[name]).startswith(f"✓ {name}: ")


@pytest.mark.parametrize(
    ("name", "wrong", "phrase"),
    [
        ("dance_fps", 7.5, "15 gaps"),
        ("dance_fps", 0.125, "seconds per frame"),
        ("dance_fps", 32, "take a lower rate"),
        ("dance_fps", 5, "a higher rate would do"),
        ("dance_fps", "8", "expected one number"),
        (
            "letterbox",
            lambda clip: clip[:, : min(clip.shape[1:3]), : min(clip.shape[1:3])],
            "cut off the longer",
        ),
        ("letterbox", stretched, "not stretched"),
        ("letterbox", lambda clip: letterbox(clip, top=0), "half on either side"),
        ("letterbox", lambda clip: letterbox(clip, fill=9), "not black"),
        ("letterbox", lambda clip: letterbox(clip, dtype=float), "unless told otherwise"),
        ("letterbox", upright_only, "a clip of wide frames"),
        ("letterbox", lambda clip: clip, "expected shape (2, 12, 12, 3)"),
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
        ("from_unit_range", lambda clip: clip**2, "for 0, 0.25, 0.5, 1 expected [-1.0, -0.5, 0.0, 1.0]"),
        ("from_unit_range", lambda clip: clip.ravel(), "the shape stays"),
    ],
)
def test_a_typical_mistake_gets_its_own_message(capsys, name, wrong, phrase):
    line = said(capsys, name, wrong)
    assert line.startswith(f"✗ {name}: ")
    assert phrase in line


def test_a_pipeline_without_prefetch_fails_the_verdict():
    import tensorflow as tf

    made = []

    def notes():
        for number in range(20):
            made.append(number)
            yield number

    source = tf.data.Dataset.from_generator(notes, output_signature=tf.TensorSpec((), tf.int32))
    options = tf.data.Options()
    options.autotune.enabled = False  # it may slip in a prefetch of its own
    options.experimental_optimization.inject_prefetch = False
    next(iter(source.with_options(options)))
    assert not len(made) > 1


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
