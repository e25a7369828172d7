"""Command line: `vgcourse` or `python -m vgcourse`; one command for each stage of the data's path."""

import atexit
import contextlib
import functools
import os
import re
import signal
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from vgcourse import __version__
from vgcourse.files import local

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Video generation, hands on: from raw video files to generated video.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def quiet(**options):
    """As `classroom.start.quiet`; loaded here, within `main`, so that Ctrl-C is one line from the start."""
    from vgcourse.classroom import start

    start.quiet(**options)


Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Same seed, same machine: same result.")]
LONGEST = 60 * 24 * 365  # minutes
# Those of `gan.RECIPES` and `gan.PRECISIONS`, without loading TensorFlow.
SIZES = (32, 64, 128)
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
SUFFIXES = ("gif", "mp4", "webp", "png")  # of `generate.SUFFIXES`
INTERRUPTED = 128 + signal.SIGINT  # the exit code
STOPPED = [128 + getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
MOST_CLIPS = 100_000  # of one `generate`
MOST_PEOPLE = 64  # of a step of the painter: there are no more in the training clips
MOST_STEPS = 2**31 - 1  # of a run, and clips of a step: see `training.settings`


def one_of(known):
    """A check of an option's value, before the work and not after it; a function for `typer.Option`."""

    def check(value):
        if value is not None and value not in known:
            raise typer.BadParameter(f"expected one of {', '.join(map(str, known))}, received {value}")
        return value

    return check


Size = Annotated[int, typer.Option(callback=one_of(SIZES), help="Height and width in pixels: 32, 64 or 128.")]
Precision = Annotated[
    str,
    typer.Option(callback=one_of(PRECISIONS), help="auto (measured), float32, bfloat16 or float16."),
]


def say_version(is_asked):
    """Print the version and end, before anything else is looked at."""
    if is_asked:
        print(__version__)
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=say_version, is_eager=True, help="Show the version.")
    ] = False,
):
    """Video generation, hands on: from raw video files to generated video."""


@app.command()
def demo(
    minutes: Annotated[float, typer.Option(min=0.05, max=LONGEST, help="Minutes of training.")] = 3.0,
    out: Annotated[Path, typer.Option(callback=local, help="Folder for the results.")] = Path("demo"),
    only: Annotated[
        str | None,
        typer.Option(callback=one_of(("gan", "structure")), help="gan or structure; both if not given."),
    ] = None,
    seed: Seed = 0,
    size: Size = 32,
    precision: Precision = "auto",
):
    """Train the video GAN, then structure first, on the clips in data/ and show what they make."""
    quiet()
    from vgcourse.demo import run_demo

    run_demo(out, minutes=minutes, only=only, size=size, precision=precision, seed=seed)


@app.command()
def render(
    folder: Annotated[Path, typer.Argument(callback=local, help="Where to write the clips and labels.csv.")],
    actions: Annotated[str, typer.Option(help="Names, separated by commas.")] = "all",
    actors: Annotated[str, typer.Option(help="A range of actors, first-last, in 0-9999.")] = "0-79",
    seed: Seed = 0,
):
    """Render clips of people doing the ten actions; other actors make more data."""
    from vgcourse import people

    names = people.ACTIONS if actions == "all" else tuple(dict.fromkeys(actions.split(",")))
    found = re.fullmatch("([0-9]{1,4})(?:-([0-9]{1,4}))?", actors)
    if not found:
        raise ValueError(f"--actors: expected a range within 0-9999, such as 0-79, received {actors!r}")
    first, last = found.groups()
    chosen = range(int(first), int(last or first) + 1)
    if not chosen:
        raise ValueError(f"--actors: expected the smaller number first, received {actors!r}")
    table = people.render_actions(folder, actions=names, actors=chosen, seed=seed)
    print(f"{table.parent}: {sum(1 for _ in table.open()) - 1} clips, labels in {table.name}")


