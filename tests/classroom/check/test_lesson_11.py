"""The exercises of lesson 11, and what its verdicts say of models and data that do not work."""

import ast
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from vgcourse import preprocess
from vgcourse.classroom import check
from vgcourse.evaluate import metrics

LESSON = Path(__file__).resolve().parents[3] / "lessons" / "11_your_videos.py"


def said(capsys, name, answer):
    """What `check.<name>(answer)` prints."""
    getattr(check, name)(answer)
    return capsys.readouterr().out


def from_lesson(**needs):
    """The functions that the lesson defines, its solutions too; `needs` are the globals that they use."""
    tree = ast.parse(LESSON.read_text(encoding="utf-8"))
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    space = {
        "np": np,
        "Counter": Counter,
        "preprocess": preprocess,
        **needs,
    }
    exec(compile(ast.Module(defined, []), str(LESSON), "exec"), space)
    return space


SPACE = from_lesson(SIZE=32, NUM_FRAMES=16, SEED=0)
SOLUTIONS = {name: SPACE[name] for name in ("coverage", "allowed_videos", "clips_in_video", "diagnose_run")}


def ratios(nearest, scene_of, num_scenes):
    """What `coverage` takes the smallest of."""
    made, real = (np.bincount(x, minlength=num_scenes) / len(x) for x in (scene_of[nearest], scene_of))
    return made / real


def present(nearest, scene_of, num_scenes):
    """The ratios of those scenes that came."""
    found = ratios(nearest, scene_of, num_scenes)
    return found[found > 0]


def by_loops(nearest, scene_of, num_scenes):
    """A right `coverage` without NumPy's counting."""
    found = []
    for k in range(num_scenes):
        made = sum(scene_of[j] == k for j in nearest) / len(nearest)
        found.append(made / (sum(s == k for s in scene_of) / len(scene_of)))
    return min(found)


def allowed(test):
    """A wrong `allowed_videos`: the videos whose people pass `test`."""
    return lambda people_in, agreed: sorted(f for f, people in people_in.items() if test(people, agreed))


def judged(**rules):
    """A `diagnose_run` in which some of the rules are others."""

    def judge(energy, real_energy, distance, new_distance, coverage):
        e, d = energy / real_energy, distance / new_distance
        right = {"frozen": e < 0.25, "shimmers": e > 1.5, "copies": d < 0.5, "lost a scene": coverage < 0.5}
        other = {name.replace("_", " "): rule(e, d, coverage) for name, rule in rules.items()}
        return [fault for fault, found in (right | other).items() if found]

    return judge


def first_only(*facts):
    return judged()(*facts)[:1]


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_passes(capsys, name):
    assert said(capsys, name, SOLUTIONS[name]).startswith(f"✓ {name}: ")


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("coverage", by_loops),
        ("coverage", lambda n, s, k: np.float32(ratios(n, s, k).min())),
        ("allowed_videos", lambda p, a: tuple(sorted(f for f in p if all(who in a for who in p[f])))),
        ("clips_in_video", lambda s, f, n: s * f // n),
        ("diagnose_run", lambda *facts: set(judged()(*facts))),
        ("diagnose_run", lambda *facts: reversed(judged()(*facts))),
    ],
)
def test_other_right_answers_pass(capsys, name, right):
    assert said(capsys, name, right).startswith(f"✓ {name}: ")


