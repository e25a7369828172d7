"""Game: one training step of the video GAN, to be read from top to bottom.

Axes: clips `(batch, time, height, width, channels)`, float32 in the model range [-1, 1].
Every random number is a function of (seed, step): a run that is stopped and resumed draws the same.
"""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from vgcourse.arguments import one_of
from vgcourse.gan import losses
from vgcourse.gan.models import VideoGenerator, build_discriminator


class Recipe(NamedTuple):
    """How wide the networks of one frame size are, and how much R1 weighs.

    Attributes:
        g_channels: channels of the generator at its finest resolution.
        d_channels: channels of the discriminator's first convolution.
        r1_gamma: weight of the R1 penalty.
    """

    g_channels: int
    d_channels: int
    r1_gamma: float


RECIPES = {32: Recipe(24, 48, 1.0), 64: Recipe(24, 32, 1.0), 128: Recipe(16, 32, 1.0)}
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


class VideoGAN(keras.Model):
    """Generator against discriminator, with lazy R1 and an averaged generator.

    `train_step` is one step of the game: `discriminator_step`, then `generator_step`. Keras's `fit` calls it,
    and `vgcourse.training` does, compiled as `step_function`. Departures from MoCoGAN: one
    discriminator that sees a few frames, the R1 penalty every few steps, beta_1 = 0, and samples
    come from `ema_generator`, a running average of the generator's weights.

    Args:
        generator: a `models.VideoGenerator`.
        discriminator: `[frames, actions] -> logits`, see `models.build_discriminator`.
        seed: int; all noise follows from it and from the step.
        r1_gamma: weight of the R1 penalty (Mescheder et al. 2018, https://arxiv.org/abs/1801.04406).
        r1_every: steps between penalties; the weight is multiplied by it (Karras et al. 2020).
        ema_decay: share of the old average kept at each step, once training is under way.
    """

    def __init__(self, generator, discriminator, *, seed=0, r1_gamma=1.0, r1_every=8, ema_decay=0.999):
        super().__init__(name="video_gan", autocast=False)  # the networks round for themselves
        self.generator, self.discriminator = generator, discriminator
        # float32, whatever the training's precision: it is what is sampled, scored and saved.
        self.ema_generator = type(generator).from_config({**generator.get_config(), "dtype": "float32"})
        self.seed, self.r1_gamma, self.r1_every, self.ema_decay = seed, r1_gamma, r1_every, ema_decay
        self.num_seen = discriminator.input_shape[0][1]
        if generator.num_frames < self.num_seen:
            raise ValueError(
                f"the discriminator looks at {self.num_seen} frames: expected clips of at least as many, "
                f"received a generator of {generator.num_frames}"
            )
        self.ema_generator.set_weights(generator.get_weights())
        self.step = self.add_weight(shape=(), dtype="int64", trainable=False, name="step")
        self.built = True

    def compile(self, g_optimizer=None, d_optimizer=None, *, loss="non_saturating"):
        """Choose the optimizers (None: Adam at 1e-3, no momentum) and the loss, a key of `losses.LOSSES`."""
        super().compile(optimizer=None, jit_compile=False)  # Keras has room for one optimizer, a game has two
        self.g_optimizer = g_optimizer or keras.optimizers.Adam(1e-3, beta_1=0.0, beta_2=0.99)
        self.d_optimizer = d_optimizer or keras.optimizers.Adam(1e-3, beta_1=0.0, beta_2=0.99)
        self.g_optimizer.build(self.generator.trainable_variables)
        self.d_optimizer.build(self.discriminator.trainable_variables)
        self.generator_loss, self.discriminator_loss = losses.get_loss(loss)
        self.compares_pairs = loss == "relativistic"
        self.step_function = self.make_step_function()

    # ---- one training step -------------------------------------------------------------------------------

    def train_step(self, data):
        """Both halves of the game on one batch `(clips, actions)`; returns their scalars in one dict."""
        clips, actions = data
        logs = self.discriminator_step(clips, actions)
        logs |= self.generator_step(actions, clips)
        self.step.assign_add(1)
        return logs

    def discriminator_step(self, clips, actions):
        """Train the discriminator on one batch.

        Args:
            clips: real clips, float32 `(batch, num_frames, size, size, 3)` in [-1, 1].
            actions: int32 `(batch,)`; the fake clips are of the same actions. (Making them moves the
                generator's batch statistics, as in any GAN with batch normalisation; not its weights.)

        Returns:
            A dict of scalar tensors: `d_loss`, `real_logits`, `fake_logits`.
        """
        time_seed, noise_seed = self.seeds(0)
        times = draw_times(time_seed, self.generator.num_frames, self.num_seen)
        real = tf.gather(clips, times, axis=1)
        fake = self.fake_frames(actions, times, noise_seed)  # before the tape: the generator learns later
        variables = self.discriminator.trainable_variables
        with tf.GradientTape() as tape:
            both = [tf.concat([real, fake], 0), tf.concat([actions, actions], 0)]
            real_logits, fake_logits = tf.split(self.discriminator(both, training=True), 2)
            d_loss = self.discriminator_loss(real_logits, fake_logits)
            scaled = self.d_optimizer.scale_loss(self.share(d_loss))
        gradients = tape.gradient(scaled, variables)
        penalty = tf.cond(
            self.step % self.r1_every == 0,
            lambda: self.r1_gradients(real, actions),
            lambda: [tf.zeros_like(variable) for variable in variables],
        )
        gradients = [of_loss + of_r1 for of_loss, of_r1 in zip(gradients, penalty, strict=True)]
        self.apply_gradients(self.d_optimizer, gradients, variables)
        means = {"real_logits": tf.reduce_mean(real_logits), "fake_logits": tf.reduce_mean(fake_logits)}
        return {"d_loss": d_loss, **means}

    def r1_gradients(self, real, actions):
        """Gradient of the lazy R1 penalty, one tensor for each variable of the discriminator."""
        variables = self.discriminator.trainable_variables
        with tf.GradientTape() as tape:
            penalty = self.r1_every * losses.r1_penalty(
                lambda frames: self.discriminator([frames, actions], training=True),
                real,
                gamma=self.r1_gamma,
            )
            scaled = self.d_optimizer.scale_loss(self.share(penalty))
        gradients = tape.gradient(scaled, variables)
        # The last bias shifts every score alike: it has no part in the penalty, and no gradient.
        return [tf.zeros_like(v) if g is None else g for g, v in zip(gradients, variables, strict=True)]

    def generator_step(self, actions, clips=None):
        """Train the generator on new clips of `actions`, then move the average towards it.

        Args:
            actions: int32 `(batch,)`.
            clips: real clips of these actions, which only the relativistic loss compares with.

        Returns:
            A dict with the scalar tensor `g_loss`.
        """
        time_seed, noise_seed = self.seeds(1)
        times = draw_times(time_seed, self.generator.num_frames, self.num_seen)
        variables = self.generator.trainable_variables
        with tf.GradientTape() as tape:
            fake = self.fake_frames(actions, times, noise_seed)
            fake_logits = self.discriminator([fake, actions], training=True)
            real_logits = None
            if self.compares_pairs:
                real_logits = self.discriminator([tf.gather(clips, times, axis=1), actions], training=True)
            g_loss = self.generator_loss(real_logits, fake_logits)
            scaled = self.g_optimizer.scale_loss(self.share(g_loss))
        self.apply_gradients(self.g_optimizer, tape.gradient(scaled, variables), variables)
        self.update_average()
        return {"g_loss": g_loss}

    def fake_frames(self, actions, times, seed):
        """Frames `(batch, num_seen, size, size, 3)` of new clips of `actions`, at `times` only."""
        batch, generator = ops.shape(actions)[0], self.generator
        content_seed, motion_seed = tf.unstack(tf.random.split(seed, 2))
        content_code = self.noise((batch, generator.content_dim), content_seed)
        motion_noise = self.noise((batch, generator.num_frames, generator.motion_dim), motion_seed)
        motion_codes = generator.motion_rnn([motion_noise, actions])
        return generator.render(content_code, tf.gather(motion_codes, times, axis=1), training=True)

    def update_average(self):
        """Move the averaged generator towards the live one."""
        move_average(self.ema_generator, self.generator, step=self.step, decay=self.ema_decay)

    def seeds(self, half):
        """The seeds of times and noise in a half of this step: 0 the discriminator's, 1 the generator's."""
        seed = tf.stack([tf.constant(self.seed, tf.int64), 2 * tf.convert_to_tensor(self.step) + half])
        return tf.unstack(tf.random.split(seed, 2))

    # ---- what is done otherwise where several devices share a step (`vgcourse.scale`) -------------------

    def noise(self, shape, seed):
        """Standard normal noise of a shape, float32."""
        return tf.random.stateless_normal(shape, seed)

    def share(self, loss):
        """The part of a mean over this batch in the mean over the whole batch of a step: all of it."""
        return loss

    def apply_gradients(self, optimizer, gradients, variables):
        """One step of an optimizer."""
        optimizer.apply(gradients, variables)

    def make_step_function(self):
        """The compiled step: takes a batch, returns a dict of scalars."""
        return tf.function(self.train_step)


