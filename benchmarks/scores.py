"""How scores are taken: 1,000 generated clips against 1,000 rendered clips of actors never trained on.

    python benchmarks/scores.py [--clips 100]

prints "real vs real", the best that any generator can be expected to reach, at 32x32 and 64x64. Other
benchmarks import `score`. Reference clips go through the same renderer and H.264 encoder as `data/actions/`
and are read back at 10 frames per second; they are kept in the cache folder (VGCOURSE_CACHE, or
~/.cache/vgcourse), so only the first run takes minutes. All arithmetic after the networks is in float64.
"""

import argparse
import hashlib
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from vgcourse import evaluate, features, people, video
from vgcourse.evaluate import metrics
from vgcourse.people import ACTIONS, actors, motions, render, render_action, skeleton

FIRST_ACTOR = 10_000  # the data set has actors 0 to 79
PER_ACTION = 100
CLIP = {"num_frames": 16, "fps": 10}


def real_clips(num_per_action=PER_ACTION, *, size=64, seed=0):
    """Rendered clips of actors never used in training.

    Args:
        num_per_action: clips of each action, each of another actor.
        size: height and width in pixels.
        seed: int from 0; sets of different seeds share no actor.

    Returns:
        uint8 `(10 * num_per_action, 16, size, size, 3)` at 10 fps and integers, the action of each clip.
    """
    actions = np.repeat(np.arange(len(ACTIONS)), num_per_action)
    folder = cache_folder() / f"reference-{seed}-{renderer_version()}"
    ids = range(FIRST_ACTOR + seed * 100_000, FIRST_ACTOR + seed * 100_000 + num_per_action)
    table = folder / f"clips-{num_per_action}-{size}.npz"
    if table.is_file():
        return np.load(table, allow_pickle=False)["clips"], actions
    people.render_actions(folder, actors=ids)
    paths = [folder / people.clip_name(action, actor) for action in ACTIONS for actor in ids]
    with ThreadPoolExecutor(2) as pool:
        clips = np.stack(list(pool.map(lambda path: video.read_clip(path, size=size, **CLIP), paths)))
    partial = table.with_name(f".{os.getpid()}-{table.name}")
    np.savez(partial, clips=clips)
    os.replace(partial, table)
    return clips, actions


def people_of(clips, num_per_action=PER_ACTION):
    """Who is in the clips of `real_clips`: in every action the same people in the same order."""
    return np.arange(len(clips)) % num_per_action


def cache_folder():
    """Where rendered reference clips are kept; returns a Path."""
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "vgcourse"
    return Path(os.environ.get("VGCOURSE_CACHE", home)) / "scores"


def renderer_version():
    """Short text that changes whenever the code that draws the clips does; returns a str."""
    code = b"".join(Path(module.__file__).read_bytes() for module in (skeleton, actors, motions, render))
    return hashlib.sha256(code).hexdigest()[:8]


def score(generated_clips, actions, *, size, num_per_action=PER_ACTION, who=None):
    """All scores of one generator.

    Args:
        generated_clips: uint8 `(N, 16, size, size, 3)`, 100 an action for figures that are reported.
        actions: integers `(N,)`, the action that each clip was to show.
        size: height and width in pixels, 32 or 64.
        num_per_action: reference clips of each action.
        who: the person in each clip, where that is known.

    Returns:
        dict name -> float. Distances: lower is better; the best to expect is `score` of other real clips.
    """
    real, _ = real_clips(num_per_action, size=size)
    real_vectors, fake_vectors = features.clip_features(real), features.clip_features(generated_clips)
    fake_second = features.clip_features(generated_clips, which="second")
    real_second = features.clip_features(real, which="second")
    precision, recall = metrics.precision_recall(real_vectors, fake_vectors)
    seen = people_of(real, num_per_action), who
    told_apart = evaluate.two_sample_auc(real, generated_clips, people=seen)
    return {
        "limbs_found": evaluate.limbs_found(generated_clips).share,
        "laplacian_auc": told_apart.laplacian,
        "logistic_auc": told_apart.logistic,
        "wall_detail": evaluate.wall_detail(generated_clips, real),
        "frechet_distance": metrics.frechet_distance(real_vectors, fake_vectors),
        "frechet_distance_second": metrics.frechet_distance(real_second, fake_second),
        "kernel_distance": metrics.kernel_distance(real_vectors, fake_vectors),
        "precision": float(precision),
        "recall": float(recall),
        "motion_control_score": metrics.motion_control_score(generated_clips, actions),
        "motion_control_score_second": metrics.motion_control_score(
            generated_clips, actions, classifier=lambda clips: features.classify(clips, which="second")
        ),
        "motion_energy": metrics.motion_energy(generated_clips),
        "motion_energy_real": metrics.motion_energy(real),
        "diversity": metrics.diversity(fake_vectors),
        "content_distance": metrics.content_distance(features.content_features(generated_clips)),
    }


