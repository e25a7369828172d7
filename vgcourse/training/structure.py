"""Train, structure first: the painter's plain training, and the same in a run folder.

Frames and joints as in `structure.PeopleFrames`. Batches depend on (seed, step) alone: a resumed training
ends bit for bit where an unbroken one does.
"""

from vgcourse.structure import painter_batches
from vgcourse.training.lock import own_folder
from vgcourse.training.loop import current_step, is_sample_due, iter_training
from vgcourse.training.run import keep_run, read_history


def train_painter(gan, people_frames, *, steps, on_sample=None, **options):
    """Train a painter up to step `steps`, from wherever it stands.

    Args:
        gan: a compiled `structure.PainterGAN`.
        people_frames: `structure.PeopleFrames` of the painter's size.
        steps: the step to reach, counted from the very first one.
        on_sample: called as `on_sample(gan)` about 20 times in a run, for live pictures.
        **options: of `structure.painter_batches`: `batch_size`, `num_targets`, `num_references`.

    Returns:
        The history: a list of dicts, one every 10 steps, with `step`, `seconds`, `data_wait` and the means of
        `l1` (grey levels of [0, 255]), the losses and logits.

    Raises:
        TrainingDiverged: a loss is not finite.
        ValueError: frames of another size than the painter's.
    """
    history = []
    for row in _rows(gan, people_frames, steps, options):
        history.append(row)
        if on_sample and is_sample_due(row["step"], steps):
            on_sample(gan)
    return history


def train_painter_in_folder(gan, people_frames, folder, *, steps, **options):
    """`train_painter` that keeps history and checkpoints, see `keep_run`.

    To go on with a run, call `restore_checkpoint(gan, folder)` first.

    Args:
        gan, people_frames, steps: as in `train_painter`.
        folder: run folder.
        **options: as in `train_painter`.

    Returns:
        The history, with what the folder held before.
    """
    with own_folder(folder):
        for _ in keep_run(_rows(gan, people_frames, steps, options), gan, folder, steps=steps):
            pass
        return read_history(folder)


def _rows(gan, people_frames, steps, options):
    size, received = gan.painter.size, people_frames.frames.shape[2:]
    if received != (size, size, 3):
        raise ValueError(f"people_frames: expected frames {(size, size, 3)}, received {received}")
    batches = painter_batches(people_frames, seed=gan.seed, first_step=current_step(gan), **options)
    return iter_training(gan, batches, steps=steps)
