"""People and how they are drawn: looks, room, camera and an antialiased renderer (NumPy only).

Axes: world x is forward (where the figure faces), y up, z to the figure's right; lengths in metres.
Colours are RGB in [0, 1]; rendered clips are uint8 [0, 255] with
axes (time, height, width, channels).
"""

import functools
from dataclasses import dataclass

import numpy as np

from vgcourse import arguments
from vgcourse.people.skeleton import HEEL_RADIUS, SIDES, TOE_RADIUS

# The body as tapered capsules: (from, to, radius at from, radius at to, colour), in fractions of stature.
# Limbs are a little thicker than life, so that they still read at 32x32.
PARTS = [
    ("right_seat", "left_seat", 0.058, 0.058, "trousers"),
    ("pelvis", "waist", 0.070, 0.066, "trousers"),
    ("waist", "belly", 0.066, 0.070, "shirt"),
    ("belly", "right_rib", 0.070, 0.064, "shirt"),
    ("belly", "left_rib", 0.070, 0.064, "shirt"),
    ("right_rib", "left_rib", 0.066, 0.066, "shirt"),
    ("neck", "throat", 0.031, 0.030, "skin"),
    ("hair", "hair", 0.062, 0.062, "hair"),
    ("head", "head", 0.052, 0.052, "skin"),
    ("nose", "nose", 0.011, 0.011, "skin"),
    ("hair", "nape", 0.046, 0.036, "long_hair"),
]
for _side in SIDES:
    PARTS += [
        (f"{_side}_hip", f"{_side}_knee", 0.058, 0.043, "trousers"),
        (f"{_side}_knee", f"{_side}_ankle", 0.043, 0.030, "trousers"),
        (f"{_side}_heel", f"{_side}_toe", HEEL_RADIUS, TOE_RADIUS, "shoes"),
        (f"{_side}_shoulder", f"{_side}_elbow", 0.041, 0.033, "shirt"),
        (f"{_side}_elbow", f"{_side}_wrist", 0.033, 0.026, "sleeve"),
        (f"{_side}_wrist", f"{_side}_hand", 0.027, 0.031, "skin"),
    ]

TRUNK = ("right_seat", "pelvis", "waist", "belly", "right_rib")

# soft shadows on the floor: (point, depth, radius, height up to which it is full), metres
SHADOWS = [("pelvis", 0.4, 0.24, 1.0), ("neck", 0.2, 0.2, 1.5)]
SHADOWS += [(f"{side}_ankle", 0.6, 0.11, 0.07) for side in SIDES]
SHADOWS += [(f"{side}_toe", 0.35, 0.08, 0.03) for side in SIDES]

# Monk Skin Tone scale, tones 1 to 10 (Monk 2019, https://skintone.google).
SKIN_TONES = (
    "f6ede4",
    "f3e7db",
    "f7ead0",
    "eadaba",
    "d7bd96",
    "a07e56",
    "825c43",
    "604134",
    "3a312a",
    "292420",
)
HAIR_COLOURS = ("16110f", "3b2417", "6b4526", "b98a4a", "8a3b1c", "9a9a98")
# lowest and highest hue, saturation and value that are drawn
CLOTHES_AND_ROOM = {
    "shirt": ((0, 0.55, 0.45), (1, 0.95, 0.95)), "trousers": ((0, 0.1, 0.25), (1, 0.7, 0.95)),
    "shoes": ((0, 0, 0.1), (1, 0.5, 0.95)), "wall": ((0, 0.03, 0.5), (1, 0.25, 0.92)),
    "floor": ((0, 0.03, 0.4), (1, 0.25, 0.7)),
}  # fmt: skip
# least difference of lightness L* (0 to 100) that an outfit must have
LIGHTNESS_CONTRAST = [
    ("trousers", "floor", 28),
    ("trousers", "wall", 22),
    ("skin", "wall", 22),
    ("sleeve", "wall", 18),
    ("shirt", "wall", 15),
    ("hair", "wall", 12),
    ("shoes", "floor", 14),
    ("wall", "floor", 5),
]
FRAME_HEIGHT = 2.3  # metres of the world seen from the bottom to the top of a frame
FLOOR_MARGIN = 0.075  # the figure stands this fraction of the frame above its lower edge
WALL_DISTANCE = 1.9  # metres from the figure back to the wall


