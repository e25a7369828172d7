"""Outgrow, replicas: one training on several devices, such that the split of a batch does not matter.

A replica is one copy of the model on one device. The global batch of a step is the batches of all replicas
together; rows go to replicas in their order. `ReplicatedVideoGAN` is the video GAN for it; the functions that
it consists of are called within a step, and do nothing where there is one replica.

What the split means:
- Loss: every replica has the mean over its own clips, divided by the number of replicas; the optimizer sums
  the gradients. So the gradient is that of the mean over the global batch. R1 is a mean over clips, too.
- Seeds: noise is drawn for the global batch, from (seed, step) as on one device, and each replica takes its
  rows. The frames that the discriminator looks at are the same in all replicas.
- Batch norm: synchronised, its moments are those of the global batch, and the result is one device's up to
  rounding (which Adam blows up where a gradient is zero but for rounding). Otherwise they are those of a
  replica's own clips, and the running averages of them, which only sampling uses, are the mean over replicas
  after every step.
- EMA: every replica has the same weights, hence the same average; nothing is exchanged for it.
"""

import keras
import numpy as np
import tensorflow as tf

from vgcourse.gan import VideoGAN


def num_replicas():
    """How many replicas share a step; 1 outside a `tf.distribute` strategy. Returns an int."""
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context else 1


def normal(shape, seed):
    """Standard normal noise: this replica's rows of the noise of the global batch.

    Args:
        shape: of the replica's part, batch first.
        seed: int tensor `(2,)`, the same in all replicas.

    Returns:
        float32 tensor of that shape.
    """
    if num_replicas() == 1:
        return tf.random.stateless_normal(shape, seed)
    context = tf.distribute.get_replica_context()
    noise = tf.random.stateless_normal((num_replicas() * shape[0], *shape[1:]), seed)
    first = tf.cast(context.replica_id_in_sync_group, tf.int32) * shape[0]
    return noise[first : first + shape[0]]


def share(loss):
    """A replica's part of the global mean: the gradients of all parts add up to the gradient of the mean.

    Args:
        loss: the mean over this replica's clips, a scalar tensor.

    Returns:
        A scalar tensor.
    """
    return loss if num_replicas() == 1 else loss / num_replicas()


def apply_gradients(optimizer, gradients, variables):
    """Sum the gradients over replicas and update the variables, alike in all replicas.

    Args:
        optimizer: a Keras optimizer, maybe with loss scaling: then it skips a step in all replicas if a
            gradient is not finite in one of them. (Keras would ask the first replica alone.)
        gradients: list of tensors.
        variables: the variables they belong to.
    """
    if num_replicas() > 1 and isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])
        spoiled = tf.where(finite, 0.0, np.nan)
        spoiled = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, spoiled)
        gradients = [gradient + tf.cast(spoiled, gradient.dtype) for gradient in gradients]
    optimizer.apply(gradients, variables)


def average_statistics(model):
    """Set the running averages of batch norm to their mean over replicas, unless they are equal anyway.

    Args:
        model: a `keras.Model`, in training on every replica.
    """
    norms = [] if num_replicas() == 1 else [norm for norm in _batch_norms(model) if not norm.synchronized]
    variables = [variable for norm in norms for variable in norm.non_trainable_variables]
    if variables:
        values = [tf.identity(variable) for variable in variables]
        means = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, values)
        for variable, mean in zip(variables, means, strict=True):
            variable.assign(mean)


def synchronise_batch_norm(model):
    """Let all batch norms of `model` use the moments of the global batch from now on.

    Args:
        model: a `keras.Model` whose graph was not traced yet.
    """
    for norm in _batch_norms(model):
        norm.synchronized = True


def _batch_norms(model):
    """All batch norms in a model and in the models that it is made of."""
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            found.append(layer)
        elif isinstance(layer, keras.Model):
            found += _batch_norms(layer)
    return found


def on_every_replica(step):
    """The step as a graph that runs on every replica of the strategy in whose scope this is called.

    Args:
        step: function of one batch that returns a dict of scalars.

    Returns:
        A `tf.function`; it takes a batch of `strategies.batches_on_every_replica` and returns the means over
        replicas.
    """
    if not tf.distribute.has_strategy():
        return tf.function(step)
    strategy = tf.distribute.get_strategy()

    def steps(batch):
        logs = strategy.run(step, args=(batch,))
        return {name: strategy.reduce("MEAN", value, axis=None) for name, value in logs.items()}

    return tf.function(steps)


class ReplicatedVideoGAN(VideoGAN):
    """The video GAN on all replicas of the strategy in whose scope it is made: `make_gan(..., model=...)`."""

    noise, share = staticmethod(normal), staticmethod(share)
    apply_gradients = staticmethod(apply_gradients)

    def update_average(self):
        average_statistics(self.generator)
        super().update_average()

    def make_step_function(self):
        return on_every_replica(self.train_step)
