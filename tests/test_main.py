"""The command line, from a folder of videos to scores: exit codes, messages, files."""

import csv
import functools
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from unittest.mock import Mock, call

import numpy as np
import odd_videos
import pytest
import typer
from typer.testing import CliRunner

from vgcourse import __main__ as command_line
from vgcourse import __version__, datasets, gan, generate, people, preprocess, training, video
from vgcourse.files import new_file

NO_WINDOWS = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no such signal")
COMMANDS = ("demo", "render", "prepare", "train", "train-structure", "animate")
COMMANDS += ("generate", "evaluate", "train-features", "grade")


def run(*arguments):
    return CliRunner().invoke(command_line.app, [str(argument) for argument in arguments])


def main(monkeypatch, capsys, *arguments):
    """Exit code, standard output and standard error of the program."""
    monkeypatch.setattr(sys, "argv", ["vgcourse", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        command_line.main()
    return stop.value.code, *capsys.readouterr()


@pytest.fixture(autouse=True)
def own_signals():
    """`main` sets a handler for a process that ends with it."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    handlers = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """A folder of videos with a bad one, the store made of it, and a run of 20 steps."""
    folder = tmp_path_factory.mktemp("Werkstatt für Filme")
    for action in ("walk", "wave1"):
        for actor in range(5):
            clip = people.render_action(action, actor, size=32, num_frames=50)
            video.write_video(folder / "videos" / action / f"{actor}.mp4", clip, fps=25)
    (folder / "videos" / "walk" / "notes.mp4").write_text("not a video")
    prepared = run("prepare", folder / "videos", folder / "store", "--size", 32)
    trained = run("train", folder / "store", folder / "run", "--steps", 20, "--precision", "float32")
    return folder, prepared, trained


def test_every_command_explains_itself_and_stands_in_the_readme():
    for command in COMMANDS:
        result = run(command, "--help")
        assert result.exit_code == 0
        assert "Usage" in result.output
    readme = Path(__file__).resolve().parents[1].joinpath("README.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `([\w-]+)[^`]*` \|", readme, re.MULTILINE)
    assert list(dict.fromkeys(table)) == list(COMMANDS)
    assert sorted(COMMANDS) == sorted(typer.main.get_command(command_line.app).commands)


def test_help_lists_the_commands_and_loads_no_tensorflow():
    code = "import sys; from vgcourse.__main__ import app; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert all(command in run("--help").output for command in COMMANDS)


@pytest.mark.slow
def test_prepare_skips_and_reports_the_bad_file(workshop):
    folder, prepared, _ = workshop
    assert prepared.exit_code == 0, prepared.output
    assert "notes.mp4" in prepared.output
    assert "10 videos read, 1 skipped" in prepared.output
    clips = datasets.load_clips(folder / "store")
    assert clips.clip_shape == (20, 32, 32, 3)
    assert clips.action_names == ("walk", "wave1")


def test_prepare_reads_what_phones_and_editors_write(tmp_path):
    """Odd files in an odd folder come out as `preprocess` scales and crops their frames."""
    folder, clip = tmp_path / "meine Filme 视频" / "a b", odd_videos.moving_clip(4)
    folder.mkdir(parents=True)
    expected = {
        "grey.mkv": odd_videos.numbered_clip(4, 48, 64),
        "phone.mov": np.rot90(clip, -1, axes=(1, 2)),
        "uneven.mkv": clip[[0, 0, 2, 3]],  # frame 0 stays twice as long
    }
    odd_videos.encode(folder / "grey.mkv", expected["grey.mkv"], codec="ffv1", pix_fmt="gray")
    odd_videos.with_display_matrix(folder / "phone.mov", clip, (0, 1, -1, 0))
    odd_videos.encode(folder / "uneven.mkv", clip[[0, 2, 3]], times=[0, 80, 120])
    options = ["--size", 32, "--num-frames", 4, "--fps", 25]
    result = run("prepare", folder.parent, tmp_path / "store", *options)
    assert result.exit_code == 0, result.output
    assert "3 videos read, 0 skipped" in result.output
    clips = datasets.load_clips(tmp_path / "store")
    assert [Path(file).name for file in clips.files] == sorted(expected)
    for file, received in zip(clips.files, clips.clips, strict=True):
        wanted = expected[Path(file).name]
        scale = 32 / min(wanted.shape[1:3])
        covering = preprocess.resize(wanted, *(max(32, round(n * scale)) for n in wanted.shape[1:3]))
        difference = np.abs(received.astype(int) - preprocess.center_crop(covering, 32, 32)).mean()
        assert difference < 5, file


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_whatever_is_in_a_name_a_line_stays_a_line(tmp_path, monkeypatch, capsys):
    for label in ("two\nlines", "bell\a \x1b[31m"):
        path = tmp_path / "videos" / label / "film.mkv"
        path.parent.mkdir(parents=True)
        odd_videos.encode(path, odd_videos.moving_clip(8, 32, 32), codec="ffv1")
    (tmp_path / "videos" / "two\nlines" / "bad.mkv").touch()
    options = ["--size", 32, "--num-frames", 4]
    arguments = [tmp_path / "videos", tmp_path / "store", *options]
    code, said, warned = main(monkeypatch, capsys, "prepare", *arguments)
    assert not code
    assert said.count("\n") == warned.count("\n") == 1
    assert (said + warned).replace("\n", "").isprintable()
    assert r"of bell\x07 \x1b[31m, two\nlines;" in said
    assert warned.startswith(r"skipped two\nlines/bad.mkv: ")


def test_prepare_counts_the_clips_in_which_nothing_moves(tmp_path):
    clip = odd_videos.moving_clip(8, 32, 32)[[0] * 8 + list(range(8))]
    (tmp_path / "videos").mkdir()
    odd_videos.encode(tmp_path / "videos" / "film.mkv", clip, codec="ffv1")
    options = ["--size", 32, "--num-frames", 4, "--fps", 25]
    result = run("prepare", tmp_path / "videos", tmp_path / "store", *options)
    assert result.exit_code == 0, result.output
    assert "1 videos read, 0 skipped; 2 clips of equal frames left out" in result.output
    assert datasets.load_clips(tmp_path / "store").num_clips == 2


@pytest.mark.slow
def test_train_keeps_settings_checkpoints_history_and_generator(workshop):
    folder, _, trained = workshop
    assert trained.exit_code == 0, trained.output
    config = json.loads((folder / "run" / "config.json").read_text())
    assert (config["steps"], config["precision"], config["num_frames"]) == (20, "float32", 16)
    with open(folder / "run" / "history.csv", newline="") as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == [10, 20]
    # On a slow machine there is one of step 10, too.
    assert training.list_checkpoints(folder / "run")[-1].name == "checkpoint-00000020.npz"
    assert (folder / "run" / "generator.keras").stat().st_size > 100_000


@pytest.mark.slow
def test_a_run_is_made_again_from_its_folder(workshop, tmp_path):
    folder, *_ = workshop
    config = json.loads((folder / "run" / "config.json").read_text())
    program, *words = shlex.split(config["command"])
    assert (program, words[2]) == ("vgcourse", str(folder / "run"))
    assert (config["seed"], config["replicas"]) == (0, 1)
    assert config["versions"]["tensorflow"]
    assert len(config["source"]["sha256"]) == 64
    result = run(words[0], words[1], tmp_path / "again", *words[3:])
    assert result.exit_code == 0, result.output
    ends = [
        np.load(run_folder / "checkpoint-00000020.npz") for run_folder in (folder / "run", tmp_path / "again")
    ]
    assert [name for name in ends[0].files if not np.array_equal(ends[0][name], ends[1][name])] == []


@pytest.mark.slow
def test_a_run_can_be_watched_in_tensorboard(workshop, tmp_path):
    folder, *_ = workshop
    options = ["--steps", 30, "--batch-size", 2, "--precision", "float32", "--tensorboard", "--profile"]
    result = run("train", folder / "store", tmp_path / "run", *options)
    assert result.exit_code == 0, result.output
    assert list((tmp_path / "run" / "tensorboard").glob("events.out.tfevents.*"))
    assert list((tmp_path / "run" / "tensorboard").rglob("*.xplane.pb"))


@pytest.mark.slow
def test_generate_writes_playable_files(workshop, tmp_path):
    folder, *_ = workshop
    result = run("generate", folder / "run", tmp_path, "--num-clips", 2, "--action", "wave1")
    assert result.exit_code == 0, result.output
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"000-wave1.gif", "001-wave1.gif", "samples.gif", "samples.mp4", "samples.png"}
    assert video.probe(tmp_path / "000-wave1.gif").num_frames == 16
    grid = video.read_clip(tmp_path / "samples.mp4")
    assert grid.shape[0] == 60  # three turns of 20 frames
    for name in names:  # every file says so to whoever looks
        assert b"generated by a neural network" in (tmp_path / name).read_bytes(), name


@pytest.mark.slow
def test_evaluate_prints_scores(workshop):
    folder, *_ = workshop
    result = run("evaluate", folder / "run", folder / "store")
    assert result.exit_code == 0, result.output
    assert "Frechet distance on action features" in result.output
    assert "not applicable" not in result.output  # walk and wave1 are known to the classifier


@pytest.mark.slow
def test_resume_goes_on_and_a_second_start_is_refused(workshop, monkeypatch, capsys):
    folder, *_ = workshop
    code, _, message = main(monkeypatch, capsys, "train", folder / "store", folder / "run", "--steps", "30")
    assert code == 1
    assert message.count("\n") == 1
    assert "--resume" in message
    before = np.load(folder / "run" / "checkpoint-00000020.npz")["weights/000"]
    result = run("train", folder / "store", folder / "run", "--resume", "--steps", 30)
    assert result.exit_code == 0, result.output
    after = np.load(folder / "run" / "checkpoint-00000030.npz")["weights/000"]
    assert not np.array_equal(before, after)
    kept = (folder / "run" / "config.json").read_bytes()
    training.check_settings(folder / "run", precision="auto", batch_size=8, seed=None, minutes=None)
    for options, expected in [
        (["--seed", 9], "started with --seed 0, received --seed 9"),
        (["--batch-size", 4], "started with --batch-size 8"),
        (["--precision", "bfloat16"], "started with --precision float32"),
        (["--minutes", 0.1], "goes to step 30, received --minutes 0.1"),
        (["--steps", 5], "at step 30, received --steps 5"),
    ]:
        arguments = ["train", folder / "store", folder / "run", "--resume", *options]
        code, _, message = main(monkeypatch, capsys, *arguments)
        assert code == 1
        assert expected in message
    assert (folder / "run" / "config.json").read_bytes() == kept


def test_render_writes_clips_and_labels(tmp_path):
    result = run("render", tmp_path, "--actions", "bend", "--actors", "100-101")
    assert result.exit_code == 0, result.output
    assert "2 clips" in result.output
    assert video.probe(tmp_path / "bend" / "bend_100.mp4").num_frames == 50


def test_sizes_and_precisions_are_those_that_can_be_trained():
    assert tuple(gan.RECIPES) == command_line.SIZES
    assert ("auto", *gan.PRECISIONS) == command_line.PRECISIONS
    assert generate.SUFFIXES == command_line.SUFFIXES
    assert training.settings.LARGEST == command_line.MOST_STEPS


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["prepare", "no-such-folder", "store"], "no-such-folder"),
        (["prepare", "films", "gs://b/s"], "gs://b/s: addresses need --runner"),
        (["prepare", "gs://b/films", "store"], "gs://b/films: addresses need --runner"),
        (["prepare", "films", "store", "--keep-damaged", "--runner", "direct"], "without --runner"),
        (["train", "no-such-store", "run"], "no-such-store"),
        (["generate", "no-such.keras", "out"], "no-such.keras"),
        (["render", "out", "--actions", "fly"], "walk"),
        (["render", "out", "--actors", "many"], "0-79"),
        (["render", "out", "--actors", "³"], "within 0-9999, such as 0-79, received '³'"),
        (["render", "out", "--actors", "1-²"], "within 0-9999"),
        (["render", "out", "--actors", "-5"], "within 0-9999"),
        (["render", "out", "--actors", "0-999999999999"], "within 0-9999"),
        (["render", "out", "--actors", "9" * 5000], "within 0-9999"),
        (["render", "out", "--actors", "5-3"], "smaller number first"),
        (["train", "store", "run", "--strategy", "tpu"], "mirrored, multi-worker, received 'tpu'"),
        (["train", "store", "run", "--strategy", "multi-worker"], "TF_CONFIG"),
    ],
)
def test_an_error_is_one_line_and_exit_code_1(arguments, expected, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    code, _, message = main(monkeypatch, capsys, *arguments)
    line = message.strip().splitlines()[-1]
    assert code == 1
    assert line.startswith("vgcourse: error:")
    assert expected in line
    assert "Traceback" not in message


@pytest.mark.parametrize("place", [1, 2, 5])
def test_debug_shows_the_traceback(monkeypatch, tmp_path, place):
    monkeypatch.chdir(tmp_path)
    arguments = ["vgcourse", "render", "out", "--actors", "many"]
    monkeypatch.setattr(sys, "argv", [*arguments[:place], "--debug", *arguments[place:]])
    with pytest.raises(ValueError, match="0-79"):
        command_line.main()


def test_an_error_that_nobody_foresaw_is_one_line_too(monkeypatch, capsys):
    def broken(*args, **kwargs):
        raise RuntimeError("the lamp went out\nand so did the light")

    monkeypatch.setattr("vgcourse.people.render_actions", broken)
    code, _, message = main(monkeypatch, capsys, "render", "out")
    assert (code, message) == (
        1,
        "vgcourse: error: RuntimeError: the lamp went out (--debug shows where)\n",
    )


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (signal.SIGINT, 130, "by Ctrl-C"),
        (signal.SIGTERM, 143, "by SIGTERM"),
        pytest.param(getattr(signal, "SIGHUP", 0), 129, "by SIGHUP", marks=NO_WINDOWS),
    ],
)
@pytest.mark.parametrize("options", [[], ["--debug"]])
def test_what_is_stopped_says_so_and_clears_away(monkeypatch, capsys, tmp_path, number, code, words, options):
    def stopped(*args, **kwargs):
        with new_file(tmp_path / "clip.mp4") as part:
            part.touch()
            signal.raise_signal(number)

    monkeypatch.setattr("vgcourse.people.render_actions", stopped)
    # Shells take the first from what they run behind, nohup the other.
    signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    assert main(monkeypatch, capsys, "render", "out", *options) == (code, "", f"vgcourse: stopped: {words}\n")
    assert list(tmp_path.iterdir()) == []


@NO_WINDOWS
def test_a_closed_terminal_does_not_end_what_was_started_with_nohup(monkeypatch, capsys):
    monkeypatch.setattr("vgcourse.people.render_actions", lambda *_, **__: signal.raise_signal(signal.SIGHUP))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    code, _, message = main(monkeypatch, capsys, "render", "out")
    assert (code, signal.getsignal(signal.SIGHUP)) == (1, signal.SIG_IGN)
    assert "stopped" not in message


LEFT_BEHIND = """
import sys, threading
from vgcourse import __main__, people
def render(*args, **kwargs):
    threading.Thread(target=threading.Event().wait, name="reads").start()
    raise KeyboardInterrupt
people.render_actions = render
sys.argv = ["vgcourse", "render", "out"]
__main__.program()
"""


def test_a_thread_that_cannot_be_stopped_keeps_nobody_waiting():
    ended = subprocess.run([sys.executable, "-c", LEFT_BEHIND], capture_output=True, timeout=300)
    assert (ended.returncode, ended.stderr.decode()) == (130, f"vgcourse: stopped: by Ctrl-C{os.linesep}")


ADDRESS = "gs://bucket/there"


@pytest.mark.parametrize(
    "arguments",
    [
        ["demo", "--out", ADDRESS],
        ["render", ADDRESS],
        ["train", "store", ADDRESS],
        ["train", ADDRESS, "run"],
        ["train-structure", ADDRESS],
        ["train-features", "--out", "file:///there"],
        ["animate", "s3://bucket/a.gif", "--person", "1", "--motion", "walk"],
        ["generate", "run", ADDRESS],
        ["generate", ADDRESS, "out"],
        ["evaluate", "run", ADDRESS],
        ["grade", ADDRESS],
        ["grade", ".", "--out", ADDRESS],
    ],
)
def test_an_address_is_no_folder_of_this_machine(monkeypatch, capsys, tmp_path, arguments):
    monkeypatch.chdir(tmp_path)
    code, _, message = main(monkeypatch, capsys, *arguments)
    assert code == 1
    assert re.fullmatch("vgcourse: error: .*received an address; only .*\n", message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk"])
def test_letters_that_a_console_does_not_have_are_escaped(monkeypatch, tmp_path, encoding):
    folder = tmp_path / "Sprünge 跳 🎥"
    folder.mkdir()
    (folder / "labels.csv").write_text("file\n1\n")
    monkeypatch.setattr("vgcourse.people.render_actions", lambda *_, **__: folder / "labels.csv")
    said, warned = (io.TextIOWrapper(io.BytesIO(), encoding, write_through=True) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", said)
    monkeypatch.setattr(sys, "stderr", warned)
    monkeypatch.setattr(sys, "argv", ["vgcourse", "render", str(folder)])
    with pytest.raises(SystemExit) as stop:
        command_line.main()
    assert not stop.value.code
    received = said.buffer.getvalue().decode(encoding)
    assert received == f"{folder}: 1 clips, labels in labels.csv\n".encode(
        encoding, "backslashreplace"
    ).decode(encoding)
    monkeypatch.setattr(sys, "argv", ["vgcourse", "render", "out", "--actors", "🎥"])
    with pytest.raises(SystemExit):
        command_line.main()
    assert r"received '\U0001f3a5'" in warned.buffer.getvalue().decode(encoding)


CLOSED = """
import os, subprocess, sys
from vgcourse.__main__ import use_any_console
use_any_console()
print("said"), print("warned", file=sys.stderr), sys.stdin.read()
numbers = [stream.fileno() for stream in (sys.stdin, sys.stdout, sys.stderr)]
child = subprocess.run([sys.executable, "-c", "import sys; sys.exit(sys.stderr is None)"], check=False)
with open(sys.argv[1], "w") as file:
    print(numbers, file.fileno() > 2, child.returncode, file=file)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_closed_streams_swallow_what_is_written(tmp_path):
    words = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", CLOSED, tmp_path / "found"]
    assert subprocess.run(words, check=False).returncode == 0
    assert (tmp_path / "found").read_text() == "[0, 1, 2] True 0\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&- >&- 2>&-"])
