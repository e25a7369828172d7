"""Scores of a saved generator: by default the video GAN that comes with the course.

    python benchmarks/shipped_scores.py [generator.keras]
    python benchmarks/shipped_scores.py --two-stage     # the motion GAN and the painter that come with it
    python benchmarks/shipped_scores.py --quick         # seconds: the 160 clips of the held-out splits only

1,000 clips, 100 an action, against 1,000 clips of actors never trained on, at 64x64, as `scores.py` says; and
how near its clips come to the training clips, in grey levels, at every start in time.

The reference clips have been through a video encoder, and what tells clips apart most easily is what that
left on the walls. A generator that learned from frames as the renderer draws them is judged a second time,
with its clips through the same encoder; frames of other people, drawn and never encoded, stand beside it.
"""

import argparse
from pathlib import Path

import numpy as np
import scores

from vgcourse import datasets, evaluate, generate, people, preprocess
from vgcourse.evaluate import metrics

SIZE, NUM_FRAMES = 64, 16
FIRST_SEED = 1000  # people of a two-stage generator have numbers: these are not among the reference's
FIRST_DRAWN = 20_000  # actors whose frames are not encoded
ENCODED_SIZE = 96  # of the reference's videos


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("generator", nargs="?", type=Path)
    parser.add_argument("--two-stage", action="store_true")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    two_stage = options.two_stage
    generator = generate.join_stages() if two_stage else generate.load_generator(options.generator)
    if options.quick:
        print_quick_scores(generator)
        return
    clips, actions = make_clips(generator)
    small = at_size(clips, SIZE)
    made = scores.score(small, actions, size=SIZE)
    other, other_actions = scores.real_clips(size=SIZE, seed=1)
    real = scores.score(other, other_actions, size=SIZE, who=scores.people_of(other))
    print(f"{'':28} generated  real vs real")
    for name, value in made.items():
        print(f"{name:28} {value:9.3f}  {real[name]:9.3f}")
    ratio = made["frechet_distance"] / real["frechet_distance"]
    print(f"Frechet distance over real vs real: {ratio:.2f}")
    print(f"limbs found: {scores.limbs_by_action(small, actions)}")
    print(f"limbs found in real clips: {scores.limbs_by_action(other, other_actions)}")
    print(f"taken for each other: {scores.confusions(small, actions)}", flush=True)
    if two_stage:
        print_encoded(clips)
    print_memorisation(small, SIZE, NUM_FRAMES)


def make_clips(generator):
    """1,000 clips, 100 an action, of 16 frames; and their actions."""
    actions = np.repeat(np.arange(len(generator.action_names)), scores.PER_ACTION)
    seeds = range(FIRST_SEED, FIRST_SEED + len(actions))
    content, motion = generate.content_codes(generator, seeds), generate.motion_noise(generator, seeds)
    return generate.make_clips(generator, content, motion, actions)[:, :NUM_FRAMES], actions


def at_size(clips, size):
    """Clips of another size; those that have it already as they are."""
    if clips.shape[2] == size:
        return clips
    return np.stack([preprocess.to_uint8(preprocess.to_model_range(resized(clip, size))) for clip in clips])


def resized(clip, size):
    """One clip at another size."""
    return preprocess.resize(clip, size, size)


def print_encoded(clips, *, some=200):
    """How well clips are told from real ones before and after the encoder that the real ones went through."""
    real, _ = scores.real_clips(size=SIZE)
    drawn = [
        people.render_action(action, FIRST_DRAWN + k, num_frames=NUM_FRAMES, fps=10)
        for action in people.ACTIONS
        for k in range(some // len(people.ACTIONS))
    ]
    chosen = clips[:: len(clips) // some]
    who = scores.people_of(real), np.tile(np.arange(some // len(people.ACTIONS)) + len(real), 10)
    print(f"told from real clips, {some} clips: AUC by median Laplacian, by logistic regression; wall detail")
    for name, shown, known in (
        ("drawn, other people", at_size(np.stack(drawn), SIZE), who),
        ("drawn, then encoded", scores.encoded(drawn, size=SIZE), who),
        ("generated", at_size(chosen, SIZE), (who[0], None)),
        ("generated, then encoded", scores.encoded(at_size(chosen, ENCODED_SIZE), size=SIZE), (who[0], None)),
    ):
        found = evaluate.two_sample_auc(real, shown, people=known)
        detail = evaluate.wall_detail(shown, real)
        print(f"  {name:24} {found.laplacian:6.3f} {found.logistic:6.3f} {detail:6.2f}", flush=True)


def print_quick_scores(generator):
    """The scores of `vgcourse evaluate`, on the validation and test splits."""
    splits = [
        datasets.load_actions(split, size=generator.size, num_frames=generator.num_frames)
        for split in ("validation", "test")
    ]
    rows = {"generated": evaluate.score_generator(generator, datasets.concatenate(splits))}
    rows["real"] = evaluate.score_clips(
        splits[0].clips, splits[0].actions, splits[1].clips, action_names=splits[0].action_names,
        fps=splits[0].fps, people=(splits[1].actors, splits[0].actors),
    )  # fmt: skip
    print(evaluate.score_table(rows))


def print_memorisation(clips, size, num_frames):
    """Nearest training clips of 200 generated and of 160 held-out clips, over all starts in time."""
    train = datasets.load_actions("train", size=size, num_frames=20)
    windows = np.concatenate([train.clips[:, k : k + num_frames] for k in range(21 - num_frames)])
    held_out = np.concatenate(
        [datasets.load_actions(split, size=size).clips for split in ("validation", "test")]
    )
    found = metrics.memorisation(clips[::5], windows, held_out)
    print(
        f"nearest training clip, median: generated {found.fake_distance:.1f}, held out "
        f"{found.heldout_distance:.1f} grey levels; share of generated clips nearer than 1% of the held-out "
        f"ones: {found.copied_share:.3f}"
    )


if __name__ == "__main__":
    main()
