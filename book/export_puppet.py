"""What the puppet page loads: the models as ONNX files, the people, and what the page must know of them.

uv run --group book python -m book.export_puppet OUT
"""

import argparse
import hashlib
import json
import math
from pathlib import Path

import numpy as np
from PIL import Image

from book import export_motion, export_painter
from vgcourse import generate, people
from vgcourse.structure import paint_frames

NUM_PEOPLE = 24
FACE = 30  # pixels around a face, on the wall of people
START = {"person": 5, "action": "dance", "motion": 1, "frame": 4}


def export(folder):
    """Write the page's files.

    These are `painter.onnx`, `motion_gan.onnx` and `motion_flow.onnx`; `people.f32`, for everybody a row of
    `export_painter.pack_look`; `faces.webp`, their faces side by side; `poster.png`, which is seen while all
    that loads; and `puppet.json`, which describes them.

    Args:
        folder: where they go; made if it is missing.
    """
    folder, painter = Path(folder), generate.load_painter()
    folder.mkdir(parents=True, exist_ok=True)
    motions = {"gan": generate.load_motion_model(), "flow": generate.load_motion_model("flow")}
    looks = np.stack([export_painter.look_at(painter, number) for number in range(NUM_PEOPLE)])
    files = {"painter.onnx": export_painter.to_onnx(painter).SerializeToString()}
    for name, model in motions.items():
        onnx = export_motion.to_onnx(model, size=painter.size)
        files[f"motion_{name}.onnx"] = onnx.SerializeToString()
    files["people.f32"] = looks.astype("<f4").tobytes()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    facts = describe(painter, motions["gan"]) | {
        "files": {name: facts_of(data) for name, data in files.items()}
    }
    (folder / "puppet.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    write_faces(painter.size, folder / "faces.webp")
    write_poster(painter, motions["flow"], folder / "poster.png")


def facts_of(data):
    """Length and checksum of a file."""
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def describe(painter, motion):
    """What the page must know, as a dict that JSON can hold."""
    return {
        "size": painter.size,
        "num_frames": motion.num_frames,
        "fps": motion.fps,
        "actions": list(motion.action_names),
        "joints": list(people.JOINT_NAMES),
        "num_components": motion.num_components,
        "num_people": NUM_PEOPLE,
        "look": sum(math.prod(shape) for shape in export_painter.look_parts(painter.size).values()),
        "start": START,
    }


def write_faces(size, path):
    """Faces of all people, side by side."""
    faces = []
    for number in range(NUM_PEOPLE):
        frame, joints = generate.reference_of(number, size=size)
        x, y = joints[people.JOINT_NAMES.index("head"), :2].round().astype(int) - FACE // 2 + (0, 2)
        faces.append(frame[max(0, y) : max(0, y) + FACE, x : x + FACE])
    Image.fromarray(np.concatenate(faces, axis=1)).save(path, lossless=True)


def write_poster(painter, motion, path):
    """The frame with which the page opens; `motion` is the model that the page begins with."""
    noise = np.random.default_rng([START["motion"], 1]).standard_normal(
        (1, motion.num_components), np.float32
    )
    action = motion.action_names.index(START["action"])
    joints = np.asarray(motion.make_joints(noise, np.array([action]), size=painter.size))[0]
    frame, known = generate.reference_of(START["person"], size=painter.size)
    pose = joints[START["frame"] : START["frame"] + 1]
    Image.fromarray(paint_frames(painter, pose, frame[None], known[None])[0]).save(path, optimize=True)


def main():
    parser = argparse.ArgumentParser(description="Write the puppet page's models and people.")
    parser.add_argument("folder", type=Path, help="where the files go")
    folder = parser.parse_args().folder
    export(folder)
    sizes = ", ".join(f"{path.name} {path.stat().st_size / 2**20:.2f}" for path in sorted(folder.iterdir()))
    print(f"{folder}: {sizes} MB")


if __name__ == "__main__":
    main()
