"""The painter as an ONNX file, for the puppet page: a pose and a person in, a picture out.

    uv run --group book python -m book.export_painter OUT

The graph paints one frame: it takes `joints` (joint, 3), pixels and depth, and `look` (look_length,), all that
the painter keeps of a person, and returns `frame` (size, size, 3), from -1 to about 1. A person is one row of
numbers (`pack_look`), so two people are mixed by mixing their rows.

Keras keeps channels last, ONNX puts them first: inside, pictures are (1, channels, height, width). Where the
painter says "softmax of logits plus the logarithm of what the limbs cover", the graph multiplies their
exponentials: the same numbers, in fewer passes over the picture.
"""

import math

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper

from book.export_model import IR_VERSION, OPSET, WEIGHTS, Graph, arrays, layers_of
from vgcourse import preprocess
from vgcourse.generate import reference_of
from vgcourse.people import JOINT_NAMES
from vgcourse.structure import LIMBS, NUM_LIMBS, draw_skeleton, drawings
from vgcourse.structure import painter as painting

CELLS = 8  # a room's light changes slowly: so many squares along a side
ROOM_ERROR = 1e-3  # of a room, in the model range, that rows and cells may lose
SLOPE = 0.2  # of every leaky ReLU of the painter


# ---- people ----------------------------------------------------------------------------------------------


def look_parts(size):
    """What a row of `pack_look` holds, in order: name -> shape."""
    colours = (NUM_LIMBS + painting.NUM_LEARNED, 3)
    return {"colours": colours, "code": (painting.CODE_DIM,), "rows": (size, 3), "cells": (CELLS, CELLS, 3)}


def look_at(painter, number):
    """What the painter keeps of a rendered person.

    Args:
        painter: a `structure.Painter`.
        number: who it is, as in `generate.reference_of`.

    Returns:
        float32 `(look_length,)`, see `look_parts`.
    """
    frame, joints = reference_of(number, size=painter.size)
    seen = preprocess.to_model_range(frame)[None, None]
    looks = painter.look(seen, draw_skeleton(joints[None, None], size=painter.size))
    return pack_look(*(np.asarray(part)[0] for part in looks))


def pack_look(colours, room, code):
    """A look as one row of numbers.

    The room is kept as what it is made of, a colour for every row of pixels and 8x8 cells of light: 600
    numbers, not 49,000.

    Args:
        colours, room, code: as `Painter.look` returns them, for one person.

    Returns:
        float32 `(look_length,)`.

    Raises:
        ValueError: the room is not such a sum.
    """
    rows, cells = room_parts(room)
    return np.concatenate([np.ravel(part) for part in (colours, code, rows, cells)]).astype(np.float32)


def room_parts(room):
    """Rows `(size, 3)` and cells `(8, 8, 3)` whose sum, the cells enlarged smoothly, is `room`."""
    size = len(room)
    cells_of = enlarging_matrix(size)
    # Columns that are left of a row's mean: what cells alone explain. Then rows are what is missing.
    aside = cells_of - cells_of.mean(axis=0)
    changes = room - room.mean(axis=1, keepdims=True)
    half = np.linalg.lstsq(aside, changes.transpose(1, 0, 2).reshape(size, -1), rcond=None)[0]
    half = half.reshape(CELLS, size, 3).transpose(1, 0, 2).reshape(size, -1)
    cells = np.linalg.lstsq(cells_of, half, rcond=None)[0].reshape(CELLS, CELLS, 3)
    slow = np.einsum("yi,xj,ijc->yxc", cells_of, cells_of, cells)
    rows = (room - slow).mean(axis=1)
    error = np.abs(rows[:, None] + slow - room).max()
    if error > ROOM_ERROR:
        raise ValueError(
            f"room: expected rows plus {CELLS}x{CELLS} cells, received one {error:.2g} from that"
        )
    return rows, cells


