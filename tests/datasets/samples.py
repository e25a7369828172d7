"""What the tests of several parts of the pipeline share: small clips, and videos made here."""

import numpy as np

from vgcourse import video
from vgcourse.datasets import Clips


def some_clips(num_clips=11, num_frames=6, size=3, seed=0):
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 256, (num_clips, num_frames, size, size, 3), dtype=np.uint8)
    labels = np.arange(num_clips)
    return Clips(frames, labels % 3, labels, ("walk", "run", "hop"), 10.0, [f"{i}.mp4" for i in labels])


def assert_same(received, expected):
    for name in ("clips", "actions", "actors"):
        np.testing.assert_array_equal(getattr(received, name), getattr(expected, name))
        assert getattr(received, name).dtype == getattr(expected, name).dtype
    for name in ("action_names", "fps", "files"):
        assert getattr(received, name) == getattr(expected, name)


def write_counting_video(path, num_frames=20, *, shades=None, size=32):
    """A video whose frames are of one grey, which grows by 3 a frame; `shades` gives other greys."""
    shades = 3 * np.arange(num_frames) if shades is None else np.asarray(shades)
    path.parent.mkdir(parents=True, exist_ok=True)
    clip = np.broadcast_to(shades[:, None, None, None], (len(shades), size, size, 3)).astype(np.uint8)
    video.write_video(path, clip, fps=25)
