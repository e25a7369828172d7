"""The command line, from a folder of videos to scores: exit codes, messages, files."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from vgcourse import __main__ as command_line
from vgcourse import checkpoints, datasets, motions, video

COMMANDS = ("demo", "render", "prepare", "train", "generate", "evaluate", "train-features")


def run(*arguments):
    return CliRunner().invoke(command_line.app, [str(argument) for argument in arguments])


def main(monkeypatch, capsys, *arguments):
    """Exit code, standard output and standard error of the program."""
    monkeypatch.setattr(sys, "argv", ["vgcourse", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        command_line.main()
    return stop.value.code, *capsys.readouterr()


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """A folder of videos with a bad one, the store made of it, and a run of 20 steps."""
    folder = tmp_path_factory.mktemp("Werkstatt für Filme")
    for action in ("walk", "wave1"):
        for actor in range(5):
            clip = motions.render_action(action, actor, size=32, num_frames=50)
            video.write_video(folder / "videos" / action / f"{actor}.mp4", clip, fps=25)
    (folder / "videos" / "walk" / "notes.mp4").write_text("not a video")
    prepared = run("prepare", folder / "videos", folder / "store", "--size", 32)
    trained = run("train", folder / "store", folder / "run", "--steps", 20, "--precision", "float32")
    return folder, prepared, trained


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_help_lists_the_commands_and_loads_no_tensorflow():
    code = "import sys; from vgcourse.__main__ import app; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert all(command in run("--help").output for command in COMMANDS)


def test_prepare_skips_and_reports_the_bad_file(workshop):
    folder, prepared, _ = workshop
    assert prepared.exit_code == 0, prepared.output
    assert "notes.mp4" in prepared.output
    assert "10 videos read, 1 skipped" in prepared.output
    clips = datasets.load_clips(folder / "store")
    assert clips.clip_shape == (20, 32, 32, 3)
    assert clips.action_names == ("walk", "wave1")


def test_train_keeps_settings_checkpoints_history_and_generator(workshop):
    folder, _, trained = workshop
    assert trained.exit_code == 0, trained.output
    config = json.loads((folder / "run" / "config.json").read_text())
    assert (config["steps"], config["precision"], config["num_frames"]) == (20, "float32", 16)
    with open(folder / "run" / "history.csv", newline="") as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == [10, 20]
    assert [path.name for path in checkpoints.list_checkpoints(folder / "run")] == ["checkpoint-00000020.npz"]
    assert (folder / "run" / "generator.keras").stat().st_size > 100_000


def test_generate_writes_playable_files(workshop, tmp_path):
    folder, *_ = workshop
    result = run("generate", folder / "run", tmp_path, "--num-clips", 2, "--action", "wave1")
    assert result.exit_code == 0, result.output
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"000-wave1.gif", "001-wave1.gif", "samples.gif", "samples.mp4", "samples.png"}
    assert video.probe(tmp_path / "000-wave1.gif").num_frames == 16
    grid = video.read_clip(tmp_path / "samples.mp4")
    assert grid.shape[0] == 60  # three turns of 20 frames
    assert b"generated" in (tmp_path / "samples.png").read_bytes()


def test_evaluate_prints_scores(workshop):
    folder, *_ = workshop
    result = run("evaluate", folder / "run", folder / "store")
    assert result.exit_code == 0, result.output
    assert "Frechet distance on action features" in result.output
    assert "not applicable" not in result.output  # walk and wave1 are known to the classifier


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


def test_render_writes_clips_and_labels(tmp_path):
    result = run("render", tmp_path, "--actions", "bend", "--actors", "100-101")
    assert result.exit_code == 0, result.output
    assert "2 clips" in result.output
    assert video.probe(tmp_path / "bend" / "bend_100.mp4").num_frames == 50


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["prepare", "no-such-folder", "store"], "no-such-folder"),
        (["train", "no-such-store", "run"], "no-such-store"),
        (["generate", "no-such.keras", "out"], "no-such.keras"),
        (["render", "out", "--actions", "fly"], "walk"),
        (["render", "out", "--actors", "many"], "0-79"),
        (["demo", "--size", "48", "--out", "out"], "32, 64, 128"),
        (["demo", "--precision", "float8", "--out", "out"], "bfloat16"),
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


def test_debug_shows_the_traceback(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["vgcourse", "--debug", "render", "out", "--actors", "many"])
    with pytest.raises(ValueError, match="0-79"):
        command_line.main()


def test_a_wrong_option_is_exit_code_2(monkeypatch, capsys):
    code, _, message = main(monkeypatch, capsys, "demo", "--no-such-option")
    assert code == 2
    assert "--no-such-option" in message