@app.command()
def prepare(
    source: Annotated[str, typer.Argument(help="A folder of videos (subfolders are labels), or tfds:NAME.")],
    store: Annotated[str, typer.Argument(help="Folder to make for the prepared clips.")],
    size: Size = 64,
    num_frames: Annotated[int, typer.Option(min=1, help="Frames per clip; training takes 16 of them.")] = 20,
    fps: Annotated[
        float | None, typer.Option(min=0.1, max=1000, help="Frames per second; 10 if not given.")
    ] = None,
    keep_damaged: Annotated[
        bool, typer.Option("--keep-damaged", help="Use damaged videos, too, as far as they decode.")
    ] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace a store that is there already.")] = False,
    runner: Annotated[
        str | None,
        typer.Option(help="Let Apache Beam do it: direct (processes here), FlinkRunner, SparkRunner, ..."),
    ] = None,
    beam_option: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE for Beam, such as flink_master=HOST:8081; repeatable.")
    ] = None,
):
    """Cut videos into clips for training; bad files are skipped and listed, still clips left out and counted.

    With --runner, a killed job goes on where it stopped when the same command is given again.
    """
    quiet()
    from vgcourse import datasets

    is_set = source.startswith("tfds:")
    address = next((place for place in (source, store) if "://" in place), None)
    refused = {
        "--beam-option goes with --runner": beam_option and not runner,
        f"{address}: addresses need --runner, for example --runner direct": address and not runner,
        "--keep-damaged goes with a folder of videos, without --runner": keep_damaged and (runner or is_set),
        "--runner goes with a folder of videos; TensorFlow Datasets prepares its own": is_set and runner,
        f"--fps: the sets of TensorFlow Datasets do not tell their rate; received {fps}": is_set and fps,
    }
    for message, is_wrong in refused.items():
        if is_wrong:
            raise ValueError(message)
    report, fps = [], fps or 10.0
    try:
        if runner:
            from vgcourse.scale import beam, beam_steps

            arguments = beam.beam_arguments(runner, beam_option or [])
            settings = beam_steps.Settings(size, num_frames, fps)
            options = {"report": report, "overwrite": overwrite, "arguments": arguments}
            index = beam.prepare_folder(source, store, settings, **options)
            num_clips, shape, names = index["num_clips"], tuple(index["clip_shape"]), index["action_names"]
        else:
            if is_set:
                parts = datasets.iter_tfds(source.removeprefix("tfds:"), size=size, num_frames=num_frames)
            else:
                settings = {"size": size, "num_frames": num_frames, "fps": fps, "keep_damaged": keep_damaged}
                parts = datasets.iter_folder(source, **settings, report=report)
            datasets.save_clips(store, parts, overwrite=overwrite)
            clips = datasets.open_store(store)
            num_clips, shape, names = clips.num_clips, clips.clip_shape, clips.action_names
    finally:
        for row in report:
            if row.status == "skipped":
                print(one_line(f"skipped {row.file}: {row.reason}"), file=sys.stderr)
    skipped, still = sum(row.status == "skipped" for row in report), sum(row.still for row in report)
    line = (
        f"{store}: {num_clips} clips {shape} of {', '.join(names)}"
        f"; {len(report) - skipped} videos read, {skipped} skipped"
        + (f"; {still} clips of equal frames left out" if still else "")
    )
    print(one_line(line))


@app.command()
def train(
    store: Annotated[Path, typer.Argument(callback=local, help="A store made by `prepare`.")],
    run: Annotated[
        Path, typer.Argument(callback=local, help="Folder of the run: checkpoints, history, generator.")
    ],
    minutes: Annotated[
        float | None,
        typer.Option(min=0.05, max=LONGEST, help="Turned into steps after a short probe; 5 if not given."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, max=MOST_STEPS, help="Steps to reach; overrides --minutes.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, max=MOST_STEPS, help="Clips per step; 8 if not given.")
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            callback=one_of(PRECISIONS),
            help="auto (measured), float32, bfloat16 or float16; auto if not given.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Of weights, noise and batches; 0 if not given.")
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(help="one, mirrored, multi-worker (reads TF_CONFIG), or auto: all GPUs, else the CPU."),
    ] = "auto",
    summaries: Annotated[
        bool, typer.Option("--tensorboard", help="Write losses and samples to RUN/tensorboard.")
    ] = False,
    profile: Annotated[bool, typer.Option(help="Trace ten steps for TensorBoard's profiler.")] = False,
    resume: Annotated[bool, typer.Option(help="Go on from the newest checkpoint in RUN.")] = False,
):
    """Train a video GAN on a store; killed at any moment, it goes on with --resume."""
    quiet(start=strategy != "multi-worker")  # which has to set it up before it starts
    from vgcourse import training
    from vgcourse.scale import strategies, tensorboard

    if summaries:
        tensorboard.check_installed()  # not after minutes of timing
    workers = strategies.Workers(strategies.make_strategy(strategy))
    watch = functools.partial(tensorboard.watch, tensorboard=summaries, profile=profile)
    settings = {"precision": precision, "batch_size": batch_size, "seed": seed}
    if workers.is_chief:
        if resume:
            training.check_settings(run, minutes=None if steps else minutes, **settings)
        else:
            given = {name: value for name, value in settings.items() if value is not None}
            training.start_run(store, run, **given)
    options = {"minutes": minutes or 5.0, "steps": steps}
    try:
        generator = training.continue_run(store, run, **options, processes=workers, watch=watch)
    except strategies.WorkerLost as error:
        strategies.stop_now(error)
    if generator:
        print(f"{generator}: the trained generator; `vgcourse generate {run} OUT` shows its clips")


