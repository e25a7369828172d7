"""Structure first: how a person moves, in joints, before what anybody looks like, in pixels.

Axes: joints `(num_motions, time, joint, 3)`, x, y and depth in pixels, see `people.JOINT_NAMES`.
"""

from vgcourse.structure.components import MotionComponents, iter_motion_batches
from vgcourse.structure.flow import FlowMatching, MotionFlow, flow_pair, follow_flow
from vgcourse.structure.motion import MotionModel, build_motion_network
from vgcourse.structure.motion_gan import MotionGAN, MotionGenerator, build_motion_discriminator

__all__ = [
    "FlowMatching",
    "MotionComponents",
    "MotionFlow",
    "MotionGAN",
    "MotionGenerator",
    "MotionModel",
    "build_motion_discriminator",
    "build_motion_network",
    "flow_pair",
    "follow_flow",
    "iter_motion_batches",
]
