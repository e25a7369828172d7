"""book/export_model.py: the ONNX graph, part by part, computes what Keras computes."""

import hashlib
import json
import os

import numpy as np
import pytest

from vgcourse import generate
from vgcourse.gan import models

if os.environ.get("CI") != "true":
    pytest.importorskip("onnx", reason="onnx comes with the dependency group book")
    pytest.importorskip("onnxruntime", reason="onnxruntime comes with the dependency group book")

import onnx
import onnxruntime
from onnx import TensorProto, helper
from PIL import Image

from book import export_model

ACTIONS = ["walk", "wave", "dance"]


def randomised(generator, seed=0):
    """The generator with weights and batch statistics such as a training leaves: none is 0 or 1."""
    rng = np.random.default_rng(seed)
    for weight in generator.weights:
        values = rng.normal(0, 0.3 / max(1, np.sqrt(np.prod(weight.shape[:-1]) / 32)), weight.shape)
        positive = any(word in weight.path for word in ("variance", "gamma"))
        weight.assign(np.abs(values) + 0.5 if positive else values)
    return generator


@pytest.fixture(scope="module", params=[32, 64])
def generator(request):
    small = models.VideoGenerator(request.param, ACTIONS, num_frames=5, channels=8, latent_dims=(6, 4))
    small([np.zeros((1, 6), np.float32), np.zeros((1, 5, 4), np.float32), np.zeros(1, np.int32)])
    return randomised(small)


@pytest.fixture(scope="module")
def latents(generator):
    rng = np.random.default_rng(1)
    content = rng.standard_normal((1, generator.content_dim), np.float32)
    return content, rng.standard_normal((generator.num_frames, generator.motion_dim), np.float32)


def run_part(add_part, **inputs):
    """Run one part of the graph on its own; `add_part(graph)` returns the name of its result."""
    graph = export_model.Graph()
    graph.nodes.append(helper.make_node("Identity", [add_part(graph)], ["result"]))
    kinds = {"float32": TensorProto.FLOAT, "int32": TensorProto.INT32}
    infos = [
        helper.make_tensor_value_info(name, kinds[str(array.dtype)], array.shape)
        for name, array in inputs.items()
    ]
    result = helper.make_tensor_value_info("result", TensorProto.FLOAT, None)
    body = helper.make_graph(graph.nodes, "part", infos, [result], graph.initializers)
    opsets = [helper.make_opsetid("", export_model.OPSET)]
    return run(helper.make_model(body, opset_imports=opsets, ir_version=export_model.IR_VERSION), **inputs)


def run(model, **inputs):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


def run_clip(model, content, noise, action, frames):
    feeds = {"content_code": content, "motion_noise": noise, "action": np.array([action], np.int32)}
    return run(model, **feeds, frame_index=np.array(frames, np.int32))


@pytest.mark.parametrize("action", range(len(ACTIONS)))
def test_motion_rnn(generator, latents, action):
    actions, noise = np.array([action], np.int32), latents[1]
    want = np.asarray(generator.motion_rnn([noise[None], actions]))[0]
    add = lambda graph: export_model.add_motion_rnn(graph, generator.motion_rnn, "noise", "action")  # noqa: E731
    got = run_part(add, noise=noise, action=actions)
    assert np.abs(want).max() > 0.05  # else everything would agree
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_frame_generator(generator):
    latent = np.random.default_rng(2).standard_normal((3, 10), np.float32)
    want = np.asarray(generator.frame_generator(latent)).transpose(0, 3, 1, 2)
    got = run_part(
        lambda graph: export_model.add_frame_generator(graph, generator.frame_generator, "latent"),
        latent=latent,
    )
    assert want.std() > 0.05
    np.testing.assert_allclose(got, want, atol=1e-4 * np.abs(want).max())