def enlarging_matrix(size):
    """Weights `(size, 8)` of smooth enlarging along one side, from centre to centre; beyond the last, it."""
    place = np.clip((np.arange(size) + 0.5) * CELLS / size - 0.5, 0, CELLS - 1)
    return np.maximum(0, 1 - np.abs(place[:, None] - np.arange(CELLS)))


# ---- the parts of the painter, for one frame -------------------------------------------------------------


def add_drawing(graph, joints, size):
    """Limb maps (1, limb, size, size) and depths (1, limb) from joints (joint, 3), as `draw_skeleton`."""
    ends = [graph.constant(np.array([JOINT_NAMES.index(limb[end]) for limb in LIMBS])) for end in (0, 1)]
    (ax, ay, az), (bx, by, bz) = (
        graph.op("Split", graph.op("Gather", joints, end, axis=0), outputs=3, axis=1) for end in ends
    )
    depth = graph.op("Div", graph.op("Add", az, bz), number(graph, 2 * drawings.DEEPEST * size))
    depth = graph.op("Clip", graph.reshape(depth, 1, NUM_LIMBS), number(graph, -1), number(graph, 1))
    ax, ay, bx, by = (graph.reshape(part, 1, NUM_LIMBS, 1, 1) for part in (ax, ay, bx, by))
    dx, dy = graph.op("Sub", bx, ax), graph.op("Sub", by, ay)
    centres = np.arange(size, dtype=np.float32) + np.float32(0.5)
    x = graph.op("Sub", graph.constant(centres.reshape(1, 1, 1, size)), ax)
    y = graph.op("Sub", graph.constant(centres.reshape(1, 1, size, 1)), ay)
    length = graph.op("Add", graph.op("Mul", dx, dx), graph.op("Mul", dy, dy))
    length = graph.op("Add", length, number(graph, 1e-3))
    along = [graph.op("Div", graph.op("Mul", *pair), length) for pair in ((x, dx), (y, dy))]
    along = graph.op("Clip", graph.op("Add", *along), number(graph, 0), number(graph, 1))
    off = [graph.op("Sub", at, graph.op("Mul", along, by)) for at, by in ((x, dx), (y, dy))]
    squares = graph.op("Add", *(graph.op("Mul", side, side) for side in off))
    distance = graph.op("Sqrt", graph.op("Add", squares, number(graph, 1e-12)))
    radii = np.array([limb[2:] for limb in LIMBS], np.float32) * np.float32(drawings.STATURE * size)
    at_start, growth = radii[:, :1] + 0.5, radii[:, 1:] - radii[:, :1]
    growth, at_start = (graph.constant(part.reshape(1, NUM_LIMBS, 1, 1)) for part in (growth, at_start))
    reach = graph.op("Add", graph.op("Mul", along, growth), at_start)
    maps = graph.op("Clip", graph.op("Sub", reach, distance), number(graph, 0), number(graph, 1))
    return maps, depth


def add_limbs_in_front(graph, maps, depth, size):
    """What of each pixel shows each limb (limb, pixel), and what shows the room (1, pixel)."""
    depth = graph.reshape(depth, NUM_LIMBS, 1)
    # [k, j]: 1 if limb j is before limb k, and 1/2 if they are equally near
    nearer = graph.op("Sub", graph.op("Transpose", depth, perm=[1, 0]), depth)
    before = graph.op("Sigmoid", graph.op("Mul", nearer, number(graph, painting.SHARP)))
    before = graph.op("Mul", before, graph.constant(1 - np.eye(NUM_LIMBS, dtype=np.float32)))
    maps = graph.reshape(maps, NUM_LIMBS, size * size)
    passed = graph.op("Log", graph.op("Sub", number(graph, 1), graph.op("Mul", maps, number(graph, 0.99))))
    visible = graph.op("Mul", maps, graph.op("Exp", graph.op("MatMul", before, passed)))
    ones = graph.constant(np.ones((1, NUM_LIMBS), np.float32))  # a product is a quicker sum over the limbs
    room = graph.op("Exp", graph.op("MatMul", ones, passed))
    total = graph.op("Add", graph.op("MatMul", ones, visible), number(graph, 1e-4))
    covered = graph.op("Div", graph.op("Sub", number(graph, 1), room), total)
    return graph.op("Mul", visible, covered), room