def draw_times(seed, num_frames, num_seen):
    """Frame indices that the discriminator looks at: 0, 1, 4, 9, ... frames behind one random start.

    The discriminator is not told how far apart its frames are, so the distances must never change: with a
    random stride a slow squat and a fast one would look alike. Squares make them all different (of four
    frames: 1, 3, 4, 5, 8, 9), short ones that show speed and long ones that show the way.

    Args:
        seed: int tensor `(2,)`.
        num_frames: frames per clip.
        num_seen: frames to pick; if the clip is too short for the squares, they spread over all of it.

    Returns:
        int32 tensor `(num_seen,)`, increasing, within the clip.
    """
    offsets = np.arange(num_seen) ** 2
    if offsets[-1] >= num_frames:
        offsets = np.arange(num_seen) * (num_frames - 1) // (num_seen - 1)
    start = tf.random.stateless_uniform((), seed, 0, num_frames - offsets[-1], tf.int32)
    return start + tf.constant(offsets, tf.int32)


def move_average(average, live, *, step, decay):
    """Move the weights of an averaged model towards those of the live one, batch statistics too.

    Args:
        average: a `keras.Model`, changed in place.
        live: the model that trains, of the same shapes.
        step: steps taken so far. At first the memory is short, or the average would drag the untrained
            weights along.
        decay: share of the old average that is kept once training is under way.
    """
    step = tf.cast(step, tf.float32)
    kept = tf.minimum(decay, (1 + step) / (10 + step))
    for old, new in zip(average.weights, live.weights, strict=True):
        old.assign(kept * old + (1 - kept) * new)


