"""The signatures that lessons and users rely on are kept: a change here breaks other people's code."""

import ast
import collections
import inspect
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "vgcourse"
LOSSES = ("minimax", "non_saturating", "hinge", "wasserstein", "least_squares", "relativistic")
PROMISED = [
    "video.probe(path)",
    "video.read_clip(path, *, num_frames=None, fps=None, start=0.0, size=None)",
    "video.iter_frames(path, *, fps=None)",
    "video.write_video(path, clip, *, fps)",
    "preprocess.crop(clip, top, left, height, width)",
    "preprocess.center_crop(clip, height, width)",
    "preprocess.random_crop(clip, height, width, *, seed)",
    "preprocess.resize(clip, height, width)",
    "preprocess.rotate(clip, degrees)",
    "preprocess.sample_frames(clip, num_frames, *, step=1, start=0)",
    "preprocess.to_model_range(clip)",
    "preprocess.to_uint8(clip)",
    "preprocess.find_cuts(clip)",
    "preprocess.quality_report(clip)",
    "datasets.load_actions(split, *, size=64, num_frames=16, fps=10)",
    "collect.clips_from_folder(folder, *, size, num_frames, fps=None)",
    "datasets.make_dataset(clips_or_folder, labels=None, *, batch_size, seed, shuffle=True)",
    "shards.save_clips(folder, clips)",
    "shards.load_clips(folder)",
    "features.load_action_classifier()",
    "features.clip_features(clips)",
    "features.frame_features(clips)",
    "features.content_features(clips)",
    *[f"losses.{name}_discriminator_loss(real_logits, fake_logits)" for name in LOSSES],
    *[f"losses.{name}_generator_loss(real_logits, fake_logits)" for name in LOSSES],
    "losses.r1_penalty(discriminator, real_clips, *, gamma)",
    "losses.gradient_penalty(discriminator, real_clips, fake_clips, *, weight, seed)",
    "losses.feature_matching_loss(real_features, fake_features)",
    "generate.load_generator(path=None)",
    "generate.sample(generator, *, num_clips, actions=None, seed)",
    "metrics.frechet_distance(real_features, fake_features)",
    "metrics.kernel_distance(real_features, fake_features)",
    "metrics.precision_recall(real_features, fake_features, *, k=3)",
    "metrics.content_distance(content_features)",
    "metrics.motion_control_score(clips, actions)",
    "metrics.motion_energy(clips)",
]


def signature(arguments):
    constants = collections.defaultdict(object)  # a default may be a name of the module
    return inspect.signature(eval(f"lambda {arguments}: 0", {}, constants))


def signature_of(module, name):
    """Read off the source, so that nothing heavy is imported."""
    for node in ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            for argument in [*node.args.args, *node.args.kwonlyargs]:
                argument.annotation = None
            return signature(ast.unparse(node.args))
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return signature_of(module, node.value.id)  # another name for a function
    raise AssertionError(f"vgcourse/{module}.py has no function {name}")


@pytest.mark.parametrize("promised", PROMISED)
def test_a_promised_signature_is_kept(promised):
    module, _, rest = promised.partition(".")
    name, _, arguments = rest.rstrip(")").partition("(")
    wanted, received = signature(arguments).parameters, signature_of(module, name).parameters
    given = [argument for argument in received if argument in wanted]
    assert given == list(wanted)
    for argument in wanted:
        assert received[argument].kind == wanted[argument].kind, argument
        assert received[argument].default == wanted[argument].default, argument
    # More may be asked for, but not without a default, nor before what is promised.
    more = [received[argument] for argument in received if argument not in wanted]
    assert all(argument.default is not inspect.Parameter.empty for argument in more)
    assert all(argument.kind == inspect.Parameter.KEYWORD_ONLY for argument in more) or not wanted


def test_datasets_passes_on_what_stands_in_the_modules_above():
    tree = ast.parse((PACKAGE / "datasets.py").read_text(encoding="utf-8"))
    names = {a.asname or a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert {"clips_from_folder", "save_clips", "load_clips", "Clips", "clips_from_tfds"} <= names