@dataclass(frozen=True)
class Actor:
    """One person and the room around them: everything that stays the same across actions.

    Attributes:
        id: the seed that it was drawn with.
        stature: body height in metres.
        girth: limb and trunk thickness relative to the average, about 0.88 to 1.15.
        colours: part name -> RGB in [0, 1]: skin, hair, long_hair (None: short), shirt, sleeve, trousers,
            shoes, wall, floor.
        skin_tone: number on the Monk scale, 1 to 10.
        amplitude: how widely this person moves, about 0.94 to 1.06.
        pitch: how far the camera looks down, in radians.
    """

    id: int
    stature: float
    girth: float
    colours: dict
    skin_tone: int
    amplitude: float
    pitch: float


def _hex(code):
    return tuple(int(code[k : k + 2], 16) / 255 for k in (0, 2, 4))


def _from_hsv(hsv):
    """RGB of hue, saturation and value, all in [0, 1], shape (n, 3)."""
    hue, saturation, value = hsv.T[..., None]
    ramp = np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1
    return value * (1 - saturation + saturation * ramp.clip(0, 1))


def to_lab(rgb):
    """CIE L*a*b* (D65) of a colour; distances in it follow what the eye sees.

    Args:
        rgb: sRGB in [0, 1], shape `(..., 3)`.

    Returns:
        Float array `(..., 3)`: lightness L* from 0 to 100, a* and b*.
    """
    rgb = np.asarray(rgb, np.float64)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.array([[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]])
    xyz = xyz / (0.9505, 1.0, 1.089)
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def _readable(lab):
    """Which of the drawn outfits stand out from their rooms; `lab` part -> (n, 3). Returns bool (n,).

    Limbs differ from wall and floor in colour and also in lightness, so that they read at any size.
    """
    good = np.linalg.norm(lab["shirt"] - lab["trousers"], axis=-1) > 25
    for part, room, least in LIGHTNESS_CONTRAST:
        good &= np.abs(lab[part][:, 0] - lab[room][:, 0]) > least
    for part in ("skin", "shirt", "trousers", "sleeve"):
        for room in ("wall", "floor"):
            good &= np.linalg.norm(lab[part] - lab[room], axis=-1) > 32
    return good


@functools.cache
def random_actor(seed):
    """Draw a person: the same seed always gives the same one.

    Skin tones go round the Monk scale with the seed: any run of seeds is balanced.

    Args:
        seed: int, 0 or more; the actor's id.

    Returns:
        An `Actor` whose colours stand out from the wall and the floor.

    Raises:
        ValueError: the seed is no whole number, or under 0.
    """
    arguments.whole_number("seed", seed, 0)
    rng = np.random.default_rng([seed, 1966])
    stature, girth = rng.uniform(1.60, 1.80), rng.uniform(0.88, 1.15)
    amplitude, pitch = rng.uniform(0.94, 1.06), rng.uniform(0.20, 0.26)
    long_sleeves, long_hair = rng.uniform() < 0.5, rng.uniform() < 0.4
    skin = _hex(SKIN_TONES[seed % 10])
    hair = [_hex(code) for code in HAIR_COLOURS]
    # Black goes with every skin; other hair differs enough for the face to show.
    hair = hair[:1] + [h for h in hair[1:] if abs(to_lab(h)[0] - to_lab(skin)[0]) > 12]
    fixed = {"skin": skin, "hair": hair[rng.integers(len(hair))]}
    at_once = 512  # about one outfit in a hundred is readable
    good = np.zeros(at_once, bool)
    while not good.any():
        drawn = {
            part: _from_hsv(rng.uniform(*limits, (at_once, 3))) for part, limits in CLOTHES_AND_ROOM.items()
        }
        drawn |= {part: np.tile(colour, (at_once, 1)) for part, colour in fixed.items()}
        drawn["sleeve"] = drawn["shirt" if long_sleeves else "skin"]
        good = _readable({part: to_lab(colour) for part, colour in drawn.items()})
    colours = {part: tuple(colour[good.argmax()].tolist()) for part, colour in drawn.items()}
    colours["long_hair"] = colours["hair"] if long_hair else None
    return Actor(seed, stature, girth, colours, seed % 10 + 1, amplitude, pitch)