def test_commands_work_with_closed_streams(workshop, tmp_path, closed):
    folder, *_ = workshop
    words = [sys.executable, "-m", "vgcourse", "generate", folder / "run", tmp_path, "--num-clips", "1"]
    assert subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", *words], check=False).returncode == 0
    assert len(list(tmp_path.iterdir())) == 4


def test_a_missing_tensorboard_is_told_before_any_work(monkeypatch, capsys):
    start = Mock()
    monkeypatch.setattr("vgcourse.training.start_run", start)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    options = ["--strategy", "one", "--tensorboard"]
    code, _, message = main(monkeypatch, capsys, "train", "store", "run", *options)
    assert (code, start.called) == (1, False)
    assert message.startswith("vgcourse: error: TensorBoard is needed")


def test_a_folder_without_a_usable_video_is_named(monkeypatch, capsys, tmp_path):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "empty.mp4").touch()
    (tmp_path / "videos" / "letter.mp4").write_text("not a video")
    code, _, message = main(monkeypatch, capsys, "prepare", tmp_path / "videos", tmp_path / "store")
    assert code == 1
    *skipped, error = message.splitlines()
    assert [line.split(":")[0] for line in skipped] == ["skipped empty.mp4", "skipped letter.mp4"]
    assert (
        error == f"vgcourse: error: {tmp_path / 'videos'}: expected a usable video, received 2 unusable ones"
    )
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["demo", "--no-such-option"], "--no-such-option"),
        (["demo", "--size", "48"], "32, 64, 128, received 48"),
        (["demo", "--precision", "float8"], "float16, received float8"),
        (["train", "store", "run", "--precision", "float8"], "float16, received float8"),
        (["prepare", "videos", "store", "--size", "33"], "32, 64, 128, received 33"),
        (["prepare", "videos", "store", "--fps", "1e308"], "--fps"),
        (["demo", "--minutes", "0"], "0.05"),
        (["train", "store", "run", "--minutes", "inf"], "--minutes"),
        (["demo", "--seed", str(2**32)], str(2**32 - 1)),
        (["train", "store"], "run"),
        (["paint"], "paint"),
        (["generate", "run", "out", "--num-clips", "99999999999"], "100000"),
        (["generate", "run", "out", "--suffix", "²"], "gif, mp4, webp, png, received ²"),
        (["train", "store", "run", "--steps", str(2**31)], str(2**31 - 1)),
        (["train", "store", "run", "--batch-size", str(2**31)], str(2**31 - 1)),
    ],
)
def test_a_wrong_option_is_one_line_and_exit_code_2(arguments, expected, monkeypatch, capsys):
    for debug in ([], ["--debug"]):
        code, _, message = main(monkeypatch, capsys, *arguments, *debug)
        assert code == 2
        assert message.startswith("vgcourse: error: ")
        assert message.count("\n") == 1
        assert expected in message


