"""Evaluate: numbers that say how good generated clips are, and what they miss.

Features are arrays `(num_clips, feature_dim)`; clips are uint8 `(num_clips, T, H, W, C)` in the stored range
[0, 255]. No number stands alone: put "real vs real" beside it.
"""

from vgcourse.evaluate import metrics
from vgcourse.evaluate.metrics import (
    content_distance,
    diversity,
    flicker,
    frechet_distance,
    inception_score,
    kernel_distance,
    memorisation,
    motion_control_score,
    motion_energy,
    nearest_neighbours,
    precision_recall,
)
from vgcourse.evaluate.scores import score_against_store, score_clips, score_generator, score_table
from vgcourse.evaluate.visible import (
    LimbsFound,
    TwoSampleAUC,
    limbs_found,
    two_sample_auc,
    wall_detail,
)
