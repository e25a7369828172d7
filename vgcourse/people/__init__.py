"""Data: people made by the course, and what they do; where the training clips come from.

Axes: clip `(time, height, width, 3)`, uint8 RGB in the stored range [0, 255]. Lengths are in metres, angles
in degrees, times in seconds.
"""

from vgcourse.people.actors import Actor, camera_matrix, random_actor, render_figure
from vgcourse.people.joints import JOINT_NAMES, action_joints, project_joints
from vgcourse.people.motions import ACTIONS, PERIOD, pose_action, render_action
from vgcourse.people.random_poses import pose_at_random, render_random_poses
from vgcourse.people.render import actor_split, clip_name, render_actions