def make_gan(
    size, action_names, *, num_frames=16, fps=10.0, precision="float32", seed=0, recipe=None, model=VideoGAN
):
    """A compiled video GAN by the course's recipe for frames of `size`.

    Args:
        size: height and width of a frame in pixels: 32, 64 or 128.
        action_names: names of the actions.
        num_frames: frames per clip.
        fps: frames per second of the clips.
        precision: "float32", "bfloat16" or "float16" (with loss scaling).
        seed: of the initial weights and of all noise.
        recipe: a `Recipe`; None takes that of `RECIPES`.
        model: `VideoGAN`, or a class derived from it.

    Returns:
        A `VideoGAN`, compiled.

    Raises:
        ValueError: size or precision is unknown.
    """
    dtype = PRECISIONS[one_of("precision", precision, PRECISIONS)]
    recipe = recipe or RECIPES[one_of("size", size, RECIPES)]
    keras.utils.set_random_seed(seed)
    generator = VideoGenerator(
        size, action_names, num_frames=num_frames, fps=fps, channels=recipe.g_channels, dtype=dtype
    )
    discriminator = build_discriminator(size, len(action_names), channels=recipe.d_channels, dtype=dtype)
    gan = model(generator, discriminator, seed=seed, r1_gamma=recipe.r1_gamma)
    # The rate falls with the step alone, so that a run may be lengthened at any time.
    rate = keras.optimizers.schedules.InverseTimeDecay(1e-3, decay_steps=10_000, decay_rate=1.0)
    optimizers = [keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99) for _ in range(2)]
    if precision == "float16":
        optimizers = [keras.optimizers.LossScaleOptimizer(optimizer) for optimizer in optimizers]
    gan.compile(*optimizers)
    return gan
