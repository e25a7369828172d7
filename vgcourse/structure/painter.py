"""Structure first, the painter: a skeleton and a picture of a person in, that person in that pose out.

Axes: frames `(batch, time, size, size, 3)`, float32 in the model range [-1, 1]; drawings
`(batch, time, size, size, 2 * NUM_LIMBS)` from `draw_skeleton`. References are frames, too: one or several
of one person, all that the painter is given of them.
"""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from vgcourse import arguments, preprocess
from vgcourse.structure.drawings import MIRROR, NUM_LIMBS, checked_joints, draw_skeleton

PAINTER_SIZES = (32, 64, 128)
CHANNELS = {32: 24, 64: 24, 128: 16}  # of the mask net at its finest resolution
NUM_LEARNED = 6  # colours beside those of the limbs
CODE_DIM = 128  # length of what the encoder says of a person
SHARP = 60.0  # how sure the order of two limbs is: their depths differ by 0.07 where a face is before hair
LEAST = 0.002  # share of a pixel that every mask begins with: none is out of reach of training
CHUNK = 16  # frames that are painted at a time


@keras.saving.register_keras_serializable("vgcourse")
class Painter(keras.Model):
    """Painter: skeleton drawings and reference frames of a person make frames of that person.

    It looks at the references once (`look`): the colour under each limb, the room behind the person, and a
    code for the rest. Then it paints any number of frames (`paint`): a small U-Net draws masks, which begin
    as the limb maps themselves; each pixel mixes limb colours, a few further colours and the room by them;
    one channel of shading makes limbs round and puts tiles and shadows on the floor.

    Call it with `[drawings, references, reference_drawings]`, shapes
    `(batch, time, size, size, 2 * NUM_LIMBS)`, `(batch, references, size, size, 3)` in [-1, 1] and
    `(batch, references, size, size, 2 * NUM_LIMBS)`; it returns frames `(batch, time, size, size, 3)`,
    float32, from -1 to about 1.

    Args:
        size: height and width of a frame in pixels: 32, 64 or 128.
        channels: channels of the mask net at its finest resolution; None takes the course's.
        pools_colours: whether the limbs' colours are read off the references; else the code makes them up.
        starts_from_limbs: whether the masks begin as the limb maps; else the mask net begins with nothing.
        **kwargs: `name` and `dtype` for `keras.Model`.

    Source: one network for all people, given a picture of one: Wang et al. 2019 (few-shot vid2vid),
    https://arxiv.org/abs/1910.12713
    """

    def __init__(self, size, *, channels=None, pools_colours=True, starts_from_limbs=True, **kwargs):
        super().__init__(**{"name": "painter", **kwargs})
        arguments.one_of("size", size, PAINTER_SIZES)
        self.size, self.channels = size, channels or CHANNELS[size]
        self.pools_colours, self.starts_from_limbs = pools_colours, starts_from_limbs
        self.num_colours = NUM_LIMBS + NUM_LEARNED
        num_learned = NUM_LEARNED if pools_colours else self.num_colours
        self.encoder = build_encoder(size)
        self.code = layers.Dense(CODE_DIM, name="code")
        self.palette = layers.Dense(3 * num_learned, activation="tanh", name="palette")
        self.mask_net = build_mask_net(size, self.num_colours, channels=self.channels)
        # Weights from the start, so that they can be copied and saved before the first call.
        self.code.build((None, self.encoder.output_shape[-1] + 3 * NUM_LIMBS))
        self.palette.build((None, CODE_DIM))
        self.built = True

    def look(self, references, drawings):
        """All that is kept of the references.

        Args:
            references: float32 `(batch, references, size, size, 3)` in [-1, 1].
            drawings: their skeletons, `(batch, references, size, size, 2 * NUM_LIMBS)`.

        Returns:
            Colours `(batch, num_colours, 3)`, limbs first, room `(batch, size, size, 3)`, code
            `(batch, CODE_DIM)`.
        """
        maps = drawings[..., :NUM_LIMBS]
        pooled = limb_colours(references, drawings)
        seen = fold_time(ops.concatenate([references, maps], axis=-1))
        seen = ops.mean(unfold_time(self.encoder(seen), ops.shape(references)[1]), axis=1)
        flat = ops.reshape(pooled, (-1, 3 * NUM_LIMBS))
        code = ops.leaky_relu(self.code(ops.concatenate([seen, flat], axis=-1)), 0.2)
        colours = unfold_time(ops.reshape(self.palette(code), (-1, 3)), self.palette.units // 3)
        if self.pools_colours:
            colours = ops.concatenate([pooled, colours], axis=1)
        return colours, room_behind(references, maps), code

    def paint(self, drawings, looks):
        """Frames of a person whose looks are known.

        Args:
            drawings: skeletons to paint, `(batch, time, size, size, 2 * NUM_LIMBS)`.
            looks: what `look` returned.

        Returns:
            float32 `(batch, time, size, size, 3)`, from -1 to about 1.
        """
        time, (colours, room, code) = ops.shape(drawings)[1], looks
        rooms, codes = (fold_time(ops.repeat(look[:, None], time, axis=1)) for look in (room, code))
        flat = fold_time(drawings)
        logits = self.mask_net([flat, rooms, ops.concatenate([codes, limb_depths(flat)], axis=-1)])
        shade, logits = logits[..., :1], logits[..., 1:]
        if self.starts_from_limbs:
            logits = logits + mask_prior(flat)
        masks = ops.softmax(logits, axis=-1)
        pixels = ops.reshape(masks[..., :-1], (-1, time * self.size**2, self.num_colours))
        painted = ops.reshape(ops.matmul(pixels, colours), (-1, self.size, self.size, 3))
        painted = painted + masks[..., -1:] * rooms
        shaded = (painted + 1) * (1 + ops.tanh(shade)) - 1  # light multiplies, and black is -1
        return unfold_time(shaded, time)

    def call(self, inputs):
        drawings, references, reference_drawings = inputs
        return self.paint(drawings, self.look(references, reference_drawings))

    @tf.function(reduce_retracing=True)
    def paint_joints(self, joints, references, reference_joints):
        """As `call`, from joints `(batch, time, joint, 3)` and cut to [-1, 1]; compiled once and kept."""
        drawings, known = (draw_skeleton(j, size=self.size) for j in (joints, reference_joints))
        return ops.clip(self([drawings, references, known]), -1, 1)

    def get_config(self):
        return {
            **super().get_config(),
            "size": self.size,
            "channels": self.channels,
            "pools_colours": self.pools_colours,
            "starts_from_limbs": self.starts_from_limbs,
        }


def paint_frames(painter, joints, references, reference_joints):
    """Paint a person in the poses of a moving skeleton.

    Args:
        painter: a `Painter`.
        joints: `(time, len(people.JOINT_NAMES), 3)`, pixels of the painter's frames.
        references: uint8 frames of the person, `(references, size, size, 3)`.
        reference_joints: `(references, len(people.JOINT_NAMES), 3)`.

    Returns:
        uint8 frames `(time, size, size, 3)`.

    Raises:
        ValueError: frames of another size than the painter's, joints of another shape, not as many of the
            references as there are references, or all of them outside their frame.
    """
    joints, known = checked_joints("joints", joints), checked_joints("reference_joints", reference_joints)
    references = arguments.uint8_clips("references", references, 4)
    size = painter.size
    if references.shape[1:3] != (size, size):
        raise ValueError(f"references: expected {size}x{size} pixels, received {references.shape[1:3]}")
    if known.shape[:-2] != references.shape[:1] or joints.ndim != 3:
        raise ValueError(
            f"expected joints (time, joint, 3) and reference_joints ({len(references)}, joint, 3), one set "
            f"for each reference; received {joints.shape} and {known.shape}"
        )
    for name, given in (("joints", joints), ("reference_joints", known)):
        check_in_frame(name, given, size)
    seen = preprocess.to_model_range(references)
    painted = [
        painter.paint_joints(joints[None, k : k + CHUNK], seen[None], known[None])[0].numpy()
        for k in range(0, len(joints), CHUNK)
    ]
    return preprocess.to_uint8(np.concatenate(painted))


def check_in_frame(name, joints, size):
    """Refuse skeletons that are not in the frame: of another size, or not in pixels.

    Args:
        name: what the error calls them.
        joints: `(..., joint, 3)`, pixels.
        size: height and width of the frame in pixels.

    Raises:
        ValueError: in some frame more than half of the joints are outside.
    """
    inside = ((joints[..., :2] >= 0) & (joints[..., :2] <= size)).all(-1).mean(-1)
    if joints.size and inside.min() < 0.5:
        raise ValueError(
            f"{name}: expected joints in a frame of {size}x{size} pixels, received a frame with "
            f"{1 - inside.min():.0%} of them outside, from {joints[..., :2].min():.0f} to "
            f"{joints[..., :2].max():.0f}"
        )


# ---- the parts -------------------------------------------------------------------------------------------


def limb_colours(references, drawings):
    """The mean colour under each limb where it is in front; a hidden limb takes that of the other side.

    Args:
        references: `(batch, references, size, size, 3)`, float32.
        drawings: their skeletons, `(batch, references, size, size, 2 * NUM_LIMBS)`.

    Returns:
        `(batch, NUM_LIMBS, 3)`; 0, which is grey, where no reference shows a limb.
    """
    visible, _ = limbs_in_front(fold_time(drawings))
    pixels = ops.shape(drawings)[1] * math.prod(drawings.shape[2:4])  # references may be open in a graph
    weights = ops.reshape(visible**2, (-1, pixels, NUM_LIMBS))  # squared: edges are mixtures
    sums = ops.matmul(ops.transpose(weights, (0, 2, 1)), ops.reshape(references, (-1, pixels, 3)))
    seen = ops.sum(weights, axis=1)[..., None]
    # Clothes are alike on both sides: what is seen of the other arm counts, but a tenth.
    sums, seen = (part + 0.1 * ops.take(part, MIRROR, axis=1) for part in (sums, seen))
    return sums / (seen + 1e-2)


def room_behind(references, maps):
    """The room without the person: each row's colour beside them, and the slow changes along the row.

    Args:
        references: `(batch, references, size, size, 3)`, float32.
        maps: their limb maps, `(batch, references, size, size, NUM_LIMBS)`.

    Returns:
        `(batch, size, size, 3)`. Edges along a row (wall and floor) stay sharp, others are smoothed.
    """
    size, num = references.shape[2], ops.shape(references)[1]
    body = fold_time(ops.max(maps, axis=-1, keepdims=True))
    # wider than the limbs: people are stouter than the average, and edges are soft
    body = ops.max_pool(body, 2 * (size // 32 + 1) + 1, 1, "same")
    away = unfold_time(1 - body, num)
    seen, colour = ops.sum(away, axis=1), ops.sum(away * references, axis=1)
    rows = row_means(colour, seen)
    slow = cell_means(colour - seen * rows) / (cell_means(seen) + 1e-3)
    slow = ops.image.resize(slow, (size, size))
    # once more without it: a row of which only the ends are seen has their light otherwise
    return row_means(colour - seen * slow, seen) + slow


def row_means(sums, weights):
    """Means of rows: returns `(batch, size, 1, ...)` of `sums` and `weights` `(batch, size, size, ...)`."""
    return ops.sum(sums, axis=2, keepdims=True) / (ops.sum(weights, axis=2, keepdims=True) + 1e-3)


def cell_means(pictures):
    """Means over squares of 8 x 8 cells and those above and below: returns `(batch, 8, 8, channels)`.

    `pictures` is `(batch, size, size, channels)`; beyond its border all is 0. Cells at the sides count a
    little, for where nothing else has a weight.
    """
    cells = ops.average_pool(pictures, pictures.shape[1] // 8, pictures.shape[1] // 8)
    padded = ops.pad(cells, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return ops.average_pool(padded[:, :, 1:-1], (3, 1), 1) + 0.05 * ops.average_pool(padded, 3, 1)


def limb_depths(drawings):
    """How near each limb is: `(batch, NUM_LIMBS)` in [-1, 1] of `drawings` `(batch, size, size, ...)`.

    It returns what a convolution cannot see at one place: which way the person is turned.
    """
    sums = ops.sum(drawings, axis=(1, 2))
    return sums[:, NUM_LIMBS:] / (sums[:, :NUM_LIMBS] + 1e-3)


def limbs_in_front(drawings):
    """Lay limbs over each other by depth: what of each pixel shows each limb, and what shows the room.

    Args:
        drawings: `(batch, size, size, 2 * NUM_LIMBS)`.

    Returns:
        `(batch, size, size, NUM_LIMBS)` and `(batch, size, size, 1)`, in [0, 1].
    """
    maps, depths = drawings[..., :NUM_LIMBS], limb_depths(drawings)
    # [b, j, k]: 1 if limb j is before limb k, and 1/2 if they are equally near
    before = ops.sigmoid(SHARP * (depths[:, :, None] - depths[:, None, :])) * (
        1 - np.eye(NUM_LIMBS, dtype="f")
    )
    passed = ops.log(1 - 0.99 * maps)  # what a limb lets through; sums of logarithms are products
    hidden = ops.matmul(ops.reshape(passed, (-1, math.prod(maps.shape[1:3]), NUM_LIMBS)), before)
    visible = maps * ops.exp(ops.reshape(hidden, ops.shape(maps)))
    room = ops.exp(ops.sum(passed, axis=-1, keepdims=True))
    # equally near limbs dim each other: together they still cover what the room does not show
    return visible * (1 - room) / (ops.sum(visible, axis=-1, keepdims=True) + 1e-4), room


def mask_prior(drawings):
    """Where masks begin: at the limbs laid over each other by depth, and at the room where none is.

    Args:
        drawings: `(batch, size, size, 2 * NUM_LIMBS)`.

    Returns:
        Logits `(batch, size, size, NUM_LIMBS + NUM_LEARNED + 1)`; the last is the room's.
    """
    limbs, room = limbs_in_front(drawings)
    learned = ops.zeros_like(limbs[..., :NUM_LEARNED])
    return ops.log(ops.concatenate([limbs, learned, room], axis=-1) + LEAST)


def fold_time(pictures):
    """Time into the batch: returns `(batch * time, ...)` of `pictures` `(batch, time, ...)`."""
    return ops.reshape(pictures, (-1, *pictures.shape[2:]))


def unfold_time(pictures, time):
    """The inverse of `fold_time`: returns `(batch, time, ...)` of `pictures`, `time` an int."""
    return ops.reshape(pictures, (-1, time, *pictures.shape[1:]))


# ---- the networks ----------------------------------------------------------------------------------------


def build_encoder(size):
    """Encoder: a reference frame and its limb maps in, one vector out.

    Args:
        size: height and width of a frame in pixels.

    Returns:
        A `keras.Model`: `(batch, size, size, 3 + NUM_LIMBS)` -> `(batch, features)`.
    """
    x = seen = layers.Input((size, size, 3 + NUM_LIMBS))
    for channels in (24, 48, 64, 96, 96)[: int(math.log2(size // 4))]:
        x = layers.LeakyReLU(0.2)(layers.Conv2D(channels, 4, 2, "same")(x))
    return keras.Model(seen, layers.Flatten()(x), name="encoder")


def build_mask_net(size, num_colours, *, channels):
    """Mask net: a U-Net from skeleton drawings to the logits of masks, and to shading.

    The code of the person and the limbs' depths scale and shift every layer's channels.

    Args:
        size: height and width of a frame in pixels.
        num_colours: masks beside the room's.
        channels: channels at half the size; they grow as the picture halves, down to 4x4.

    Returns:
        A `keras.Model`: drawings `(batch, size, size, 2 * NUM_LIMBS)`, rooms `(batch, size, size, 3)` and
        codes `(batch, CODE_DIM + NUM_LIMBS)` -> `(batch, size, size, 1 + num_colours + 1)`: shade, colours,
        room.

    Source: U-Net: Ronneberger et al. 2015, https://arxiv.org/abs/1505.04597; scaled and shifted channels:
    Perez et al. 2018 (FiLM), https://arxiv.org/abs/1709.07871
    """
    drawing, room = layers.Input((size, size, 2 * NUM_LIMBS)), layers.Input((size, size, 3))
    code = layers.Input((CODE_DIM + NUM_LIMBS,))

    def styled(x):
        scale, shift = ops.split(layers.Dense(2 * x.shape[-1])(code)[:, None, None], 2, axis=-1)
        return layers.LeakyReLU(0.2)(x * (1 + scale) + shift)

    x, skips = layers.Concatenate()([drawing, room]), []
    widths = [channels * k for k in (1, 2, 3, 4, 5)[: int(math.log2(size // 4))]]
    for width in widths:
        x = styled(layers.Conv2D(width, 4, 2, "same")(x))
        skips.append(x)
    for width, skip in zip(widths[-2::-1], skips[-2::-1], strict=True):
        x = layers.Concatenate()([layers.Conv2DTranspose(width, 4, 2, "same")(x), skip])
        x = styled(layers.Conv2D(width, 3, 1, "same")(x))
    # Enlarged smoothly: a transposed convolution at full size leaves its grid on plain clothes for minutes.
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = layers.Concatenate()([x, drawing[..., :NUM_LIMBS]])
    masks = layers.Conv2D(1 + num_colours + 1, 3, 1, "same")(x)
    return keras.Model([drawing, room, code], masks, name="mask_net")


def build_patch_discriminator(size, *, channels=32):
    """Patch discriminator: is each patch of a frame real, given where the limbs are?

    Args:
        size: height and width of a frame in pixels.
        channels: channels of the first convolution; they double as the picture halves.

    Returns:
        A `keras.Model`: `[(batch, size, size, 3), (batch, size, size, NUM_LIMBS)]` -> logits
        `(batch, size / 8, size / 8, 1)`, real is high.

    Source: Isola et al. 2017 (pix2pix), https://arxiv.org/abs/1611.07004
    """
    frame, maps = layers.Input((size, size, 3)), layers.Input((size, size, NUM_LIMBS))
    x = layers.Concatenate()([frame, maps])
    for width in (channels, 2 * channels, 4 * channels):
        x = layers.LeakyReLU(0.2)(layers.Conv2D(width, 4, 2, "same")(x))
    return keras.Model([frame, maps], layers.Conv2D(1, 3, 1, "same")(x), name="patch_discriminator")


# ---- files -----------------------------------------------------------------------------------------------
