"""The paper's MoCoGAN: the baseline that the course's video GAN is measured against.

Axes: clips `(batch, time, height, width, channels)`, float32 in the model range [-1, 1].
Written from the paper (Tulyakov et al. 2018, https://arxiv.org/abs/1707.04993). `MoCoGAN` has the
interface of `gan.VideoGAN`, so the same loop trains it. Every random number is a function of
(seed, step). Departures from the paper, none to the baseline's harm: samples come from an averaged
generator too, and one Adam serves both discriminators, which for Adam is the same as one each.
"""

import keras
import tensorflow as tf
from keras import layers, ops

from vgcourse.gan import PRECISIONS, losses, models, move_average

CONTENT_DIM, MOTION_DIM = 50, 10
NUM_HIDDEN = {32: 3, 64: 4}  # hidden convolutions that halve the frame; the paper has 64x64
EMA_DECAY = 0.99
WEIGHT_DECAY = 1e-5


def build_motion_gru(num_frames, num_actions):
    """The paper's motion network R_M: a GRU whose state is the motion code.

    Every step takes fresh noise with the category beside it, the paper's best variant. The state
    before the first frame is N(0, I) as well: here the first frame's noise serves for both.

    Args:
        num_frames: frames per clip.
        num_actions: number of actions.

    Returns:
        A `keras.Model`: `[(batch, num_frames, 10), (batch,) int]` -> `(batch, num_frames, 10)`.
    """
    noise = layers.Input((num_frames, MOTION_DIM))
    actions = layers.Input((), dtype="int32")
    category = layers.RepeatVector(num_frames)(ops.one_hot(actions, num_actions))
    steps = layers.Concatenate(dtype="float32")([noise, category])
    gru = layers.GRU(MOTION_DIM, return_sequences=True, unroll=True, dtype="float32")
    return keras.Model([noise, actions], gru(steps, initial_state=noise[:, 0]), name="motion_gru")


def build_image_generator(size, *, width, dtype="float32"):
    """The paper's image generator G_I: transposed convolutions from one latent to one frame.

    Args:
        size: height and width of the frame in pixels, 32 or 64.
        width: channels at `size` / 2; they double as the picture halves (64 gives 512 at 4x4).
        dtype: Keras precision policy; the frame itself is always float32.

    Returns:
        A `keras.Model`: `(batch, 60)` -> `(batch, size, size, 3)` in [-1, 1].
    """
    latent = layers.Input((CONTENT_DIM + MOTION_DIM,))
    x = layers.Reshape((1, 1, -1), dtype=dtype)(latent)
    for level in range(NUM_HIDDEN[size]):
        channels = width * 2 ** (NUM_HIDDEN[size] - 1 - level)
        stride, padding = (2, "same") if level else (1, "valid")  # 1x1 becomes 4x4, then doubles
        x = layers.Conv2DTranspose(channels, 4, stride, padding, use_bias=False, dtype=dtype)(x)
        x = layers.ReLU(dtype=dtype)(layers.BatchNormalization(momentum=0.9, dtype=dtype)(x))
    x = layers.Conv2DTranspose(3, 4, 2, "same", use_bias=False, dtype=dtype)(x)
    frame = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(latent, frame, name="frame_generator")