@pytest.mark.parametrize("arguments", [[], ["--debug"]])
def test_without_a_command_the_commands_are_listed(monkeypatch, capsys, arguments):
    code, out, message = main(monkeypatch, capsys, *arguments)
    assert (code, message) == (0, "")
    assert "evaluate" in out


def test_the_version_is_told(monkeypatch, capsys):
    assert main(monkeypatch, capsys, "--version") == (0, f"{__version__}\n", "")


@pytest.mark.filterwarnings("default:a torn checkpoint")
def test_a_warning_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(
        command_line, "app", lambda *_, **__: warnings.warn("a torn checkpoint", stacklevel=1)
    )
    code, _, message = main(monkeypatch, capsys, "train")
    assert not code
    assert message == "vgcourse: warning: a torn checkpoint\n"


# ---- every option reaches its stage ----------------------------------------------------------------------


def reaches(monkeypatch, target, arguments, *, returns=None):
    """Run a command whose stage is replaced; the arguments that this was called with."""
    stage = Mock(return_value=returns)
    monkeypatch.setattr(target, stage)
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return stage.call_args


def test_demo_passes_its_options_on(monkeypatch):
    demo = functools.partial(reaches, monkeypatch, "vgcourse.demo.run_demo")
    assert demo(["demo"]) == call(Path("demo"), minutes=3.0, only=None, size=32, precision="auto", seed=0)
    options = ["--minutes", 3, "--out", "there", "--seed", 7, "--size", 64, "--precision", "float16"]
    given = {"minutes": 3.0, "size": 64, "precision": "float16", "seed": 7}
    assert demo(["demo", *options]) == call(Path("there"), only=None, **given)
    given |= {"minutes": 3.0, "only": "structure", "size": 32, "precision": "auto", "seed": 0}
    assert demo(["demo", "--only", "structure"]) == call(Path("demo"), **given)


