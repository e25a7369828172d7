"""Features: the small CNNs that see which action a clip shows, who is in it, and where their joints are.

Axes and ranges: clips are uint8 `(N, T, H, W, 3)` in [0, 255], any frame size from 32x32 up. The networks are
trained apart and judge every GAN from outside: no GAN is trained with them.
"""

from vgcourse.features.cnns import (
    FPS,
    NUM_FRAMES,
    build_action_classifier,
)
from vgcourse.features.extract import (
    classify,
    clip_features,
    content_features,
    frame_features,
    imagenet_features,
    load_action_classifier,
)
from vgcourse.features.joints import JOINTS, JointsFound, find_joints
from vgcourse.features.supervised import train_features
