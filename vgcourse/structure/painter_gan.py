"""Structure first, one training step of the painter, to be read from top to bottom.

Axes: frames `(batch, time, size, size, 3)`, float32 in the model range [-1, 1]; joints
`(batch, time, joint, 3)` in pixels. A batch is four tensors: joints and frames to paint, and the reference
frames that the painter is given, with their joints; all of one person in each row.
"""

import keras
import tensorflow as tf

from vgcourse import arguments
from vgcourse.gan import losses
from vgcourse.structure.drawings import NUM_LIMBS, draw_skeleton
from vgcourse.structure.painter import PAINTER_SIZES, Painter, build_patch_discriminator, fold_time

RAMP = 300  # steps until the discriminator has its full weight: at first there is nothing to judge


class PainterGAN(keras.Model):
    """A painter that learns from the truth (L1) and from a discriminator of patches, as in pix2pix.

    L1 alone answers doubt with a mean: blur. The discriminator sees a frame with its limb maps and
    tells painted patches from real ones. As in `gan.VideoGAN`: lazy R1, no momentum in the discriminator.

    Args:
        painter: a `Painter`.
        discriminator: `[frames, limb maps] -> logits`, see `build_patch_discriminator`.
        seed: int; all batches follow from it and from the step.
        l1_weight: weight of the mean absolute error; 0 leaves the discriminator alone.
        gan_weight: weight of the discriminator's verdict; 0 leaves L1 alone.
        r1_gamma: weight of the R1 penalty.
        r1_every: steps between penalties; the weight is multiplied by it.

    Source: Isola et al. 2017 (pix2pix), https://arxiv.org/abs/1611.07004
    """

    def __init__(
        self, painter, discriminator, *, seed=0, l1_weight=1.0, gan_weight=0.02, r1_gamma=0.1, r1_every=8
    ):
        super().__init__(name="painter_gan")
        self.painter, self.discriminator, self.seed = painter, discriminator, seed
        self.l1_weight, self.gan_weight = l1_weight, gan_weight
        self.r1_gamma, self.r1_every = r1_gamma, r1_every
        self.step = self.add_weight(shape=(), dtype="int64", trainable=False, name="step")
        self.built = True

    def compile(self, g_optimizer, d_optimizer):
        """Take the optimizers of the painter and of the discriminator."""
        super().compile(optimizer=None, jit_compile=False)
        self.g_optimizer, self.d_optimizer = g_optimizer, d_optimizer
        self.g_optimizer.build(self.painter.trainable_variables)
        self.d_optimizer.build(self.discriminator.trainable_variables)
        self.step_function = tf.function(self.train_step)

    def train_step(self, data):
        """Both halves of the game on one batch; returns their scalars in one dict."""
        joints, frames, reference_joints, references = data
        drawings = draw_skeleton(joints, size=self.painter.size)
        reference_drawings = draw_skeleton(reference_joints, size=self.painter.size)
        logs, painted = self.painter_step([drawings, references, reference_drawings], frames)
        if self.gan_weight:
            maps = fold_time(drawings[..., :NUM_LIMBS])
            logs |= self.discriminator_step(fold_time(frames), fold_time(painted), maps)
        self.step.assign_add(1)
        return logs

    def painter_step(self, inputs, frames):
        """Train the painter on one batch.

        Args:
            inputs: what `Painter` is called with.
            frames: the truth, float32 `(batch, time, size, size, 3)` in [-1, 1].

        Returns:
            A dict of scalar tensors, `g_loss`, `l1` in grey levels of [0, 255], and `d_loss` (0 until there
            is one); and the painted frames, before the step.
        """
        variables = self.painter.trainable_variables
        with tf.GradientTape() as tape:
            painted = self.painter(inputs, training=True)
            l1 = tf.reduce_mean(tf.abs(painted - frames))
            g_loss = self.l1_weight * l1
            if self.gan_weight:
                maps = fold_time(inputs[0][..., :NUM_LIMBS])
                logits = self.discriminator([fold_time(painted), maps], training=True)
                g_loss += self.gan_weight * self.ramp() * tf.reduce_mean(tf.nn.softplus(-logits))
        self.g_optimizer.apply(tape.gradient(g_loss, variables), variables)
        return {"g_loss": g_loss, "l1": 127.5 * l1, "d_loss": tf.zeros(())}, painted

    def ramp(self):
        """How much of its weight the discriminator has by now, in [0, 1]; returns a scalar tensor."""
        return tf.minimum(1.0, tf.cast(self.step, tf.float32) / RAMP)

    def discriminator_step(self, real, painted, maps):
        """Train the discriminator on real and painted frames of the same limb maps.

        Args:
            real, painted: float32 `(frames, size, size, 3)` in [-1, 1].
            maps: float32 `(frames, size, size, NUM_LIMBS)`.

        Returns:
            A dict of scalar tensors: `d_loss`, `real_logits`, `fake_logits`.
        """
        variables = self.discriminator.trainable_variables
        with tf.GradientTape() as tape:
            both = [tf.concat([real, painted], 0), tf.concat([maps, maps], 0)]
            real_logits, fake_logits = tf.split(self.discriminator(both, training=True), 2)
            d_loss = tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(
                tf.nn.softplus(fake_logits)
            )
        gradients = tape.gradient(d_loss, variables)
        penalty = tf.cond(
            self.step % self.r1_every == 0,
            lambda: self.r1_gradients(real, maps),
            lambda: [tf.zeros_like(variable) for variable in variables],
        )
        gradients = [of_loss + of_r1 for of_loss, of_r1 in zip(gradients, penalty, strict=True)]
        self.d_optimizer.apply(gradients, variables)
        means = {"real_logits": tf.reduce_mean(real_logits), "fake_logits": tf.reduce_mean(fake_logits)}
        return {"d_loss": d_loss, **means}

    def r1_gradients(self, real, maps):
        """Gradient of the lazy R1 penalty, one tensor for each variable of the discriminator."""
        variables = self.discriminator.trainable_variables
        with tf.GradientTape() as tape:
            penalty = self.r1_every * losses.r1_penalty(
                lambda frames: self.discriminator([frames, maps], training=True), real, gamma=self.r1_gamma
            )
        # The last bias shifts every score alike: it has no part in the penalty, and no gradient.
        gradients = tape.gradient(penalty, variables)
        return [tf.zeros_like(v) if g is None else g for g, v in zip(gradients, variables, strict=True)]


