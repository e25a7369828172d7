"""Structure first, motion GAN: the game of `gan`, played for a few numbers a motion instead of pixels.

Axes: coefficients `(batch, num_components)`, see `components`; actions `(batch,)` int; logits `(batch, 1)`,
real is high.
"""

import math

import keras
import tensorflow as tf
from keras import layers, ops

from vgcourse.gan import losses, move_average
from vgcourse.structure.motion import MotionModel, build_motion_network


@keras.saving.register_keras_serializable("vgcourse")
class MotionGenerator(MotionModel):
    """Noise and an action in, the coefficients of a motion out, in one step.

    A motion may start anywhere. That needs no learning: the network makes a motion of all noise but the first
    two numbers, and their direction says how far it is turned. (Left to the network, a game on ways to start
    is what it learns first, and ways to move it hardly learns.)

    Call it with `[noise, actions]`, shapes `(batch, num_components)` and `(batch,)` int; it returns
    coefficients `(batch, num_components)`.

    Arguments as of `MotionModel`.
    """

    def __init__(self, action_names, **kwargs):
        super().__init__(action_names, **{"name": "motion_generator", **kwargs})
        self.network = build_motion_network(
            self.num_components, len(self.action_names), width=self.width, depth=self.depth
        )
        self.built = True

    def call(self, inputs):
        noise, actions = inputs
        turns = ops.arctan2(noise[:, :1], noise[:, 1:2]) / (2 * math.pi)
        rest = ops.concatenate([ops.zeros_like(noise[:, :2]), noise[:, 2:]], axis=1)
        return self.components.turn(self.network([rest, actions]), turns)

    def make_coefficients(self, noise, actions):
        return self([ops.cast(noise, "float32"), ops.cast(actions, "int32")])


def build_motion_discriminator(num_components, num_actions, *, width=64, depth=3):
    """Is this the motion of a person who does this action?

    Args:
        num_components: coefficients of a motion.
        num_actions: labels to tell apart; they enter at the start, and by projection at the end.
        width: numbers between the layers.
        depth: how many layers that add to what they were given.

    Returns:
        A `keras.Model`: `[(batch, num_components), (batch,) int]` -> logits `(batch, 1)`.

    Source: projection: Miyato & Koyama 2018, https://arxiv.org/abs/1802.05637
    """
    coefficients, actions = layers.Input((num_components,)), layers.Input((), dtype="int32")
    action = ops.one_hot(actions, num_actions)
    x = layers.Dense(width)(ops.concatenate([coefficients, action], axis=-1))
    for _ in range(depth):
        x = x + layers.Dense(width)(layers.Dense(2 * width, activation="silu")(x))
    match = layers.Dot(1)([x, layers.Dense(width, use_bias=False)(action)]) / math.sqrt(width)
    return keras.Model([coefficients, actions], layers.Dense(1)(x) + match, name="motion_discriminator")


def make_motion_gan(action_names, components, *, fps=10.0, seed=0):
    """A compiled motion GAN by the course's recipe.

    Args:
        action_names: names of the actions.
        components: fitted `MotionComponents`; copied.
        fps: frames per second of the motions.
        seed: of the initial weights and of all noise.

    Returns:
        A `MotionGAN`, compiled.
    """
    keras.utils.set_random_seed(seed)
    generator = MotionGenerator.of_components(action_names, components, fps=fps)
    discriminator = build_motion_discriminator(components.num_components, len(generator.action_names))
    gan = MotionGAN(generator, discriminator, seed=seed)
    gan.compile()
    return gan


class MotionGAN(keras.Model):
    """Generator against discriminator on coefficients, as `gan.VideoGAN` on frames.

    Args:
        generator: a `MotionGenerator` whose components are fitted.
        discriminator: `[coefficients, actions] -> logits`, see `build_motion_discriminator`.
        seed: int; all noise follows from it and from the step.
        r1_gamma: weight of the R1 penalty (Mescheder et al. 2018, https://arxiv.org/abs/1801.04406).
        ema_decay: share of the old average kept at each step, once training is under way.

    Attributes:
        ema_generator: running average of the generator; samples come from it.
    """

    def __init__(self, generator, discriminator, *, seed=0, r1_gamma=0.05, ema_decay=0.998):
        super().__init__(name="motion_gan")
        self.generator, self.discriminator = generator, discriminator
        self.ema_generator = type(generator).from_config(generator.get_config())
        self.ema_generator.set_weights(generator.get_weights())
        self.seed, self.r1_gamma, self.ema_decay = seed, r1_gamma, ema_decay
        self.generator_loss, self.discriminator_loss = losses.get_loss("non_saturating")
        self.step = self.add_weight(shape=(), dtype="int64", trainable=False, name="step")
        self.built = True

    def compile(self, g_optimizer=None, d_optimizer=None):
        """Choose the optimizers; None: Adam without momentum, its rate falling with the step."""
        super().compile(optimizer=None, jit_compile=False)  # Keras has room for one optimizer, a game has two
        rate = keras.optimizers.schedules.InverseTimeDecay(1e-3, decay_steps=4000, decay_rate=1.0)
        self.g_optimizer = g_optimizer or keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99)
        self.d_optimizer = d_optimizer or keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99)
        self.g_optimizer.build(self.generator.trainable_variables)
        self.d_optimizer.build(self.discriminator.trainable_variables)
        self.step_function = tf.function(self.train_step)

    def train_step(self, data):
        """Both halves of the game on a batch `(coefficients, actions)`; returns `d_loss` and `g_loss`."""
        coefficients, actions = data
        logs = self.discriminator_step(coefficients, actions)
        logs |= self.generator_step(actions)
        self.step.assign_add(1)
        return logs

    def discriminator_step(self, coefficients, actions):
        """Train the discriminator: real motions up, fakes down, and flat around the real ones."""
        fake = self.generator([self.noise(actions, half=0), actions])
        variables = self.discriminator.trainable_variables
        with tf.GradientTape() as tape:
            real_logits = self.discriminator([coefficients, actions])
            d_loss = self.discriminator_loss(real_logits, self.discriminator([fake, actions]))
            penalty = losses.r1_penalty(
                lambda real: self.discriminator([real, actions]), coefficients, gamma=self.r1_gamma
            )
            total = d_loss + penalty
        self.d_optimizer.apply(tape.gradient(total, variables), variables)
        return {"d_loss": d_loss}

    def generator_step(self, actions):
        """Train the generator on new motions of `actions`, then move the average towards it."""
        variables = self.generator.trainable_variables
        with tf.GradientTape() as tape:
            fake = self.generator([self.noise(actions, half=1), actions])
            g_loss = self.generator_loss(None, self.discriminator([fake, actions]))
        self.g_optimizer.apply(tape.gradient(g_loss, variables), variables)
        move_average(self.ema_generator, self.generator, step=self.step, decay=self.ema_decay)
        return {"g_loss": g_loss}

    def noise(self, actions, *, half):
        """Noise for one half of this step: 0 the discriminator's, 1 the generator's."""
        seed = tf.stack([tf.constant(self.seed, tf.int64), 2 * tf.convert_to_tensor(self.step) + half])
        return tf.random.stateless_normal((tf.shape(actions)[0], self.generator.num_components), seed)