def test_render_passes_its_options_on(monkeypatch, tmp_path):
    (tmp_path / "labels.csv").write_text("file\n1\n2\n")
    options = {"returns": tmp_path / "labels.csv"}
    render = functools.partial(reaches, monkeypatch, "vgcourse.people.render_actions", **options)
    assert render(["render", "out"]) == call(Path("out"), actions=people.ACTIONS, actors=range(80), seed=0)
    received = render(["render", "out", "--actions", "run,bend,run", "--actors", "3-5", "--seed", 9])
    assert received == call(Path("out"), actions=("run", "bend"), actors=range(3, 6), seed=9)
    assert render(["render", "out", "--actors", "4"]).kwargs["actors"] == range(4, 5)


def test_prepare_passes_its_options_on(monkeypatch):
    store = Mock(num_clips=1, clip_shape=(20, 64, 64, 3), action_names=["walk"])
    monkeypatch.setattr("vgcourse.datasets.open_store", Mock(return_value=store))
    save = Mock()
    monkeypatch.setattr("vgcourse.datasets.save_clips", save)
    prepare = functools.partial(reaches, monkeypatch, "vgcourse.datasets.iter_folder", returns="clips")
    assert prepare(["prepare", "films", "store"]) == call(
        "films", size=64, num_frames=20, fps=10.0, keep_damaged=False, report=[]
    )
    assert save.call_args == call("store", "clips", overwrite=False)
    options = ["--size", 32, "--num-frames", 8, "--fps", 5, "--overwrite", "--keep-damaged"]
    received = prepare(["prepare", "films", "store", *options])
    assert received == call("films", size=32, num_frames=8, fps=5.0, keep_damaged=True, report=[])
    assert save.call_args == call("store", "clips", overwrite=True)
    tfds = functools.partial(reaches, monkeypatch, "vgcourse.datasets.iter_tfds", returns="clips")
    assert tfds(["prepare", "tfds:ucf101", "store", *options[:4]]) == call("ucf101", size=32, num_frames=8)


