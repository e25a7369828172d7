"""The generator as an ONNX file, for the play page: the same arithmetic, written out operator by operator.

    uv run --group book python -m book.export_model OUT [--generator FILE] [--weights int8]

The graph makes one clip: it takes `content_code` (1, content_dim), `motion_noise` (num_frames, motion_dim),
`action` (1,) int32 and `frame_index` (K,) int32, and returns `frames` (K, size, size, 3) in [-1, 1]. Only the
frames asked for are painted: a page can show one long before the clip is complete.

Keras keeps channels last, ONNX puts them first: inside, pictures are (batch, channels, height, width). Batch
normalisation is folded into the layer before it. All arithmetic is float32, whatever the precision policy.
"""

import argparse
import hashlib
import json
from pathlib import Path

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from vgcourse import generate
from vgcourse.classroom import widgets

WEIGHTS = ("float32", "float16", "int8")
OPSET, IR_VERSION = 17, 9  # both known to every runtime of the last years
NUM_LOOKS = 5  # sliders that change a person, see `widgets.content_directions`
START_ACTION, START = "dance", {"person": 7, "motion": 1, "frame": 4}


class Graph:
    """An ONNX graph that grows by one operator at a time; tensors are named by strings.

    Args:
        weights: how matrices and kernels are stored: float32, float16 or int8. What is read from the file is
            turned into float32 once, when the model is loaded.
    """

    def __init__(self, weights="float32"):
        self.weights, self.nodes, self.initializers = weights, [], []

    def op(self, kind, *inputs, outputs=1, **attributes):
        """Add an operator; returns the name of its output, or a list of names for several outputs."""
        names = [f"{kind.lower()}_{len(self.nodes)}" + (f"_{k}" if k else "") for k in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, array):
        """Add an array as it is; returns its name."""
        name = f"constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def weight(self, array, *, output_axis):
        """Add a matrix or kernel in the precision of this graph; returns the name of its float32 value.

        With int8, every output channel has a scale of its own: its largest weight is 127 steps.
        """
        if self.weights == "float32":
            return self.constant(array)
        if self.weights == "float16":
            return self.op("Cast", self.constant(array.astype(np.float16)), to=TensorProto.FLOAT)
        others = tuple(axis for axis in range(array.ndim) if axis != output_axis % array.ndim)
        scale = np.maximum(np.abs(array).max(others, keepdims=True) / 127, 1e-12).astype(np.float32)
        steps = self.op("Cast", self.constant(np.rint(array / scale).astype(np.int8)), to=TensorProto.FLOAT)
        return self.op("Mul", steps, self.constant(scale))

    def reshape(self, x, *shape):
        """Give `x` another shape; -1 is what is left."""
        return self.op("Reshape", x, self.constant(np.array(shape, np.int64)))

    def dense(self, x, kernel, bias=None, *, activation=None):
        """`x @ kernel + bias`, then "Tanh" or "Relu"."""
        x = self.op("MatMul", x, self.weight(kernel, output_axis=-1))
        x = x if bias is None else self.op("Add", x, self.constant(bias))
        return self.op(activation, x) if activation else x

    def enlarge(self, x, kernel, bias):
        """Transposed convolution, stride 2, that doubles height and width exactly (Keras: padding "same")."""
        height, width = kernel.shape[:2]
        # What "same" cuts off is the kernel's width less the stride, the odd pixel at the end.
        cut = [height - 2, width - 2]
        pads = [cut[0] // 2, cut[1] // 2, cut[0] - cut[0] // 2, cut[1] - cut[1] // 2]
        kernel = self.weight(kernel.transpose(3, 2, 0, 1), output_axis=1)  # (in, out, height, width)
        return self.op("ConvTranspose", x, kernel, self.constant(bias), strides=[2, 2], pads=pads)


# ---- the parts of the generator, for one clip ------------------------------------------------------------


def add_motion_rnn(graph, model, noise, action):
    """Motion codes (num_frames, motion_dim) from `noise`, of the same shape, and `action` (1,).

    Keras's GRU resets after the product with its state (`reset_after`), as ONNX's does with
    `linear_before_reset`; both have the gates in the order update, reset, candidate.
    """
    embed, first, last = layers_of(model, keras.layers.Dense)
    (gru,) = layers_of(model, keras.layers.GRU)
    kernel, recurrent, biases = arrays(gru)
    action = graph.op("Gather", graph.weight(arrays(embed)[0], output_axis=-1), action)
    noise_now = graph.op("Gather", noise, graph.constant(np.array([0], np.int32)))
    start = graph.op("Concat", noise_now, action, axis=1)
    start = graph.dense(start, *arrays(first), activation="Tanh")
    num_frames = model.inputs[0].shape[1]
    repeated = graph.op("Expand", action, graph.constant(np.array([num_frames, 1], np.int64)))
    steps = graph.op("Concat", noise, repeated, axis=1)
    states = graph.op(
        "GRU",
        graph.reshape(steps, num_frames, 1, -1),  # time, batch, features
        graph.weight(kernel.T[None], output_axis=1),
        graph.weight(recurrent.T[None], output_axis=1),
        graph.constant(biases.reshape(1, -1)),
        "",
        graph.reshape(start, 1, 1, -1),
        hidden_size=gru.units,
        linear_before_reset=1,
    )
    return graph.dense(graph.reshape(states, num_frames, -1), *arrays(last))


def add_frame_generator(graph, model, latents):
    """Mask logits (frames, num_colours + 1, size, size) from latents (frames, latent_dim)."""
    (dense,) = layers_of(model, keras.layers.Dense)
    norms = layers_of(model, keras.layers.BatchNormalization)
    enlargers = layers_of(model, keras.layers.Conv2DTranspose)
    scale, shift = as_scale_and_shift(norms[0])
    kernel = arrays(dense)[0] * np.tile(scale, 16)  # its outputs are 4x4 places, channels last
    x = graph.dense(latents, kernel, np.tile(shift, 16), activation="Relu")
    x = graph.op("Transpose", graph.reshape(x, -1, 4, 4, len(scale)), perm=[0, 3, 1, 2])
    for layer, norm in zip(enlargers[:-1], norms[1:], strict=True):
        kernel, bias = arrays(layer)
        scale, shift = as_scale_and_shift(norm)
        x = graph.op("Relu", graph.enlarge(x, kernel * scale[:, None], bias * scale + shift))
    return graph.enlarge(x, *arrays(enlargers[-1]))


def add_palette(graph, model, content):
    """Palette (num_colours, 3) from a content code (1, content_dim)."""
    hidden, last = layers_of(model, keras.layers.Dense)
    x = graph.dense(content, *arrays(hidden), activation="Relu")
    return graph.reshape(graph.dense(x, *arrays(last), activation="Tanh"), -1, 3)


def add_backdrop(graph, model, content):
    """Backdrop (1, size, size, 3) from a content code (1, content_dim)."""
    (dense,) = layers_of(model, keras.layers.Dense)
    x = graph.reshape(graph.dense(content, *arrays(dense)), 1, 4, 4, -1)
    x = graph.op("Transpose", x, perm=[0, 3, 1, 2])
    slopes = [layer.negative_slope for layer in layers_of(model, keras.layers.LeakyReLU)]
    for layer, slope in zip(layers_of(model, keras.layers.Conv2DTranspose), slopes, strict=True):
        x = graph.enlarge(graph.op("LeakyRelu", x, alpha=slope), *arrays(layer))
    factors = graph.constant(np.array([1, 1, 2, 2], np.float32))
    x = graph.op("Resize", x, "", factors, mode="linear", coordinate_transformation_mode="half_pixel")
    return graph.op("Tanh", graph.op("Transpose", x, perm=[0, 2, 3, 1]))


def add_paint(graph, masks, palette, backdrop, *, num_colours):
    """Frames (frames, size, size, 3) from mask logits, palette and backdrop, as `models.paint` does."""
    weights = graph.op("Softmax", graph.op("Transpose", masks, perm=[0, 2, 3, 1]), axis=-1)
    parts = graph.constant(np.array([num_colours, 1], np.int64))
    colours, behind = graph.op("Split", weights, parts, outputs=2, axis=-1)
    return graph.op("Add", graph.op("MatMul", colours, palette), graph.op("Mul", behind, backdrop))


def layers_of(model, kind):
    """Layers of one kind, in the order in which data passes them."""
    return [layer for layer in model.layers if isinstance(layer, kind)]


def arrays(layer):
    """Weights of a layer as float32 arrays, in Keras's order."""
    return [np.asarray(weight, np.float32) for weight in layer.get_weights()]


def as_scale_and_shift(norm):
    """Batch normalisation of a trained model as `scale * x + shift`, each (channels,)."""
    gamma, beta, mean, variance = arrays(norm)
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return scale, beta - mean * scale


# ---- the files of the page -------------------------------------------------------------------------------


def to_onnx(generator, *, weights="float32"):
    """The generator as an ONNX model; its inputs and outputs stand at the top of this module.

    Args:
        generator: a `models.VideoGenerator`.
        weights: how matrices and kernels are stored: float32, float16 or int8.

    Returns:
        An `onnx.ModelProto`, checked.

    Raises:
        ValueError: `weights` is none of the three.
    """
    if weights not in WEIGHTS:
        raise ValueError(f"weights: expected one of {', '.join(WEIGHTS)}; received {weights!r}")
    graph = Graph(weights)
    codes = add_motion_rnn(graph, generator.motion_rnn, "motion_noise", "action")
    codes = graph.op("Gather", codes, "frame_index")
    count = graph.op("Shape", "frame_index")
    one = graph.constant(np.array([1], np.int64))
    content = graph.op("Expand", "content_code", graph.op("Concat", count, one, axis=0))
    latents = graph.op("Concat", content, codes, axis=1)
    masks = add_frame_generator(graph, generator.frame_generator, latents)
    palette = add_palette(graph, generator.palette, "content_code")
    backdrop = add_backdrop(graph, generator.backdrop, "content_code")
    frames = add_paint(graph, masks, palette, backdrop, num_colours=generator.num_colours)
    graph.nodes.append(helper.make_node("Identity", [frames], ["frames"]))
    size, real, whole = generator.size, TensorProto.FLOAT, TensorProto.INT32
    inputs = {
        "content_code": (real, [1, generator.content_dim]),
        "motion_noise": (real, [generator.num_frames, generator.motion_dim]),
        "action": (whole, [1]),
        "frame_index": (whole, ["frames_asked_for"]),
    }
    inputs = [helper.make_tensor_value_info(name, *kind) for name, kind in inputs.items()]
    output = helper.make_tensor_value_info("frames", real, ["frames_asked_for", size, size, 3])
    body = helper.make_graph(graph.nodes, "frames_of_a_clip", inputs, [output], graph.initializers)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(body, opset_imports=opsets, ir_version=IR_VERSION, producer_name="vgcourse")
    onnx.checker.check_model(model, full_check=True)
    return model


def export(folder, generator_path=None, *, weights="float16"):
    """Write what the play page loads: `generator.onnx`, `model.json` and `poster.png`.

    Args:
        folder: where they go; made if it is missing.
        generator_path: a `.keras` file; None takes the generator that comes with the course.
        weights: as in `to_onnx`.

    Returns:
        The path of `generator.onnx`.

    Raises:
        ValueError: the file holds no generator, or `weights` is unknown.
    """
    folder, generator = Path(folder), generate.load_generator(generator_path)
    model = to_onnx(generator, weights=weights).SerializeToString()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "generator.onnx"
    path.write_bytes(model)
    facts = describe(generator) | {"weights": weights, "bytes": len(model)}
    facts["sha256"] = hashlib.sha256(model).hexdigest()
    (folder / "model.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    start = facts["start"]
    content = generate.content_codes(generator, [start["person"]])
    noise = generate.motion_noise(generator, [start["motion"]])
    clip = generate.make_clips(generator, content, noise, [start["action"]])[0]
    Image.fromarray(clip[start["frame"]]).save(folder / "poster.png", optimize=True)
    return path


def describe(generator):
    """What the page must know of a generator: sizes, names, directions of the content code, how to begin.

    Args:
        generator: a `models.VideoGenerator`.

    Returns:
        A dict that JSON can hold.
    """
    names = list(generator.action_names)
    directions = widgets.content_directions(generator, NUM_LOOKS)
    return {
        "size": generator.size,
        "num_frames": generator.num_frames,
        "fps": generator.fps,
        "actions": names,
        "content_dim": generator.content_dim,
        "motion_dim": generator.motion_dim,
        "directions": [[round(float(value), 6) for value in row] for row in directions],
        "start": START | {"action": START_ACTION if START_ACTION in names else names[0]},
    }


def main():
    parser = argparse.ArgumentParser(
        description="Write the play page's model: generator.onnx and model.json."
    )
    parser.add_argument("folder", help="where the files go")
    parser.add_argument("--generator", help="a .keras file; by default the course's own")
    parser.add_argument("--weights", choices=WEIGHTS, default="float16", help="how weights are stored")
    options = parser.parse_args()
    path = export(options.folder, options.generator, weights=options.weights)
    print(f"{path}: {path.stat().st_size / 2**20:.2f} MB, weights as {options.weights}")


if __name__ == "__main__":
    main()
