"""The game: what the discriminator and the generator minimise.

Every loss is called as `loss(real_logits, fake_logits)` and returns one float32 scalar, the mean over all
logits. `real_logits` and `fake_logits` are raw scores (no sigmoid), high for real, of shape `(batch,)`,
`(batch, 1)` or, for a discriminator that scores patches, `(batch, ...)`. Clips are float, in the model range
[-1, 1], with the batch on axis 0; the axes behind it are the discriminator's own business.

Everything is computed in float32, whatever the precision of the logits: half precision loses the small
differences that a loss near its optimum is made of. Checks read static shapes, so they cost nothing inside a
`tf.function`; NaN is looked for in eager mode only (the training loop watches for it elsewhere).
"""

import math
import numbers

import tensorflow as tf

from vgcourse.arguments import one_of

# --- Pairs of losses -------------------------------------------------------------------------------------
# In the formulas, D(x) is a real logit, D(G) a fake one, and E a mean. With logits, -log sigmoid(l) is
# softplus(-l) and -log(1 - sigmoid(l)) is softplus(l): no logarithm of a rounded-off zero.


def minimax_discriminator_loss(real_logits, fake_logits):
    """Cross-entropy of telling real from fake: E softplus(-D(x)) + E softplus(D(G)).

    At the optimal discriminator it equals log 4 - 2 JSD(real, fake); at the game's solution, log 4.

    Args:
        real_logits: shape `(batch, ...)`, the discriminator's raw scores of real clips.
        fake_logits: shape `(batch, ...)`, those of generated clips.

    Returns:
        A float32 scalar, at least 0.

    Raises:
        ValueError: the shapes do not fit each other, or a logit is NaN.

    Source: Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661
    """
    real, fake = _logit_pair(real_logits, fake_logits)
    return tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))


def minimax_generator_loss(real_logits, fake_logits):
    """The generator's side of the minimax game: -E softplus(D(G)) = E log(1 - sigmoid(D(G))).

    It *saturates*: where the discriminator is sure that a clip is fake (a very negative logit) the gradient
    vanishes, which is where a young generator needs it most.

    Args:
        real_logits: not used, None will do; here so that every loss is called the same way.
        fake_logits: shape `(batch, ...)`.

    Returns:
        A float32 scalar, at most 0.

    Raises:
        ValueError: `fake_logits` has no batch axis, is empty or holds NaN.

    Source: Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661
    """
    return -tf.reduce_mean(tf.nn.softplus(_float32(fake_logits, "fake_logits")))


non_saturating_discriminator_loss = minimax_discriminator_loss


def non_saturating_generator_loss(real_logits, fake_logits):
    """Call the fakes real: E softplus(-D(G)) = -E log sigmoid(D(G)).

    The same solution as the minimax game, but the gradient is largest where the discriminator is sure that
    a clip is fake.

    Arguments and errors as in `minimax_generator_loss`; returns a float32 scalar of at least 0.

    Source: Goodfellow et al. 2014, section 3, https://arxiv.org/abs/1406.2661
    """
    return tf.reduce_mean(tf.nn.softplus(-_float32(fake_logits, "fake_logits")))


def hinge_discriminator_loss(real_logits, fake_logits):
    """Push real above 1 and fake below -1, no further: E relu(1 - D(x)) + E relu(1 + D(G)).

    Arguments and errors as in `minimax_discriminator_loss`; returns a float32 scalar of at least 0.

    Source: Lim and Ye 2017, https://arxiv.org/abs/1705.02894
    """
    real, fake = _logit_pair(real_logits, fake_logits)
    return tf.reduce_mean(tf.nn.relu(1.0 - real)) + tf.reduce_mean(tf.nn.relu(1.0 + fake))


def hinge_generator_loss(real_logits, fake_logits):
    """Raise the fakes' score: -E D(G).

    Arguments and errors as in `minimax_generator_loss`; returns a float32 scalar of any sign.

    Source: Lim and Ye 2017, https://arxiv.org/abs/1705.02894
    """
    return -tf.reduce_mean(_float32(fake_logits, "fake_logits"))


def wasserstein_discriminator_loss(real_logits, fake_logits):
    """Minus the gap between the scores (the "critic" loss): E D(G) - E D(x). Any sign.

    Means something only for a discriminator kept 1-Lipschitz: add `gradient_penalty` (weight 10), take
    several discriminator steps a generator step, and use no batch norm in the discriminator.
    Arguments and errors as in `minimax_discriminator_loss`; returns a float32 scalar of any sign.

    Source: Gulrajani et al. 2017, https://arxiv.org/abs/1704.00028
    """
    real, fake = _logit_pair(real_logits, fake_logits)
    return tf.reduce_mean(fake) - tf.reduce_mean(real)