def camera_matrix(yaw, pitch):
    """Orthographic camera on the world.

    Args:
        yaw: radians; 0 sees the figure from its right side, -pi/2 from the front.
        pitch: radians that the camera looks down.

    Returns:
        `(3, 3)` whose rows are the picture's right, its up, and towards the viewer, in world axes.
    """
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    return np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]]) @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])


def project(points, centre, camera):
    """Points in the picture (x right, y up from the middle, metres; z towards the viewer).

    Args:
        points: name -> `(T, 3)` world positions.
        centre: `(T, 3)` the spot on the floor that the camera follows.
        camera: `(3, 3)` from `camera_matrix`.

    Returns:
        Dict name -> `(T, 3)`.
    """
    shift = np.array([0, (FLOOR_MARGIN - 0.5) * FRAME_HEIGHT, 0])
    return {name: (p - centre) @ camera.T + shift for name, p in points.items()}


def render_figure(points, actor, *, centre, yaw, tile=0.6, size=96):
    """Draw a moving figure in its room.

    Args:
        points: from `forward_kinematics`, name -> `(T, 3)` metres.
        actor: an `Actor`.
        centre: `(T, 3)`, the spot on the floor (y = 0) that the orthographic camera follows, metres.
        yaw: camera angle in radians; 0 sees the figure from its right side, -pi/2 from the front.
        tile: side of a floor tile in metres.
        size: height and width of a frame in pixels.

    Returns:
        uint8 array `(T, size, size, 3)`.
    """
    camera = camera_matrix(yaw, actor.pitch)
    frames = _draw_room(points, actor, centre, camera, tile=tile, size=size)
    in_view = project(points, centre, camera)
    for t, frame in enumerate(frames):
        canvas = frame.repeat(2, 1).repeat(2, 2)  # drawn at twice the size, then averaged
        _draw_body(canvas, {name: p[t] for name, p in in_view.items()}, actor)
        even, odd = canvas[:, ::2], canvas[:, 1::2]
        frame[:] = (even[:, :, ::2] + odd[:, :, ::2] + even[:, :, 1::2] + odd[:, :, 1::2]) / 4
    stored = (frames.clip(0, 1) * 255 + 0.5).astype(np.uint8)
    return np.ascontiguousarray(np.moveaxis(stored, 1, -1))


def _draw_room(points, actor, centre, camera, *, tile, size):
    """Wall, tiled floor and soft shadows; float32, channels first for speed: (T, 3, size, size)."""
    metres = FRAME_HEIGHT / size
    x = (np.arange(size) + 0.5 - size / 2) * metres
    y = (size / 2 - np.arange(size) - 0.5) * metres + (0.5 - FLOOR_MARGIN) * FRAME_HEIGHT
    wall, floor = (np.array(actor.colours[n], np.float32)[:, None, None] for n in ("wall", "floor"))
    light = 0.94 + 0.10 * (np.arange(size)[::-1, None] / size) - 0.05 * (x / x[-1]) ** 2
    room = np.broadcast_to(wall * light, (len(centre), 3, size, size)).astype(np.float32)
    # The floor point under pixel (x, y): the ray centre + x right + y up + s towards meets the plane y = 0.
    s = -y * camera[1, 1] / camera[2, 1]
    rows = s > -WALL_DISTANCE / np.cos(actor.pitch) - 2 * metres / np.sin(actor.pitch)
    s, y = s[rows], y[rows]
    back = (
        ((y - WALL_DISTANCE * np.sin(actor.pitch)) / metres + 0.5).clip(0, 1)[:, None].astype(np.float32)
    )  # 1 on the wall
    ground = [
        (x * camera[0, axis] + (y * camera[1, axis] + s * camera[2, axis])[:, None]).astype(np.float32)
        + centre[:, axis, None, None].astype(np.float32)
        for axis in (0, 2)
    ]
    checker = np.prod([np.sin(np.pi / tile * g) for g in ground], axis=0)
    brightness = 1 + 0.06 * np.tanh(4 * checker)
    shadow = np.ones_like(brightness)
    for name, depth, radius, full in SHADOWS:
        px, height, pz = points[name].T[..., None, None].astype(np.float32)
        rest = (height - full).clip(0, None)  # what is lifted has a fainter, wider shadow
        spread = 2 * (radius * (1 + 1.5 * rest)) ** 2
        blob = np.exp(-((ground[0] - px) ** 2 + (ground[1] - pz) ** 2) / spread)
        shadow *= 1 - depth / (1 + 6 * rest) * blob
    tiles = floor * (brightness * (0.25 + 0.75 * shadow))[:, None]
    room[:, :, rows] = room[:, :, rows] * back + tiles * (1 - back)
    return room