def test_prepare_with_beam_passes_its_options_on(monkeypatch):
    pytest.importorskip("apache_beam", reason="the extra beam is not installed")
    index = {"num_clips": 1, "clip_shape": [8, 32, 32, 3], "action_names": ["walk"]}
    beam = functools.partial(reaches, monkeypatch, "vgcourse.scale.beam.prepare_folder", returns=index)
    options = ["--size", 32, "--num-frames", 8, "--fps", 5, "--overwrite", "--runner", "direct"]
    received = beam(["prepare", "films", "store", *options])
    source, store, settings = received.args
    assert (source, store) == ("films", "store")
    assert (settings.size, settings.num_frames, settings.fps) == (32, 8, 5.0)
    assert received.kwargs["overwrite"] is True
    assert received.kwargs["report"] == []


def test_train_passes_its_options_on(monkeypatch):
    start = Mock()
    monkeypatch.setattr("vgcourse.training.start_run", start)
    train = functools.partial(reaches, monkeypatch, "vgcourse.training.continue_run")
    for options, given, wanted in [
        ([], {}, {"minutes": 5.0, "steps": None}),
        (["--steps", 9, "--seed", 4], {"seed": 4}, {"minutes": 5.0, "steps": 9}),
        (
            ["--minutes", 2, "--batch-size", 3, "--precision", "float32"],
            {"batch_size": 3, "precision": "float32"},
            {"minutes": 2.0, "steps": None},
        ),
    ]:
        received = train(["train", "store", "run", "--strategy", "one", *options])
        assert received.args == (Path("store"), Path("run"))
        assert {name: received.kwargs[name] for name in wanted} == wanted
        assert start.call_args == call(Path("store"), Path("run"), **given)
        watch = received.kwargs["watch"]
        assert watch.keywords == {"tensorboard": False, "profile": False}
    watch = train(["train", "store", "run", "--strategy", "one", "--tensorboard"]).kwargs["watch"]
    assert watch.keywords == {"tensorboard": True, "profile": False}


