"""The motion models as ONNX files, for the puppet page: numbers in, the motion of a skeleton out.

`of_gan`: `noise` (1, num_components) and `action` (1,) int32 -> `joints` (num_frames, joint, 3), pixels.
`of_flow`: `points` (1, num_components), `action` (1,) int32 and `time` (1, 1) -> `velocity`
(1, num_components), and `joints`, the motion that the points stand for. Whoever runs it makes the steps.
"""

import keras
import numpy as np
from onnx import TensorProto, helper

from book.export_model import Graph, arrays, layers_of
from book.export_painter import finish, number
from vgcourse.structure import MotionFlow

PI = 3.14159265  # as in `structure.motion.time_waves`


def of_gan(generator, *, size, weights="float16"):
    """A `structure.MotionGenerator` as an ONNX model.

    Args:
        generator: the model.
        size: height of the frames in pixels.
        weights: as in `export_model.to_onnx`.

    Returns:
        An `onnx.ModelProto`, checked.
    """
    graph, components, count = Graph(weights), generator.components, generator.num_components
    first, second, rest = graph.op(
        "Split", "noise", graph.constant(np.array([1, 1, count - 2])), outputs=3, axis=1
    )
    none = graph.constant(np.zeros((1, 2), np.float32))
    noise = graph.op("Concat", none, rest, axis=1)
    coefficients = add_network(graph, generator.network, noise, len(generator.action_names))
    coefficients = add_turn(graph, components, coefficients, add_angle(graph, first, second))
    add_named(graph, add_joints(graph, components, coefficients, size), "joints")
    inputs = {"noise": [1, count], "action": (TensorProto.INT32, [1])}
    return finish(graph, inputs, {"joints": joints_shape(generator)}, name="motion_gan")


def of_flow(flow, *, size, weights="float16"):
    """A `structure.MotionFlow` as an ONNX model; arguments and result as of `of_gan`."""
    graph, count = Graph(weights), flow.num_components
    velocity = add_network(graph, flow.network, "points", flow.any_action + 1, time="time")
    add_named(graph, velocity, "velocity")
    add_named(graph, add_joints(graph, flow.components, "points", size), "joints")
    inputs = {"points": [1, count], "action": (TensorProto.INT32, [1]), "time": [1, 1]}
    return finish(graph, inputs, {"velocity": [1, count], "joints": joints_shape(flow)}, name="motion_flow")


def to_onnx(model, **options):
    """A motion model of either kind as an ONNX model; options as of `of_gan`."""
    return (of_flow if isinstance(model, MotionFlow) else of_gan)(model, **options)


def add_network(graph, model, x, num_actions, *, time=None):
    """The network of `structure.build_motion_network`: `x` (1, num_components) and "action", as many out."""
    dense = sort_dense(model)
    norms = iter(layers_of(model, keras.layers.LayerNormalization))
    kernel, bias = arrays(dense["told"])
    told = graph.op("Gather", graph.weight(kernel[:num_actions], output_axis=-1), "action")
    if time:
        waves = add_time_waves(graph, time, (len(kernel) - num_actions) // 2)
        told = graph.op("Add", told, graph.dense(waves, kernel[num_actions:]))
    told = silu(graph, graph.op("Add", told, graph.constant(bias)))
    told = silu(graph, graph.dense(told, *arrays(dense["told_again"])))
    x = graph.dense(x, *arrays(dense["in"]))
    for style, inner, outer in zip(dense["styles"], dense["inner"], dense["outer"], strict=True):
        kernel, bias = arrays(style)
        bias[: len(bias) // 2] += 1
        stretch, shift = graph.op("Split", graph.dense(told, kernel, bias), outputs=2, axis=1)
        hidden = graph.op("Add", graph.op("Mul", add_norm(graph, next(norms), x), stretch), shift)
        hidden = silu(graph, graph.dense(hidden, *arrays(inner)))
        x = graph.op("Add", x, graph.dense(hidden, *arrays(outer)))
    return graph.dense(add_norm(graph, next(norms), x), *arrays(dense["out"]))


def sort_dense(model):
    """The dense layers of the network by what they do, told apart by their shapes."""
    num_components = model.outputs[0].shape[1]
    every = layers_of(model, keras.layers.Dense)
    (out,) = (layer for layer in every if layer.units == num_components)
    width = out.kernel.shape[0]
    of_shape = lambda *shape: [layer for layer in every if layer.kernel.shape == shape]  # noqa: E731
    (start,), (again,) = of_shape(num_components, width), of_shape(width, width)
    wide = of_shape(width, 2 * width)
    styles = [layer for layer in wide if layer.activation is keras.activations.linear]
    inner, outer = [layer for layer in wide if layer not in styles], of_shape(2 * width, width)
    (told,) = set(every) - {out, start, again, *wide, *outer}
    return {"told": told, "told_again": again, "in": start, "out": out} | {
        "styles": styles,
        "inner": inner,
        "outer": outer,
    }


def silu(graph, x):
    """`x` times its sigmoid."""
    return graph.op("Mul", x, graph.op("Sigmoid", x))


def add_norm(graph, layer, x):
    """Layer normalisation of `x` (1, width)."""
    gamma, beta = (graph.constant(part) for part in arrays(layer))
    return graph.op("LayerNormalization", x, gamma, beta, epsilon=layer.epsilon)


def add_time_waves(graph, time, num_waves):
    """Sines, then cosines, (1, 2 * num_waves), of a time (1, 1)."""
    rates = np.float32([[PI * 2.0**k for k in range(num_waves)]])
    angles = graph.op("Mul", time, graph.constant(rates))
    return graph.op("Concat", graph.op("Sin", angles), graph.op("Cos", angles), axis=1)


def add_angle(graph, y, x):
    """The angle (1, 1) of a direction, from -pi to pi; ONNX lacks the function with two arguments."""
    length = graph.op("Sqrt", graph.op("Add", graph.op("Mul", x, x), graph.op("Mul", y, y)))
    half = graph.op("Atan", graph.op("Div", y, graph.op("Add", length, x)))
    return graph.op("Mul", half, number(graph, 2))


def add_turn(graph, components, coefficients, angle):
    """The same motion, started later, as `MotionComponents.turn`."""
    partners = graph.constant(np.asarray(components.partners).astype(np.int64))
    others = graph.op("Gather", coefficients, partners, axis=1)
    angles = graph.op("Mul", angle, graph.constant(np.asarray(components.waves)[None]))
    parts = [("Cos", coefficients), ("Sin", others)]
    return graph.op("Add", *(graph.op("Mul", graph.op(kind, angles), part) for kind, part in parts))


def add_joints(graph, components, coefficients, size):
    """Joints (num_frames, joint, 3) in pixels, as `MotionComponents.decode`."""
    scales, directions, mean = (
        np.asarray(part, np.float32) for part in (components.scales, components.directions, components.mean)
    )
    coefficients = graph.op("Mul", coefficients, graph.constant(scales[None] * size))
    joints = graph.dense(coefficients, directions, mean * size)
    return graph.reshape(joints, *joints_shape(components))


def joints_shape(model):
    """Shape of a motion."""
    return [model.num_frames, model.num_joints, 3]


def add_named(graph, x, name):
    """Give the tensor `x` a name of its own, as an output of the graph."""
    graph.nodes.append(helper.make_node("Identity", [x], [name]))