def make_painter_gan(size, *, steps, seed=0, painter_options=None, **options):
    """A compiled `PainterGAN` by the course's recipe for frames of `size`.

    Args:
        size: height and width of a frame in pixels: 32, 64 or 128.
        steps: length of the training; the painter's rate falls to 0 over it.
        seed: of the initial weights and of the batches.
        painter_options: dict of options of `Painter`, such as `{"pools_colours": False}`.
        **options: of `PainterGAN`, such as `gan_weight`.

    Returns:
        A `PainterGAN`, compiled.

    Raises:
        ValueError: the size is unknown, or `steps` is no whole number from 1 on.
    """
    arguments.one_of("size", size, PAINTER_SIZES)
    arguments.whole_number("steps", steps, 1)
    keras.utils.set_random_seed(seed)
    painter = Painter(size, **(painter_options or {}))
    gan = PainterGAN(painter, build_patch_discriminator(size), seed=seed, **options)
    rate = keras.optimizers.schedules.CosineDecay(1e-3 if size > 64 else 2e-3, steps)
    gan.compile(
        # A rare batch has a slope many times as steep as all others: unclipped, one step undoes the training.
        keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.99, global_clipnorm=0.5),
        keras.optimizers.Adam(1e-3, beta_1=0.0, beta_2=0.99),
    )
    return gan