@app.command()
def train_structure(
    run: Annotated[
        Path,
        typer.Argument(callback=local, help="Folder of the run: checkpoints, history, samples, both models."),
    ],
    minutes: Annotated[
        float | None,
        typer.Option(min=0.05, max=LONGEST, help="Turned into steps after a short probe; 4 if not given."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, max=MOST_STEPS, help="Steps to reach; overrides --minutes.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(callback=one_of(SIZES), help="Pixels: 32, 64 or 128; 64 if not given.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, max=MOST_PEOPLE, help="People per step; 4 if not given.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Of weights and batches; 0 if not given.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the newest checkpoint in RUN.")] = False,
):
    """Train structure first on the clips in data/: a painter and a motion GAN; killed, --resume goes on.

    The motion GAN comes last, takes half a minute and is trained in one go.
    """
    quiet()
    from vgcourse import generate as stage
    from vgcourse import training

    settings = {"size": size, "batch_size": batch_size, "seed": seed}
    if resume:
        training.check_settings(run, minutes=None if steps else minutes, **settings)
    else:
        given = {name: value for name, value in settings.items() if value is not None}
        training.start_structure_run(run, **given)
    training.continue_structure_run(run, minutes=minutes or 4.0, steps=steps)
    path = stage.save_stages(run)
    print(f"{path}: both stages; `vgcourse generate {run} OUT` shows their clips")
    print(f"`vgcourse animate OUT --painter {run} ...` lends people motions")


@app.command()
def animate(
    out: Annotated[Path, typer.Argument(callback=local, help="The file to write: .gif, .mp4 or .webp.")],
    person: Annotated[str, typer.Option(help="Who: a number, or a clip of the actions set.")],
    motion: Annotated[str, typer.Option(help="What they do: an action, or a clip of the actions set.")],
    painter: Annotated[
        Path | None,
        typer.Option(
            callback=local, help="A run of train-structure, or a .keras file; the course's if not given."
        ),
    ] = None,
):
    """Lend a person a motion: the same person, painted doing something else."""
    quiet()
    from vgcourse import generate as stage

    print(stage.write_animation(stage.load_painter(painter), person, motion, out))


@app.command()
def generate(
    run: Annotated[Path, typer.Argument(callback=local, help="Folder of a run, or a .keras file.")],
    out: Annotated[Path, typer.Argument(callback=local, help="Folder for the clips.")],
    num_clips: Annotated[int, typer.Option(min=1, max=MOST_CLIPS, help="How many clips to write.")] = 10,
    action: Annotated[str | None, typer.Option(help="One action for all; otherwise all in turn.")] = None,
    suffix: Annotated[
        str, typer.Option(callback=one_of(SUFFIXES), help="gif, mp4, webp, or png: contact sheets.")
    ] = "gif",
    seed: Seed = 0,
):
    """Make videos with a trained generator: single clips and a labelled grid."""
    quiet()
    from vgcourse import generate as stage

    stage.check_replaceable(out / name for name in stage.SAMPLES)  # before the first clip is written
    generator = stage.load_generator(run / "generator.keras" if run.is_dir() else run)
    paths = stage.write_clips(generator, out, num_clips=num_clips, actions=action, suffix=suffix, seed=seed)
    paths += stage.write_samples(generator, out, seed=seed)
    print(one_line(f"{out}: {len(paths)} files, {paths[0].name} to {paths[-1].name}"))


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(callback=local, help="Folder of a run, or a .keras file.")],
    store: Annotated[Path, typer.Argument(callback=local, help="A store of clips that were not trained on.")],
    seed: Seed = 0,
):
    """Score a generator against real clips."""
    quiet()
    from vgcourse import evaluate as stage
    from vgcourse import generate

    generator = generate.load_generator(run / "generator.keras" if run.is_dir() else run)
    print(stage.score_table({"generated": stage.score_against_store(generator, store, seed=seed)}))


