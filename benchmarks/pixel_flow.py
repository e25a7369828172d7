"""Flow matching on pixels for a minute, as long as the painter of lesson 10 has: how far does it come?

    python benchmarks/pixel_flow.py --seconds 60 --out data/checkpoints/lessons/10_flow_matching-pixels.keras

A small U-Net learns the velocity of single 32x32 frames of the training clips; no motion, no action, no
person. Seconds are of two cores: half of the processor time. Writes the network (its running average) and
prints the loss and how sharp its frames are: the median over pixels of |Laplacian|, real frames beside it.
"""

import argparse
import itertools
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from vgcourse import datasets, preprocess, structure
from vgcourse.evaluate import visible
from vgcourse.gan import move_average

SIZE, BATCH = 32, 32
WIDTHS = 24, 48, 64  # channels at 32x32, 16x16 and 8x8


def build_velocity():
    """The velocity of frames: `[(batch, 32, 32, 3), (batch, 1) time] -> (batch, 32, 32, 3)`."""
    frames, time_input = layers.Input((SIZE, SIZE, 3)), layers.Input((1,))
    told = layers.Dense(64, "silu")(layers.Dense(64, "silu")(time_input))

    def block(x, width):
        shift = layers.Reshape((1, 1, width))(layers.Dense(width)(told))
        x = layers.Add()([layers.Conv2D(width, 3, padding="same", activation="silu")(x), shift])
        return layers.Conv2D(width, 3, padding="same", activation="silu")(x)

    fine = block(frames, WIDTHS[0])
    middle = block(layers.AveragePooling2D(2)(fine), WIDTHS[1])
    coarse = block(layers.AveragePooling2D(2)(middle), WIDTHS[2])
    middle = block(layers.Concatenate()([middle, layers.UpSampling2D()(coarse)]), WIDTHS[1])
    fine = block(layers.Concatenate()([fine, layers.UpSampling2D()(middle)]), WIDTHS[0])
    return keras.Model([frames, time_input], layers.Conv2D(3, 3, padding="same")(fine), name="pixel_velocity")


def make_step(network, average, optimizer):
    """A compiled training step: frames, noise, times and the number of the step in, the loss out."""

    @tf.function
    def step(data, noise, times, number):
        point, target = structure.flow_pair(data, noise, times[:, :, None, None])
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(network([point, times]) - target))
        optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)
        move_average(average, network, step=number, decay=0.998)
        return loss

    return step


def train(frames, *, seconds, seed=0):
    """The averaged network after so many seconds of two cores, the number of steps and the last loss."""
    keras.utils.set_random_seed(seed)
    network, average, rng = build_velocity(), build_velocity(), np.random.default_rng(seed)
    average.set_weights(network.get_weights())
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.InverseTimeDecay(1e-3, 1000, 1.0))
    step, losses, start = make_step(network, average, optimizer), [], time.process_time()
    for number in itertools.count():
        data = preprocess.to_model_range(frames[rng.integers(len(frames), size=BATCH)])
        noise = rng.standard_normal(data.shape, np.float32)
        times = rng.random((BATCH, 1), np.float32)
        losses.append(float(step(data, noise, times, tf.constant(number, tf.int64))))
        if (time.process_time() - start) / 2 >= seconds:
            return average, number + 1, float(np.mean(losses[-100:]))


def sample(network, num_frames, *, steps=25, seed=0):
    """New frames, uint8 `(num_frames, 32, 32, 3)`."""
    shape = num_frames, SIZE, SIZE, 3
    noise = tf.constant(np.random.default_rng(seed).standard_normal(shape, np.float32))
    made = structure.follow_flow(
        lambda x, t: network([x, tf.fill((len(x), 1), tf.cast(t, tf.float32))]), noise, steps=steps
    )
    return preprocess.to_uint8(np.clip(made, -1, 1))


def sharpness(frames):
    """Median over frames of the median over pixels of |Laplacian|, in grey levels."""
    return float(np.median(visible.clip_statistics(np.repeat(frames[:, None], 3, axis=1))[:, 0]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of two cores")
    parser.add_argument("--out", type=Path, default=Path("runs/pixel_flow.keras"))
    arguments = parser.parse_args()
    clips = datasets.load_actions("train", size=SIZE, num_frames=20).clips
    frames = clips.reshape(-1, SIZE, SIZE, 3)
    network, steps, loss = train(frames, seconds=arguments.seconds)
    network.set_weights([weight.astype(np.float16).astype(np.float32) for weight in network.get_weights()])
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    network.save(arguments.out)
    made = sample(network, 100)
    print(f"{steps} steps in {arguments.seconds:.0f} s of two cores, loss {loss:.3f}")
    print(f"|Laplacian|: generated {sharpness(made):.1f}, real {sharpness(frames[::100]):.1f}")


if __name__ == "__main__":
    main()
