"""The checks of lesson 12: right answers pass, stubs get a hint, typical mistakes a message of their own."""

import ast
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np

from vgcourse.classroom import check

LESSON = Path(__file__).resolve().parents[3] / "lessons" / "12_scale_out.py"


def said(capsys, name, answer):
    """What a check prints about an answer; its first letter is the verdict."""
    getattr(check, name)(answer)
    return capsys.readouterr().out


def test_combine_gradients(capsys):
    name = "combine_gradients"
    assert said(capsys, name, lambda g, n: np.average(g, axis=0, weights=n))[0] == "✓"
    assert said(capsys, name, lambda g, n: [sum(n * column) / sum(n) for column in g.T])[0] == "✓"
    assert "plain mean" in said(capsys, name, lambda g, n: g.mean(axis=0))
    assert "sum of the means" in said(capsys, name, lambda g, n: g.sum(axis=0))
    assert "divide by their number" in said(capsys, name, lambda g, n: n @ g)
    assert "once too often" in said(capsys, name, lambda g, n: n @ g / n.sum() / 2)
    assert "exchanged" in said(capsys, name, lambda g, n: n[::-1] @ g / n.sum())
    assert "shape" in said(capsys, name, lambda g, n: g)
    assert "multiply each row" in said(capsys, name, lambda g, n: g[0])
    assert "three parts" in said(capsys, name, lambda g, n: (4 * g[0] + 3 * g[1]) / 7)


def test_scale_recipe(capsys):
    name = "scale_recipe"
    steps, root = math.ceil, math.sqrt
    assert said(capsys, name, lambda b, s, r, d: (b * d, steps(s / d), r * root(d)))[0] == "✓"
    assert said(capsys, name, lambda b, s, r, d: [b * d, -(-s // d), np.float32(r * d**0.5)])[0] == "✓"
    assert "batch is 1 on each" in said(capsys, name, lambda b, s, r, d: (b, steps(s / d), r))
    assert "eight times the clips; expected" in said(capsys, name, lambda b, s, r, d: (b * d, s, r))
    assert "more steps?" in said(capsys, name, lambda b, s, r, d: (b * d, s * d, r))
    assert "round up" in said(capsys, name, lambda b, s, r, d: (b * d, s // d, r))
    assert "round up" in said(capsys, name, lambda b, s, r, d: (b * d, s / d, r))
    assert "scale the rate" in said(capsys, name, lambda b, s, r, d: (b * d, steps(s / d), r))
    assert "smaller" in said(capsys, name, lambda b, s, r, d: (b * d, steps(s / d), r / d))
    assert "not shrink" in said(capsys, name, lambda b, s, r, d: (b * d, steps(s / d), r / root(d)))
    assert "linear rule" in said(capsys, name, lambda b, s, r, d: (b * d, steps(s / d), r * d))
    assert "on 4 devices" in said(capsys, name, lambda b, s, r, d: (64, 126, 0.02 * root(8)))
    assert "three numbers" in said(capsys, name, lambda b, s, r, d: b * d)


def test_training_price(capsys):
    name = "training_price"

    def price(factor=1.0, share_power=-1, seconds_per_hour=3600):
        def answer(gmac, steps, peak, share, per_hour):
            seconds = factor * 2e9 * gmac * steps * share**share_power / (1e12 * peak)
            return seconds / seconds_per_hour * per_hour

        return answer

    assert said(capsys, name, price())[0] == "✓"
    assert "two operations" in said(capsys, name, price(factor=0.5))
    assert "only a share" in said(capsys, name, price(share_power=0))
    assert "not multiply" in said(capsys, name, price(share_power=1))
    assert "the share is missing" in said(capsys, name, price(factor=0.5, share_power=0))
    assert "in seconds" in said(capsys, name, price(seconds_per_hour=1))
    assert "3600 seconds" in said(capsys, name, price(seconds_per_hour=60))
    assert "the hours" in said(capsys, name, lambda g, s, p, q, c: 2e9 * g * s / (1e12 * p * q) / 3600)
    assert "giga" in said(capsys, name, price(factor=1000))
    assert "giga" in said(capsys, name, price(factor=0.001))
    assert "for 45, 300000" in said(capsys, name, lambda *_: 3.0)
    assert "a second" in said(capsys, name, lambda *_: 7.0)


# ---- what the lesson writes and says ---------------------------------------------------------------------


def lesson_value(name):
    """A constant that the lesson assigns."""
    for node in ast.parse(LESSON.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"the lesson has no {name}")


def lesson_functions(*names, **needs):
    """Functions that the lesson defines; `needs` are the globals that they use."""
    tree = ast.parse(LESSON.read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in names]
    space = {"np": np, **needs}
    exec(compile(ast.Module(found, []), str(LESSON), "exec"), space)
    return [space[name] for name in names]


STUB = """
import json, os, sys, time
config = json.loads(os.environ["TF_CONFIG"])
index = config["task"]["index"]
with open(sys.argv[3] + f"-{index}", "w") as file:
    json.dump([config, sys.argv[1:]], file)
if sys.argv[2] == "fails" and index == 1:
    sys.exit(3)
if sys.argv[2] == "fails":
    time.sleep(600)
"""


def launch(folder, store):
    """Run the lesson's launcher with another program in the place of `vgcourse`."""
    (folder / "vgcourse.py").write_text(STUB, encoding="utf-8")
    (folder / "launch.py").write_text(lesson_value("LAUNCHER"), encoding="utf-8")
    command = [sys.executable, "launch.py", "2", store, "run", "--steps", "4"]
    return subprocess.run(command, cwd=folder, timeout=60, check=False).returncode


def test_the_launcher_gives_every_worker_the_same_cluster_and_its_own_index(tmp_path):
    assert launch(tmp_path, "store") == 0
    told = [json.loads((tmp_path / f"run-{index}").read_text(encoding="utf-8")) for index in range(2)]
    assert [config["task"] for config, _ in told] == [{"type": "worker", "index": i} for i in range(2)]
    assert told[0][0]["cluster"] == told[1][0]["cluster"]
    assert len(set(told[0][0]["cluster"]["worker"])) == 2
    assert told[0][1] == ["train", "store", "run", "--steps", "4", "--strategy", "multi-worker"]


def test_the_launcher_ends_the_others_when_one_worker_fails(tmp_path):
    assert launch(tmp_path, "fails") == 1


def test_the_verdict_of_the_ring_exchange_sees_a_missing_turn():
    (reduce,) = lesson_functions("ring_all_reduce")
    gradients = np.arange(12.0).reshape(3, 4)
    ends, sent = reduce(gradients)
    assert all(np.array_equal(end, gradients.sum(axis=0)) for end in ends)
    assert sent.sum() == 2 * 2 * 4  # each of 4 numbers travels twice over 2 edges


def test_the_fit_of_a_line_diverges_over_the_limit_alone():
    scales = np.linspace(0.3, 1, 20)
    (train,) = lesson_functions("train_line", SCALES=scales, TRUE=np.random.default_rng(0).normal(size=20))
    assert train(1024, 1.5) < 1 < 100 < train(1024, 2.6)
