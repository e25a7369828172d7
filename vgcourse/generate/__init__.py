"""Generate: sample clips, walk from one person to another, swap motions, cut loops, write files.

Axes: clip `(time, height, width, channels)`, clips `(batch, time, height, width, channels)`; what comes
out is in the stored range, uint8 [0, 255].
"""

from vgcourse.generate.animate import animate, load_painter, write_animation
from vgcourse.generate.export import (
    COMMENT,
    SAMPLES,
    SUFFIXES,
    check_replaceable,
    write_clips,
    write_samples,
)
from vgcourse.generate.sampling import (
    content_codes,
    content_path,
    interpolate,
    load_generator,
    make_clips,
    motion_noise,
    sample,
    slerp,
    swap_motion,
)
from vgcourse.generate.seams import best_loop, loop_seams, loop_together
from vgcourse.generate.stages import join_stages, load_motion_model, save_stages
from vgcourse.generate.two_stage import TwoStageGenerator, look_directions, reference_of
