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
    save_painter,
)
from vgcourse.structure.painter_gan import PainterGAN, make_painter_gan
from vgcourse.structure.people_frames import (
    PeopleFrames,
    add_random_poses,
    frames_by_person,
    painter_batches,
)
from vgcourse.structure.rounded import save_rounded

__all__ = [
    "LIMBS",
    "NUM_LIMBS",
    "PAINTER_SIZES",
    "FlowMatching",
    "MotionComponents",
    "MotionFlow",
    "MotionGAN",
    "MotionGenerator",
    "MotionModel",
    "Painter",
    "PainterGAN",
    "PeopleFrames",
    "add_random_poses",
    "build_motion_discriminator",
    "build_motion_network",
    "build_patch_discriminator",
    "draw_skeleton",
    "flow_pair",
    "follow_flow",
    "frames_by_person",
    "iter_motion_batches",
    "limb_colours",
    "limb_maps",
    "make_flow_matching",
    "make_motion_gan",
    "make_painter_gan",
    "paint_frames",
    "painter_batches",
    "room_behind",
    "save_painter",
    "save_rounded",
]
