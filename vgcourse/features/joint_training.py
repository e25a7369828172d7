"""Features: how a net learns to find joints, from people whose joints are known: the course draws them.

Axes and ranges: frames are `(N, 64, 64, 3)` in [0, 255]; joints and heat maps as in `joints`.

Half of the frames show what young generators draw: limbs that fade, and limbs that are in two places at once.
The maps asked for are unsure where the picture is, so that the net does not guess a limb that is not there.
"""

import keras
import numpy as np
import tensorflow as tf

from vgcourse import datasets, people
from vgcourse.features.joints import GRID, JOINTS, SIZE, apply_finder, heat_maps

CLEAN, SPOILT = 12, 12  # frames of each kind in a batch
CLIPS_PER_STEP = 16  # an epoch has so many steps that each stands for this many clips
SPOILT_ACTIONS = 3  # of each training person
SPOILT_FRAMES = 8  # of every rendered clip
TRAINING_PEOPLE = [actor for actor in range(112) if people.actor_split(actor) == "train"]
FOUND_SHARE = 0.99  # of real joints that are to count as found
# limb: where it is joined to the trunk, its joints, and what it is tucked away behind
LIMBS = {
    f"{side}_{limb}": (f"{side}_{joined}", [f"{side}_{joint}" for joint in joints], trunk)
    for side in ("right", "left")
    for limb, joined, joints, trunk in (
        ("arm", "shoulder", ("elbow", "wrist", "hand"), "belly"),
        ("leg", "hip", ("knee", "ankle", "heel", "toe"), "pelvis"),
    )
}


