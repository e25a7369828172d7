"""What it costs to store the play page's weights in fewer bits: size, error and scores of each precision.

    python benchmarks/page_weights.py [--clips 100]

The same latents go through Keras and through the ONNX files of `book/export_model.py`, run by onnxruntime.
Scores are those of `benchmarks/scores.py`, with as many reference clips as generated ones. Needs the group
`book`.
"""

import argparse
import gzip
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import scores

from vgcourse import generate, preprocess

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from book import export_model

SHOWN = ("motion_control_score", "motion_control_score_second", "frechet_distance", "frechet_distance_second")


def run_onnx(model, content, motion, actions):
    """Clips of an ONNX model for the latents that `generate.make_clips` takes; returns them as uint8."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    clips = []
    for code, noise, action in zip(content, motion, actions, strict=True):
        feeds = {"content_code": code[None], "motion_noise": noise, "action": np.array([action], np.int32)}
        frames = session.run(None, feeds | {"frame_index": np.arange(len(noise), dtype=np.int32)})[0]
        clips.append(preprocess.to_uint8(frames))
    return np.stack(clips)


def main():
    parser = argparse.ArgumentParser(description="Scores of the play page's model by precision.")
    parser.add_argument("--clips", type=int, default=scores.PER_ACTION, help="clips of each action")
    options = parser.parse_args()
    generator = generate.load_generator()
    actions = np.repeat(np.arange(len(generator.action_names), dtype=np.int32), options.clips)
    seeds = range(len(actions))
    content, motion = generate.content_codes(generator, seeds), generate.motion_noise(generator, seeds)
    reference = generate.make_clips(generator, content, motion, actions)
    made = {"Keras": (reference, 0)}
    for weights in export_model.WEIGHTS:
        model = export_model.to_onnx(generator, weights=weights).SerializeToString()
        made[weights] = run_onnx(model, content, motion, actions), len(gzip.compress(model))
    print(f"{len(actions)} clips of {generator.size}x{generator.size}; grey levels of 255")
    print(f"{'weights':8} {'MB gzip':>8} {'worst':>6} {'mean':>6}", *(f"{name:>27}" for name in SHOWN))
    for weights, (clips, size) in made.items():
        error = np.abs(clips.astype(np.int16) - reference)
        found = scores.score(clips, actions, size=generator.size, num_per_action=options.clips)
        figures = [f"{found[name]:27.3f}" for name in SHOWN]
        print(f"{weights:8} {size / 2**20:8.2f} {error.max():6d} {error.mean():6.3f}", *figures, flush=True)


if __name__ == "__main__":
    main()