wasserstein_generator_loss = hinge_generator_loss  # Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875


def least_squares_discriminator_loss(real_logits, fake_logits):
    """Regress real to 1 and fake to 0: 1/2 E (D(x) - 1)^2 + 1/2 E D(G)^2.

    Arguments and errors as in `minimax_discriminator_loss`; returns a float32 scalar of at least 0.

    Source: Mao et al. 2017, https://arxiv.org/abs/1611.04076
    """
    real, fake = _logit_pair(real_logits, fake_logits)
    return 0.5 * tf.reduce_mean(tf.square(real - 1.0)) + 0.5 * tf.reduce_mean(tf.square(fake))


def least_squares_generator_loss(real_logits, fake_logits):
    """Regress the fakes' score to 1: 1/2 E (D(G) - 1)^2.

    Arguments and errors as in `minimax_generator_loss`; returns a float32 scalar of at least 0.

    Source: Mao et al. 2017, https://arxiv.org/abs/1611.04076
    """
    return 0.5 * tf.reduce_mean(tf.square(_float32(fake_logits, "fake_logits") - 1.0))


def relativistic_discriminator_loss(real_logits, fake_logits):
    """Score each real clip above the fake clip it is paired with: E softplus(-(D(x) - D(G))).

    The paper adds an R1 penalty on real and the same penalty on fake clips (`r1_penalty` on each).
    `real_logits` and `fake_logits` have one shape, `(batch, ...)`; entries at one place are a pair. Returns a
    float32 scalar of at least 0. Raises ValueError if the shapes differ or a logit is NaN.

    Source: Huang et al. 2024 (R3GAN), https://arxiv.org/abs/2501.05441
    """
    real, fake = _logit_pair(real_logits, fake_logits, paired=True)
    return tf.reduce_mean(tf.nn.softplus(fake - real))


def relativistic_generator_loss(real_logits, fake_logits):
    """Score each fake clip above the real clip it is paired with: E softplus(-(D(G) - D(x))).

    The one generator loss that needs `real_logits`; returns a float32 scalar of at least 0.
    Arguments and errors as in `relativistic_discriminator_loss`.

    Source: Huang et al. 2024 (R3GAN), https://arxiv.org/abs/2501.05441
    """
    real, fake = _logit_pair(real_logits, fake_logits, paired=True)
    return tf.reduce_mean(tf.nn.softplus(real - fake))


# name -> (generator_loss, discriminator_loss)
LOSSES = {
    "minimax": (minimax_generator_loss, minimax_discriminator_loss),
    "non_saturating": (non_saturating_generator_loss, non_saturating_discriminator_loss),
    "hinge": (hinge_generator_loss, hinge_discriminator_loss),
    "wasserstein": (wasserstein_generator_loss, wasserstein_discriminator_loss),
    "least_squares": (least_squares_generator_loss, least_squares_discriminator_loss),
    "relativistic": (relativistic_generator_loss, relativistic_discriminator_loss),
}


def get_loss(name):
    """Returns the pair `(generator_loss, discriminator_loss)` called `name`, or raises ValueError."""
    return LOSSES[one_of("loss", name, LOSSES)]


# --- Penalties and matching: added to a loss -------------------------------------------------------------


def r1_penalty(discriminator, real_clips, *, gamma):
    """Keep the discriminator flat around real clips: gamma/2 E |dD(x)/dx|^2.

    "Lazy" R1 adds it only every n-th step, with gamma multiplied by n.

    Args:
        discriminator: a callable, clips -> logits. Logits of one clip are summed; no batch norm, which
            would mix the clips' gradients.
        real_clips: float, shape `(batch, ...)`, model range [-1, 1].
        gamma: strength, at least 0; usual values lie between 0.1 and 10.

    Returns:
        A float32 scalar, at least 0, differentiable in the discriminator's weights.

    Raises:
        ValueError: the clips are no floats or hold NaN, the logits do not depend on them, or gamma is none.

    Source: Mescheder et al. 2018, https://arxiv.org/abs/1801.04406
    """
    _check_weight("gamma", gamma)
    squared_norm = _squared_gradient_norm(discriminator, _clips(real_clips, "real_clips"))
    return 0.5 * gamma * tf.reduce_mean(squared_norm)


