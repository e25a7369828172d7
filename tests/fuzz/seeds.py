"""Fuzzing, seeds: small sound inputs of every kind, made at start with the package and with PyAV."""

import csv
import hashlib
import io
import json
import re
import zipfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
CODECS = (
    ("a.mp4", "libx264", "yuv420p", {"bf": "2"}),
    ("fragments.mp4", "libx264", "yuv420p", {"movflags": "frag_keyframe+empty_moov"}),
    ("a.mov", "mjpeg", "yuvj420p", {}),
    ("a.mkv", "libx264", "yuv420p", {}),
    ("a.webm", "libvpx", "yuv420p", {"crf": "50"}),
    ("a.avi", "mpeg4", "yuv420p", {}),
    ("b_frames.avi", "libx264", "yuv420p", {"bf": "2"}),
    ("a.ts", "libx264", "yuv420p", {"g": "6"}),
    ("a.flv", "flv", "yuv420p", {}),
    ("a.mpg", "mpeg1video", "yuv420p", {}),
    ("a.wmv", "wmv2", "yuv420p", {}),
    ("a.ogv", "libtheora", "yuv420p", {}),
)


# ---- videos ----------------------------------------------------------------------------------------------


def videos(folder):
    """Twelve frames of 32x32 in every container, odd ones, and the beginnings of real clips.

    Args:
        folder: where they may be written.

    Returns:
        A dict, file name -> bytes.
    """
    found = {}
    for name, codec, pix_fmt, options in CODECS:
        if codec in av.codecs_available:
            found[name] = _encode(folder / name, codec, pix_fmt, options)
    found["slow_clock.mp4"] = _encode(folder / "slow.mp4", "mpeg4", "yuv420p", {}, seconds=3000)
    found["timelapse.mov"] = _timelapse(folder / "timelapse.mov")
    images = [Image.fromarray(frame) for frame in clip()]
    for name, several in (("a.gif", True), ("a.webp", False), ("animated.webp", True), ("one.gif", False)):
        file = io.BytesIO()
        images[0].save(
            file, name[-4:].strip("."), save_all=several, append_images=images[1:] if several else []
        )
        found[name] = file.getvalue()
    found["large_screen.gif"] = found["a.gif"][:6] + b"\xe0\x2e\xe0\x2e" + found["a.gif"][10:]
    for path in sorted((ROOT / "data" / "real").glob("*.mp4")):
        with path.open("rb") as file:
            found[f"begin_of_{path.name}"] = file.read(20_000)
    return found


def clip(num_frames=12, size=32):
    """uint8 `(num_frames, size, size, 3)`: a bright bar that moves over a slope."""
    frames = np.zeros((num_frames, size, size, 3), np.uint8) + np.arange(size, dtype=np.uint8)[:, None] * 6
    for k, frame in enumerate(frames):
        frame[:, 2 * k : 2 * k + 6] = (220, 90, 40)
    return frames


def _encode(path, codec, pix_fmt, options, seconds=Fraction(1, 25)):
    # Bit-exact: no random identifiers, so that the same seed of the fuzzer gives the same inputs.
    muxing = {"fflags": "bitexact", **{name: options[name] for name in options if name == "movflags"}}
    coding = {"threads": "1", **{name: options[name] for name in options if name != "movflags"}}
    with av.open(str(path), "w", options=muxing) as container:
        stream = container.add_stream(codec, rate=25, options=coding)
        stream.height, stream.width, stream.pix_fmt = 32, 32, pix_fmt
        for k, array in enumerate(clip()):
            frame = av.VideoFrame.from_ndarray(array, format="rgb24")
            frame.pts, frame.time_base = int(k * seconds * 25), Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path.read_bytes()


def _timelapse(path):
    """Photographs with EXIF, as cameras write them, one after the other and not encoded again."""
    with av.open(str(path), "w", options={"fflags": "bitexact"}) as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.height, stream.width, stream.pix_fmt = 32, 32, "yuvj420p"
        for k, array in enumerate(clip()):
            file, exif = io.BytesIO(), Image.Exif()
            exif[0x010E] = "a camera"
            Image.fromarray(array).save(file, "JPEG", exif=exif)
            packet = av.Packet(file.getvalue())
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, k, k, Fraction(1, 25)
            packet.is_keyframe = True
            container.mux(packet)
    return path.read_bytes()


# ---- tables and settings ---------------------------------------------------------------------------------