def limbs_by_action(clips, actions):
    """Shares of frames with both hands, knees and feet, by action, worst first, as text."""
    found = evaluate.limbs_found(clips, [ACTIONS[action] for action in actions]).by_action
    return ", ".join(f"{name} {share:.2f}" for name, share in sorted(found.items(), key=lambda pair: pair[1]))


def confusions(clips, actions):
    """The pairs of actions that the first classifier takes for each other, as text; "none" if it does not."""
    seen = features.classify(clips).argmax(axis=1)
    pairs, counts = np.unique(np.stack([actions, seen])[:, actions != seen], axis=1, return_counts=True)
    names = [f"{ACTIONS[a]} as {ACTIONS[b]} {n}" for (a, b), n in zip(pairs.T, counts, strict=True)]
    return ", ".join(names) or "none"


def encoded(clips, *, size):
    """Clips through the encoder that the reference went through, and read back as it is.

    Args:
        clips: uint8 clips `(T, 96, 96, 3)` at 10 frames a second.
        size: height and width to read them at.

    Returns:
        uint8 `(num_clips, T, size, size, 3)`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        path, read = Path(scratch) / "clip.mp4", []
        for clip in clips:
            render.write_h264(path, clip, fps=CLIP["fps"])
            read.append(video.read_clip(path, size=size, num_frames=len(clip), fps=CLIP["fps"]))
    return np.stack(read)


def codec_difference(num_per_action, *, size=64):
    """Frechet distance between the same clips before and after H.264: what compression alone costs."""
    ids = range(FIRST_ACTOR, FIRST_ACTOR + num_per_action)
    raw = []
    with tempfile.TemporaryDirectory() as scratch:
        for action in ACTIONS:
            for actor in ids:
                path = Path(scratch) / "clip.mp4"
                video.write_video(path, render_action(action, actor), fps=25, crf=0)
                raw.append(video.read_clip(path, size=size, **CLIP))
    coded, _ = real_clips(num_per_action, size=size)
    return metrics.frechet_distance(features.clip_features(coded), features.clip_features(np.stack(raw)))


def main():
    parser = argparse.ArgumentParser(description="Real vs real: the scores of a perfect generator.")
    parser.add_argument("--clips", type=int, default=PER_ACTION, help="clips of each action")
    parser.add_argument("--codec", action="store_true", help="also compare clips before and after H.264")
    options = parser.parse_args()
    for size in (32, 64):
        clips, actions = real_clips(options.clips, size=size, seed=1)
        start = time.perf_counter()
        who = people_of(clips, options.clips)
        result = score(clips, actions, size=size, num_per_action=options.clips, who=who)
        print(f"real vs real, {size}x{size}, {len(clips)} clips ({time.perf_counter() - start:.0f} s)")
        for name, value in result.items():
            print(f"  {name:28} {value:.5g}")
        print(f"  limbs found: {limbs_by_action(clips, actions)}")
        print(f"  confused: {confusions(clips, actions)}", flush=True)
    if options.codec:
        distance = codec_difference(options.clips)
        print(f"before and after H.264, 64x64, {10 * options.clips} clips: {distance:.5g}")


if __name__ == "__main__":
    main()