def gradient_penalty(discriminator, real_clips, fake_clips, *, weight, seed):
    """Hold the discriminator's slope at 1 between real and fake: weight E (|dD(x)/dx| - 1)^2.

    x = u real + (1 - u) fake, with one u per clip, uniform in [0, 1).

    Args:
        discriminator: a callable, clips -> logits, as in `r1_penalty`.
        real_clips, fake_clips: float, one shape `(batch, ...)`, model range [-1, 1].
        weight: at least 0; 10 in the paper.
        seed: one integer, or two (shape `(2,)`); the same seed draws the same u. Change it every step.

    Returns:
        A float32 scalar, at least 0, differentiable in the discriminator's weights.

    Raises:
        ValueError: the shapes of the clips differ, and as in `r1_penalty`.

    Source: Gulrajani et al. 2017, https://arxiv.org/abs/1704.00028
    """
    _check_weight("weight", weight)
    real, fake = _clips(real_clips, "real_clips"), _clips(fake_clips, "fake_clips")
    if not real.shape.is_compatible_with(fake.shape):
        raise ValueError(f"Expected real, fake clips of one shape. Received: {real.shape} and {fake.shape}.")
    seed = tf.cast(seed, tf.int64)
    seed = tf.stack([seed, tf.zeros_like(seed)]) if seed.shape.rank == 0 else seed
    one_per_clip = tf.concat([tf.shape(real)[:1], tf.ones(real.shape.rank - 1, tf.int32)], axis=0)
    mix = tf.random.stateless_uniform(one_per_clip, seed)
    squared_norm = _squared_gradient_norm(discriminator, mix * real + (1.0 - mix) * fake)
    # The slope of sqrt is infinite at 0: the small number keeps a flat discriminator's gradient finite.
    return weight * tf.reduce_mean(tf.square(tf.sqrt(squared_norm + 1e-12) - 1.0))


def feature_matching_loss(real_features, fake_features):
    """Match the mean features of a batch: |E f(x) - E f(G)|^2, for the generator.

    `real_features` and `fake_features` are float, of shape `(batch, ...)`: a layer of the discriminator or of
    a frozen CNN. Batch sizes may differ. Returns a float32 scalar of at least 0, in squared feature units,
    summed over the features. Raises ValueError if the shapes do not fit each other or a feature is NaN.

    Source: Salimans et al. 2016, section 3.1, https://arxiv.org/abs/1606.03498
    """
    real, fake = _float32(real_features, "real_features"), _float32(fake_features, "fake_features")
    if not real.shape[1:].is_compatible_with(fake.shape[1:]):
        raise ValueError(f"Expected features of one shape. Received: {real.shape} and {fake.shape}.")
    return tf.reduce_sum(tf.square(tf.reduce_mean(real, axis=0) - tf.reduce_mean(fake, axis=0)))


def _squared_gradient_norm(discriminator, clips):
    """|dD(x)/dx|^2 of each clip, shape `(batch,)`. An outer tape can differentiate it once more."""
    # This tape needs no gradients of the weights; the caller's tape watches those.
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(clips)
        # A clip's logit depends on that clip alone, so the gradient of the sum holds every clip's own.
        total = tf.reduce_sum(tf.cast(discriminator(clips), tf.float32))
    gradient = tape.gradient(total, clips)
    if gradient is None:
        raise ValueError("discriminator: expected logits that depend on the clips. Received: no gradient.")
    return tf.reduce_sum(tf.square(gradient), axis=list(range(1, clips.shape.rank)))


# --- Checks ----------------------------------------------------------------------------------------------


def _float32(values, name):
    """`values` as a float32 tensor with a batch axis; NaN is refused in eager mode."""
    values = tf.cast(values, tf.float32)
    if values.shape.rank == 0 or values.shape.num_elements() == 0:
        raise ValueError(f"{name}: expected shape (batch, ...), not empty. Received: {values.shape}.")
    if tf.executing_eagerly() and bool(tf.reduce_any(tf.math.is_nan(values))):
        raise ValueError(f"{name}: expected numbers. Received: NaN. Is a learning rate too high?")
    return values


def _check_weight(name, value):
    if not tf.is_tensor(value) and not (isinstance(value, numbers.Real) and 0 <= value < math.inf):
        raise ValueError(f"{name}: expected a finite number, at least 0. Received: {value!r}.")


def _logit_pair(real_logits, fake_logits, *, paired=False):
    """Both as float32; equal shapes if `paired`, else the batch sizes may differ."""
    real, fake = _float32(real_logits, "real_logits"), _float32(fake_logits, "fake_logits")
    first = 0 if paired else 1
    # Without this, (batch,) minus (batch, 1) would silently broadcast to (batch, batch).
    if not real.shape[first:].is_compatible_with(fake.shape[first:]):
        raise ValueError(f"Expected real, fake logits of one shape. Received: {real.shape} and {fake.shape}.")
    return real, fake


def _clips(clips, name):
    """Clips as float32. Integers are refused: they are the stored range [0, 255], not the model range."""
    clips = tf.convert_to_tensor(clips)
    if not clips.dtype.is_floating:
        wanted = "float clips in [-1, 1] (see preprocess.to_model_range)"
        raise ValueError(f"{name}: expected {wanted}. Received: {clips.dtype.name}.")
    return _float32(clips, name)
