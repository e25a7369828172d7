"""Continuous integration: who may publish, what is pinned, and that no failure of a part is lost."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
HOME = "vgcourse/vgcourse"


def workflow(name):
    return yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))


def evaluate(expression, github):
    """Value of an expression of GitHub Actions: Python reads it alike but for `&&` and `||`."""
    return eval(expression.replace("&&", " and ").replace("||", " or "), {"github": github})


def fill(text, github):
    """A text with every `${{ }}` in it filled."""
    return re.sub(
        r"\$\{\{(.+?)\}\}", lambda match: str(evaluate(match.group(1).strip(), github)), text, flags=re.S
    )


def event(name, ref="refs/heads/main", **run):
    """What GitHub tells a workflow; `run` is of the workflow run that is over, for `workflow_run`."""
    origin = SimpleNamespace(full_name=run.pop("repository", ""))
    facts = (
        {"conclusion": "success", "event": "push", "head_branch": "main", "head_sha": "f00"}
        if run or origin.full_name
        else {}
    )
    facts = dict.fromkeys(["conclusion", "event", "head_branch", "head_sha"], "") | facts | run
    over = SimpleNamespace(workflow_run=SimpleNamespace(head_repository=origin, **facts))
    return SimpleNamespace(event_name=name, ref=ref, repository=HOME, sha="abc", workflow="it", event=over)


PUSHED = event("workflow_run", repository=HOME)
FORK = event("workflow_run", repository="mallory/vgcourse", event="pull_request")


def test_the_book_is_built_from_tested_pushes_to_this_repository_alone():
    jobs = workflow("pages.yml")["jobs"]
    condition = " ".join(jobs["build"]["if"].split())
    assert evaluate(condition, PUSHED)
    assert evaluate(condition, event("pull_request", ref="refs/pull/7/merge"))  # is built, not published
    refused = [
        FORK,  # from a branch that is called main
        event("workflow_run", repository="mallory/vgcourse"),
        event("workflow_run", repository=HOME, event="pull_request"),
        event("workflow_run", repository=HOME, event="schedule"),
        event("workflow_run", repository=HOME, head_branch="try"),
        event("workflow_run", repository=HOME, conclusion="failure"),
    ]
    assert [bool(evaluate(condition, github)) for github in refused] == [False] * len(refused)
    assert jobs["deploy"]["needs"] == "build"  # and is skipped with it
    publishes = evaluate(jobs["deploy"]["if"], event("pull_request", ref="refs/heads/main"))
    assert not publishes
    assert not evaluate(jobs["deploy"]["if"], event("workflow_dispatch", ref="refs/heads/try"))
    (checkout,) = (step for step in jobs["build"]["steps"] if "checkout" in step.get("uses", ""))
    assert fill(checkout["with"]["ref"], PUSHED) == "f00"
    assert fill(checkout["with"]["ref"], event("workflow_dispatch")) == "abc"


def test_nobody_cancels_a_publication_or_the_weekly_run():
    pages, ci = workflow("pages.yml")["concurrency"], workflow("ci.yml")["concurrency"]
    assert fill(pages["group"], FORK) != fill(pages["group"], PUSHED)
    weekly = event("schedule")
    assert fill(ci["group"], weekly) != fill(ci["group"], event("push"))
    assert fill(ci["group"], event("push")) == fill(ci["group"], event("push"))
    assert fill(ci["cancel-in-progress"], weekly) == "False"
    assert fill(ci["cancel-in-progress"], event("push")) == "True"


def test_every_action_is_pinned_by_its_commit():
    lines = [
        line
        for path in sorted(WORKFLOWS.glob("*.yml"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    used = [line.partition("uses:")[2].strip() for line in lines if "uses:" in line]
    assert len(used) > 10
    assert [line for line in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
    # One commit for an action, wherever it stands.
    assert len(set(used)) == len({line.partition("@")[0] for line in used})


def test_only_the_deployment_may_write():
    for name in ("ci.yml", "pages.yml"):
        assert workflow(name)["permissions"] == {"contents": "read"}
    writing = {job for name in ("ci.yml", "pages.yml") for job, facts in workflow(name)["jobs"].items()
               if "permissions" in facts}  # fmt: skip
    assert writing == {"deploy"}


def test_every_python_and_system_is_tried():
    jobs = workflow("ci.yml")["jobs"]
    assert {"run": "bash .ci/run"} in jobs["test"]["steps"]
    matrix = jobs["smoke"]["strategy"]["matrix"]
    assert matrix["python"] == ["3.11", "3.12", "3.13"]
    assert {system.split("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert matrix["exclude"] == [{"os": jobs["test"]["runs-on"], "python": jobs["test"]["env"]["UV_PYTHON"]}]
    for github, names in [("push", {"test", "smoke", "wheel"}), ("schedule", {"window", "faults", "fuzz"})]:
        assert {job for job in jobs if evaluate(jobs[job]["if"], event(github))} == names


# ---- .ci/run, with commands that only say what they were asked -------------------------------------------

UV = """\
#!/bin/sh
echo "$VGCOURSE_BUDGET uv $*" >> "$LOG"
case "uv $*" in *"$FAILS") echo "said by a part that fails"; exit 3;; esac
"""
SAYS = '#!/bin/sh\necho "$(basename "$0") $*" >> "$LOG"\n'
# What a run of everything asks for, at the ends of the commands.
PARTS = ("uv sync --quiet", "ruff check .", "ruff format --check .", "vgcourse --help", "python -m book",
         "--durations=15", "-m slow tests/book/browser",
         "-m slow --ignore=tests/book/browser", "notebooks", "notebooks/solutions",
         "--sample 2 --seed 12", "tests.fuzz --minutes 1 --seed 12")  # fmt: skip


@pytest.fixture
def ci_run(tmp_path):
    """A function that runs `.ci/run` on a Linux made of stand-ins: what was called, and the result."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "basename", "dirname", "env", "mktemp", "rm", "cat", "grep", "sh"):
        (tools / name).symlink_to(shutil.which(name))
    stubs = {"uv": UV, "apt-get": SAYS, "uname": "#!/bin/sh\necho Linux\n", "id": "#!/bin/sh\necho $ID\n"}
    stubs["sudo"] = SAYS + 'exec "$@"\n'
    for name, text in stubs.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)

    def call(*, fails="nothing", user=0):
        log = tmp_path / "log"
        log.unlink(missing_ok=True)
        own = {
            "PATH": str(tools),
            "LOG": str(log),
            "FAILS": fails,
            "ID": str(user),
            "GITHUB_RUN_NUMBER": "12",
        }
        ran = subprocess.run(
            ["bash", str(ROOT / ".ci" / "run")],
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            check=False,
        )
        return log.read_text().splitlines(), ran

    return call


