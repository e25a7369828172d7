"""Features: supervised training of the small CNNs; augmentation decides whether they see motion or content.

Axes and ranges: clips are uint8 `(N, T, H, W, 3)` in [0, 255]; augmented batches are float32 in about the
same range, `(B, 16, H, W, 3)` for classifiers and `(B, H, W, 3)` for the content embedding.
"""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from vgcourse import datasets
from vgcourse.arguments import one_of
from vgcourse.features import cnns, extract, joint_training, joints
from vgcourse.files import new_file

BATCH = 32
FRAMES_PER_CLIP = 4  # that the content embedding sees of a clip at a time
MAP_SCALE = 0.3  # mean of a motion map; its square weighs the maps against the actions in the loss


def train_features(*, folder=None, epochs=30, seed=0, networks=tuple(extract.FILES), report=print):
    """Train action classifiers, content embedding and joint finder on the actions set, and write them.

    Args:
        folder: where the .keras files go; `data/checkpoints/` if None.
        epochs: passes over the training clips for each network; 30 take a few minutes on two cores.
        seed: of weights, order and augmentation.
        networks: which to train: "first", "second" (classifiers), "content", "joints".
        report: called with one line of text after each network.

    Returns:
        dict: name of the network -> {"validation": accuracy, "test": accuracy} on actors never trained on.
        For "content" it is the share of clips whose nearest clip among the other actions shows the same
        actor; for "joints" the mean distance of a joint from where it is found, in pixels of 64x64.

    Raises:
        ValueError: the clips cannot be read, the folder cannot be written, there is no such network, or a
            file that would be written over is not such a network.
    """
    folder = Path(folder) if folder else extract.checkpoint_path("first").parent
    for name in networks:
        path = folder / extract.FILES[one_of("networks", name, tuple(extract.FILES))]
        _check_own(path, _network_in)
        if name == "joints":
            _check_own(joints.limits_path(path), _limits_of)
    train = datasets.load_actions("train", size=64, num_frames=20)
    table = {}
    for name in networks:
        place, file = list(extract.FILES).index(name), extract.FILES[name]
        keras.utils.set_random_seed(seed + place)
        model = _trained(name, train, epochs=epochs, seed=seed + place)
        _save(model, folder / file)
        if name == "joints":
            _write_limits(model, joints.limits_path(folder / file))
        table[name] = {split: _held_out(model, split) for split in ("validation", "test")}
        report(f"{file}: " + ", ".join(f"{split} {value:.3f}" for split, value in table[name].items()))
    return table


def _trained(name, train, *, epochs, seed):
    """A new network, trained on `Clips`."""
    if name == "joints":
        model = cnns.build_joint_finder(len(joints.JOINTS))
        joint_training.fit_joint_finder(model, train, epochs=epochs, seed=seed)
    elif name == "content":
        actors, actor_labels = np.unique(train.actors, return_inverse=True)
        model = cnns.build_content_embedding(len(actors))
        fit_embedding(model, train.clips, actor_labels, epochs=epochs, seed=seed)
    else:
        build = cnns.build_action_classifier if name == "first" else cnns.build_second_classifier
        model = build(len(train.action_names))
        fit_classifier(model, train.clips, train.actions, epochs=epochs, seed=seed)
    return model


def _held_out(model, split):
    """Accuracy, or for joints the error, on actors that the network never saw."""
    if model.name == "joint_finder":
        return joint_training.mean_error(model, split)
    real = datasets.load_actions(split, size=64, num_frames=cnns.NUM_FRAMES)
    if len(model.input_shape) == 5:
        return float(np.mean(extract.apply_network(model, real.clips).argmax(axis=1) == real.actions))
    vectors = extract.apply_network(extract.up_to(model, "features"), real.clips).mean(axis=1)
    distances = np.linalg.norm(vectors[:, None] - vectors, axis=2)
    distances[real.actions[:, None] == real.actions] = np.inf
    return float(np.mean(real.actors[distances.argmin(axis=1)] == real.actors))


def _network_in(path):
    """Name of the network that `_save` wrote to a file."""
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("config.json"))["config"]["name"]