def test_palette(generator, latents):
    want = np.asarray(generator.palette(latents[0]))[0]
    got = run_part(lambda graph: export_model.add_palette(graph, generator.palette, "x"), x=latents[0])
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_backdrop(generator, latents):
    want = np.asarray(generator.backdrop(latents[0]))
    got = run_part(lambda graph: export_model.add_backdrop(graph, generator.backdrop, "x"), x=latents[0])
    assert want.std() > 0.01
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_paint():
    rng = np.random.default_rng(3)
    masks, palette = rng.normal(size=(2, 5, 8, 8)).astype(np.float32), rng.random((4, 3), np.float32)
    backdrop = rng.random((1, 8, 8, 3), np.float32)
    weights = np.exp(masks) / np.exp(masks).sum(1, keepdims=True)
    want = np.einsum("fkij,kc->fijc", weights[:, :4], palette) + weights[:, 4, :, :, None] * backdrop
    got = run_part(
        lambda graph: export_model.add_paint(graph, "masks", "palette", "backdrop", num_colours=4),
        masks=masks,
        palette=palette,
        backdrop=backdrop,
    )
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_enlarge_doubles_with_any_kernel():
    """Against the definition: every input pixel stamps the kernel, and "same" cuts the edge off."""
    rng = np.random.default_rng(4)
    for width in (2, 3, 4, 5):
        x = rng.normal(size=(1, 2, 3, 3)).astype(np.float32)
        kernel, bias = rng.normal(size=(width, width, 1, 2)).astype(np.float32), np.zeros(1, np.float32)
        stamped = np.zeros((4 + width, 4 + width))
        for i, j in np.ndindex(3, 3):
            stamped[2 * i : 2 * i + width, 2 * j : 2 * j + width] += kernel[:, :, 0] @ x[0, :, i, j]
        cut = (width - 2) // 2
        want = stamped[cut : cut + 6, cut : cut + 6]
        got = run_part(lambda graph, k=kernel, b=bias: graph.enlarge("x", k, b), x=x)
        np.testing.assert_allclose(got[0, 0], want, atol=1e-5)


def test_whole_clip_and_single_frames(generator, latents):
    content, noise = latents
    model = export_model.to_onnx(generator)
    want = np.asarray(generator([content, noise[None], np.array([2], np.int32)]))[0]
    np.testing.assert_allclose(run_clip(model, content, noise, 2, range(5)), want, atol=1e-5)
    np.testing.assert_allclose(run_clip(model, content, noise, 2, [3, 1]), want[[3, 1]], atol=1e-5)


@pytest.fixture(scope="module")
def shipped():
    return generate.load_generator()


# What is stated on the page and in benchmarks/page_weights.py, in the model range [-1, 1].
@pytest.mark.parametrize(
    ("weights", "worst", "mean"), [("float32", 1e-4, 1e-5), ("float16", 1e-2, 1e-3), ("int8", 0.7, 0.01)]
)
def test_shipped_generator(shipped, weights, worst, mean):
    actions = np.arange(len(shipped.action_names), dtype=np.int32)
    content = generate.content_codes(shipped, range(len(actions)))
    noise = generate.motion_noise(shipped, range(len(actions)))
    want = np.asarray(shipped.predict_on_batch([content, noise, actions]))
    model = export_model.to_onnx(shipped, weights=weights)
    got = [
        run_clip(model, content[k : k + 1], noise[k], k, range(shipped.num_frames))
        for k in range(len(actions))
    ]
    error = np.abs(np.stack(got) - want)
    print(f"{weights}: worst error {error.max():.2g}, mean {error.mean():.2g}")
    assert error.max() < worst
    assert error.mean() < mean


def test_fewer_bits_make_smaller_files(shipped):
    sizes = [
        len(export_model.to_onnx(shipped, weights=kind).SerializeToString()) for kind in export_model.WEIGHTS
    ]
    assert sizes[0] > 1.9 * sizes[1] > 3 * sizes[2]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return export_model.export(tmp_path_factory.mktemp("page") / "new" / "play")


def test_files_of_the_page(exported, shipped):
    path = exported
    facts = json.loads((path.parent / "model.json").read_text(encoding="utf-8"))
    assert path.name == "generator.onnx"
    onnx.checker.check_model(onnx.load(path), full_check=True)
    assert facts["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert facts["bytes"] == path.stat().st_size < 4e6
    assert facts["actions"] == list(shipped.action_names)
    assert (facts["size"], facts["num_frames"], facts["fps"]) == (
        shipped.size,
        shipped.num_frames,
        shipped.fps,
    )
    directions = np.array(facts["directions"])
    np.testing.assert_allclose(directions @ directions.T, np.eye(export_model.NUM_LOOKS), atol=1e-4)
    assert facts["start"]["action"] in facts["actions"]
    assert 0 <= facts["start"]["frame"] < facts["num_frames"]
    poster = np.asarray(Image.open(path.parent / "poster.png"))
    assert poster.shape == (shipped.size, shipped.size, 3)
    assert poster.std() > 10


def test_export_twice_gives_the_same_file(tmp_path, exported):
    assert export_model.export(tmp_path).read_bytes() == exported.read_bytes()


def test_bad_arguments(generator, tmp_path):
    with pytest.raises(ValueError, match="float32, float16, int8; received 'int4'"):
        export_model.to_onnx(generator, weights="int4")
    with pytest.raises(ValueError, match=r"no\.keras"):
        export_model.export(tmp_path, tmp_path / "no.keras")


def test_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["export_model", str(tmp_path), "--weights", "int8"])
    export_model.main()
    assert "MB, weights as int8" in capsys.readouterr().out
    assert json.loads((tmp_path / "model.json").read_text())["weights"] == "int8"
