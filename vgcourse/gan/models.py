"""Game: the networks of the video GAN: motion RNN, painter (masks, palette, backdrop), discriminator.

Axes: clips `(batch, time, height, width, channels)`, float32 in the model range [-1, 1].
Latents: one `content_code` per clip (who), one `motion_code` per frame (which pose).
"""

import math

import keras
from keras import layers, ops

from vgcourse.arguments import one_of

CONTENT_DIM, MOTION_DIM = 32, 16
NUM_COLOURS = 8
SIZES = (32, 64, 128)


def channel_plan(size, channels):
    """Channels per resolution, from 4x4 up to `size` / 2: they halve as the picture doubles.

    Args:
        size: height and width of a frame in pixels: 32, 64 or 128.
        channels: channels at the finest resolution, `size` / 2.

    Returns:
        A list of ints, coarsest first, never over `8 * channels`.

    Raises:
        ValueError: `size` is not one of 32, 64, 128.
    """
    doublings = int(math.log2(one_of("size", size, SIZES) // 4))
    return [channels * 2 ** min(k, 3) for k in range(doublings - 1, -1, -1)]


def build_frame_generator(size, latent_dim, *, num_outputs=3, channels=32, dtype="float32"):
    """Frame generator: one latent in, one picture of `num_outputs` channels out.

    The transposed convolutions are DCGAN's. The last layer is linear: `tanh` makes three channels a frame in
    colour, `softmax` makes them masks.

    Args:
        size: height and width of the picture in pixels.
        latent_dim: length of the input, content code and motion code side by side.
        num_outputs: channels of the picture.
        channels: channels at the finest resolution.
        dtype: Keras precision policy; the picture itself is always float32.

    Returns:
        A `keras.Model`: `(batch, latent_dim)` -> `(batch, size, size, num_outputs)`, any real number.

    Source: Radford et al. 2016 (DCGAN), https://arxiv.org/abs/1511.06434
    """
    plan = channel_plan(size, channels)
    latent = layers.Input((latent_dim,))
    x = layers.Dense(16 * plan[0], use_bias=False, dtype=dtype)(latent)
    x = layers.Reshape((4, 4, plan[0]), dtype=dtype)(x)
    for width in [*plan[1:], num_outputs]:
        x = layers.BatchNormalization(momentum=0.9, dtype=dtype)(x)
        x = layers.ReLU(dtype=dtype)(x)
        x = layers.Conv2DTranspose(width, 4, 2, "same", dtype=dtype)(x)
    picture = layers.Activation("linear", dtype="float32")(x)
    return keras.Model(latent, picture, name="frame_generator")


def build_palette(content_dim, *, num_colours=NUM_COLOURS):
    """Palette: the content code in, the few colours that this person and their clothes are painted with out.

    Args:
        content_dim: length of a content code.
        num_colours: colours per clip.

    Returns:
        A `keras.Model`: `(batch, content_dim)` -> `(batch, num_colours, 3)`, RGB in [-1, 1].
    """
    content = layers.Input((content_dim,))
    x = layers.Dense(64, activation="relu", dtype="float32")(content)
    x = layers.Dense(3 * num_colours, activation="tanh", dtype="float32")(x)
    return keras.Model(content, layers.Reshape((num_colours, 3), dtype="float32")(x), name="palette")


def build_backdrop(size, content_dim, *, channels=16, dtype="float32"):
    """Backdrop: the content code in, one still picture out, which lies behind all frames of the clip.

    It is made at half the size and enlarged smoothly: rooms have no fine detail, and noise has. Nothing says
    what belongs on it: training decides how much of the room comes from here and how much from the palette.

    Args:
        size: height and width of a frame in pixels.
        content_dim: length of a content code.
        channels: channels before the last layer.
        dtype: Keras precision policy; the picture itself is always float32.

    Returns:
        A `keras.Model`: `(batch, content_dim)` -> `(batch, size, size, 3)` in [-1, 1].

    Source: a still background beside a masked foreground is Vondrick et al. 2016 (VGAN),
    https://arxiv.org/abs/1609.02612
    """
    doublings = int(math.log2(size // 8))
    content = layers.Input((content_dim,))
    x = layers.Dense(16 * channels * 2**doublings, dtype=dtype)(content)
    x = layers.Reshape((4, 4, channels * 2**doublings), dtype=dtype)(x)
    for k in range(doublings - 1, -1, -1):
        width = channels * 2**k if k else 3
        x = layers.Conv2DTranspose(width, 4, 2, "same", dtype=dtype)(layers.LeakyReLU(0.2, dtype=dtype)(x))
    x = layers.UpSampling2D(2, interpolation="bilinear", dtype="float32")(x)
    return keras.Model(content, layers.Activation("tanh", dtype="float32")(x), name="backdrop")


def paint(mask_logits, palette, backdrop):
    """Paint frames by numbers: each pixel mixes the clip's colours and its backdrop by its own weights.

    Colours belong to the clip and not to the frame, so a shirt cannot change its colour while an arm moves.

    Args:
        mask_logits: `(batch, frames, height, width, num_colours + 1)`; the last channel is the backdrop's.
        palette: `(batch, num_colours, 3)` in [-1, 1].
        backdrop: `(batch, height, width, 3)` in [-1, 1].

    Returns:
        float32 `(batch, frames, height, width, 3)` in [-1, 1].
    """
    frames, height, width, channels = mask_logits.shape[1:]
    weights = ops.softmax(mask_logits, axis=-1)
    flat = ops.reshape(weights[..., :-1], (-1, frames * height * width, channels - 1))
    painted = ops.reshape(ops.matmul(flat, palette), (-1, frames, height, width, 3))
    return painted + weights[..., -1:] * backdrop[:, None]


def build_motion_rnn(num_frames, num_actions, *, noise_dim=MOTION_DIM, units=96):
    """Motion RNN: fresh noise per frame and the action in, one motion code per frame out.

    As in MoCoGAN the action enters here and not the frame generator: what a person does is
    motion, who it is is content. Always float32: it is small, and errors would add up over time.

    Args:
        num_frames: frames per clip.
        num_actions: number of actions.
        noise_dim: length of the noise and of a motion code.
        units: size of the recurrent state.

    Returns:
        A `keras.Model`: `[(batch, num_frames, noise_dim), (batch,) int]` ->
        `(batch, num_frames, noise_dim)`.
    """
    noise = layers.Input((num_frames, noise_dim))
    actions = layers.Input((), dtype="int32")
    # A product with a one-hot row, not a table look-up: its gradient is deterministic.
    action = layers.Dense(32, use_bias=False, dtype="float32")(ops.one_hot(actions, num_actions))
    start = layers.Concatenate(dtype="float32")([noise[:, 0], action])
    start = layers.Dense(units, activation="tanh", dtype="float32")(start)
    steps = layers.Concatenate(dtype="float32")([noise, layers.RepeatVector(num_frames)(action)])
    gru = layers.GRU(units, return_sequences=True, unroll=True, dtype="float32")
    codes = layers.Dense(noise_dim, dtype="float32")(gru(steps, initial_state=start))
    return keras.Model([noise, actions], codes, name="motion_rnn")


@keras.saving.register_keras_serializable("vgcourse")
class VideoGenerator(keras.Model):
    """Video generator: a content code, motion noise and an action make one clip.

    The motion RNN runs over all frames. From the content code and a frame's motion code the frame generator
    draws masks; the content code alone makes the palette and the backdrop, once per clip; `paint` joins them.
    Training asks for a few frames only (`render`), sampling for all. MoCoGAN has no palette and no backdrop:
    its frame generator draws colours, and they flicker.

    Call it with `[content_code, motion_noise, actions]`, shapes `(batch, content_dim)`,
    `(batch, num_frames, motion_dim)` and `(batch,)` int; it returns clips
    `(batch, num_frames, size, size, 3)`, float32 in [-1, 1].

    Args:
        size: height and width of a frame in pixels: 32, 64 or 128.
        action_names: names of the actions; the index of a name is its label.
        num_frames: frames per clip.
        fps: frames per second at which the clips are meant to be played.
        channels: channels of the frame generator at its finest resolution.
        num_colours: colours in the palette of a clip.
        latent_dims: lengths of the content code and of a motion code.
        **kwargs: `name` and `dtype` (precision policy) for `keras.Model`.

    Source: Tulyakov et al. 2018 (MoCoGAN), https://arxiv.org/abs/1707.04993
    """

    makes_loops = False  # a clip's last frame is not followed by its first

    def __init__(
        self,
        size,
        action_names,
        *,
        num_frames=16,
        fps=10.0,
        channels=32,
        num_colours=NUM_COLOURS,
        latent_dims=(CONTENT_DIM, MOTION_DIM),
        **kwargs,
    ):
        # Without autocast=False a mixed policy would round the noise on its way in.
        super().__init__(autocast=False, **{"name": "video_generator", **kwargs})
        self.size, self.num_frames, self.fps, self.channels = size, num_frames, float(fps), channels
        self.action_names = tuple(action_names)
        self.content_dim, self.motion_dim = latent_dims
        self.motion_shape = (num_frames, self.motion_dim)  # of the noise for one clip
        self.motion_rnn = build_motion_rnn(num_frames, len(self.action_names), noise_dim=self.motion_dim)
        self.num_colours, dtype = num_colours, self.dtype_policy
        self.frame_generator = build_frame_generator(
            size, sum(latent_dims), num_outputs=num_colours + 1, channels=channels, dtype=dtype
        )
        self.palette = build_palette(self.content_dim, num_colours=num_colours)
        self.backdrop = build_backdrop(size, self.content_dim, dtype=dtype)
        # Weights from the start, so that they can be copied and saved before the first call.
        self.build([(None, self.content_dim), (None, num_frames, self.motion_dim), (None,)])

    def render(self, content_code, motion_codes, *, training=False):
        """Frames for the given motion codes.

        Args:
            content_code: float32 `(batch, content_dim)`.
            motion_codes: float32 `(batch, frames, motion_dim)`, any number of frames.
            training: whether batch normalisation uses this batch's statistics.

        Returns:
            float32 `(batch, frames, size, size, 3)` in [-1, 1].
        """
        frames = motion_codes.shape[1]
        content = ops.repeat(content_code[:, None], frames, axis=1)
        latent = ops.concatenate([content, motion_codes], axis=-1)
        # Time is folded into the batch: the frame generator knows nothing of clips.
        masks = self.frame_generator(
            ops.reshape(latent, (-1, self.content_dim + self.motion_dim)), training=training
        )
        masks = ops.reshape(masks, (-1, frames, self.size, self.size, self.num_colours + 1))
        return paint(masks, self.palette(content_code), self.backdrop(content_code))

    def call(self, inputs, training=False):
        content_code, motion_noise, actions = inputs
        motion_codes = self.motion_rnn([motion_noise, actions], training=training)
        return self.render(content_code, motion_codes, training=training)

    def get_config(self):
        return {
            **super().get_config(),
            "size": self.size,
            "action_names": list(self.action_names),
            "num_frames": self.num_frames,
            "fps": self.fps,
            "channels": self.channels,
            "num_colours": self.num_colours,
            "latent_dims": [self.content_dim, self.motion_dim],
        }


def build_discriminator(size, num_actions, *, num_seen=4, channels=64, dtype="float32"):
    """Sparse-frame discriminator: a few frames and their differences, stacked as channels of a 2-D CNN.

    Three-dimensional convolutions over all frames are dear; motion already shows in a few frames
    at known distances (StyleGAN-V, DIGAN). Our departure: it is also handed the difference of each frame to
    the next, in which only what moves is left. The action enters by projection: the score is raised
    when the features point along that action's vector.

    Args:
        size: height and width of a frame in pixels.
        num_actions: number of actions.
        num_seen: how many frames it looks at.
        channels: channels of the first convolution; they double as the picture halves.
        dtype: Keras precision policy; logits are always float32.

    Returns:
        A `keras.Model`: `[(batch, num_seen, size, size, 3), (batch,) int]` -> logits `(batch, 1)`,
        real is high.

    Source: Skorokhodov et al. 2022, https://arxiv.org/abs/2112.14683; projection: Miyato & Koyama
    2018, https://arxiv.org/abs/1802.05637
    """
    plan = channel_plan(size, channels)
    frames = layers.Input((num_seen, size, size, 3))
    actions = layers.Input((), dtype="int32")
    x = ops.concatenate([frames, frames[:, 1:] - frames[:, :-1]], axis=1)
    x = layers.Permute((2, 3, 1, 4), dtype=dtype)(x)
    x = layers.Reshape((size, size, 3 * (2 * num_seen - 1)), dtype=dtype)(x)
    for width in reversed(plan):
        x = layers.LeakyReLU(0.2, dtype=dtype)(layers.Conv2D(width, 4, 2, "same", dtype=dtype)(x))
    x = layers.Dense(128, dtype=dtype)(layers.Flatten(dtype=dtype)(x))
    features = layers.LeakyReLU(0.2, dtype="float32", name="features")(x)
    action = layers.Dense(128, use_bias=False, dtype="float32")(ops.one_hot(actions, num_actions))
    match = layers.Dot(1, dtype="float32")([features, action]) / math.sqrt(128)
    score = layers.Dense(1, dtype="float32")(features)
    return keras.Model([frames, actions], score + match, name="discriminator")


def build_clip_discriminator(size, num_frames, num_actions, *, width, dtype="float32"):
    """MoCoGAN's clip discriminator: 3-D convolutions over all frames, to compare the sparse one with.

    Each 4x4x4 convolution halves the frame and takes three frames off the clip. Beside the score it has the
    paper's head Q, which names the action.

    Args:
        size: height and width of a frame in pixels.
        num_frames: frames per clip, at least 16 at 64x64 and 13 at 32x32.
        num_actions: number of actions.
        width: channels of the first convolution; they double as the picture halves.
        dtype: Keras precision policy; logits are always float32.

    Returns:
        A `keras.Model`: `(batch, num_frames, size, size, 3)` -> logits `(batch, time, 2, 2, 1)`, real is
        high, and action logits `(batch, num_actions)`.

    Raises:
        ValueError: the clips are too short for that many convolutions.

    Source: Tulyakov et al. 2018 (MoCoGAN), https://arxiv.org/abs/1707.04993
    """
    plan = channel_plan(size, width)
    least = 1 + 3 * (len(plan) + 1)
    if num_frames < least:
        raise ValueError(
            f"a clip discriminator at {size}x{size} pixels needs clips of {least} frames or more; received "
            f"num_frames={num_frames}."
        )

    def convolve(x, channels):
        x = layers.ZeroPadding3D((0, 1, 1), dtype=dtype)(x)
        return layers.Conv3D(channels, 4, (1, 2, 2), use_bias=False, dtype=dtype)(x)

    x = clip = layers.Input((num_frames, size, size, 3))
    for level, channels in enumerate(reversed(plan)):
        x = convolve(x, channels)
        x = layers.BatchNormalization(momentum=0.9, dtype=dtype)(x) if level else x
        x = layers.LeakyReLU(0.2, dtype=dtype)(x)
    logits = layers.Activation("linear", dtype="float32")(convolve(x, 1))
    categories = layers.GlobalAveragePooling3D(dtype="float32")(convolve(x, num_actions))
    return keras.Model(clip, [logits, categories], name="clip_discriminator")
