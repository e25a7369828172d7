"""Scores of a saved 64x64 generator: by default the one that comes with the course.

    python benchmarks/shipped_scores.py [generator.keras]
    python benchmarks/shipped_scores.py --quick     # seconds: the 160 clips of the held-out splits only

1,000 clips, 100 an action, against 1,000 clips of actors never trained on, as `benchmarks/scores.py` says;
and how near its clips come to the training clips, in grey levels, at every start in time.
"""

import sys

import numpy as np
import scores

from vgcourse import datasets, evaluate, generate
from vgcourse.evaluate import metrics


def main():
    paths = [argument for argument in sys.argv[1:] if argument != "--quick"]
    generator = generate.load_generator(paths[0] if paths else None)
    if "--quick" in sys.argv:
        splits = [datasets.load_actions(split, size=generator.size) for split in ("validation", "test")]
        rows = {"generated": evaluate.score_generator(generator, datasets.concatenate(splits))}
        rows["real"] = evaluate.score_clips(
            splits[0].clips, splits[0].actions, splits[1].clips, action_names=splits[0].action_names,
            fps=splits[0].fps, people=(splits[1].actors, splits[0].actors),
        )  # fmt: skip
        print(evaluate.score_table(rows))
        return
    actions = np.repeat(np.arange(len(generator.action_names)), scores.PER_ACTION)
    seeds = range(len(actions))
    content, motion = generate.content_codes(generator, seeds), generate.motion_noise(generator, seeds)
    clips = generate.make_clips(generator, content, motion, actions)
    made = scores.score(clips, actions, size=generator.size)
    other, other_actions = scores.real_clips(size=generator.size, seed=1)
    real = scores.score(other, other_actions, size=generator.size, who=scores.people_of(other))
    print(f"{'':28} generated  real vs real")
    for name, value in made.items():
        print(f"{name:28} {value:9.3f}  {real[name]:9.3f}")
    ratio = made["frechet_distance"] / real["frechet_distance"]
    print(f"Frechet distance over real vs real: {ratio:.2f}")
    print(f"limbs found: {scores.limbs_by_action(clips, actions)}")
    print(f"limbs found in real clips: {scores.limbs_by_action(other, other_actions)}")
    print(f"taken for each other: {scores.confusions(clips, actions)}")
    print_memorisation(clips, generator.size, generator.num_frames)


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