def _limits_of(path):
    """Name of the network whose limits `_write_limits` wrote to a file."""
    return json.loads(path.read_bytes())["network"]


def _check_own(path, network_in):
    """Refuse to write over a file that is not of a network of the same name, as `network_in` reads it."""
    try:
        name = network_in(path)
    except FileNotFoundError:
        return
    except Exception:  # another kind of file may fail anywhere in the zip, zlib or JSON layer
        name = None
    if name != path.stem:
        raise ValueError(
            f"{path}: there is another file of this name, which would be written over; move it away or "
            "choose another folder"
        )


def _save(model, path):
    """Write the network without its optimizer."""
    with new_file(path) as part:
        keras.Model(model.inputs, model.outputs, name=model.name).save(part)
    extract.forget_networks()


def _write_limits(model, path):
    """Write how wide the joint finder's maps may be, for each size of clips."""
    limits = {str(size): joint_training.measure_limits(model, size) for size in joints.SIZES}
    with new_file(path) as part:
        part.write_text(json.dumps({"network": model.name, **limits}, indent=1) + "\n", encoding="utf-8")


def fit_classifier(model, clips, actions, *, epochs, seed):
    """Train an action classifier with Adam, a cosine schedule and label smoothing 0.1.

    A classifier that knows nothing but actions gives all clips of an action the same features, and a Frechet
    distance on them sees little else. So while it is trained, a second output draws from the features where
    and when the clip moves (`_motion_maps`), and clips of one action stay apart.

    Args:
        model: as built by `cnns.build_action_classifier` or `build_second_classifier`; trained in place.
        clips: uint8 `(N, T, H, W, 3)`, T at least 16, looping: the frame after the last is the first.
        actions: integers `(N,)`.
        epochs: passes over the clips, each with fresh augmentation.
        seed: of order and augmentation.
    """
    features = model.get_layer("features").output
    maps = keras.layers.Dense(4 * 8 * 8, dtype="float32")(features)
    both = keras.Model(model.inputs, [*model.outputs, maps])
    losses = [keras.losses.CategoricalCrossentropy(from_logits=True), keras.losses.MeanSquaredError()]
    targets = _smoothed(actions, model.output_shape[-1])
    _fit(both, losses, clips, targets, _clip_batch, epochs=epochs, seed=seed)


def fit_embedding(model, clips, actors, *, epochs, seed):
    """Train the content embedding to name the actor in single frames.

    Args:
        model: as built by `cnns.build_content_embedding`; trained in place.
        clips: uint8 `(N, T, H, W, 3)`.
        actors: integers `(N,)`, 0 to the number of actors - 1.
        epochs: passes over the clips; each sees 4 frames of every clip.
        seed: of order and augmentation.
    """
    targets = _smoothed(actors, model.output_shape[-1])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    _fit(model, loss, clips, targets, _frame_batch, epochs=epochs, seed=seed)


def _smoothed(labels, num_classes):
    """One-hot rows, smoothed by 0.1: float32 `(N, num_classes)`."""
    return np.eye(num_classes, dtype=np.float32)[labels] * 0.9 + 0.1 / num_classes


def _fit(model, losses, clips, targets, make_batch, *, epochs, seed):
    """Train on the clips at the network's size, in batches of `make_batch(clips, targets, rows, rng)`."""
    size, starts = model.input_shape[-2], range(0, len(clips), 64)
    chunks = (cnns.resize_frames(clips[start : start + 64], size) for start in starts)
    clips = np.concatenate([np.rint(chunk).astype(np.uint8) for chunk in chunks])
    rng, batches = np.random.default_rng(seed), max(len(clips) // BATCH, 1)
    rate = keras.optimizers.schedules.CosineDecay(4e-3, epochs * batches)
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=losses)
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(clips)), batches):
            model.train_on_batch(*make_batch(clips, targets, rows, rng))