def test_generate_evaluate_and_train_features_pass_their_options_on(monkeypatch, tmp_path):
    generator, samples = object(), Mock(return_value=[])
    load = Mock(return_value=generator)
    monkeypatch.setattr("vgcourse.generate.load_generator", load)
    monkeypatch.setattr("vgcourse.generate.write_samples", samples)
    options = {"returns": [Path("a.gif")]}
    generate = functools.partial(reaches, monkeypatch, "vgcourse.generate.write_clips", **options)
    expected = {"num_clips": 10, "actions": None, "suffix": "gif", "seed": 0}
    assert generate(["generate", "g.keras", "out"]) == call(generator, Path("out"), **expected)
    assert load.call_args == call(Path("g.keras"))
    assert samples.call_args == call(generator, Path("out"), seed=0)
    options = ["--num-clips", 3, "--action", "run", "--suffix", "webp", "--seed", 6]
    expected = {"num_clips": 3, "actions": "run", "suffix": "webp", "seed": 6}
    assert generate(["generate", tmp_path, "out", *options]) == call(generator, Path("out"), **expected)
    assert load.call_args == call(tmp_path / "generator.keras")  # of a run
    assert samples.call_args == call(generator, Path("out"), seed=6)

    (tmp_path / "samples.mp4").write_bytes(b"somebody's own")  # found before the first clip is written
    load.reset_mock()
    result = run("generate", "g.keras", tmp_path)
    assert "samples.mp4: there is a file" in str(result.exception)
    assert not load.called

    monkeypatch.setattr("vgcourse.evaluate.score_table", Mock())
    score = functools.partial(reaches, monkeypatch, "vgcourse.evaluate.score_against_store")
    assert score(["evaluate", "g.keras", "store", "--seed", 8]) == call(generator, Path("store"), seed=8)

    train = functools.partial(reaches, monkeypatch, "vgcourse.features.train_features", returns={})
    assert train(["train-features"]) == call(folder=Path("features"), epochs=25, seed=0)
    received = train(["train-features", "--out", "there", "--epochs", 2, "--seed", 5])
    assert received == call(folder=Path("there"), epochs=2, seed=5)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--fps", "5"], "--fps: the sets of TensorFlow Datasets do not tell their rate; received 5"),
        (["--runner", "direct"], "--runner goes with a folder of videos"),
        (["--beam-option", "a=b"], "--beam-option goes with --runner"),
    ],
)
def test_options_that_a_ready_made_set_cannot_heed_are_refused(monkeypatch, capsys, options, expected):
    load = Mock()
    monkeypatch.setattr("vgcourse.datasets.iter_tfds", load)
    code, _, message = main(monkeypatch, capsys, "prepare", "tfds:ucf101", "store", *options)
    assert code == 1
    assert expected in message
    assert not load.called
