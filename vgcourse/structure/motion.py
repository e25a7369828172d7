"""Structure first, motion: what the two motion models, a GAN and a flow, have in common.

Axes: joints `(num_motions, time, joint, 3)` in pixels; coefficients and noise
`(num_motions, num_components)`, see `components`; actions `(num_motions,)` int labels.
"""

import keras
from keras import layers, ops

from vgcourse.structure.components import MotionComponents


def build_motion_network(num_components, num_actions, *, width=64, depth=4, timed=False):
    """The network of both motion models: coefficients in, coefficients out, told the action.

    Layers that add to what they were given, with the action (and the time) stretching and shifting each of
    them.

    Args:
        num_components: numbers in and out.
        num_actions: labels to tell apart.
        width: numbers between the layers.
        depth: how many such layers.
        timed: whether it is also told a time in [0, 1], as a flow's velocity is.

    Returns:
        A `keras.Model`: `[(batch, num_components), (batch,) int]`, with `timed` also `(batch, 1)`,
        -> `(batch, num_components)`.

    Source: Perez et al. 2018 (FiLM), https://arxiv.org/abs/1709.07871
    """
    inputs = [layers.Input((num_components,)), layers.Input((), dtype="int32")]
    # A product with a one-hot row, not a table look-up: its gradient is deterministic.
    told = ops.one_hot(inputs[1], num_actions)
    if timed:
        inputs.append(layers.Input((1,)))
        told = ops.concatenate([told, time_waves(inputs[2])], axis=-1)
    told = layers.Dense(width, activation="silu")(layers.Dense(width, activation="silu")(told))
    x = layers.Dense(width)(inputs[0])
    for _ in range(depth):
        stretch, shift = ops.split(layers.Dense(2 * width)(told), 2, axis=-1)
        hidden = layers.LayerNormalization()(x) * (1 + stretch) + shift
        x = x + layers.Dense(width)(layers.Dense(2 * width, activation="silu")(hidden))
    out = layers.Dense(num_components)(layers.LayerNormalization()(x))
    return keras.Model(inputs, out, name="motion_network")


def time_waves(time, num_waves=7):
    """A time as sines and cosines of rising frequency: small differences become visible.

    Args:
        time: `(batch, 1)` in [0, 1].
        num_waves: how many of each; the slowest makes half a turn.

    Returns:
        `(batch, 2 * num_waves)` in [-1, 1].

    Source: Vaswani et al. 2017, section 3.5, https://arxiv.org/abs/1706.03762
    """
    angles = time * ops.convert_to_tensor([[3.14159265 * 2.0**k for k in range(num_waves)]])
    return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)


class MotionModel(keras.Model):
    """Noise and an action in, the motion of a person's joints out: the face of both motion models.

    Args:
        action_names: names of the actions; the index of a name is its label.
        num_frames: frames of a loop.
        fps: frames per second at which the motions are meant to be played.
        num_joints: joints per frame.
        num_components: numbers that a motion becomes, and of the noise that it is made from.
        width: of the network, see `build_motion_network`.
        depth: of the network.
        **kwargs: `name` for `keras.Model`.
    """

    def __init__(
        self,
        action_names,
        *,
        num_frames=20,
        fps=10.0,
        num_joints=25,
        num_components=48,
        width=64,
        depth=4,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.action_names, self.num_frames, self.fps = tuple(action_names), num_frames, float(fps)
        self.num_joints, self.num_components = num_joints, num_components
        self.width, self.depth = width, depth
        self.components = MotionComponents(num_frames, num_joints, num_components)

    @classmethod
    def of_components(cls, action_names, components, **options):
        """An untrained model for motions whose components are fitted; `options` as of `MotionModel`."""
        shape = {name: getattr(components, name) for name in ("num_frames", "num_joints", "num_components")}
        model = cls(action_names, **shape, **options)
        model.components.set_weights(components.get_weights())
        return model

    def make_coefficients(self, noise, actions):
        """The coefficients of new motions; each model has its way.

        Args:
            noise: float32 `(num_motions, num_components)`, N(0, 1).
            actions: int labels `(num_motions,)`.

        Returns:
            float32 tensor `(num_motions, num_components)`.
        """
        raise NotImplementedError

    def make_joints(self, noise, actions, *, size=64, **options):
        """The joints of new motions.

        Args:
            noise, actions: as in `make_coefficients`.
            size: height of the frames in pixels.
            **options: what the model's `make_coefficients` may be told.

        Returns:
            float32 tensor `(num_motions, num_frames, num_joints, 3)`, x, y and depth in pixels.
        """
        return self.components.decode(self.make_coefficients(noise, actions, **options), size=size)

    def get_config(self):
        return {
            **super().get_config(),
            "action_names": list(self.action_names),
            "num_frames": self.num_frames,
            "fps": self.fps,
            "num_joints": self.num_joints,
            "num_components": self.num_components,
            "width": self.width,
            "depth": self.depth,
        }
