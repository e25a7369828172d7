"""Checks of lesson 11: which scenes are missing, who agreed, how much to film, and what the scores say."""

from collections.abc import Iterable

import numpy as np

from vgcourse.classroom.check.core import Wrong, ask, call, compare, exercise


@exercise(
    "First the scene of each generated clip: look up the scene of the training clip that it is nearest to.",
    "Then count each scene among the generated and among the training clips; divide each count by its total.",
    "np.bincount(scenes, minlength=num_scenes) counts those too that never come. Which ratio is asked for?",
)
def coverage(answer):
    """Check `coverage(nearest, scene_of, num_scenes)`."""
    scene_of = np.array([0, 0, 0, 1, 1, 2])  # shares 1/2, 1/3, 1/6
    nearest = np.array([0, 1, 1, 2, 3, 4, 4, 4, 4, 5])  # 4, 5 and 1 of 10: ratios 0.8, 1.5, 0.6
    slips = {
        "that is the smallest share among the generated clips; divide each by its share of the data.": 0.1,
        "that is the largest ratio; a lost scene shows in the smallest.": 1.5,
        "that is the mean ratio; a scene that comes too often would make up for a lost one.": 2.9 / 3,
        "upside down: the share of the generated clips over the share of the data.": 2 / 3,
        "those are counts over counts; first divide each by its own total, 10 and 6.": 1.0,
        "that is a difference of shares; divide them.": 0.4 - 0.5,
    }
    asked = "scenes come 4, 5, 1 times in 10 clips, and have 3, 2, 1 of 6 training clips:"
    ask(
        answer,
        nearest,
        scene_of,
        3,
        right=0.6,
        asked=asked,
        slips=slips,
        otherwise="which ratio is smallest?",
    )
    lost = {"a scene that never comes has share 0; you left it out of the ratios.": 2 / 3 / 0.5}
    asked, given = "scene 2 never comes:", (np.array([0, 1, 2]), np.array([0, 0, 1, 2]), 3)
    ask(answer, *given, right=0.0, asked=asked, slips=lost, otherwise="count all `num_scenes` scenes.")
    asked, given = "every scene gets its share:", (np.array([3, 1, 0, 2]), np.array([1, 1, 0, 0]), 2)
    ask(answer, *given, right=1.0, asked=asked, otherwise="look up scene_of[nearest].")
    return "right: and 1 does not say that the clips are good, only that nobody is missing."


@exercise(
    "For which videos is everybody in its list also in the set `agreed`?",
    "Sets can be compared: a <= b asks whether all of a is in b. What does it say of an empty a?",
)
def allowed_videos(answer):
    """Check `allowed_videos(people_in, agreed)`."""
    people_in = {"walk.mov": ["Ada", "Bo"], "plant.mp4": [], "dance.mp4": ["Ada"]}
    people_in |= {"party.mov": ["Bo", "Cy"], "street.mp4": ["Cy"]}
    got = _listed(call(answer, people_in, {"Ada", "Cy"}))
    right, asked = ["dance.mp4", "plant.mp4", "street.mp4"], "Ada and Cy agreed, Bo did not:"
    one_yes = ["dance.mp4", "party.mov", "street.mp4", "walk.mov"]
    slips = {
        "walk.mov and party.mov show Bo too. One yes is not enough, all must agree.": one_yes,
        "plant.mp4 shows nobody, so there is nobody to ask: a video without people is fine.": right[::2],
        "those two are the ones that you may not use; return the others.": ["party.mov", "walk.mov"],
    }
    compare(sorted(got), right, asked=asked, slips=slips)
    compare(got, right, asked="the right videos:", otherwise="sort their names, as on every machine.")
    others = {"b.mov": ["Bo"], "a.mov": ["Ada", "Bo"], "c.mov": ["Ada"], "d.mov": []}
    named = {"there Bo agreed. Look into `agreed`; name no person in your code.": ["c.mov", "d.mov"]}
    asked = "of four other videos, with a yes from Bo alone,"
    compare(sorted(_listed(call(answer, others, {"Bo"}))), ["b.mov", "d.mov"], asked=asked, slips=named)
    compare(_listed(call(answer, others, set())), ["d.mov"], asked="if nobody agreed,")
    return "right. When somebody takes a yes back, delete the video *and* train again: the model has seen it."


