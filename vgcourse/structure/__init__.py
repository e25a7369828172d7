"""Structure first: a moving skeleton, then a painted person; video to video.

Axes: joints `(..., joint, 3)`, pixels and depth, see `people.action_joints`; frames
`(batch, time, size, size, 3)`, float32 in the model range [-1, 1], or uint8 where a function says so.
"""

from vgcourse.structure.components import MotionComponents, iter_motion_batches
from vgcourse.structure.drawings import LIMBS, NUM_LIMBS, draw_skeleton, limb_maps
from vgcourse.structure.flow import FlowMatching, MotionFlow, flow_pair, follow_flow, make_flow_matching
from vgcourse.structure.motion import MotionModel, build_motion_network
from vgcourse.structure.motion_gan import (
    MotionGAN,
    MotionGenerator,
    build_motion_discriminator,
    make_motion_gan,
)
from vgcourse.structure.painter import (
    PAINTER_SIZES,
    Painter,
    build_patch_discriminator,
    limb_colours,
    paint_frames,
    room_behind,
)
from vgcourse.structure.painter_gan import PainterGAN, make_painter_gan
from vgcourse.structure.people_frames import (
    PeopleFrames,
    add_random_poses,
    frames_by_person,
    painter_batches,
)
from vgcourse.structure.rounded import save_rounded