@app.command()
def train_features(
    out: Annotated[Path, typer.Option(callback=local, help="Folder for the weights.")] = Path("features"),
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training split.")] = 25,
    seed: Seed = 0,
    network: Annotated[
        list[str] | None,
        typer.Option(help="Only this one: first, second, content or joints; may be repeated."),
    ] = None,
):
    """Train the classifiers, the embedding and the joint finder behind the scores."""
    quiet()
    from vgcourse import features

    chosen = {"networks": network} if network else {}
    for name, accuracy in features.train_features(folder=out, epochs=epochs, seed=seed, **chosen).items():
        print(f"{name}: {accuracy}")


@app.command()
def grade(
    folder: Annotated[
        Path, typer.Argument(callback=local, help="Of what was handed in: <name>/03_gan_minimax.ipynb, ...")
    ],
    out: Annotated[
        Path, typer.Option(callback=local, help="Folder for grades.csv and mistakes.html.")
    ] = Path("grades"),
    minutes: Annotated[
        float, typer.Option(min=0.05, max=LONGEST, help="The most that one notebook may take.")
    ] = 10.0,
):
    """Run the exercises of a class's notebooks: passed, wrong or untouched, and which mistakes were made.

    This runs code that others wrote. Each notebook has a process and a temporary folder of its own, a time
    limit and no network, but it can read and write whatever you can: use a container, or a machine without
    files of your own.
    """
    from vgcourse.classroom import grade as stage

    say = functools.partial(print, flush=True)  # each notebook's line when it is done
    rows = stage.grade_folder(folder, out, seconds=60 * minutes, say=say)
    files = len({row.file for row in rows})
    print(f"{out}: grades.csv with {len(rows)} rows of {files} files; mistakes.html to show to the class")


def program():
    """`main`, as a process of its own: once it was stopped it ends at once.

    A decoder within a large frame cannot be told to stop, and Python would wait for its thread; and to take
    TensorFlow down takes longer than all the rest.
    """
    try:
        main()
    except SystemExit as stop:
        if stop.code in STOPPED:
            atexit._run_exitfuncs()  # which end processes that others have started
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
            os._exit(stop.code)
        raise


def main():
    """Run a command. An error is one line and exit code 1, a wrong option exit code 2.

    Ctrl-C, SIGTERM and a closed terminal are one line, too, and what was being written is cleared away: exit
    codes 130, 143 and 129.
    """
    use_any_console()
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]  # allowed at any place
    is_debug = len(arguments) < len(sys.argv) - 1
    warnings.showwarning = lambda message, *_: say("warning", message)
    signal.signal(signal.SIGTERM, end)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # not under nohup
        signal.signal(signal.SIGHUP, end)
    try:
        code = app(arguments or ["--help"], standalone_mode=False)
        if code == INTERRUPTED:  # so some versions of Typer hand Ctrl-C on
            raise KeyboardInterrupt
        sys.exit(code)
    except (KeyboardInterrupt, typer.Abort):
        say("stopped", "by Ctrl-C")
        sys.exit(INTERRUPTED)
    except Exception as error:
        if hasattr(error, "format_message"):  # of an option or an argument
            say("error", error.format_message())
            sys.exit(2)
        if is_debug:
            raise
        line = str(error).strip().split("\n")[0]
        if not isinstance(error, (ValueError, OSError)):  # none of those that the package raises
            line = f"{type(error).__name__}: {line} (--debug shows where)"
        say("error", line)
        sys.exit(1)


def say(kind, text):
    """One line on standard error, which may be gone."""
    with contextlib.suppress(OSError, RuntimeError):  # a signal may come while another line is printed
        print(f"vgcourse: {kind}: {one_line(str(text))}", file=sys.stderr, flush=True)


def one_line(text):
    """Returns `text` with line ends, and what else moves a console's cursor, escaped: names may hold all."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def end(number, _):
    """Leave through every `finally`: a handler for signals; without it the process ends where it stands."""
    say("stopped", f"by {signal.Signals(number).name}")
    sys.exit(128 + number)


def use_any_console():
    """Let closed streams swallow what is written, and escape what a console has no letters for.

    Python has no `sys.stderr` where file descriptor 2 is closed, and the first file that is opened would get
    that number, and the messages of C++ with it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)  # for processes of ours
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    program()