def actions_folder(folder):
    """A small actions set beside which `vgcourse.files` finds its data: `folder/data/actions`."""
    source, target = ROOT / "data" / "actions", folder / "data" / "actions"
    with (source / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"][::16]
    for row in rows:
        (target / row["file"]).parent.mkdir(parents=True, exist_ok=True)
        (target / row["file"]).write_bytes((source / row["file"]).read_bytes())
    table = io.StringIO()
    writer = csv.DictWriter(table, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    (target / "labels.csv").write_text(table.getvalue(), encoding="utf-8")
    return target / "labels.csv"


def labels(folder):
    return {"labels.csv": actions_folder(folder).read_bytes()}


def history(folder):
    names = ("step", "seconds", "data_wait", "d_loss", "g_loss")
    rows = [",".join(names), "10,1.5,0.01,0.7,0.9", "20,3.25,0.0,0.6,1.1", "30,5.0,0.0,0.5,1.3"]
    return {"history.csv": "\n".join(rows).encode()}


def config(folder):
    import vgcourse.training.run as run

    settings = {"size": 32, "num_frames": 4, "fps": 10.0, "action_names": ["left", "right"], "seed": 0}
    settings |= {"precision": "float32", "batch_size": 2, "steps": 10, "command": "vgcourse train s r"}
    settings |= {"versions": {"keras": "3.8"}, "machine": {"cpus": 2, "gpus": []}, "replicas": 1}
    settings |= {"source": {"sha256": "0", "commit": None}, "store_sha256": run._store_sha256(store(folder))}
    run.write_config(folder, settings)
    return {"config.json": (folder / "config.json").read_bytes()}


def cluster(folder):
    workers = {"worker": ["localhost:2222", "localhost:2223"], "chief": ["localhost:2221"]}
    several = {"cluster": workers, "task": {"type": "worker", "index": 0}}
    alone = {"cluster": {"worker": ["localhost:2222"]}, "task": {"type": "worker", "index": 0}}
    return {str(k): json.dumps(config).encode() for k, config in enumerate((several, alone, {}))}


# ---- the store, checkpoints, the generator ---------------------------------------------------------------


def store(folder):
    """A store of six clips in two shards."""
    from vgcourse import datasets

    if not (folder / "store").exists():
        frames = np.stack([clip(6), clip(6)[::-1]] * 3)
        clips = datasets.Clips(frames, np.arange(6) % 2, np.full(6, -1), ("left", "right"), 10.0)
        datasets.save_clips(folder / "store", clips, shard_bytes=3 * frames[0].nbytes)
    return folder / "store"


def index(folder):
    return {"index.json": (store(folder) / "index.json").read_bytes()}


def shard(folder):
    return {path.name: path.read_bytes() for path in sorted(store(folder).glob("*.tfrecord"))}


def checkpoint(folder):
    rng = np.random.default_rng(0)
    names = ("weights/000", "weights/001", "g_optimizer/000", "d_optimizer/000")
    arrays = {name: rng.normal(size=(4, 3)).astype(np.float32) for name in names}
    file = io.BytesIO()
    np.savez(file, **arrays)
    return {"checkpoint-00000010.npz": file.getvalue()}


def generator(folder):
    import keras

    from vgcourse.gan import models

    keras.utils.set_random_seed(0)
    made = models.VideoGenerator(32, ("left", "right"), num_frames=2, channels=2, latent_dims=(4, 4))
    made.save(folder / "dated.keras")
    path = folder / "generator.keras"
    with zipfile.ZipFile(folder / "dated.keras") as dated, zipfile.ZipFile(path, "w") as archive:
        for name in dated.namelist():  # without the time of saving, for the same inputs every time
            content = re.sub(rb'"date_saved": "[^"]*"', b'"date_saved": "then"', dated.read(name))
            archive.writestr(zipfile.ZipInfo(name), content)
    return {path.name: path.read_bytes()}


def words(folder):
    """Command lines; `targets.arguments` puts what they name into the working folder."""
    lines = (
        "render people --actions walk --actors 0-0 --seed 1",
        "prepare videos store2 --size 32 --num-frames 4 --fps 10 --overwrite",
        "train store run --steps 10 --batch-size 2 --precision float32 --seed 0",
        "train store run --minutes 1 --strategy one --tensorboard",
        "train store run --resume --steps 10",
        "generate generator.keras clips --num-clips 2 --action left --suffix gif --seed 0",
        "evaluate generator.keras store --seed 0",
        "prepare --help",
    )
    return {str(k): json.dumps(line.split()).encode() for k, line in enumerate(lines)}


def digest(*parts):
    """A short text that tells results apart: bytes, arrays and whatever has a `repr`."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return total.hexdigest()[:12]
