"""Checks of lesson 00: what video costs, and what its order in time is worth."""

import numpy as np

from vgcourse.classroom.check.core import array, ask, call, compare, exercise, integers, refuse


@exercise(
    "Count the numbers in one frame first: how many pixels, and how many bytes in each?",
    "Bytes of one frame, times the frames in a second, times the seconds.",
)
def raw_bytes(answer):
    """Check `raw_bytes(width, height, fps, seconds)`."""
    right = 64 * 36 * 3 * 10 * 4
    slips = {
        "that is one byte a pixel, as in a grey picture; colour takes three.": right / 3,
        "that is one second of it; multiply by the seconds.": right / 4,
        "the frames per second are missing: ten pass in every second.": right / 10,
        "that is a single frame; the video has fps * seconds of them.": right / 40,
        "those are bits; a byte has eight of them.": right * 8,
    }
    otherwise = "multiply width, height, 3, fps and seconds."
    ask(answer, 64, 36, 10, 4, right=right, slips=slips, otherwise=otherwise)
    ask(answer, 5, 2, 30, 0.5, right=450, otherwise=otherwise)
    return "right: a minute of full HD is 11 GB. Files are some hundred times smaller; lesson 01 says how."


@exercise(
    "`clip[::-1]` is a clip backwards, since time is the first axis. Which frames would then appear twice?",
    "The way back goes from the last but one frame down to the second. A slice has three parts: where it "
    "starts, where it stops (that place is left out), and its step.",
    "np.concatenate joins two clips along the first axis. For five frames the second part has three.",
)
def there_and_back(answer):
    """Check `there_and_back(clip)`."""
    clip = 30 * np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1)  # no frame is another, turned or mirrored
    clip = clip + np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    got = array(call(answer, clip.copy()), shape=(None, 4, 6, 3), advice="join along the first axis, time.")
    order, upside_down, mirrored = (_order(frames, clip) for frames in (got, got[:, ::-1], got[:, :, ::-1]))
    turned = "3" in upside_down
    mistakes = {
        "the way back stands on its head: you turned the rows round; time is the first axis.": turned,
        "the way back is mirrored: you turned the columns round; time is the first axis.": "3" in mirrored,
    }
    refuse(mistakes)
    slips = {
        "that is the clip backwards only; it should first run forwards: join the two.": "4 3 2 1 0",
        "both turning points are shown twice: leave both out on the way back.": "0 1 2 3 4 4 3 2 1 0",
        "the first frame is still shown twice: it comes again after the last.": "0 1 2 3 4 3 2 1 0",
        "the last frame is still shown twice: leave it out on the way back.": "0 1 2 3 4 4 3 2 1",
    }
    compare(order, "0 1 2 3 4 3 2 1", asked="for frames 0 to 4", slips=slips)
    return "right: T frames become 2 T - 2, and no frame follows itself, not even where the loop closes."


@exercise(
    "Keep two lists: the order so far, and the frames that are left. With which frame do you compare?",
    "Compare with the last of the order, not the first; convert to np.int16 before you subtract.",
    "As long as frames are left: measure each of them against the last one in the order, move the one that "
    "differs least from one list to the other.",
)
def order_frames(answer):
    """Check `order_frames(frames)`."""
    shuffle = np.array([0, 5, 2, 9, 7, 1, 8, 3, 6, 4])
    frames, right = _bent_path()[shuffle], np.argsort(shuffle).tolist()
    got = integers(call(answer, frames.copy()), "indices")
    twice = len(set(got)) < len(got)
    mistakes = {
        f"expected every frame once, received {got}: strike a frame off once it is used.": twice,
        f"expected 10 indices, received {len(got)}: go on until no frame is left.": len(got) < 10,
    }
    refuse(mistakes)
    to_first = np.abs(frames.astype(int) - frames[0]).mean(axis=(1, 2, 3)).argsort(kind="stable")
    wrapped = _greedy(frames)
    slips = {
        "the frames come back in the order they had: nothing was sorted yet.": range(10),
        "the differences wrap around: in uint8, 3 - 5 is 254. Use .astype(np.int16) before minus.": wrapped,
        "you sorted by the difference to the first frame; a movement that turns back nears its start again. "
        "Compare with the frame you chose last.": to_first,
        "that is where each frame belongs; asked is which frame comes first, second, third, ...": shuffle,
    }
    compare(got, right, slips=slips, otherwise="go from the frame chosen last to the most similar left.")
    return "right: neighbours in time look alike. Shuffling destroys that; a video model has to learn it."


# ---- small clips, and a way to go wrong ------------------------------------------------------------------


def _order(frames, clip):
    """The numbers that frames have in a clip, as text; ? for a frame that is not in it."""
    found = [[str(k) for k, known in enumerate(clip) if np.array_equal(known, frame)] for frame in frames]
    return " ".join(places[0] if places else "?" for places in found)


def _bent_path():
    """uint8 (10, 24, 24, 3): a soft light spot goes right, down, then back left; some noise."""
    path = [(6, 5), (6, 8), (6, 11), (6, 14), (6, 17), (9, 18), (12, 17), (12, 14), (12, 11), (12, 8)]
    y, x = np.mgrid[:24, :24]
    spots = [100 + 120 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 20) for row, column in path]
    noise = np.random.default_rng(0).integers(0, 3, (len(path), 24, 24, 3))
    return (np.array(spots)[..., None] + noise).astype(np.uint8)


def _greedy(values):
    """The nearest frame first, in the type that `values` have: uint8 wraps around."""
    order, left = [0], list(range(1, len(values)))
    while left:
        changes = [np.abs(values[k] - values[order[-1]]).mean() for k in left]
        order.append(left.pop(int(np.argmin(changes))))
    return order
