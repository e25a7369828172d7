"""Checks of lesson 01: frame rates, shapes, cuts and ranges."""

import numpy as np

from vgcourse.classroom.check.core import Wrong, call, exercise


@exercise(
    "How long do 16 frames last at 16 frames a second? And at 4?",
    "16 frames last 16 / fps seconds; that must be two seconds, or more.",
)
def dance_fps(answer):
    """Check a number: the highest rate at which 16 frames hold two seconds."""
    if not isinstance(answer, (int, float, np.number)) or isinstance(answer, bool) or answer <= 0:
        raise Wrong(f"expected a number over 0, received {answer!r}.")
    if np.isclose(answer, 8):
        return (
            "right: 16 frames at 8 fps last two seconds. The course takes 10 fps and loses the end of a bend."
        )
    if np.isclose(answer, 7.5):
        raise Wrong("that takes the clip for 15 gaps; the last frame is on show for 1 / fps seconds, too.")
    if np.isclose(answer, 1 / 8):
        raise Wrong("that is the seconds per frame; the rate is one over it.")
    if answer > 8:
        raise Wrong(f"16 frames at {answer:g} fps last {16 / answer:.2f} s; expected 2 s: take a lower rate.")
    raise Wrong(
        f"16 frames at {answer:g} fps last {16 / answer:.2f} s: the dance fits, but a higher rate would do."
    )


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
    side = max(height, width)
    if got.shape == (frames, min(height, width), min(height, width), 3):
        raise Wrong(
            f"of {kind} frames, {height}x{width}, you cut off the longer side; add to the shorter one."
        )
    if got.shape != (frames, side, side, 3):
        raise Wrong(
            f"for {kind} frames, {height}x{width}, expected {side}x{side}, received shape {got.shape}."
        )
    if got.dtype != np.uint8:
        raise Wrong(f"expected uint8, received {got.dtype}: np.zeros makes floats unless told otherwise.")
    down, across = side - height, side - width
    places = [(t, a) for t in range(down + 1) for a in range(across + 1)]
    found = [p for p in places if np.array_equal(got[:, p[0] : p[0] + height, p[1] : p[1] + width], clip)]
    if not found:
        raise Wrong(
            f"the {kind} picture itself has changed: expected its pixels as they were, not stretched."
        )
    top, left = found[0]
    if abs(2 * top - down) > 1 or abs(2 * left - across) > 1:
        first, second = (top, down - top) if down else (left, across - left)
        raise Wrong(
            f"the bars of the {kind} picture have {first} and {second} pixels: put half on either side."
        )
    bars = got.copy()
    bars[:, top : top + height, left : left + width] = 0
    if bars.any():
        raise Wrong(f"the bars are not black: expected 0, received values up to {bars.max()}.")


@exercise(
    "Shots lie between 0, the cuts, and num_frames. Which starts are there within one shot?",
    "For every shot from begin to end: range(begin, end - length + 1, length).",
)
def shot_windows(answer):
    """Check `shot_windows(num_frames, cuts, length)`."""
    got, right = _starts(answer, 21, [6], 4), [0, 6, 10, 14]
    slips = {
        (0, 4, 8, 12, 16): "the clip that starts at 4 runs across the cut at 6.",
        (0, 8, 12, 16): "you left out the clip across the cut, but should start anew at the cut.",
        (0, 7, 11, 15): "the cut's own number is the first frame of the new shot.",
        (0, 5, 9, 13, 17): "the first clip may end at frame 5; frame 6 begins the new shot.",
        (0, 6, 10, 14, 18): "the last clip would need frames 18 to 21, but the video ends at frame 20.",
        (
            0,
            4,
            6,
            10,
            14,
            18,
        ): "the last clip of each shot is too long for it; the range ends at end - length + 1.",
        (6, 10, 14): "the first shot, from frame 0 to the first cut, is missing.",
        (0,): "the last shot, from the last cut to the end, is missing.",
    }
    if got != right:
        overlapping = len(got) > len(right) and np.diff(sorted(got)).min() < 4
        slip = slips.get(tuple(got))
        slip = slip or ("clips overlap; go on by `length` frames." if overlapping else "go shot by shot.")
        raise Wrong(f"for 21 frames, a cut at 6 and length 4 expected {right}, received {got}: {slip}")
    got = _starts(answer, 8, [4], 4)
    if got != [0, 4]:
        raise Wrong(f"for 8 frames, a cut at 4 and length 4 expected [0, 4], received {got}: each just fits.")
    for num_frames, cuts, right in ((20, [5, 9], [0, 5, 9, 13]), (9, [], [0, 4]), (9, [3, 6], [])):
        got = _starts(answer, num_frames, cuts, 4)
        if got != right:
            raise Wrong(f"for {num_frames} frames, cuts {cuts}, length 4 expected {right}, received {got}.")
    return "right: and a shot shorter than a clip gives none."


def _starts(answer, num_frames, cuts, length):
    received = call(answer, num_frames, list(cuts), length)
    try:
        return [int(start) for start in received]
    except TypeError:
        raise Wrong(f"expected a list of frame numbers, received {type(received).__name__}.") from None


@exercise(
    "Where must 0 go, where 1, and where the grey half-way between?",
    "A straight line through (0, -1) and (1, 1).",
)
def from_unit_range(answer):
    """Check `from_unit_range(clip)`: [0, 1] to [-1, 1]."""
    unit = np.array([0, 0.25, 0.5, 1], np.float32).reshape(1, 2, 2, 1)
    received = call(answer, unit.copy())
    got = np.asarray(received, np.float64)
    if got.shape != unit.shape:
        raise Wrong(f"expected the shape to stay {unit.shape}, received {got.shape}.")
    told = f"0, 0.25, 0.5, 1 should become -1, -0.5, 0, 1; received {got.ravel().round(2).tolist()}"
    slips = (
        (unit / 127.5 - 1, "that formula is for 0 to 255; here white is already 1, so all turns black."),
        (unit, "nothing has changed: black must be -1."),
        (unit - 0.5, "the middle is right, but the range is half as wide as it should be."),
        (2 * unit, "black must be -1, not 0: shift as well."),
        (unit - 1, "white must be 1, not 0: stretch as well."),
        (1 - 2 * unit, "black and white have changed places."),
    )
    for wrong, slip in slips:
        if np.allclose(got, wrong, atol=1e-4):
            raise Wrong(f"{told}: {slip}")
    if not np.allclose(got, 2 * unit - 1, atol=1e-4):
        raise Wrong(f"{told}.")
    return (
        "right: twice as wide, and one lower. A look at minimum and maximum would have told the difference."
    )