@pytest.mark.parametrize(
    ("name", "wrong", "phrase"),
    [
        ("coverage", lambda n, s, k: (np.bincount(s[n], minlength=k) / len(n)).min(), "smallest share"),
        ("coverage", lambda n, s, k: ratios(n, s, k).max(), "the largest ratio"),
        ("coverage", lambda n, s, k: ratios(n, s, k).mean(), "the mean ratio"),
        ("coverage", lambda n, s, k: (1 / ratios(n, s, k)).min(), "upside down"),
        ("coverage", lambda n, s, k: (ratios(n, s, k) * len(n) / len(s)).min(), "counts over counts"),
        ("coverage", lambda n, s, k: present(n, s, k).min(), "never comes has share 0"),
        ("coverage", lambda n, s, k: 0.6, "count all `num_scenes` scenes"),
        ("coverage", ratios, "expected one number"),
        ("allowed_videos", allowed(lambda people, agreed: set(people) & agreed), "One yes is not enough"),
        (
            "allowed_videos",
            allowed(lambda people, agreed: people and set(people) <= agreed),
            "a video without people is fine",
        ),
        ("allowed_videos", allowed(lambda people, agreed: not set(people) <= agreed), "may not use"),
        ("allowed_videos", allowed(lambda people, agreed: "Bo" not in people), "name no person in your code"),
        ("allowed_videos", lambda p, a: [f for f, who in p.items() if set(who) <= a], "sort their names"),
        ("allowed_videos", lambda p, a: [], "received []"),
        ("allowed_videos", lambda p, a: 3, "expected a list"),
        ("clips_in_video", lambda s, f, n: -int(-s * f // n), "half a clip is none"),
        ("clips_in_video", lambda s, f, n: s * f / n, "only whole clips count"),
        ("clips_in_video", lambda s, f, n: s // n, "first turn seconds into frames"),
        ("clips_in_video", lambda s, f, n: int(s * f) - n + 1, "one frame after the last"),
        ("clips_in_video", lambda s, f, n: int(s * f), "the frames of the video"),
        ("clips_in_video", lambda s, f, n: max(1, int(s * f) // n), "not one clip of 16: expected 0"),
        ("clips_in_video", lambda s, f, n: -1, "how many times num_frames fits"),
        ("diagnose_run", first_only, "several faults"),
        ("diagnose_run", judged(frozen=lambda e, d, c: e > 0.25), "*less* than a quarter"),
        ("diagnose_run", judged(frozen=lambda e, d, c: e < 0.32), "*less* than a quarter"),
        ("diagnose_run", judged(frozen=lambda e, d, c: e < 0.2), "several faults"),
        ("diagnose_run", judged(frozen=lambda e, d, c: False), "which way round"),
        ("diagnose_run", judged(shimmers=lambda e, d, c: e > 1), "from 1.5 times"),
        ("diagnose_run", judged(shimmers=lambda e, d, c: e > 1.6), "'shimmers' holds"),
        ("diagnose_run", judged(copies=lambda e, d, c: d > 0.5), "*nearer* to the training"),
        ("diagnose_run", judged(copies=lambda e, d, c: d < 0.55), "16 of 32"),
        ("diagnose_run", judged(copies=lambda e, d, c: False), "'copies' holds"),
        ("diagnose_run", judged(lost_a_scene=lambda e, d, c: c < 1), "no lost scene"),
        ("diagnose_run", judged(lost_a_scene=lambda e, d, c: c < 0.3), "coverage 0.4"),
        ("diagnose_run", lambda *_: "good", "among 'frozen', 'shimmers', 'copies', 'lost a scene'"),
    ],
)
def test_wrong_answers_get_a_message_of_their_own(capsys, name, wrong, phrase):
    printed = said(capsys, name, wrong)
    assert printed.startswith(f"✗ {name}: ")
    assert phrase in printed


# ---- verdicts --------------------------------------------------------------------------------------------


def moving_clips(num_clips, seed):
    """Clips of a bright bar that goes to the right on a dark ground."""
    rng = np.random.default_rng(seed)
    clips = np.full((num_clips, 16, 32, 32, 3), 30, np.uint8)
    for clip, start in zip(clips, rng.integers(0, 16, num_clips), strict=True):
        for t, frame in enumerate(clip):
            frame[:, (start + t) % 28 : (start + t) % 28 + 4] = 220
    return clips


def test_frozen_clips_do_not_move():
    real = moving_clips(8, seed=0)
    frozen = np.repeat(real[:, :1], 16, axis=1)
    assert not metrics.motion_energy(frozen) > metrics.motion_energy(real) / 4


def test_held_out_takes_the_end_of_every_video():
    files = ["a"] * 8 + ["b"] + ["c"] * 4
    mask = SPACE["held_out"](files, 0.25)
    assert np.flatnonzero(mask).tolist() == [6, 7, 12]
    assert not SPACE["held_out"](files, 0).any()


def test_variants_shake_no_picture():
    clips = np.random.default_rng(0).integers(0, 256, (2, 3, 36, 36, 3)).astype(np.uint8)
    rows = np.repeat([0, 1], 4)
    made = SPACE["variants"](clips, rows)
    assert made.shape == (8, 3, 32, 32, 3)
    places = [(y, x) for y in range(5) for x in range(5)]
    for k, (row, clip) in enumerate(zip(rows, made, strict=True)):
        upright = clip[:, :, ::-1] if k % 2 else clip
        assert any(np.array_equal(clips[row, :, y : y + 32, x : x + 32], upright) for y, x in places)
    assert SPACE["variants"](clips, rows[:0]).shape == (0, 3, 32, 32, 3)


def test_every_label_gets_an_equal_share_of_the_chosen_clips():
    labels, chosen = np.array([0, 0, 0, 1, 2, 2]), np.array([True, True, False, True, False, False])
    rows = SPACE["equal_shares"](labels, chosen, 4)
    assert rows.tolist() == [0, 1, 0, 1, 3, 3, 3, 3]
    assert SPACE["equal_shares"](labels, ~chosen & chosen, 4).tolist() == []


def test_the_forecast_counts_how_often_a_clip_is_seen():
    space = from_lesson(FULL_STEPS=3000, BATCH_SIZE=8)
    assert space["forecast"]("cat", 40, 1).startswith("cat: 40 clips, each seen 600 times: pieces")
    assert "that very clip" in space["forecast"]("plant", 1, 3)


def test_a_verdict_on_our_films_must_hold_and_on_yours_is_a_finding(capsys):
    with pytest.raises(AssertionError, match="it moves"):
        from_lesson(USE_MINE=False)["verdict"]("it moves", False)
    from_lesson(USE_MINE=True)["verdict"]("it moves", False)
    assert capsys.readouterr().out == "NOT with these films: it moves\n"