@keras.saving.register_keras_serializable("vgcourse")
class MoCoGANGenerator(keras.Model):
    """The paper's generator, called as `models.VideoGenerator` is: with three inputs, for one clip each.

    Args:
        size: height and width of a frame in pixels, 32 or 64.
        action_names: names of the actions; the index of a name is its label.
        num_frames: frames per clip.
        fps: frames per second at which the clips are meant to be played.
        width: channels of the frame generator at its finest resolution.
        **kwargs: `name` and `dtype` (precision policy) for `keras.Model`.
    """

    def __init__(self, size, action_names, *, num_frames=16, fps=10.0, width=64, **kwargs):
        super().__init__(autocast=False, **{"name": "mocogan_generator", **kwargs})
        self.size, self.num_frames, self.fps, self.width = size, num_frames, float(fps), width
        self.action_names = tuple(action_names)
        self.content_dim, self.motion_dim = CONTENT_DIM, MOTION_DIM
        self.motion_shape, self.makes_loops = (num_frames, MOTION_DIM), False
        self.motion_rnn = build_motion_gru(num_frames, len(self.action_names))
        self.frame_generator = build_image_generator(size, width=width, dtype=self.dtype_policy)
        self.build([(None, CONTENT_DIM), (None, num_frames, MOTION_DIM), (None,)])

    def call(self, inputs, training=False):
        content_code, motion_noise, actions = inputs
        motion_codes = self.motion_rnn([motion_noise, actions], training=training)
        content = ops.repeat(content_code[:, None], self.num_frames, axis=1)
        latent = ops.concatenate([content, motion_codes], axis=-1)
        # Time is folded into the batch: the frame generator knows nothing of clips.
        frames = self.frame_generator(ops.reshape(latent, (-1, latent.shape[-1])), training=training)
        return ops.reshape(frames, (-1, self.num_frames, self.size, self.size, 3))

    def get_config(self):
        own = {"size": self.size, "num_frames": self.num_frames, "fps": self.fps, "width": self.width}
        return {**super().get_config(), **own, "action_names": list(self.action_names)}


def build_frame_discriminator(size, *, width, dtype="float32"):
    """The paper's image discriminator D_I: one logit for each patch of one frame.

    Args:
        size: height and width of a frame in pixels, 32 or 64.
        width: channels of the first convolution; they double as the picture halves.
        dtype: Keras precision policy; logits are always float32.

    Returns:
        A `keras.Model`: `(batch, size, size, 3)` -> logits `(batch, 4, 4, 1)`, real is high.
    """
    x = frame = layers.Input((size, size, 3))
    for level in range(NUM_HIDDEN[size] - 1):
        x = layers.Conv2D(width * 2**level, 4, 2, "same", use_bias=False, dtype=dtype)(x)
        x = layers.BatchNormalization(momentum=0.9, dtype=dtype)(x) if level else x
        x = layers.LeakyReLU(0.2, dtype=dtype)(x)
    logits = layers.Conv2D(1, 4, 2, "same", use_bias=False, dtype=dtype)(x)
    logits = layers.Activation("linear", dtype="float32")(logits)
    return keras.Model(frame, logits, name="frame_discriminator")


