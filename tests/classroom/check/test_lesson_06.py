"""The exercises of lesson 06, and what its verdicts say of generators that do not work."""

import ast
import math
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from vgcourse import generate
from vgcourse.classroom import check
from vgcourse.evaluate import metrics
from vgcourse.gan import models

LESSON = Path(__file__).resolve().parents[3] / "lessons" / "06_generate.py"


def said(capsys, name, answer):
    """What `check.<name>(answer)` prints."""
    getattr(check, name)(answer)
    return capsys.readouterr().out


def from_lesson(**needs):
    """The functions that the lesson defines, its solutions too; `needs` are the globals that they use."""
    tree = ast.parse(LESSON.read_text(encoding="utf-8"))
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    space = {"np": np, "math": math, "av": av, "Image": Image, "Path": Path, **needs}
    exec(compile(ast.Module(defined, []), str(LESSON), "exec"), space)
    return space


SPACE = from_lesson()
SOLUTIONS = {name: SPACE[name] for name in ("table_orders", "stretched_line", "seam_ratio", "untagged_files")}


def test_lists_may_come_as_any_two_things_to_go_through(capsys):
    def zipped(people, actions):
        return zip(*[(person, action) for person in people for action in actions], strict=True)

    assert said(capsys, "table_orders", zipped).startswith("✓")


def line(a, b, n):
    t = np.linspace(0, 1, n)[:, None]
    return (1 - t) * a + t * b


def unit(points):
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def lengths(a, b, n):
    return line(np.linalg.norm(a, keepdims=True), np.linalg.norm(b, keepdims=True), n)


def ratio_of(frames):
    return np.abs(frames[0] - frames[-1]).mean() / np.abs(frames[1:] - frames[:-1]).mean()


def other_way_round(clip, start, stop):
    """The ratio in uint8, with the frames at the seam exchanged."""
    frames = clip[start:stop]
    return np.abs(frames[-1] - frames[0]).mean() / np.abs(frames[1:] - frames[:-1]).mean()


def names(test, order=sorted):
    """A wrong `untagged_files`: the names of the files whose tag passes `test`."""
    tag = SPACE["read_tag"]
    return lambda folder: order([path.name for path in folder.iterdir() if test(tag(path))])


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_passes(capsys, name):
    assert said(capsys, name, SOLUTIONS[name]).startswith(f"✓ {name}: ")


@pytest.mark.parametrize(
    ("name", "wrong", "phrase"),
    [
        ("table_orders", lambda p, a: (list(p) * len(a), list(a) * len(p)), "column by column"),
        ("table_orders", lambda p, a: (list(a) * len(p), [x for x in p for _ in a]), "are swapped"),
        ("table_orders", lambda p, a: (p, a), "a table has 6 clips"),
        (
            "table_orders",
            lambda p, a: ([x for x in p for _ in a], [y for y in a for _ in p]),
            "start anew for every person",
        ),
        ("table_orders", lambda p, a: 3, "expected two lists"),
        ("table_orders", lambda p, a: ([1] * 6, list(a) * 2), "received ([1, 1, 1, 1, 1, 1]"),
        ("stretched_line", line, "not stretched yet"),
        ("stretched_line", lambda a, b, n: unit(line(a, b, n)), "every point has length 1"),
        (
            "stretched_line",
            lambda a, b, n: unit(line(a, b, n)) * np.linalg.norm(a),
            "every point has the same length",
        ),
        ("stretched_line", lambda a, b, n: line(a, b, n) * lengths(a, b, n), "did not divide"),
        ("stretched_line", generate.slerp, "slerp itself"),
        ("stretched_line", lambda a, b, n: line(a, b, n).T, "expected shape (4, 2)"),
        ("stretched_line", lambda a, b, n: line(b, a, n), "it should begin at"),
        ("seam_ratio", lambda c, i, j: np.abs(c[i].astype(float) - c[j - 1]).mean(), "in grey levels"),
        ("seam_ratio", lambda c, i, j: ratio_of(c[i : j + 1].astype(float)), "frame `stop` too"),
        ("seam_ratio", lambda c, i, j: ratio_of(c.astype(float)), "within the whole clip"),
        ("seam_ratio", lambda c, i, j: ratio_of(c[i:j]), "70 - 80 is 246"),
        ("seam_ratio", other_way_round, "70 - 80 is 246"),
        ("seam_ratio", lambda c, i, j: 1 / ratio_of(c[i:j].astype(float)), "upside down"),
        ("seam_ratio", lambda c, i, j: 0.0, "between the last frame of the loop and its first"),
        ("untagged_files", names(lambda tag: "generated" in tag.lower()), "list the others"),
        ("untagged_files", names(lambda tag: "generated" not in tag), "compare in small letters"),
        ("untagged_files", names(lambda tag: not tag), "look at the text"),
        (
            "untagged_files",
            names(lambda tag: "generated" not in tag.lower(), lambda found: sorted(found)[::-1]),
            "sort the names",
        ),
        ("untagged_files", lambda folder: list(folder.iterdir()), "take path.name"),
        ("untagged_files", lambda folder: [], "received []"),
    ],
)
def test_wrong_answers_get_a_message_of_their_own(capsys, name, wrong, phrase):
    printed = said(capsys, name, wrong)
    assert printed.startswith(f"✗ {name}: ")
    assert phrase in printed


def test_read_tag_finds_none_where_there_is_none(tmp_path):
    from vgcourse import video

    for kind in ("gif", "mp4", "webp"):
        video.write_video(tmp_path / f"a.{kind}", np.zeros((2, 16, 16, 3), np.uint8), fps=10)
        assert SPACE["read_tag"](tmp_path / f"a.{kind}") == ""


# ---- verdicts --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def untrained():
    names = generate.load_generator().action_names
    return models.VideoGenerator(64, names)


def test_an_untrained_generator_is_not_recognised(untrained):
    names = untrained.action_names
    matrix = generate.swap_motion(untrained, content_seeds=[7, 3], actions=names, motion_seed=1)
    clips = matrix.reshape(-1, *matrix.shape[2:])
    assert not metrics.motion_control_score(clips, np.tile(np.arange(len(names)), 2)) > 0.6


def test_people_that_change_with_the_action_do_not_lie_together():
    rng = np.random.default_rng(0)
    vectors, people = rng.standard_normal((40, 8)), np.repeat(np.arange(4), 10)
    within, across = SPACE["person_gaps"](vectors, people)
    assert not within < 0.8 * across
    within, across = SPACE["person_gaps"](vectors[people] + 0.1 * vectors, people)
    assert within < 0.8 * across


def test_a_generator_that_ignores_the_content_has_no_less_variety_on_lines():
    class SameForAll:
        @staticmethod
        def make_clips(generator, codes, motion, actions):
            return np.random.default_rng(0).integers(0, 255, (len(codes), 2, 8, 8, 3)).astype(np.uint8)

    crowd_of = from_lesson(generate=SameForAll, generator=None, motion=np.zeros((1, 2, 3)), ACTION="a")[
        "crowd_of"
    ]
    codes = np.random.default_rng(1).standard_normal((60, 4))
    halved, whole = (crowd_of(some)[:, 0].std(axis=0).mean() for some in (codes / 2, codes))
    assert not halved < 0.97 * whole


def test_a_loop_of_a_clip_without_rounds_is_no_multiple_of_six():
    start, stop = generate.best_loop(SPACE["dot_on_a_circle"](16, period=7))
    assert (stop - start) % 6 != 0
