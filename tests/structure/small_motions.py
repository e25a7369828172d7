"""Motions of two joints over six frames, made of a few numbers: small enough to compute with by hand."""

import numpy as np

from vgcourse.structure import MotionComponents

NUM_FRAMES, NUM_JOINTS = 6, 2


def wavy_motions(num_motions=7, *, seed=0):
    """Closed loops `(num_motions, 6, 2, 3)` in pixels of frames 64 high: sines of one and two waves."""
    rng = np.random.default_rng(seed)
    angles = 2 * np.pi * np.arange(NUM_FRAMES)[:, None, None] / NUM_FRAMES
    waves = [
        rng.normal(size=(num_motions, 1, NUM_JOINTS, 3)) * wave(k * angles) * 8 / k
        for k in (1, 2)
        for wave in (np.sin, np.cos)
    ]
    return 32 + rng.normal(size=(num_motions, 1, NUM_JOINTS, 3)) + sum(waves)


def small_components(num_components=5, *, joints=None):
    """Components fitted to `joints` (None: `wavy_motions`)."""
    components = MotionComponents(NUM_FRAMES, NUM_JOINTS, num_components)
    components.fit(wavy_motions() if joints is None else joints, size=64)
    return components
