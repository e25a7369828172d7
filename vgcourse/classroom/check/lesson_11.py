"""Checks of lesson 11: how much to film, who agreed, and what the scores say."""

from vgcourse.classroom.check.core import ask, call, compare, exercise, refuse


@exercise(
    "How many frames does the video have at that rate? And how many whole clips fit into them?",
    "frames = int(seconds * fps); the number of whole clips is frames // num_frames.",
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
    return "right: twenty videos of 8 seconds give about 160 clips. Cuts cost some: no clip runs across one."


@exercise(
    "For which videos is everybody in the list `people` also in the set `agreed`?",
    "set(people) <= agreed is True if all of them agreed; it also is for a video with nobody in it.",
)
def allowed_videos(answer):
    """Check `allowed_videos(people_in, agreed)`."""
    people_in = {"walk.mov": ["Ada", "Bo"], "plant.mp4": [], "dance.mp4": ["Ada"]}
    people_in |= {"party.mov": ["Bo", "Cy"], "street.mp4": ["Cy"]}
    got = list(call(answer, people_in, {"Ada", "Cy"}))
    right, asked = ["dance.mp4", "plant.mp4", "street.mp4"], "Ada and Cy agreed, Bo did not:"
    one_yes = ["dance.mp4", "party.mov", "street.mp4", "walk.mov"]
    slips = {
        "walk.mov and party.mov show Bo too. One yes is not enough, all must agree.": one_yes,
        "plant.mp4 shows nobody, so there is nobody to ask: a video without people is fine.": right[::2],
        "those two are the ones that you may not use; return the others.": ["party.mov", "walk.mov"],
    }
    compare(sorted(got), right, asked=asked, slips=slips)
    compare(got, right, asked="the right videos:", otherwise="sort their names, as on every machine.")
    return "right. When somebody takes a yes back, delete the video *and* train again: the model has seen it."


@exercise(
    "Two questions, one after the other. What would the second say of frozen clips?",
    "First `if fake_energy < real_energy / 4`, then `if fake_distance < heldout_distance / 2`.",
)
def diagnose_run(answer):
    """Check `diagnose_run(fake_energy, real_energy, fake_distance, heldout_distance)`."""

    def said(energy, distance):
        return call(answer, energy, 8.0, distance, 32.0)

    frozen, copies, fine, none = said(1.0, 30.0), said(7.0, 9.0), said(7.0, 30.0), "no fault found"
    upside_down = frozen == none and fine == "frozen"
    far = copies == none and said(40.0, 60.0) == "copies"
    all_frozen, all_copies = fine == "frozen", fine == "copies"
    mistakes = {
        "upside down: clips are frozen if they have *less* energy than a quarter of the real.": upside_down,
        "upside down: copies lie *nearer* to the training clips than held-out clips do.": far,
        "of clips frozen and near, expected 'frozen': ask for the energy first.": said(1.0, 9.0) == "copies",
        "motion energy 1 where real clips have 8 is under a quarter: expected 'frozen'.": frozen == none,
        "a distance of 9 where held-out clips have 32 is under half: expected 'copies'.": copies == none,
        "energy 7 of 8 is fine: compare with a quarter of the real energy, not with all of it.": all_frozen,
        "distance 30 of 32 is fine: compare with half of the held-out distance, not all of it.": all_copies,
    }
    refuse(mistakes)
    cases = {"frozen": [(1.0, 30.0), (1.0, 9.0), (1.9, 30.0)], "copies": [(7.0, 9.0), (7.0, 15.0)]}
    cases[none] = [(7.0, 30.0), (40.0, 60.0), (2.5, 30.0), (7.0, 17.0)]  # the last two just over the limits
    for right, pairs in cases.items():
        for energy, distance in pairs:
            asked = f"for motion energy {energy:g} of 8 and a distance of {distance:g} of 32"
            compare(said(energy, distance), right, asked=asked, otherwise=f"'frozen', 'copies', or {none!r}.")
    return "right. Both limits are habits, not laws: always look at the clips as well."
