/**
 * The toy game of vgcourse/gan/toy.py, step for step, with TensorFlow.js (the global `tf`) for the derivatives.
 *
 * Shapes: points (batch, dim), noise (batch, latentDim), float32. A game is
 *   {generator, discriminator, gSquares, dSquares: arrays of tensors; step, gStep: numbers}
 * and a step is a function from a game to the next game: whoever asks for a step disposes of the old game.
 * test_minimax.py takes the same steps in Python and compares the numbers.
 */

const MEMORY = 0.99; // Adam's beta_2; its beta_1 is 0
const TINY = 1e-7; // Adam's epsilon

const mean = (values) => tf.mean(values);

/**
 * What each player minimises, from logits: (batch, 1) -> scalar. Formulas and papers: vgcourse/losses.py.
 * `rest` holds both losses where the game is solved: p = q, and D cannot tell (every logit the same).
 */
export const LOSSES = {
  non_saturating: {
    discriminator: crossEntropy,
    generator: (fake) => mean(tf.softplus(tf.neg(fake))),
    rest: { d: Math.log(4), g: Math.log(2) },
  },
  minimax: {
    discriminator: crossEntropy,
    generator: (fake) => tf.neg(mean(tf.softplus(fake))),
    rest: { d: Math.log(4), g: -Math.log(2) },
  },
  hinge: {
    discriminator: (real, fake) => tf.add(mean(tf.relu(tf.sub(1, real))), mean(tf.relu(tf.add(1, fake)))),
    generator: (fake) => tf.neg(mean(fake)),
    rest: { d: 2, g: 0 },
  },
  least_squares: {
    discriminator: (real, fake) =>
      tf.mul(0.5, tf.add(mean(tf.square(tf.sub(real, 1))), mean(tf.square(fake)))),
    generator: (fake) => tf.mul(0.5, mean(tf.square(tf.sub(fake, 1)))),
    rest: { d: 0.25, g: 0.125 },
  },
  wasserstein: {
    discriminator: (real, fake) => tf.sub(mean(fake), mean(real)),
    generator: (fake) => tf.neg(mean(fake)),
    rest: { d: 0, g: null }, // the score has no zero: only differences mean something
  },
};

function crossEntropy(real, fake) {
  return tf.add(mean(tf.softplus(tf.neg(real))), mean(tf.softplus(fake)));
}

/**
 * A small network: hidden layers of tanh, then a linear one.
 * @param {tf.Tensor[]} weights a matrix and a bias for each layer
 * @param {tf.Tensor2D} points (batch, inputs)
 * @param activation of the hidden layers
 * @returns {tf.Tensor2D} (batch, outputs)
 */
export function mlp(weights, points, activation = tf.tanh) {
  let signal = points;
  for (let layer = 0; layer < weights.length; layer += 2) {
    signal = tf.add(tf.matMul(signal, weights[layer]), weights[layer + 1]);
    if (layer + 2 < weights.length) signal = activation(signal);
  }
  return signal;
}

/**
 * One step of the discriminator, then `recipe.gSteps` of the generator.
 * @param game see the top; it is not changed
 * @param {tf.Tensor2D} real (batch, dim)
 * @param {tf.Tensor2D[]} noise 1 + gSteps of (batch, latentDim): the first for the discriminator
 * @param {{gRate, dRate, r1Gamma, gSteps, loss}} recipe as in Python
 * @returns {{game, report: tf.Tensor1D}} the next game, and [dLoss, gLoss, |d gradient|, |g gradient|], each
 *   taken before its update, gradients as lengths over all weights, that of D with its R1 fine
 */
export function toyStep(game, real, noise, recipe) {
  return tf.tidy(() => {
    const loss = LOSSES[recipe.loss];
    const fake = mlp(game.generator, noise[0]);
    let dLoss; // without the fine; kept, as it is made inside of what is differentiated
    const dTotal = (...weights) => {
      dLoss = tf.keep(loss.discriminator(mlp(weights, real), mlp(weights, fake)));
      return recipe.r1Gamma ? tf.add(dLoss, r1Penalty(weights, real, recipe.r1Gamma)) : tf.clone(dLoss);
    };
    const dGradients = tf.grads(dTotal)(game.discriminator);
    const d = adam(game.discriminator, dGradients, game.dSquares, game.step + 1, recipe.dRate);

    let g = { weights: game.generator, squares: game.gSquares };
    let { gStep } = game;
    let last; // the generator's last loss and gradients
    for (let turn = 1; turn <= recipe.gSteps; turn += 1) {
      const gTotal = (...weights) => loss.generator(mlp(d.weights, mlp(weights, noise[turn])));
      last = tf.valueAndGrads(gTotal)(g.weights);
      gStep += 1;
      g = adam(g.weights, last.grads, g.squares, gStep, recipe.gRate);
    }
    const report = tf.stack([dLoss, last.value, length(dGradients), length(last.grads)]);
    dLoss.dispose();
    return {
      game: {
        generator: g.weights, gSquares: g.squares, gStep,
        discriminator: d.weights, dSquares: d.squares, step: game.step + 1,
      },
      report,
    };
  });
}

