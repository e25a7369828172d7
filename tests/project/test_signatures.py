"""The signatures that lessons and users rely on are kept: a change here breaks other people's code."""

import ast
import collections
import inspect
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "vgcourse"
LOSSES = ("minimax", "non_saturating", "hinge", "wasserstein", "least_squares", "relativistic")
PROMISED = [
    "video/read.probe(path)",
    "video/read.read_clip(path, *, num_frames=None, fps=None, start=0.0, size=None)",
    "video/read.iter_frames(path, *, fps=None)",
    "video/write.write_video(path, clip, *, fps)",
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
    "datasets/actions.load_actions(split, *, size=64, num_frames=16, fps=10)",
    "datasets/folders.clips_from_folder(folder, *, size, num_frames, fps=None, keep_damaged=False)",
    "datasets/batches.make_dataset(clips_or_folder, labels=None, *, batch_size, seed, shuffle=True)",
    "datasets/store.save_clips(folder, clips)",
    "datasets/store.load_clips(folder)",
    "features/extract.load_action_classifier()",
    "features/extract.clip_features(clips)",
    "features/extract.frame_features(clips)",
    "features/extract.content_features(clips)",
    *[f"gan/losses.{name}_discriminator_loss(real_logits, fake_logits)" for name in LOSSES],
    *[f"gan/losses.{name}_generator_loss(real_logits, fake_logits)" for name in LOSSES],
    "gan/losses.r1_penalty(discriminator, real_clips, *, gamma)",
    "gan/losses.gradient_penalty(discriminator, real_clips, fake_clips, *, weight, seed)",
    "gan/losses.feature_matching_loss(real_features, fake_features)",
    "generate/sampling.load_generator(path=None)",
    "generate/sampling.sample(generator, *, num_clips, actions=None, seed)",
    "evaluate/metrics.frechet_distance(real_features, fake_features)",
    "evaluate/metrics.kernel_distance(real_features, fake_features)",
    "evaluate/metrics.precision_recall(real_features, fake_features, *, k=3)",
    "evaluate/metrics.content_distance(content_features)",
    "evaluate/metrics.motion_control_score(clips, actions)",
    "evaluate/metrics.motion_energy(clips)",
    "evaluate/visible.limbs_found(clips, actions=None)",
    "evaluate/visible.two_sample_auc(real, generated, *, people=(None, None), seed=0)",
    "evaluate/visible.wall_detail(clips, real)",
    "features/joints.find_joints(clips)",
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


def broken(promised):
    """What is not as promised, or None."""
    module, _, rest = promised.partition(".")
    name, _, arguments = rest.rstrip(")").partition("(")
    wanted, received = signature(arguments).parameters, signature_of(module, name).parameters
    if [argument for argument in received if argument in wanted] != list(wanted):
        return f"{promised}: received {list(received)}"
    for argument in wanted:
        if received[argument] != wanted[argument]:
            return f"{promised}: received {received[argument]}"
    # More may be asked for, but not without a default, nor before what is promised.
    for argument in received.keys() - wanted.keys():
        if received[argument].default is inspect.Parameter.empty:
            return f"{promised}: {argument} has no default"
        if wanted and received[argument].kind != inspect.Parameter.KEYWORD_ONLY:
            return f"{promised}: {argument} is not keyword-only"
    return None


def test_promised_signatures_are_kept():
    assert list(filter(None, map(broken, PROMISED))) == []


def test_promised_functions_are_in_their_stages_faces():
    """Lessons say `datasets.load_actions`; only the losses are looked for one level deeper."""
    for promised in PROMISED:
        place, _, name = promised.partition("(")[0].partition(".")
        if "/" in place and not place.startswith("gan/"):
            face = ast.parse((PACKAGE / place.split("/")[0] / "__init__.py").read_text(encoding="utf-8"))
            names = {a.name for node in face.body if isinstance(node, ast.ImportFrom) for a in node.names}
            assert name in names, promised