def _draw_body(frame, points, actor):
    """Paint all parts into `frame` (3, S, S), the farthest first; `points` name -> (3,) in the picture."""
    width = np.float32(actor.stature * actor.girth)
    depth = points["pelvis"][2]
    colours = actor.colours
    parts = [p for p in PARTS if colours[p[4]] is not None]
    # seen exactly from the side face and hair are equally far: the face goes first by a little
    nearness = {p: (points[p[0]][2] + points[p[1]][2]) / 2 + (p[0] == "head") * 0.06 for p in parts}
    for part in sorted(parts, key=nearness.get):
        a, b, radius_a, radius_b, colour = part
        near = np.clip(nearness[part] - depth, -0.1, 0.1)
        rgb = np.array(colours[colour], np.float32) * np.float32(
            0.88 + 1.7 * near
        )  # the far limbs are darker
        rim = 0.22 if a in TRUNK else 0.48  # the rim of a limb darkens: it keeps its outline before the trunk
        _draw_capsule(frame, points[a], points[b], (radius_a * width, radius_b * width), rgb, rim=rim)


def _draw_capsule(frame, a, b, radii, rgb, *, rim):
    """Blend a shaded tapered capsule from `a` to `b` (metres in the picture) into `frame` (3, S, S)."""
    size = frame.shape[-1]
    pixels = size / FRAME_HEIGHT
    margin = max(radii) * pixels + 1
    ax, ay = a[0] * pixels + size / 2, size / 2 - a[1] * pixels
    bx, by = b[0] * pixels + size / 2, size / 2 - b[1] * pixels
    left, right = max(int(min(ax, bx) - margin), 0), min(int(max(ax, bx) + margin) + 2, size)
    top, bottom = max(int(min(ay, by) - margin), 0), min(int(max(ay, by) + margin) + 2, size)
    if left >= right or top >= bottom:
        return
    x = np.arange(left, right, dtype=np.float32) + np.float32(0.5 - ax)
    y = np.arange(top, bottom, dtype=np.float32)[:, None] + np.float32(0.5 - ay)
    dx, dy = np.float32(bx - ax), np.float32(by - ay)
    along = ((x * dx + y * dy) / max(dx * dx + dy * dy, np.float32(1e-6))).clip(0, 1)  # 0 at a, 1 at b
    radius = (np.float32(radii[0]) + np.float32(radii[1] - radii[0]) * along) * np.float32(pixels)
    ex, ey = (x - along * dx) / radius, (y - along * dy) / radius
    r2 = ex * ex + ey * ey
    cover = ((1 - np.sqrt(r2)) * radius + 0.5).clip(0, 1)
    shade = 1.02 - rim * (1 - np.sqrt((1 - r2).clip(0, 1))) - 0.08 * ex - 0.18 * ey  # light from above left
    box = frame[:, top:bottom, left:right]
    box += cover * (shade * rgb[:, None, None] - box)
