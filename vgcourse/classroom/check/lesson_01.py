"""Checks of lesson 01: frames by the clock, cuts, the resize, and ranges."""

import numpy as np

from vgcourse.classroom.check.core import array, call, compare, exercise, integers, refuse, same


@exercise(
    "Which moments are asked for? 0, then 1 / fps, and so on, as long as they lie before duration.",
    "For one moment: how many timestamps are not later than it? The last of them is the frame on show.",
    "np.searchsorted with side='right' counts the timestamps that are not later, for all moments at once. "
    "Indices begin at 0, a count begins at 1.",
)
def frames_on_show(answer):
    """Check `frames_on_show(timestamps, fps, duration)`."""
    times = np.array([0, 0.06, 0.13, 0.21, 0.29, 0.36, 0.43])
    got = integers(call(answer, times.copy(), 10, 0.5), "frame numbers")
    slips = {
        "that is the nearest frame; but at 0.1 s the one of 0.13 s is not on show yet.": [0, 2, 3, 4, 6],
        "that is the next frame; on show is the newest one that is not later.": [0, 2, 3, 5, 6],
        "you counted frames; ask the clock: which is on show at 0, 0.1, 0.2, ... s?": [0, 1, 2, 3, 4],
        "that is the number of timestamps that are not later; their last index is one less.": [1, 2, 3, 5, 6],
        "the moment 0.5 s is not before the end any more.": [0, 1, 2, 4, 5, 6],
        "those are all frames; only those on show at 0, 0.1, 0.2, 0.3, 0.4 s are asked for.": [*range(7)],
    }
    asked = f"for timestamps {times.tolist()}, 10 fps and 0.5 s"
    compare(got, [0, 1, 2, 4, 5], asked=asked, slips=slips)
    got = integers(call(answer, np.array([0, 0.3, 0.6]), 4, 1.0), "frame numbers")
    otherwise = "a slow film shows a frame twice."
    compare(got, [0, 0, 1, 2], asked="for timestamps [0, 0.3, 0.6], 4 fps and 1 s", otherwise=otherwise)
    return "right: by the clock, whatever rate the camera had, and however unevenly it filmed."


@exercise(
    "Shots lie between 0, the cuts, and num_frames. Which starts are there within one shot?",
    "In one shot the first start is its first frame, and each next one is `length` later.",
    "The last start of a shot is the last one from which `length` frames still fit: the end of the shot must "
    "not come before start + length.",
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
    "First the centres of all new pixels, in old coordinates. Then the distance of each old pixel to each.",
    "The weight falls from 1 at the centre to 0 at distance s, and is 0 beyond. How can rows sum to 1?",
    "np.arange(old) - centres[:, None] holds all differences, one row for each new pixel. Only the width of "
    "the triangle is at least 1.",
)
def triangle_weights(answer):
    """Check `triangle_weights(old, new)`."""
    for old, new, kind in ((8, 2, "shrinking"), (9, 6, "shrinking"), (3, 6, "enlarging"), (4, 4, "at rest")):
        got = np.asarray(call(answer, old, new), float)
        right, asked = _triangles(old, new), f"{kind} from {old} to {new} pixels"
        turned = got.shape == (old, new) and old != new
        refuse({f"{asked}, expected shape {(new, old)}, received {got.shape}: turn it over.": turned})
        array(got, shape=(new, old), what=asked)
        shifted = _triangles(old, new, shift=0)
        centres = "the centres are off by half a pixel: c = (i + 1/2) s - 1/2."
        narrow, wide = _triangles(old, new, width=1), _triangles(old, new, width=old / new)
        if not same(got, right, tolerance=1e-3):
            mistakes = {
                "the rows do not sum to 1: divide each by its sum.": not same(got.sum(axis=1), np.ones(new)),
                f"{asked}: {centres}": same(got, shifted),
                f"{asked}: the triangle must be s wide to each side.": same(got, narrow),
                f"{asked}: the triangle stays 1 wide.": same(got, wide),
            }
            refuse(mistakes)
        compare(got[0], right[0], asked=f"{asked}, for the first new pixel", tolerance=1e-3)
        compare(got, right, asked=asked, tolerance=1e-3)
    return "right: a soft window that leaves no old pixel out. It is what preprocess.resize does."


def _triangles(old, new, *, width=None, shift=0.5):
    """The weights in loops, also with a wrong width or with centres off by half a pixel."""
    scale = old / new
    width = max(scale, 1) if width is None else width
    rows = []
    for i in range(new):
        centre = (i + shift) * scale - shift
        row = [max(0.0, 1 - abs(j - centre) / width) for j in range(old)]
        rows.append([weight / (sum(row) or 1) for weight in row])
    return np.array(rows)


@exercise(
    "Where must 0 go, where 1, and where the grey half-way between?",
    "A straight line through (0, -1) and (1, 1). How steep is it?",
    "The new range is twice as wide, and begins one lower.",
)
def from_unit_range(answer):
    """Check `from_unit_range(clip)`: [0, 1] to [-1, 1]."""
    unit = np.array([0.125, 0.25, 0.5, 0.875], np.float32).reshape(1, 2, 2, 1)  # no black, no white
    got = array(call(answer, unit.copy()), shape=unit.shape, advice="the shape stays.").ravel()
    unit = unit.ravel()
    own = 2 * (unit - unit.min()) / (unit.max() - unit.min()) - 1
    slips = {
        "you stretched this clip's own darkest and brightest value to -1 and 1; then dusk looks like noon. "
        "0 and 1 are black and white for every clip.": own,
        "that formula is for 0 to 255; here white is already 1, so all turns black.": unit / 127.5 - 1,
        "nothing has changed: black must be -1.": unit,
        "the middle is right, but the range is half as wide as it should be.": unit - 0.5,
        "black must be -1, not 0: shift as well.": 2 * unit,
        "white must be 1, not 0: stretch as well.": unit - 1,
        "black and white have changed places.": 1 - 2 * unit,
    }
    compare(got, 2 * unit - 1, asked="for 0.125, 0.25, 0.5, 0.875", slips=slips)
    return (
        "right: twice as wide, and one lower. A look at minimum and maximum would have told the difference."
    )
