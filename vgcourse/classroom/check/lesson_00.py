"""Checks of lesson 00: what video costs, and what its order in time is worth."""

import numpy as np

from vgcourse.classroom.check.core import Wrong, call, exercise


@exercise(
    "Count the numbers in one frame first: how many pixels, and how many bytes in each?",
    "Bytes of one frame, times the frames in a second, times the seconds.",
)
def raw_bytes(answer):
    """Check `raw_bytes(width, height, fps, seconds)`."""
    got, right = call(answer, 64, 36, 10, 4), 64 * 36 * 3 * 10 * 4
    slips = {
        right // 3: "that is one byte a pixel, as in a grey picture; colour takes three.",
        right // 4: "that is one second of it; multiply by the seconds.",
        right // 10: "the frames per second are missing: ten pass in every second.",
        right // 40: "that is a single frame; the video has fps * seconds of them.",
        right * 8: "those are bits; a byte has eight of them.",
    }
    if got != right:
        slip = slips.get(got, "multiply width, height, 3, fps and seconds.")
        asked = "for 64x36 pixels, 10 frames a second and 4 seconds"
        raise Wrong(f"{asked} expected {right}, received {got!r}: {slip}")
    return "right: a minute of full HD is 11 GB. Files are some hundred times smaller; lesson 01 says how."


@exercise(
    "`clip[::-1]` is a clip backwards, since time is the first axis. Which frames would then appear twice?",
    "`clip[-2:0:-1]` runs backwards from the last but one frame to the second. np.concatenate joins clips.",
)
def there_and_back(answer):
    """Check `there_and_back(clip)`."""
    clip = _numbered_clip(5)
    got = np.asarray(call(answer, clip.copy()))
    if got.ndim != 4 or got.shape[1:] != clip.shape[1:]:
        raise Wrong(
            f"expected frames of shape {clip.shape[1:]}, received an array of shape {got.shape}: join along "
            "the first axis, time."
        )
    order = [_which(frame, clip) for frame in got]
    if order == [0, 1, 2, 3, 4, 4, 3, 2, 1, 0]:
        raise Wrong(
            "for frames 0 to 4 expected 0 1 2 3 4 3 2 1, received 0 1 2 3 4 4 3 2 1 0: both turning points "
            "are shown twice, so the person stops for a moment; leave both out on the way back."
        )
    if order in ([0, 1, 2, 3, 4, 3, 2, 1, 0], [0, 1, 2, 3, 4, 4, 3, 2, 1]):
        raise Wrong(
            f"expected 0 1 2 3 4 3 2 1, received {_listed(order)}: one turning point is still shown twice, "
            "remember that after the last frame comes the first again."
        )
    if order == [4, 3, 2, 1, 0]:
        raise Wrong("that is the clip backwards only; it should first run forwards: join the two.")
    if None in order and any(_which(frame[::-1], clip) is not None for frame in got[5:]):
        raise Wrong("the way back stands on its head: you turned the rows round; time is the first axis.")
    if None in order and any(_which(frame[:, ::-1], clip) is not None for frame in got[5:]):
        raise Wrong("the way back is mirrored: you turned the columns round; time is the first axis.")
    if order != [0, 1, 2, 3, 4, 3, 2, 1]:
        raise Wrong(f"for frames 0 to 4 expected 0 1 2 3 4 3 2 1, received {_listed(order)}.")
    return "right: T frames become 2 T - 2, and no frame follows itself, not even where the loop closes."


@exercise(
    "Keep two lists: the order so far, and the frames that are left. With which frame do you compare?",
    "Compare with the last of the order, not the first; convert to np.int16 before you subtract.",
    "order, left = [0], list(range(1, len(frames))); while left: take the k in left whose mean "
    "absolute difference to frames[order[-1]] is smallest, append it, remove it from left.",
)
def order_frames(answer):
    """Check `order_frames(frames)`."""
    clip = _bent_path()
    shuffle = np.array([0, 5, 2, 9, 7, 1, 8, 3, 6, 4])
    frames, right = clip[shuffle], np.argsort(shuffle).tolist()
    received = call(answer, frames.copy())
    try:
        got = [int(k) for k in received]
    except TypeError:
        raise Wrong(f"expected a list of indices, received {type(received).__name__}.") from None
    if got == list(range(len(frames))):
        raise Wrong("the frames come back in the order they had: nothing was sorted yet.")
    if len(set(got)) < len(got):
        raise Wrong(f"expected every frame once, received {got}: strike a frame off once it is used.")
    if len(got) < len(frames):
        raise Wrong(f"expected {len(frames)} indices, received {len(got)}: go on until no frame is left.")
    if got == _greedy(frames) and got != right:
        raise Wrong(
            "the differences wrap around: in uint8, 3 - 5 is 254. Use .astype(np.int16) before minus."
        )
    if got == _by_distance_to_first(frames):
        raise Wrong(
            "you sorted by the difference to the first frame; a movement that turns back nears its start "
            "again. Compare with the frame you chose last."
        )
    if got == shuffle.tolist():
        raise Wrong("that is where each frame belongs; asked is which frame comes first, second, third, ...")
    if got != right:
        raise Wrong(
            f"expected {right}, received {got}: go from the frame chosen last to the most similar left."
        )
    return "right: neighbours in time look alike. Shuffling destroys that; a video model has to learn it."


# ---- small clips, and the ways to go wrong ---------------------------------------------------------------


def _numbered_clip(num_frames):
    """uint8 (num_frames, 4, 6, 3): frames that differ from each other, upside down and mirrored too."""
    ramp = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    return np.stack([ramp + 30 * k for k in range(num_frames)]).astype(np.uint8)


def _which(frame, clip):
    """Index of the frame that equals `frame`, or None."""
    return next((k for k, other in enumerate(clip) if np.array_equal(frame, other)), None)


def _listed(order):
    return " ".join("?" if k is None else str(k) for k in order)


def _bent_path():
    """uint8 (10, 24, 24, 3): a soft light spot goes right, down, then back left; some noise."""
    path = [(6, 5), (6, 8), (6, 11), (6, 14), (6, 17), (9, 18), (12, 17), (12, 14), (12, 11), (12, 8)]
    y, x = np.mgrid[:24, :24]
    spots = [100 + 120 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 20) for row, column in path]
    noise = np.random.default_rng(0).integers(0, 3, (len(path), 24, 24, 3))
    return (np.array(spots)[..., None] + noise).astype(np.uint8)


def _by_distance_to_first(frames):
    values = frames.astype(np.int16)
    return np.argsort(np.abs(values - values[0]).mean(axis=(1, 2, 3)), kind="stable").tolist()


def _greedy(values):
    """The nearest frame first, in the type that `values` have: uint8 wraps around."""
    order, left = [0], list(range(1, len(values)))
    while left:
        changes = [np.abs(values[k] - values[order[-1]]).mean() for k in left]
        order.append(left.pop(int(np.argmin(changes))))
    return order
