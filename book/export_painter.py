"""The painter as an ONNX file, for the puppet page: a pose and a person in, a picture out.

The graph paints one frame: it takes `joints` (joint, 3), pixels and depth, and `look` (numbers,), all that
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
#
# Limbs cover a part of the picture only. What has to do with them is computed in a window around the body and
# laid into the whole: outside, limb maps are 0. It makes a frame a third quicker.


class Window:
    """The window around a body, as the graph finds it: tensors `top, bottom, left, right` (1,) int64, even.

    It leaves at least a pixel free around every limb: a convolution of limbs in it is one of the whole.
    """

    def __init__(self, graph, ends, size):
        self.size = size
        ax, ay, _, bx, by, _ = ends
        radii = [graph.constant((radius + 3).reshape(-1, 1)) for radius in radii_of(size)]
        self.left, self.right = self.side(graph, (ax, bx), radii)
        self.top, self.bottom = self.side(graph, (ay, by), radii)
        self.height, self.width = (
            graph.op("Sub", *p) for p in ((self.bottom, self.top), (self.right, self.left))
        )

    def side(self, graph, places, radii):
        """First and last + 1 of the pixels along one side."""
        first = [graph.op("Sub", *pair) for pair in zip(places, radii, strict=True)]
        last = [graph.op("Add", *pair) for pair in zip(places, radii, strict=True)]
        first = graph.op("ReduceMin", graph.op("Min", *first), axes=[0], keepdims=0)
        last = graph.op("ReduceMax", graph.op("Max", *last), axes=[0], keepdims=0)
        first = graph.op("Clip", first, number(graph, 0), number(graph, self.size - 8))
        last = graph.op("Clip", last, number(graph, 8), number(graph, self.size))
        half, two = number(graph, 0.5), number(graph, 2)
        first = graph.op("Mul", graph.op("Floor", graph.op("Mul", first, half)), two)
        last = graph.op("Mul", graph.op("Ceil", graph.op("Mul", last, half)), two)
        last = graph.op("Max", last, graph.op("Add", first, number(graph, 8)))
        return [graph.op("Cast", edge, to=TensorProto.INT64) for edge in (first, last)]

    def centres(self, graph, first, last):
        """Where the pixels from `first` to `last` have their middles."""
        ends = [graph.reshape(graph.op("Cast", edge, to=TensorProto.FLOAT)) for edge in (first, last)]
        return graph.op("Add", graph.op("Range", *ends, number(graph, 1)), number(graph, 0.5))

    def shape(self, graph, channels):
        """A tensor with the shape (1, channels, height, width)."""
        return graph.op("Concat", graph.constant(np.array([1, channels])), self.height, self.width, axis=0)

    def lay_in_whole(self, graph, x, *, outside=0.0, shrunk=1):
        """`x` (1, channels, height, width), `shrunk` times as small as pictures, surrounded by `outside`."""
        none, whole = graph.constant(np.zeros(2, np.int64)), graph.constant(np.array([self.size]))
        pads = [
            none,
            self.top,
            self.left,
            none,
            *(graph.op("Sub", whole, edge) for edge in (self.bottom, self.right)),
        ]
        pads = graph.op("Concat", *pads, axis=0)
        pads = graph.op("Div", pads, graph.constant(np.array([shrunk])))
        return graph.op("Pad", x, pads, number(graph, outside))


def radii_of(size):
    """Radii of the limbs at both their ends, pixels: two float32 arrays (limb,)."""
    return (np.array([limb[2:] for limb in LIMBS], np.float32) * np.float32(drawings.STATURE * size)).T


def split_ends(graph, joints):
    """x, y and depth of where limbs start, then of where they end, each (limb, 1)."""
    ends = [graph.constant(np.array([JOINT_NAMES.index(limb[end]) for limb in LIMBS])) for end in (0, 1)]
    both = (graph.op("Split", graph.op("Gather", joints, end, axis=0), outputs=3, axis=1) for end in ends)
    return [part for parts in both for part in parts]


def add_drawing(graph, ends, window):
    """Limb maps (1, limb, height, width) in the window and depths (1, limb), as `draw_skeleton`."""
    ax, ay, az, bx, by, bz = (graph.reshape(part, 1, NUM_LIMBS, 1, 1) for part in ends)
    depth = graph.op("Div", graph.op("Add", az, bz), number(graph, 2 * drawings.DEEPEST * window.size))
    depth = graph.op("Clip", graph.reshape(depth, 1, NUM_LIMBS), number(graph, -1), number(graph, 1))
    dx, dy = graph.op("Sub", bx, ax), graph.op("Sub", by, ay)
    x = graph.reshape(window.centres(graph, window.left, window.right), 1, 1, 1, -1)
    y = graph.reshape(window.centres(graph, window.top, window.bottom), 1, 1, -1, 1)
    x, y = graph.op("Sub", x, ax), graph.op("Sub", y, ay)
    length = graph.op("Add", graph.op("Mul", dx, dx), graph.op("Mul", dy, dy))
    length = graph.op("Add", length, number(graph, 1e-3))
    along = [graph.op("Div", graph.op("Mul", *pair), length) for pair in ((x, dx), (y, dy))]
    along = graph.op("Clip", graph.op("Add", *along), number(graph, 0), number(graph, 1))
    off = [graph.op("Sub", at, graph.op("Mul", along, by)) for at, by in ((x, dx), (y, dy))]
    squares = graph.op("Add", *(graph.op("Mul", side, side) for side in off))
    distance = graph.op("Sqrt", graph.op("Add", squares, number(graph, 1e-12)))
    at_start, at_end = radii_of(window.size)
    growth, at_start = (part.reshape(1, NUM_LIMBS, 1, 1) for part in (at_end - at_start, at_start + 0.5))
    reach = graph.op("Add", graph.op("Mul", along, graph.constant(growth)), graph.constant(at_start))
    maps = graph.op("Clip", graph.op("Sub", reach, distance), number(graph, 0), number(graph, 1))
    return maps, depth


def add_limbs_in_front(graph, maps, depth, window):
    """What of each pixel shows each limb (1, limb, height, width), and what shows the room (1, 1, ...)."""
    depth = graph.reshape(depth, NUM_LIMBS, 1)
    # [k, j]: 1 if limb j is before limb k, and 1/2 if they are equally near
    nearer = graph.op("Sub", graph.op("Transpose", depth, perm=[1, 0]), depth)
    before = graph.op("Sigmoid", graph.op("Mul", nearer, number(graph, painting.SHARP)))
    before = graph.op("Mul", before, graph.constant(1 - np.eye(NUM_LIMBS, dtype=np.float32)))
    maps = graph.reshape(maps, NUM_LIMBS, -1)
    passed = graph.op("Log", graph.op("Sub", number(graph, 1), graph.op("Mul", maps, number(graph, 0.99))))
    visible = graph.op("Mul", maps, graph.op("Exp", graph.op("MatMul", before, passed)))
    ones = graph.constant(np.ones((1, NUM_LIMBS), np.float32))  # a product is a quicker sum over the limbs
    room = graph.op("Exp", graph.op("MatMul", ones, passed))
    total = graph.op("Add", graph.op("MatMul", ones, visible), number(graph, 1e-4))
    covered = graph.op("Div", graph.op("Sub", number(graph, 1), room), total)
    visible = graph.op("Reshape", graph.op("Mul", visible, covered), window.shape(graph, NUM_LIMBS))
    return visible, graph.op("Reshape", room, window.shape(graph, 1))


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


class MaskNet:
    """The U-Net `painter.mask_net`, layer after layer.

    Args:
        graph: a `Graph`.
        model: the Keras model.
        code: name of the tensor (1, code and limb depths) that styles every layer.
    """

    def __init__(self, graph, model, code):
        self.graph, self.code = graph, code
        self.enlargers = layers_of(model, keras.layers.Conv2DTranspose)
        every = layers_of(model, keras.layers.Conv2D)
        self.convolutions = [layer for layer in every if layer not in self.enlargers]
        self.styles = iter(layers_of(model, keras.layers.Dense))

    def logits(self, maps, depth, room, window):
        """Logits (1, 1 + num_colours + 1, size, size) from limb maps in the window, depths and the room."""
        graph, steps = self.graph, len(self.enlargers) + 1
        x, skips = self.styled(self.first(maps, depth, room, window)), []
        skips.append(x)
        for layer in self.convolutions[1:steps]:
            x = self.styled(self.convolve(x, *arrays(layer), stride=2))
            skips.append(x)
        pairs = zip(self.enlargers, self.convolutions[steps:-1], skips[-2::-1], strict=True)
        for enlarger, convolution, skip in pairs:
            x = graph.op("Concat", graph.enlarge(x, *arrays(enlarger)), skip, axis=1)
            x = self.styled(self.convolve(x, *arrays(convolution)))
        return self.last(x, maps, window)

    def first(self, maps, depth, room, window):
        """The first convolution: maps, maps times depth, room. The depths go into its kernel."""
        kernel, bias = arrays(self.convolutions[0])
        plain, deep, rest = np.split(kernel, [NUM_LIMBS, 2 * NUM_LIMBS], axis=2)
        plain, deep = (self.kernel(part) for part in (plain, deep))
        depth = self.graph.reshape(depth, 1, NUM_LIMBS, 1, 1)
        kernel = self.graph.op("Add", plain, self.graph.op("Mul", deep, depth))
        limbs = self.graph.op("Conv", maps, kernel, strides=[2, 2], pads=[1, 1, 1, 1])
        limbs = window.lay_in_whole(self.graph, limbs, shrunk=2)
        return self.graph.op("Add", self.convolve(room, rest, bias, stride=2), limbs)

    def last(self, x, maps, window):
        """The last convolution: what the net has found, enlarged, and the maps once more."""
        kernel, bias = arrays(self.convolutions[-1])
        found, limbs = np.split(kernel, [kernel.shape[2] - NUM_LIMBS], axis=2)
        limbs = self.convolve(maps, limbs, None)
        found = self.convolve(add_enlarged(self.graph, x, 2), found, bias)
        return self.graph.op("Add", found, window.lay_in_whole(self.graph, limbs))

    def convolve(self, x, kernel, bias, *, stride=1):
        before = (len(kernel) - stride) // 2  # Keras's "same"; the odd pixel goes at the end
        after = len(kernel) - stride - before
        weights = [self.kernel(kernel)] + ([] if bias is None else [self.graph.constant(bias)])
        return self.graph.op("Conv", x, *weights, pads=[before] * 2 + [after] * 2, strides=[stride] * 2)

    def kernel(self, kernel):
        return self.graph.weight(kernel.transpose(3, 2, 0, 1), output_axis=0)

    def styled(self, x):
        kernel, bias = arrays(next(self.styles))
        width = len(bias) // 2
        bias[:width] += 1
        both = self.graph.reshape(self.graph.dense(self.code, kernel, bias), 1, 2 * width, 1, 1)
        scale, shift = self.graph.op("Split", both, outputs=2, axis=1)
        x = self.graph.op("Add", self.graph.op("Mul", x, scale), shift)
        return self.graph.op("LeakyRelu", x, alpha=SLOPE)


def add_mixture(graph, logits, prior, parts, size):
    """The frame (size, size, 3): every pixel a mixture of colours and room, shaded.

    Args:
        logits: of shade, colours and room, (1, 1 + num_colours + 1, size, size).
        prior: what of a pixel shows each limb, (1, limb, size, size), and what the room, (1, 1, size, size).
        parts: colours (num_colours, 3) and room (1, 3, size, size).
    """
    pixels, learned = size * size, painting.NUM_LEARNED
    counts = graph.constant(np.array([1, NUM_LIMBS + learned, 1]))
    # Exponentials of more than 88 are infinite; no logit of a trained painter comes near that.
    logits = graph.op("Clip", logits, "", number(graph, 80))
    shade, weights, behind = graph.op("Split", graph.reshape(logits, -1, pixels), counts, outputs=3, axis=0)
    (visible, free), (colours, room) = (graph.reshape(part, -1, pixels) for part in prior), parts
    unseen = graph.op("Expand", number(graph, 0), graph.constant(np.array([learned, pixels])))
    shares = graph.op("Add", graph.op("Concat", visible, unseen, axis=0), number(graph, painting.LEAST))
    weights = graph.op("Mul", graph.op("Exp", weights), shares)
    behind = graph.op("Mul", graph.op("Exp", behind), graph.op("Add", free, number(graph, painting.LEAST)))
    # One product sums up the colours and, in its last row, the weights.
    ones = graph.constant(np.ones((NUM_LIMBS + learned, 1), np.float32))
    told = graph.op("Transpose", graph.op("Concat", colours, ones, axis=1), perm=[1, 0])
    counts = graph.constant(np.array([3, 1]))
    mixed, total = graph.op("Split", graph.op("MatMul", told, weights), counts, outputs=2, axis=0)
    mixed = graph.op("Add", mixed, graph.op("Mul", behind, graph.reshape(room, 3, pixels)))
    painted = graph.op("Div", mixed, graph.op("Add", total, behind))
    light = graph.op("Add", graph.op("Tanh", shade), number(graph, 1))  # it multiplies, and black is -1
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
    ends = split_ends(graph, "joints")
    window = Window(graph, ends, size)
    maps, depth = add_drawing(graph, ends, window)
    room = add_room(graph, rows, cells, size)
    code = graph.op("Concat", graph.reshape(code, 1, -1), add_limb_depths(graph, maps, depth), axis=1)
    logits = MaskNet(graph, painter.mask_net, code).logits(maps, depth, room, window)
    visible, free = add_limbs_in_front(graph, maps, depth, window)
    prior = window.lay_in_whole(graph, visible), window.lay_in_whole(graph, free, outside=1.0)
    frame = add_mixture(graph, logits, prior, (colours, room), size)
    graph.nodes.append(helper.make_node("Identity", [frame], ["frame"]))
    inputs = {"joints": [len(JOINT_NAMES), 3], "look": [sum(lengths)]}
    return finish(graph, inputs, {"frame": [size, size, 3]}, name="painter")


def finish(graph, inputs, outputs, *, name):
    """A checked ONNX model; inputs and outputs are name -> shape, or (type, shape) if not float32."""
    infos = [
        [
            helper.make_tensor_value_info(key, *(of if isinstance(of, tuple) else (TensorProto.FLOAT, of)))
            for key, of in part.items()
        ]
        for part in (inputs, outputs)
    ]
    body = helper.make_graph(graph.nodes, name, *infos, graph.initializers)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(body, opset_imports=opsets, ir_version=IR_VERSION, producer_name="vgcourse")
    onnx.checker.check_model(model, full_check=True)
    return model