@exercise(
    "How many frames does the video have at that rate? And how many whole clips fit into them?",
    "Seconds times frames per second are frames. Python has an operator that divides and rounds down.",
)
def clips_in_video(answer):
    """Check `clips_in_video(seconds, fps, num_frames)`."""
    slips = {
        "there are 152 frames, and half a clip is none. Round down.": 9,
        "only whole clips count; // divides and rounds down.": 152 / 18,
        "you divided seconds by frames; first turn seconds into frames.": 7.6 / 18,
        "rounded down too early; first turn seconds into frames.": 0,
        "that is how many clips fit if each starts one frame after the last.": 135,
        "those are the frames of the video.": 152,
    }
    otherwise = "frames = seconds * fps, then how many times num_frames fits."
    asked = "for 7.6 seconds at 20 fps, clips of 18 frames,"  # 152 frames: 8 clips and 8 frames left over
    ask(answer, 7.6, 20, 18, right=8, asked=asked, slips=slips, otherwise=otherwise)
    ask(answer, 8.9, 20, 18, right=9, asked="8.9 seconds at 20 fps are 178 frames, 9.9 clips of 18:")
    ask(answer, 0.5, 20, 16, right=0, asked="0.5 seconds at 20 fps are 10 frames, not one clip of 16:")
    return "right: an 8-second film gives 8 clips of 18 frames, so 13 films are over 100. Cuts cost some."


FAULTS = ("frozen", "shimmers", "copies", "lost a scene")
CASES = {  # energy of 8, distance of 32, coverage -> faults; the plainest first
    (7.0, 30.0, 0.9): [],
    (1.0, 30.0, 0.9): ["frozen"],
    (15.0, 30.0, 0.9): ["shimmers"],
    (7.0, 9.0, 0.9): ["copies"],
    (7.0, 30.0, 0.2): ["lost a scene"],
    (1.0, 9.0, 0.9): ["frozen", "copies"],
    (15.0, 9.0, 0.2): ["shimmers", "copies", "lost a scene"],
    (2.5, 17.0, 0.6): [],  # just over the limits
    (11.5, 60.0, 1.4): [],
    (1.9, 15.0, 0.4): ["frozen", "copies", "lost a scene"],
    (12.5, 30.0, 0.9): ["shimmers"],
}


@exercise(
    "Four questions, none of which rules out another: a run may be frozen and copied. Collect what is true.",
    "Begin with an empty list, and for each row of the table append its fault if its comparison holds.",
    "Each comparison is with a number times a real one: `real_energy / 4`, then 1.5 times it, and so on.",
)
def diagnose_run(answer):
    """Check `diagnose_run(energy, real_energy, distance, new_distance, coverage)`."""
    for (energy, distance, covered), right in CASES.items():
        got = call(answer, energy, 8.0, distance, 32.0, covered)
        got = [got] if isinstance(got, str) else _listed(got)
        if unknown := [fault for fault in got if fault not in FAULTS]:
            raise Wrong(f"expected faults among {', '.join(map(repr, FAULTS))}, received {unknown[0]!r}.")
        asked = f"for motion energy {energy:g} of 8, distance {distance:g} of 32, coverage {covered:g}"
        compare(sorted(got), sorted(right), asked=asked, otherwise=_advice(set(got), set(right)))
    return "right. All four limits are habits, not laws: look at the clips as well."


def _advice(got, right):
    """What to look at, from the faults that were named and those that are there."""
    if got < right and got and len(right) > 1:
        return "a run can have several faults: ask all four questions, and return all answers."
    if "frozen" in got - right:
        return "frozen is *less* than a quarter of the real energy, 2 of 8."
    if "shimmers" in got - right:
        return "it shimmers from 1.5 times the real energy on, which is 12 of 8; more is not always worse."
    if "copies" in got - right:
        return "copies lie *nearer* to the training clips, under half of what held-out clips do: 16 of 32."
    if "lost a scene" in got - right:
        return "over one half is no lost scene; a scene that comes too often is none either."
    missed = ", ".join(map(repr, sorted(right - got)))
    return f"the row of the table for {missed} holds: which way round is your comparison?"


def _listed(got):
    """An answer as a list of its entries."""
    if not isinstance(got, Iterable):
        raise Wrong(f"expected a list, received {type(got).__name__}.")
    return [*got]