def asked(calls):
    """Which of PARTS were asked for."""
    return [part for part in PARTS if any(line.endswith(part) for line in calls)]


@pytest.mark.skipif(sys.platform == "win32", reason="its commands are stand-ins made of sh")
class TestCiRun:
    def test_everything_runs_and_the_table_says_how_long(self, ci_run):
        calls, ran = ci_run()
        assert ran.returncode == 0, ran.stderr
        assert asked(calls) == list(PARTS)
        table = ran.stdout[ran.stdout.index("part ") :].splitlines()
        assert [re.split(r"\s{2,}", line)[0] for line in table[1:]][:3] == [
            "system packages",
            "uv sync",
            "lint, command line",
        ]
        assert {line.split("  ")[0] for line in table} >= {
            "web book",
            "default tests",
            "browser tests",
            "slow tests",
            "notebooks",
            "planted faults",
            "fuzzing",
            "all",
        }
        assert all(re.search(r"\s\d+$", line) for line in table[1:])
        # Short trainings in the notebooks alone.
        assert all(
            line.startswith("small ") == line.endswith(("notebooks", "solutions"))
            for line in calls
            if "uv" in line
        )

    @pytest.mark.parametrize("part", PARTS)
    def test_no_failure_is_lost(self, ci_run, part):
        calls, ran = ci_run(fails=part)
        assert ran.returncode != 0
        late = PARTS.index(part) >= PARTS.index("-m slow --ignore=tests/book/browser")
        # The book and the default tests run side by side.
        last = "--durations=15" if part == "python -m book" else part
        assert asked(calls) == list(PARTS if late else PARTS[: PARTS.index(last) + 1])
        assert "FAILED" in ran.stdout
        if part not in ("vgcourse --help",):  # whose words are of no interest
            assert "said by a part that fails" in ran.stdout

    @pytest.mark.parametrize(("user", "first"), [(0, "apt-get"), (1000, "sudo apt-get")])
    def test_system_packages_are_installed_by_root(self, ci_run, user, first):
        calls, _ = ci_run(user=user)
        installing = [line for line in calls if " install " in line and "chromium" in line]
        assert installing[0].startswith(first.split()[0])
        assert {"chromium", "npm", "ffmpeg"} <= set(installing[0].split())
