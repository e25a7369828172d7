"""Painter and motion models as ONNX graphs compute what Keras computes; the files of the puppet page."""

import hashlib
import json
import os

import numpy as np
import pytest

from vgcourse import generate, people, preprocess, structure
from vgcourse.structure import MotionComponents, MotionFlow, Painter
from vgcourse.structure.motion_gan import MotionGenerator

if os.environ.get("CI") != "true":
    pytest.importorskip("onnx", reason="onnx comes with the dependency group book")
    pytest.importorskip("onnxruntime", reason="onnxruntime comes with the dependency group book")

import onnxruntime
from PIL import Image

from book import export_motion, export_painter, export_puppet

SIZE = 32
ACTIONS = ["walk", "wave", "dance"]


def randomised(model, seed=0):
    """The model with weights such as a training leaves: none is 0."""
    rng = np.random.default_rng(seed)
    model.set_weights([weight + 0.02 * rng.standard_normal(weight.shape) for weight in model.get_weights()])
    return model


def run(model, **inputs):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs), strict=True))


@pytest.fixture(scope="module")
def painter():
    return randomised(Painter(SIZE, channels=8))


def painted_by_keras(painter, joints, number):
    frame, known = generate.reference_of(number, size=painter.size)
    drawings, reference = (
        structure.draw_skeleton(j, size=painter.size) for j in (joints[None], known[None, None])
    )
    return np.asarray(painter([drawings, preprocess.to_model_range(frame)[None, None], reference]))[0]


def places():
    """Poses in the middle, at every edge and beyond: the window around the body is cut there."""
    pose = people.action_joints("dance", 3, size=SIZE, num_frames=2, fps=3.0)
    shifts = [(0, 0), (14, 0), (-14, 0), (0, 20), (0, -20), (60, 0), (-60, -60)]
    return np.concatenate([pose + np.float32([*shift, 0]) for shift in shifts])


def test_painter_in_all_places(painter):
    joints, look = places(), export_painter.look_at(painter, 2)
    want = painted_by_keras(painter, joints, 2)
    model = export_painter.to_onnx(painter, weights="float32")
    got = np.stack([run(model, joints=pose, look=look)["frame"] for pose in joints])
    assert want.std() > 0.1
    np.testing.assert_allclose(got, want, atol=1e-3)


def test_a_room_is_rows_and_cells():
    rng = np.random.default_rng(0)
    rows, cells = rng.normal(size=(SIZE, 3)), rng.normal(size=(8, 8, 3))
    enlarged = np.asarray(
        Image.fromarray(cells[..., 0].astype(np.float32)).resize((SIZE, SIZE), Image.BILINEAR)
    )
    weights = export_painter.enlarging_matrix(SIZE)
    np.testing.assert_allclose(weights @ cells[..., 0] @ weights.T, enlarged, atol=1e-5)
    room = rows[:, None] + np.einsum("yi,xj,ijc->yxc", weights, weights, cells)
    found_rows, found_cells = export_painter.room_parts(room)
    again = found_rows[:, None] + np.einsum("yi,xj,ijc->yxc", weights, weights, found_cells)
    np.testing.assert_allclose(again, room, atol=1e-6)
    room[3, 4] += 0.1
    with pytest.raises(ValueError, match="rows plus 8x8 cells"):
        export_painter.room_parts(room)


@pytest.mark.parametrize("number", [0, 11])
def test_shipped_painter(number):
    painter = generate.load_painter()
    joints = people.action_joints("squat", 20_000, size=128, num_frames=2, fps=3.0)
    want, look = painted_by_keras(painter, joints, number), export_painter.look_at(painter, number)
    model = export_painter.to_onnx(painter)
    got = np.stack([run(model, joints=pose, look=look)["frame"] for pose in joints])
    print(f"painter: worst difference {np.abs(got - want).max():.2g} of 2")
    np.testing.assert_allclose(got, want, atol=1e-3)


@pytest.fixture(scope="module")
def components():
    rng = np.random.default_rng(1)
    joints = 32 + 5 * rng.standard_normal((8, 6, 25, 3)).cumsum(axis=1)
    fitted = MotionComponents(num_frames=6, num_components=10)
    fitted.fit(joints, size=64)
    return fitted


@pytest.mark.parametrize("action", range(len(ACTIONS)))
def test_motion_gan(components, action):
    generator = MotionGenerator.of_components(ACTIONS, components, width=16, depth=2)
    randomised(generator.network)
    noise = np.random.default_rng(action).standard_normal((1, 10), np.float32)
    want = np.asarray(generator.make_joints(noise, np.array([action]), size=64))[0]
    model = export_motion.to_onnx(generator, size=64, weights="float32")
    got = run(model, noise=noise, action=np.array([action], np.int32))["joints"]
    np.testing.assert_allclose(got, want, atol=1e-2)


@pytest.mark.parametrize("action", range(len(ACTIONS) + 1))  # the last is "any"
def test_motion_flow(components, action):
    flow = MotionFlow.of_components(ACTIONS, components, width=16, depth=2)
    randomised(flow.network)
    points = np.random.default_rng(action).standard_normal((1, 10), np.float32)
    actions, time = np.array([action], np.int32), np.full((1, 1), 0.3, np.float32)
    got = run(
        export_motion.to_onnx(flow, size=64, weights="float32"), points=points, action=actions, time=time
    )
    want = np.asarray(flow([points, actions, time]))
    assert np.abs(want).max() > 0.1
    np.testing.assert_allclose(got["velocity"], want, atol=1e-4)
    np.testing.assert_allclose(got["joints"], components.decode(points, size=64)[0], atol=1e-2)


def test_bad_arguments(painter):
    with pytest.raises(ValueError, match="float32, float16, int8; received 'int4'"):
        export_painter.to_onnx(painter, weights="int4")
    with pytest.raises(ValueError, match="pools colours"):
        export_painter.to_onnx(Painter(SIZE, channels=8, pools_colours=False))


@pytest.mark.slow
def test_files_of_the_page(tmp_path):
    export_puppet.export(tmp_path / "new")
    facts = json.loads((tmp_path / "new" / "puppet.json").read_text(encoding="utf-8"))
    for name, told in facts["files"].items():
        data = (tmp_path / "new" / name).read_bytes()
        assert told == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    looks = np.fromfile(tmp_path / "new" / "people.f32", "<f4").reshape(facts["num_people"], facts["look"])
    assert np.isfinite(looks).all()
    assert np.ptp(looks, axis=0).max() > 0.5
    faces = np.asarray(Image.open(tmp_path / "new" / "faces.webp").convert("RGB"))
    assert faces.shape == (export_puppet.FACE, 24 * export_puppet.FACE, 3)
    assert np.asarray(Image.open(tmp_path / "new" / "poster.png")).std() > 20
    assert sum(path.stat().st_size for path in (tmp_path / "new").iterdir()) < 3e6