def _clip_batch(clips, targets, rows, rng):
    """Random window, shift, colours, blur and noise; one clip in eight frozen, one shuffled in time.

    Frozen and shuffled clips are asked for no action (equal probabilities), so that the pose of a single
    frame is not enough: the classifier has to look at the motion.
    """
    n, targets = len(rows), targets[rows].copy()
    times = (rng.integers(0, clips.shape[1], (n, 1)) + np.arange(cnns.NUM_FRAMES)) % clips.shape[1]
    kind = rng.random(n)
    frozen, shuffled = kind < 0.125, kind > 0.875
    times[frozen] = times[frozen, :1]
    times[shuffled] = rng.permuted(times[shuffled], axis=1)
    targets[frozen | shuffled] = 1.0 / targets.shape[1]
    # Who it is must not matter: channels mixed, contrast and brightness changed, one draw per clip.
    mix = np.eye(3) * rng.uniform(0.6, 1.3, (n, 1, 1)) + rng.normal(0.0, 0.25, (n, 3, 3))
    shades = rng.uniform(-40, 40, (n, 1, 3))
    windows = _shift(clips, rows, times, rng)
    return _degrade(windows, mix, shades, rng), (targets, _motion_maps(windows))


def _motion_maps(windows):
    """Where a clip departs from its mean frame, in four parts of its time on an 8x8 grid: `(B, 256)`.

    The mean over the map is `MAP_SCALE` whatever the contrast; a frozen clip's map is 0.
    """
    n, num_frames, size = windows.shape[:3]
    grey = windows.astype(np.float32).mean(axis=-1)
    change = np.abs(grey - grey.mean(axis=1, keepdims=True))
    cells = change.reshape(n, 4, num_frames // 4, 8, size // 8, 8, size // 8).mean(axis=(2, 4, 6))
    return MAP_SCALE * cells.reshape(n, -1) / np.maximum(cells.mean(axis=(1, 2, 3))[:, None], 0.1)


def _frame_batch(clips, targets, rows, rng):
    """A few frames of each clip, shifted, a little lighter or darker; colours stay, they are the content."""
    times = rng.integers(0, clips.shape[1], (len(rows), FRAMES_PER_CLIP))
    mix, shades = np.tile(np.eye(3), (len(rows), 1, 1)), rng.uniform(-10, 10, (len(rows), 1, 1))
    frames = _degrade(_shift(clips, rows, times, rng), mix, shades, rng)
    return tf.reshape(frames, (-1, *clips.shape[2:])), np.repeat(targets[rows], FRAMES_PER_CLIP, axis=0)


def _shift(clips, rows, times, rng):
    """The chosen frames, all frames of a clip moved by the same few pixels (edges repeated)."""
    (height, width), margin = clips.shape[2:4], clips.shape[2] // 12
    padded = np.pad(clips[rows], ((0, 0), (0, 0), (margin, margin), (margin, margin), (0, 0)), mode="edge")
    corners = rng.integers(0, 2 * margin + 1, (len(rows), 2))
    moved = [
        clip[time, top : top + height, left : left + width]
        for clip, time, (top, left) in zip(padded, times, corners, strict=True)
    ]
    return np.stack(moved)


def _degrade(clips, mix, shades, rng):
    """Colours mixed and shifted per clip, then as much blur and noise as a young generator makes."""
    n, num_frames, size = clips.shape[:3]
    x = tf.reshape(tf.cast(clips, tf.float32), (n, -1, 3)) - 127.5
    x = tf.matmul(x, tf.cast(mix, tf.float32)) + tf.cast(shades, tf.float32) + 127.5
    x = tf.reshape(tf.clip_by_value(x, 0.0, 255.0), (-1, size, size, 3))
    coarse = tf.image.resize(tf.nn.avg_pool2d(x, 2, 2, "VALID"), (size, size))
    blur = np.repeat(rng.uniform(-0.5, 1.0, n).clip(0), num_frames)  # a third stays sharp
    x = x + tf.cast(blur[:, None, None, None], tf.float32) * (coarse - x)
    strength = np.repeat(rng.uniform(0.0, 12.0, n), num_frames)[:, None, None, None]
    noise = tf.random.stateless_normal(x.shape, rng.integers(0, 2**31, 2)) * tf.cast(strength, tf.float32)
    return tf.reshape(x + noise, (n, num_frames, size, size, 3))
