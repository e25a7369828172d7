"""Structure first, flow matching: noise flows to motions along paths that are as straight as can be.

Axes: points x `(batch, dim)`, here coefficients of motions, see `components`; time `(batch, 1)`, from 0
(noise) to 1 (data); velocities have the shape of the points.
"""

import keras
import tensorflow as tf
from keras import ops

from vgcourse.arguments import whole_number
from vgcourse.gan import move_average
from vgcourse.structure.motion import MotionModel, build_motion_network

SAMPLING_STEPS = 25


def flow_pair(data, noise, time):
    """A point on the straight path from noise to data, and the velocity of who walks it.

    Args:
        data: float `(batch, dim)`.
        noise: float `(batch, dim)`, N(0, 1).
        time: float `(batch, 1)` in [0, 1].

    Returns:
        `((1 - time) noise + time data, data - noise)`: the path's place at `time`, and its derivative,
        which is what the network is to guess.

    Source: Lipman et al. 2023, https://arxiv.org/abs/2210.02747; Liu et al. 2023,
    https://arxiv.org/abs/2209.03003
    """
    return (1 - time) * noise + time * data, data - noise


def follow_flow(velocity, start, *, steps):
    """Let points flow from time 0 to 1 in equal steps (Euler's method).

    Args:
        velocity: called as `velocity(points, time)` with a float32 scalar time; returns the points' shape.
        start: float32 `(batch, dim)`, the points at time 0.
        steps: 1 or more; a straight flow needs one only.

    Returns:
        The points at time 1.

    Raises:
        ValueError: under 1 step.
    """
    points = start
    for step in range(whole_number("steps", steps, 1)):
        points = points + velocity(points, step / steps) / steps
    return points


@keras.saving.register_keras_serializable("vgcourse")
class MotionFlow(MotionModel):
    """A velocity for every point, time and action; motions are where noise flows to.

    Call it with `[coefficients, actions, time]`, shapes `(batch, num_components)`, `(batch,)` int and
    `(batch, 1)`; it returns velocities `(batch, num_components)`. The label `len(action_names)` stands for
    "any action".

    Arguments as of `MotionModel`.
    """

    def __init__(self, action_names, **kwargs):
        super().__init__(action_names, **{"name": "motion_flow", **kwargs})
        self.any_action = len(self.action_names)
        self.network = build_motion_network(
            self.num_components, self.any_action + 1, width=self.width, depth=self.depth, timed=True
        )
        self.built = True

    def call(self, inputs):
        return self.network(inputs)

    def make_coefficients(self, noise, actions, *, steps=SAMPLING_STEPS, guidance=1.0):
        """Let noise flow to the coefficients of motions.

        Args:
            noise, actions: as in `MotionModel.make_coefficients`.
            steps: Euler steps.
            guidance: 1 follows the action's velocity, 0 that of any action; above 1 goes beyond the action's,
                away from the others: clearer motions, fewer kinds of them.

        Returns:
            float32 tensor `(num_motions, num_components)`.

        Source: Ho & Salimans 2022 (guidance), https://arxiv.org/abs/2207.12598
        """
        actions = ops.cast(actions, "int32")

        def velocity(points, time):
            times = ops.full_like(points[:, :1], time)  # a batch of any size, unknown when compiled
            guided = self([points, actions, times])
            if guidance == 1:
                return guided
            free = self([points, ops.full_like(actions, self.any_action), times])
            return free + guidance * (guided - free)

        return follow_flow(velocity, ops.cast(noise, "float32"), steps=steps)


def make_flow_matching(action_names, components, *, fps=10.0, seed=0):
    """A compiled training of a motion flow by the course's recipe.

    Args:
        action_names, components, fps, seed: as in `make_motion_gan`.

    Returns:
        A `FlowMatching`, compiled.
    """
    keras.utils.set_random_seed(seed)
    training = FlowMatching(MotionFlow.of_components(action_names, components, fps=fps), seed=seed)
    training.compile()
    return training


class FlowMatching(keras.Model):
    """Training of a motion flow: guess the velocity of straight paths. One network, no second player.

    Args:
        flow: a `MotionFlow` whose components are fitted.
        seed: int; all noise follows from it and from the step.
        dropped: share of motions whose action is not told, so that the flow of any action is learnt too.
        ema_decay: share of the old average kept at each step, once training is under way.

    Attributes:
        ema_flow: running average of the flow; samples come from it.
    """

    def __init__(self, flow, *, seed=0, dropped=0.1, ema_decay=0.998):
        super().__init__(name="flow_matching")
        self.flow, self.ema_flow = flow, type(flow).from_config(flow.get_config())
        self.ema_flow.set_weights(flow.get_weights())
        self.seed, self.dropped, self.ema_decay = seed, dropped, ema_decay
        self.step = self.add_weight(shape=(), dtype="int64", trainable=False, name="step")
        self.built = True

    def compile(self, optimizer=None):
        """Choose the optimizer; None: Adam, its rate falling with the step."""
        rate = keras.optimizers.schedules.InverseTimeDecay(2e-3, decay_steps=1000, decay_rate=1.0)
        super().compile(optimizer=optimizer or keras.optimizers.Adam(rate), jit_compile=False)
        self.optimizer.build(self.flow.trainable_variables)
        self.step_function = tf.function(self.train_step)

    def train_step(self, data):
        """One step on a batch `(coefficients, actions)`; returns a dict with the scalar `loss`."""
        coefficients, actions = data
        noise, time, told = self.draw(coefficients, actions)
        point, target = flow_pair(coefficients, noise, time)
        variables = self.flow.trainable_variables
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self.flow([point, told, time]) - target))
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        move_average(self.ema_flow, self.flow, step=self.step, decay=self.ema_decay)
        self.step.assign_add(1)
        return {"loss": loss}

    def draw(self, coefficients, actions):
        """Noise, times and the actions that are told, for this step."""
        seed = tf.stack([tf.constant(self.seed, tf.int64), tf.convert_to_tensor(self.step)])
        noise_seed, time_seed, dropped_seed = tf.unstack(tf.random.split(seed, 3))
        noise = tf.random.stateless_normal(tf.shape(coefficients), noise_seed)
        time = tf.random.stateless_uniform((tf.shape(actions)[0], 1), time_seed)
        silent = tf.random.stateless_uniform(tf.shape(actions), dropped_seed) < self.dropped
        return noise, time, tf.where(silent, self.flow.any_action, actions)
