"""Checks of lesson 09: how much to film, who agreed, and what the scores say."""

from vgcourse.classroom.check.core import Wrong, call, exercise


@exercise(
    "How many frames does the video have at that rate? And how many whole clips fit into them?",
    "frames = int(seconds * fps); the number of whole clips is frames // num_frames.",
)
def clips_in_video(answer):
    """Check `clips_in_video(seconds, fps, num_frames)`."""
    got = call(answer, 7.6, 20, 18)  # 152 frames: 8 clips and 8 frames left over
    asked = "for 7.6 seconds at 20 fps, clips of 18 frames, expected 8"
    if got == 9:
        raise Wrong(f"{asked}, received 9: there are 152 frames, and half a clip is none. Round down.")
    if isinstance(got, float) and 8 < got < 9:
        raise Wrong(f"{asked}, received {got:.2f}: only whole clips count; // divides and rounds down.")
    if got in (0, 7.6 / 18):
        raise Wrong(
            f"{asked}, received {got:.2g}: you divided seconds by frames; first turn seconds into frames."
        )
    if got in (135, 134):
        raise Wrong(
            f"{asked}, received {got}: that is how many clips fit if each starts one frame after the last."
        )
    if got in (152, 152.0):
        raise Wrong(f"{asked}, received 152: those are the frames of the video.")
    if got != 8:
        raise Wrong(
            f"{asked}, received {got!r}: frames = seconds * fps, then how many times num_frames fits."
        )
    if (most := call(answer, 8.9, 20, 18)) != 9:  # 178 frames: 9.9 clips
        raise Wrong(f"8.9 seconds at 20 fps are 178 frames, 9.9 clips of 18: expected 9, received {most!r}.")
    if (few := call(answer, 0.5, 20, 16)) != 0:
        raise Wrong(
            f"a video of 0.5 seconds has 10 frames at 20 fps: expected 0 clips of 16, received {few!r}."
        )
    return "right: twenty videos of 8 seconds give about 160 clips. Cuts cost some: no clip runs across one."


@exercise(
    "For which videos is everybody in the list `people` also in the set `agreed`?",
    "set(people) <= agreed is True if all of them agreed; it also is for a video with nobody in it.",
)
def allowed_videos(answer):
    """Check `allowed_videos(people_in, agreed)`."""
    people_in = {
        "walk.mov": ["Ada", "Bo"],
        "plant.mp4": [],
        "dance.mp4": ["Ada"],
        "party.mov": ["Bo", "Cy"],
        "street.mp4": ["Cy"],
    }
    got = list(call(answer, {file: [*people] for file, people in people_in.items()}, {"Ada", "Cy"}))
    expected, asked = ["dance.mp4", "plant.mp4", "street.mp4"], "Ada and Cy agreed, Bo did not"
    if {"walk.mov", "party.mov"} & set(got) and "dance.mp4" in got:
        raise Wrong(f"{asked}: walk.mov and party.mov show Bo too. One yes is not enough, all must agree.")
    if sorted(got) == ["dance.mp4", "street.mp4"]:
        raise Wrong("plant.mp4 shows nobody, so there is nobody to ask: a video without people is fine.")
    if sorted(got) == ["party.mov", "walk.mov"]:
        raise Wrong(f"{asked}: those two are the ones that you may not use; return the others.")
    if sorted(got) == expected and got != expected:
        raise Wrong("the right videos; sort their names, so that the order is the same on every machine.")
    if got != expected:
        raise Wrong(f"{asked}: expected {expected}, received {got}.")
    return "right. When somebody takes a yes back, delete the video *and* train again: the model has seen it."


@exercise(
    "Two questions, one after the other. What would the second say of frozen clips?",
    "First `if fake_energy < real_energy / 4`, then `if fake_distance < heldout_distance / 2`.",
)
def diagnose_run(answer):
    """Check `diagnose_run(fake_energy, real_energy, fake_distance, heldout_distance)`."""
    cases = {
        "frozen": (1.0, 8.0, 30.0, 32.0),
        "copies": (7.0, 8.0, 9.0, 32.0),
        "both": (1.0, 8.0, 9.0, 32.0),
        "fine": (7.0, 8.0, 30.0, 32.0),
        "lively": (40.0, 8.0, 60.0, 32.0),
        "slow": (2.5, 8.0, 30.0, 32.0),  # just over a quarter
        "near": (7.0, 8.0, 17.0, 32.0),  # just over half
        "just frozen": (1.9, 8.0, 30.0, 32.0),
        "just copies": (7.0, 8.0, 15.0, 32.0),
    }
    said = {case: call(answer, *numbers) for case, numbers in cases.items()}
    if said["frozen"] == "no fault found" and said["fine"] == "frozen":
        raise Wrong(
            "upside down: clips are frozen if they have *less* motion energy than a quarter of the real."
        )
    if said["copies"] == "no fault found" and said["lively"] == "copies":
        raise Wrong("upside down: copies lie *nearer* to the training clips than held-out clips do.")
    if said["both"] == "copies":
        raise Wrong("of clips that are frozen and near, expected 'frozen': ask for the motion energy first.")
    if said["frozen"] == "no fault found":
        raise Wrong("motion energy 1 where real clips have 8 is under a quarter: expected 'frozen'.")
    if said["copies"] == "no fault found":
        raise Wrong("a distance of 9 where held-out clips have 32 is under half: expected 'copies'.")
    if said["fine"] == "frozen":
        raise Wrong("energy 7 of 8 is fine: compare with a quarter of the real energy, not with all of it.")
    if said["fine"] == "copies":
        raise Wrong(
            "distance 30 of 32 is fine: compare with half of the held-out distance, not with all of it."
        )
    expected = {"both": "frozen", "just frozen": "frozen", "just copies": "copies"}
    expected |= dict.fromkeys(("fine", "lively", "slow", "near"), "no fault found")
    expected |= {case: case for case in ("frozen", "copies")}
    for case, word in expected.items():
        if said[case] != word:
            energy, real, distance, heldout = cases[case]
            raise Wrong(
                f"motion energy {energy:g} of {real:g} and a distance of {distance:g} of {heldout:g}: "
                f"expected {word!r}, one of 'frozen', 'copies', 'no fault found'; received {said[case]!r}."
            )
    return "right. Both limits are habits, not laws: always look at the clips as well."
