"""Checks of lesson 01: frame rates, shapes, cuts and ranges."""

import numpy as np

from vgcourse.classroom.check.core import Wrong, array, call, compare, exercise, integers, number, refuse


@exercise(
    "How long do 16 frames last at 16 frames a second? And at 4?",
    "16 frames last 16 / fps seconds; that must be two seconds, or more.",
)
def dance_fps(answer):
    """Check a number: the highest rate at which 16 frames hold two seconds."""
    fps = number(answer)
    if fps <= 0:
        raise Wrong(f"expected a number over 0, received {fps!r}.")
    lasts = f"16 frames at {fps:g} fps last {16 / fps:.2f} s"
    mistakes = {
        "that takes the clip for 15 gaps; the last frame is on show for 1 / fps seconds, too.": fps == 7.5,
        "that is the seconds per frame; the rate is one over it.": fps == 1 / 8,
        f"{lasts}; expected 2 s: take a lower rate.": fps > 8,
        f"{lasts}: the dance fits, but a higher rate would do.": fps < 8,
    }
    refuse(mistakes)
    return "right: 16 frames at 8 fps last two seconds. The course takes 10 fps and loses the end of a bend."


@exercise(
    "How large is the square? How many rows, or columns, are missing, and how many of them come first?",
    "Make zeros of shape (time, side, side, 3) in uint8, and put the clip into their middle.",
)
def letterbox(answer):
    """Check `letterbox(clip)`: bars make it square."""
    for height, width, kind in ((12, 6, "upright"), (5, 12, "wide")):
        clip = np.random.default_rng(0).integers(40, 256, (2, height, width, 3)).astype(np.uint8)
        try:
            got = np.asarray(call(answer, clip.copy()))
        except ValueError as error:
            raise Wrong(f"a clip of {kind} frames, {height}x{width}, stops it: {error}.") from None
        _check_bars(got, clip, kind)
    return "right: nothing is lost, and nothing changes its shape. The price: the model sees the bars too."


def _check_bars(got, clip, kind):
    frames, height, width, _ = clip.shape
    short, side = sorted((height, width))
    asked, is_cut = f"{kind} frames, {height}x{width}", got.shape == (frames, short, short, 3)
    floats = got.dtype != np.uint8
    refuse({f"of {asked}, you cut off the longer side; add to the shorter one.": is_cut})
    array(got, shape=(frames, side, side, 3), what=f"for {asked}", advice="the longer side stays.")
    refuse({f"expected uint8, received {got.dtype}: zeros are floats unless told otherwise.": floats})
    down, across = side - height, side - width
    places = [(top, left) for top in range(down + 1) for left in range(across + 1)]
    found = [(t, a) for t, a in places if np.array_equal(got[:, t : t + height, a : a + width], clip)]
    if not found:
        raise Wrong(f"the {kind} picture has changed: expected its pixels as they were, not stretched.")
    top, left = found[0]
    first, second = (top, down - top) if down else (left, across - left)
    bars = got.copy()
    bars[:, top : top + height, left : left + width] = 0
    uneven, most = abs(first - second) > 1, bars.max()
    mistakes = {
        f"the bars of the {kind} picture have {first} and {second} pixels: put half on either side.": uneven,
        f"the bars are not black: expected 0, received values up to {most}.": most > 0,
    }
    refuse(mistakes)


@exercise(
    "Shots lie between 0, the cuts, and num_frames. Which starts are there within one shot?",
    "For every shot from begin to end: range(begin, end - length + 1, length).",
)
def shot_windows(answer):
    """Check `shot_windows(num_frames, cuts, length)`."""
    slips = {
        "the clip that starts at 4 runs across the cut at 6.": [0, 4, 8, 12, 16],
        "you left out the clip across the cut, but should start anew at the cut.": [0, 8, 12, 16],
        "the cut's own number is the first frame of the new shot.": [0, 7, 11, 15],
        "the first clip may end at frame 5; frame 6 begins the new shot.": [0, 5, 9, 13, 17],
        "the last clip would need frames 18 to 21, but the video ends at frame 20.": [0, 6, 10, 14, 18],
        "the last clip of a shot is too long; the range ends at end - length + 1.": [0, 4, 6, 10, 14, 18],
        "the first shot, from frame 0 to the first cut, is missing.": [6, 10, 14],
        "the last shot, from the last cut to the end, is missing.": [0],
    }
    got = integers(call(answer, 21, [6], 4), "frame numbers")
    overlapping = len(got) > 4 and np.diff(sorted(got)).min() < 4
    otherwise = "clips overlap; go on by `length` frames." if overlapping else "go shot by shot."
    asked = "for 21 frames, a cut at 6 and length 4"
    compare(got, [0, 6, 10, 14], asked=asked, slips=slips, otherwise=otherwise)
    got = integers(call(answer, 8, [4], 4))
    compare(got, [0, 4], asked="for 8 frames, a cut at 4 and length 4", otherwise="each just fits.")
    for num_frames, cuts, right in ((20, [5, 9], [0, 5, 9, 13]), (9, [], [0, 4]), (9, [3, 6], [])):
        got = integers(call(answer, num_frames, [*cuts], 4))
        compare(got, right, asked=f"for {num_frames} frames, cuts {cuts}, length 4")
    return "right: and a shot shorter than a clip gives none."


@exercise(
    "Where must 0 go, where 1, and where the grey half-way between?",
    "A straight line through (0, -1) and (1, 1).",
)
def from_unit_range(answer):
    """Check `from_unit_range(clip)`: [0, 1] to [-1, 1]."""
    unit = np.array([0, 0.25, 0.5, 1], np.float32).reshape(1, 2, 2, 1)
    got = array(call(answer, unit.copy()), shape=unit.shape, advice="the shape stays.").ravel()
    unit = unit.ravel()
    slips = {
        "that formula is for 0 to 255; here white is already 1, so all turns black.": unit / 127.5 - 1,
        "nothing has changed: black must be -1.": unit,
        "the middle is right, but the range is half as wide as it should be.": unit - 0.5,
        "black must be -1, not 0: shift as well.": 2 * unit,
        "white must be 1, not 0: stretch as well.": unit - 1,
        "black and white have changed places.": 1 - 2 * unit,
    }
    compare(got, 2 * unit - 1, asked="for 0, 0.25, 0.5, 1", slips=slips)
    return (
        "right: twice as wide, and one lower. A look at minimum and maximum would have told the difference."
    )