/** gamma/2 times the mean squared slope of the logit at real points; differentiable in the weights. */
function r1Penalty(weights, real, gamma) {
  const slope = tf.grad((points) => tf.sum(mlp(weights, points, twiceSmoothTanh)))(real);
  return tf.mul(gamma / 2, tf.mean(tf.sum(tf.square(slope), 1)));
}

/**
 * A tanh whose slope has a slope. TensorFlow.js writes that of `tf.tanh` with the saved *output*, and on the way
 * back a second time it visits that copy too late: its share is lost without a word. So save the input instead.
 */
function twiceSmoothTanh(input) {
  const smooth = tf.customGrad((x, save) => {
    save([x]);
    const slope = (dy, [saved]) => tf.mul(dy, tf.sub(1, tf.square(twiceSmoothTanh(saved))));
    return { value: tf.tanh(x), gradFunc: slope };
  });
  return smooth(input);
}

/** Adam with beta_1 = 0: each gradient is divided by its own running size. */
function adam(weights, gradients, squares, step, rate) {
  const bias = 1 - MEMORY ** step;
  const sizes = squares.map((s, i) =>
    tf.add(tf.mul(MEMORY, s), tf.mul(1 - MEMORY, tf.square(gradients[i]))));
  const moved = weights.map((w, i) =>
    tf.sub(w, tf.mul(rate, tf.div(gradients[i], tf.add(tf.sqrt(tf.div(sizes[i], bias)), TINY)))));
  return { weights: moved, squares: sizes };
}

/** Length of all gradients, seen as one long vector. */
function length(gradients) {
  return tf.sqrt(tf.addN(gradients.map((gradient) => tf.sum(tf.square(gradient)))));
}

/**
 * How the discriminator pushes generated points: minus the slope of the generator's loss at each of them.
 * @param game see the top
 * @param {tf.Tensor2D} noise (batch, latentDim)
 * @param {string} lossName a key of LOSSES
 * @returns {{points, pushes: tf.Tensor2D}} both (batch, dim); a push is that point's own, not divided by batch
 */
export function pushes(game, noise, lossName) {
  return tf.tidy(() => {
    const points = mlp(game.generator, noise);
    const total = (at) => LOSSES[lossName].generator(mlp(game.discriminator, at));
    return { points, pushes: tf.mul(-points.shape[0], tf.grad(total)(points)) };
  });
}

// --- beginnings --------------------------------------------------------------------------------------------

/**
 * A game before its first step, weights as `make_toy` in Python draws them (from other random numbers).
 * @param {{dim, latentDim, width}} sizes
 * @param {() => number} normal draws standard normal numbers
 */
export function makeToy({ dim, latentDim, width }, normal) {
  const draw = (sizes) => sizes.slice(1).flatMap((outputs, layer) => {
    const scale = Math.sqrt(1.5 / sizes[layer]);
    const matrix = Float32Array.from({ length: sizes[layer] * outputs }, () => scale * normal());
    return [tf.tensor2d(matrix, [sizes[layer], outputs]), tf.zeros([outputs])];
  });
  const generator = draw([latentDim, width, width, dim]);
  const discriminator = draw([dim, width, width, 1]);
  return {
    generator, gSquares: generator.map(tf.zerosLike), gStep: 0,
    discriminator, dSquares: discriminator.map(tf.zerosLike), step: 0,
  };
}

/**
 * The game that `to_plain` wrote in Python.
 * @param plain nested lists, with Python's names
 * @throws {Error} a network's arrays do not fit each other
 */
export function fromPlain(plain) {
  const tensors = (name) => {
    if (!Array.isArray(plain[name])) throw new Error(`expected a list called ${name}`);
    const arrays = plain[name].map((array) => tf.tensor(array, undefined, "float32"));
    arrays.forEach((array, place) => {
      const inputs = place < 2 ? array.shape[0] : arrays[place - 2].shape.at(-1);
      const fits = place % 2 ? array.rank === 1 && array.shape[0] === arrays[place - 1].shape[1]
        : array.rank === 2 && array.shape[0] === inputs;
      if (!fits) throw new Error(`${name}: array ${place} of shape ${array.shape} does not fit`);
    });
    return arrays;
  };
  return {
    generator: tensors("generator"), gSquares: tensors("g_squares"), gStep: plain.g_step,
    discriminator: tensors("discriminator"), dSquares: tensors("d_squares"), step: plain.step,
  };
}

/** Frees the memory of a game. */
export function dispose(game) {
  tf.dispose([game.generator, game.gSquares, game.discriminator, game.dSquares]);
}