def fit_joint_finder(model, clips, *, epochs, seed):
    """Train the joint finder on clips of the actions set, and on spoilt frames of training people.

    Args:
        model: as built by `cnns.build_joint_finder`; trained in place.
        clips: `Clips` from `datasets.load_actions`, 64x64.
        epochs: each of one batch for every 16 clips.
        seed: of order, faults and augmentation.
    """
    rng = np.random.default_rng(seed)
    frames, joints = clips.clips.reshape(-1, SIZE, SIZE, 3), known_joints(clips).reshape(-1, len(JOINTS), 2)
    spoilt, spoilt_joints, doubts = _spoilt_set(rng)
    steps = epochs * max(clips.num_clips // CLIPS_PER_STEP, 1)
    rate = keras.optimizers.schedules.CosineDecay(3e-3, steps)
    model.compile(
        optimizer=keras.optimizers.Adam(rate), loss=keras.losses.CategoricalCrossentropy(from_logits=True)
    )
    for _ in range(steps):
        a, b = rng.integers(len(frames), size=CLEAN), rng.integers(len(spoilt), size=SPOILT)
        maps = np.concatenate([heat_maps(joints[a]), doubtful_maps(spoilt_joints[b], doubts[b])])
        model.train_on_batch(degrade(np.concatenate([frames[a], spoilt[b]]), rng), maps)


def known_joints(clips):
    """Where the joints are in `clips` of the actions set: returns float32 `(N, T, 9, 2)`, pixels."""
    return _of_interest(datasets.load_action_joints(clips))


def _of_interest(joints):
    return joints[..., [people.JOINT_NAMES.index(name) for name in JOINTS], :2]


def degrade(frames, rng):
    """Light, colour, blur and noise changed, for each frame anew; a third become frames of 32x32, enlarged.

    Args:
        frames: uint8 `(N, 64, 64, 3)`.
        rng: `numpy.random.Generator`.

    Returns:
        float32 tensor of the same shape, in about the same range.
    """
    each = (len(frames), 1, 1, 1)
    contrast, shade = rng.uniform(0.8, 1.15, each), rng.uniform(-20, 20, (len(frames), 1, 1, 3))
    x = ((frames - 127.5) * contrast + shade + 127.5).clip(0, 255).astype(np.float32)
    coarse = tf.image.resize(tf.nn.avg_pool2d(x, 2, 2, "VALID"), (SIZE, SIZE)).numpy()
    blur = np.where(rng.random(each) < 1 / 3, 1.0, rng.uniform(-0.6, 0.6, each).clip(0))
    noise = rng.normal(size=x.shape) * rng.uniform(-3, 10, each).clip(0)
    return tf.cast(x + blur * (coarse - x) + noise, tf.float32)


def doubtful_maps(joints, doubts):
    """Heat maps that turn even the more a joint is in doubt.

    Args:
        joints: `(N, J, 2)`, pixels.
        doubts: `(N, J)`, 0 (`heat_maps`) to 1 (an even map).

    Returns:
        float32 `(N, J, 1024)`, each sums to 1.
    """
    return heat_maps(joints) * (1 - doubts[..., None]) + np.float32(1 / GRID**2) * doubts[..., None]


# --- limbs that fade, or are in two places at once ------------------------------------------------------


def _spoilt_set(rng):
    """Spoilt frames of training people: uint8 `(N, 64, 64, 3)`, joints and doubts of them."""
    sets = [
        spoilt_frames(action, who, rng)
        for who in TRAINING_PEOPLE
        for action in rng.permutation(people.ACTIONS)[:SPOILT_ACTIONS].tolist()
    ]
    return [np.concatenate(parts) for parts in zip(*sets, strict=True)]


def spoilt_frames(action, actor, rng):
    """Frames of a person, a limb of whom fades, is doubled, or smears from one place to another.

    Args:
        action: one of `people.ACTIONS`.
        actor: int id.
        rng: `numpy.random.Generator`; draws the limb, and for each frame what happens to it and how much.

    Returns:
        uint8 `(8, 64, 64, 3)`; float32 `(8, 9, 2)`, where the joints are; and float32 `(8, 9)`, how far each
        is in doubt: 0 for all but those of the limb, and for what is hidden or stays where it was.
    """
    limb = str(rng.choice(list(LIMBS)))
    (whole, gone, moved), here, there = _three_versions(action, people.random_actor(actor), limb, rng)
    own, others = (np.abs(x - gone).max(axis=-1) > 8 for x in (whole, moved))  # where the limb is to be seen
    double = others & ~own
    strength = rng.uniform(0.3, 1.0, SPOILT_FRAMES).astype(np.float32)
    a = strength[:, None, None, None]
    pictures = (
        whole + a * (gone - whole),
        whole + a * double[..., None] * (moved - whole),
        whole + a / 2 * (moved - whole),
    )
    away = 1 - np.exp(
        -np.square(there - here).sum(axis=-1) / (2 * 3.0**2)
    )  # nearer than 3 pixels is no fault
    doubts = _visible(own, here), away * _visible(double, there), away * _visible(own | others, there)
    chosen, frames = rng.integers(0, len(pictures), SPOILT_FRAMES), np.arange(SPOILT_FRAMES)
    doubt = np.stack(doubts)[chosen, frames] * strength[:, None] * np.isin(JOINTS, LIMBS[limb][1])
    return np.stack(pictures)[chosen, frames].astype(np.uint8), here, doubt.astype(np.float32)


def _visible(drawn, joints):
    """How much of a limb is drawn about each joint, 0 to 1: of masks `(N, 64, 64)` and joints `(N, J, 2)`."""
    columns, rows = np.moveaxis(joints.round().astype(int).clip(2, SIZE - 3), -1, 0)
    steps = np.arange(-2, 3)
    near = drawn[
        np.arange(len(drawn))[:, None, None, None],
        rows[:, :, None, None] + steps[:, None],
        columns[:, :, None, None] + steps,
    ]
    return (3 * near.mean(axis=(2, 3))).clip(0, 1)  # a third of 5x5 pixels is a limb seen whole


def _three_versions(action, actor, limb, rng):
    """A person drawn whole, without a limb, and with it as it is at other times.

    Returns float32 `(3, 8, 64, 64, 3)`, and where the joints are in the first and in the last, `(8, 9, 2)`.
    """
    # A seed that is not the 0 of the clips in the data: other phases, other camera angles.
    options = {"num_frames": SPOILT_FRAMES, "fps": SPOILT_FRAMES / people.PERIOD}
    points, view = people.pose_action(action, actor, seed=int(rng.integers(1, 1000)), **options)
    joined, names, trunk = LIMBS[limb]
    behind = points[trunk] - 0.1 * people.camera_matrix(view["yaw"], actor.pitch)[2]
    times = rng.permutation(SPOILT_FRAMES)
    gone = points | dict.fromkeys(names, behind)
    moved = points | {name: points[joined] + (points[name] - points[joined])[times] for name in names}
    drawn = [people.render_figure(x, actor, **view, size=SIZE) for x in (points, gone, moved)]
    here, there = (_of_interest(people.project_joints(x, actor, **view, size=SIZE)) for x in (points, moved))
    return np.float32(drawn), here, there


# --- on people that were not trained on ------------------------------------------------------------------


def measure_limits(model, size):
    """How wide the maps of real people's joints are: of validation people, in clips of one size.

    Args:
        model: a trained joint finder.
        size: height and width of the clips.

    Returns:
        dict, name of the joint -> pixels of 64x64 frames: 99% of the maps are narrower.
    """
    clips = datasets.load_actions("validation", size=size, num_frames=20)
    _, spreads = apply_finder(model, clips.clips)
    limits = np.quantile(spreads, FOUND_SHARE, axis=(0, 1))
    return dict(zip(JOINTS, limits.round(3).tolist(), strict=True))


def mean_error(model, split):
    """Returns the mean distance of `model`'s joints from the true ones in a `split`, in pixels of 64x64."""
    clips = datasets.load_actions(split, size=SIZE)
    places, _ = apply_finder(model, clips.clips)
    return float(np.linalg.norm(places - known_joints(clips), axis=-1).mean())