def add_limb_depths(graph, maps, depth):
    """How near each limb is, (1, limb), as the painter reads it off a drawing."""
    sums = graph.op("ReduceSum", maps, graph.constant(np.array([2, 3])), keepdims=0)
    return graph.op("Mul", depth, graph.op("Div", sums, graph.op("Add", sums, number(graph, 1e-3))))


def add_room(graph, rows, cells, size):
    """The room (1, 3, size, size) from rows (size, 3) and cells (8, 8, 3)."""
    rows = graph.reshape(graph.op("Transpose", rows, perm=[1, 0]), 1, 3, size, 1)
    cells = graph.op("Transpose", graph.reshape(cells, 1, CELLS, CELLS, 3), perm=[0, 3, 1, 2])
    return graph.op("Add", rows, add_enlarged(graph, cells, size / CELLS))


def add_enlarged(graph, x, factor):
    """`x` (1, channels, height, width), `factor` times as high and wide, smoothly."""
    factors = graph.constant(np.array([1, 1, factor, factor], np.float32))
    return graph.op("Resize", x, "", factors, mode="linear", coordinate_transformation_mode="half_pixel")


def add_mask_net(graph, model, maps, depth, room, code):
    """Logits (1, 1 + num_colours + 1, size, size) of the U-Net `painter.mask_net`."""
    convolutions, enlargers = (
        layers_of(model, kind) for kind in (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
    )
    convolutions = [layer for layer in convolutions if not isinstance(layer, keras.layers.Conv2DTranspose)]
    styles = iter(layers_of(model, keras.layers.Dense))

    def convolve(x, layer):
        kernel, bias = arrays(layer)
        before = (len(kernel) - layer.strides[0]) // 2  # Keras's "same"; the odd pixel goes at the end
        after = len(kernel) - layer.strides[0] - before
        kernel = graph.weight(kernel.transpose(3, 2, 0, 1), output_axis=0)
        pads, strides = [before, before, after, after], list(layer.strides)
        return graph.op("Conv", x, kernel, graph.constant(bias), pads=pads, strides=strides)

    def styled(x):
        kernel, bias = arrays(next(styles))
        width = len(bias) // 2
        bias[:width] += 1
        both = graph.reshape(graph.dense(code, kernel, bias), 1, 2 * width, 1, 1)
        scale, shift = graph.op("Split", both, outputs=2, axis=1)
        return graph.op("LeakyRelu", graph.op("Add", graph.op("Mul", x, scale), shift), alpha=SLOPE)

    near = graph.op("Mul", maps, graph.reshape(depth, 1, NUM_LIMBS, 1, 1))
    x, skips, steps = graph.op("Concat", maps, near, room, axis=1), [], len(enlargers) + 1
    for layer in convolutions[:steps]:
        x = styled(convolve(x, layer))
        skips.append(x)
    for layer, after, skip in zip(enlargers, convolutions[steps:-1], skips[-2::-1], strict=True):
        x = graph.op("Concat", graph.enlarge(x, *arrays(layer)), skip, axis=1)
        x = styled(convolve(x, after))
    x = graph.op("Concat", add_enlarged(graph, x, 2), maps, axis=1)
    return convolve(x, convolutions[-1])


def add_mixture(graph, logits, visible, free, colours, room, size):
    """The frame (size, size, 3): every pixel a mixture of colours and room, shaded."""
    pixels, learned = size * size, painting.NUM_LEARNED
    parts = graph.constant(np.array([1, NUM_LIMBS + learned + 1]))
    shade, logits = graph.op("Split", graph.reshape(logits, -1, pixels), parts, outputs=2, axis=0)
    unseen = graph.constant(np.zeros((learned, pixels), np.float32)) if learned else None
    prior = graph.op("Concat", *filter(None, (visible, unseen, free)), axis=0)
    weights = graph.op("Mul", graph.op("Exp", logits), graph.op("Add", prior, number(graph, painting.LEAST)))
    # One product sums up the colours and, in its last row, the weights.
    nothing = graph.constant(np.zeros((1, 3), np.float32))
    colours = graph.op("Transpose", graph.op("Concat", colours, nothing, axis=0), perm=[1, 0])
    ones = graph.constant(np.ones((1, NUM_LIMBS + learned + 1), np.float32))
    sums = graph.op("MatMul", graph.op("Concat", colours, ones, axis=0), weights)
    last = graph.constant(np.array([NUM_LIMBS + learned]))
    behind = graph.op("Mul", graph.op("Gather", weights, last, axis=0), graph.reshape(room, 3, pixels))
    mixed, total = graph.op("Split", sums, graph.constant(np.array([3, 1])), outputs=2, axis=0)
    painted = graph.op("Div", graph.op("Add", mixed, behind), total)
    light = graph.op("Add", graph.op("Tanh", shade), number(graph, 1))
    shaded = graph.op("Mul", graph.op("Add", painted, number(graph, 1)), light)
    frame = graph.op("Sub", shaded, number(graph, 1))
    return graph.reshape(graph.op("Transpose", frame, perm=[1, 0]), size, size, 3)


def number(graph, value):
    """A float32 constant."""
    return graph.constant(np.array(value, np.float32))


# ---- the file --------------------------------------------------------------------------------------------


def to_onnx(painter, *, weights="float16"):
    """The painter as an ONNX model; its inputs and output stand at the top of this module.

    Args:
        painter: a `structure.Painter` that pools colours and starts from limbs, as the course's does.
        weights: as in `export_model.to_onnx`.

    Returns:
        An `onnx.ModelProto`, checked.

    Raises:
        ValueError: `weights` is unknown, or a painter without one of the two.
    """
    if weights not in WEIGHTS:
        raise ValueError(f"weights: expected one of {', '.join(WEIGHTS)}; received {weights!r}")
    if not (painter.pools_colours and painter.starts_from_limbs):
        raise ValueError("painter: expected one that pools colours and starts from limbs, received another")
    graph, size, shapes = Graph(weights), painter.size, look_parts(painter.size)
    lengths = [math.prod(shape) for shape in shapes.values()]
    parts = graph.op("Split", "look", graph.constant(np.array(lengths)), outputs=len(lengths), axis=0)
    colours, code, rows, cells = (
        graph.reshape(part, *shape) for part, shape in zip(parts, shapes.values(), strict=True)
    )
    maps, depth = add_drawing(graph, "joints", size)
    room = add_room(graph, rows, cells, size)
    code = graph.op("Concat", graph.reshape(code, 1, -1), add_limb_depths(graph, maps, depth), axis=1)
    logits = add_mask_net(graph, painter.mask_net, maps, depth, room, code)
    visible, free = add_limbs_in_front(graph, maps, depth, size)
    frame = add_mixture(graph, logits, visible, free, colours, room, size)
    graph.nodes.append(helper.make_node("Identity", [frame], ["frame"]))
    inputs = {"joints": [len(JOINT_NAMES), 3], "look": [sum(lengths)]}
    return finish(graph, inputs, {"frame": [size, size, 3]}, name="painter")


def finish(graph, inputs, outputs, *, name):
    """A checked ONNX model of a graph; inputs and outputs are name -> shape, all float32."""
    infos = [
        [helper.make_tensor_value_info(key, TensorProto.FLOAT, shape) for key, shape in part.items()]
        for part in (inputs, outputs)
    ]
    body = helper.make_graph(graph.nodes, name, *infos, graph.initializers)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(body, opset_imports=opsets, ir_version=IR_VERSION, producer_name="vgcourse")
    onnx.checker.check_model(model, full_check=True)
    return model