class MoCoGAN(keras.Model):
    """MoCoGAN's game: one generator against a frame and a clip discriminator.

    The category term: the clip discriminator's head Q learns to name the action of real clips, and the
    generator to make clips that Q names as asked (both cross-entropy, weight 1).

    Args:
        generator: a `MoCoGANGenerator`.
        frame_discriminator: see `build_frame_discriminator`.
        clip_discriminator: see `gan.models.build_clip_discriminator`.
        seed: int; all noise follows from it and from the step.
    """

    def __init__(self, generator, frame_discriminator, clip_discriminator, *, seed=0):
        super().__init__(name="mocogan", autocast=False)
        self.generator, self.seed = generator, seed
        self.frame_discriminator, self.clip_discriminator = frame_discriminator, clip_discriminator
        self.ema_generator = type(generator).from_config({**generator.get_config(), "dtype": "float32"})
        self.ema_generator.set_weights(generator.get_weights())
        self.step = self.add_weight(shape=(), dtype="int64", trainable=False, name="step")
        self.built = True

    def compile(self, g_optimizer=None, d_optimizer=None):
        super().compile(optimizer=None, jit_compile=False)
        self.g_optimizer = g_optimizer or keras.optimizers.Adam(2e-4, beta_1=0.5)
        self.d_optimizer = d_optimizer or keras.optimizers.Adam(2e-4, beta_1=0.5)
        self.g_optimizer.build(self.generator.trainable_variables)
        self.d_optimizer.build(self.discriminator_variables)
        self.step_function = tf.function(self.train_step)

    @property
    def discriminator_variables(self):
        return self.frame_discriminator.trainable_variables + self.clip_discriminator.trainable_variables

    def draw(self, half, actions):
        """Noise of one half of this step: the generator's inputs, and one random frame of each clip."""
        seed = tf.stack([tf.constant(self.seed, tf.int64), 2 * tf.convert_to_tensor(self.step) + half])
        content_seed, motion_seed, time_seed = tf.unstack(tf.random.split(seed, 3))
        batch, num_frames = ops.shape(actions)[0], self.generator.num_frames
        content_code = tf.random.stateless_normal((batch, CONTENT_DIM), content_seed)
        motion_noise = tf.random.stateless_normal((batch, num_frames, MOTION_DIM), motion_seed)
        times = tf.random.stateless_uniform((batch,), time_seed, 0, num_frames, tf.int32)
        return [content_code, motion_noise, actions], times

    def discriminator_step(self, clips, actions):
        inputs, times = self.draw(0, actions)
        fakes, variables = self.generator(inputs, training=True), self.discriminator_variables
        with tf.GradientTape() as tape:
            real, fake = self.judge(clips, times), self.judge(fakes, times)
            category_loss = _cross_entropy(actions, real["categories"])
            d_loss = category_loss + sum(
                losses.non_saturating_discriminator_loss(real[of], fake[of]) for of in ("frame", "clip")
            )
        self.d_optimizer.apply(_decayed(tape.gradient(d_loss, variables), variables), variables)
        return {"d_loss": d_loss, "real_category_loss": category_loss}

    def generator_step(self, actions):
        inputs, times = self.draw(1, actions)
        variables = self.generator.trainable_variables
        with tf.GradientTape() as tape:
            fake = self.judge(self.generator(inputs, training=True), times)
            category_loss = _cross_entropy(actions, fake["categories"])
            g_loss = category_loss + sum(
                losses.non_saturating_generator_loss(None, fake[of]) for of in ("frame", "clip")
            )
        self.g_optimizer.apply(_decayed(tape.gradient(g_loss, variables), variables), variables)
        move_average(self.ema_generator, self.generator, step=self.step, decay=EMA_DECAY)
        return {"g_loss": g_loss, "fake_category_loss": category_loss}

    def judge(self, clips, times):
        """Logits of one frame of each clip, at `times` `(batch,)`, of the clips, and of their categories."""
        frames = tf.gather(clips, times, axis=1, batch_dims=1)
        logits, categories = self.clip_discriminator(clips, training=True)
        frame_logits = self.frame_discriminator(frames, training=True)
        return {"frame": frame_logits, "clip": logits, "categories": categories}

    def train_step(self, data):
        clips, actions = data
        logs = self.discriminator_step(clips, actions) | self.generator_step(actions)
        self.step.assign_add(1)
        return logs


def _cross_entropy(actions, logits):
    """Mean cross-entropy, a float32 scalar, of labels `(batch,)` under logits `(batch, num_actions)`."""
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(actions, logits))


def _decayed(gradients, variables):
    """Gradients with the paper's weight decay in them: an L2 penalty, not Keras's decoupled decay."""
    return [g + WEIGHT_DECAY * tf.convert_to_tensor(v) for g, v in zip(gradients, variables, strict=True)]


def make_mocogan(size, action_names, *, num_frames=16, fps=10.0, precision="float32", seed=0):
    """The baseline at one size, compiled, with its weights drawn from `seed`.

    Args:
        size: height and width of a frame in pixels, 64 as in the paper (first width 64) or 32 (width 32).
        action_names: names of the actions; the index of a name is its label.
        num_frames: frames per clip, at least 16 at 64x64 and 13 at 32x32.
        fps: frames per second at which the clips are meant to be played.
        precision: "float32" or "bfloat16".
        seed: int.

    Returns:
        A compiled `MoCoGAN`.

    Raises:
        ValueError: the size is not 32 or 64, the precision is another or the clips are too short.
    """
    if size not in NUM_HIDDEN or precision not in ("float32", "bfloat16"):
        expected = f"expected a size in {tuple(NUM_HIDDEN)} and float32 or bfloat16"
        raise ValueError(f"MoCoGAN: {expected}; received size={size!r}, precision={precision!r}.")
    keras.utils.set_random_seed(seed)
    settings = {"width": size, "dtype": PRECISIONS[precision]}
    gan = MoCoGAN(
        MoCoGANGenerator(size, action_names, num_frames=num_frames, fps=fps, **settings),
        build_frame_discriminator(size, **settings),
        models.build_clip_discriminator(size, num_frames, len(action_names), **settings),
        seed=seed,
    )
    gan.compile()
    return gan
