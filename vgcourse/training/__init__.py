"""Train: a plain loop, and the run around it that keeps a folder with checkpoints and history.

Axes: clips `(batch, time, height, width, channels)`, float32 in the model range [-1, 1].
"""

from vgcourse.training.checkpoints import (
    list_checkpoints,
    restore_checkpoint,
    save_checkpoint,
    state_of,
)
from vgcourse.training.lock import own_folder
from vgcourse.training.loop import (
    TrainingDiverged,
    batches_for,
    current_step,
    is_sample_due,
    iter_training,
    train,
)
from vgcourse.training.run import (
    OneProcess,
    check_settings,
    continue_run,
    read_config,
    read_history,
    save_generator,
    start_run,
    train_in_folder,
    write_history,
)
from vgcourse.training.structure import (
    continue_structure_run,
    start_structure_run,
    train_motion,
    train_painter,
    train_painter_in_folder,
    train_stages,
)
from vgcourse.training.timing import pick_precision, steps_for, time_step
