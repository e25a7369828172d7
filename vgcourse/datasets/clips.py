"""Pipeline, clips in memory: arrays with their labels, checked once.

Axes: clips `(num_clips, num_frames, height, width, 3)`, channels last, RGB. Range: uint8 [0, 255] throughout.
"""

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from vgcourse import arguments

LONGEST_LABEL = 200  # bytes in UTF-8: it becomes part of a file name, and those have 255


@dataclass(frozen=True, eq=False)
class Clips:
    """Clips with their labels; checked when made, so that later stages can rely on it.

    Attributes:
        clips: uint8 array, shape `(num_clips, num_frames, height, width, 3)`, values in [0, 255].
        actions: int32 array, shape `(num_clips,)`: places in `action_names`.
        actors: int32 array, shape `(num_clips,)`: who moves, or -1 where unknown.
        action_names: names of the actions.
        fps: frames per second.
        files: the video of each clip, or empty.
    """

    clips: np.ndarray
    actions: np.ndarray
    actors: np.ndarray
    action_names: tuple[str, ...]
    fps: float
    files: tuple[str, ...] = ()

    def __post_init__(self):
        if not isinstance(self.clips, np.ndarray):
            raise ValueError(f"clips: expected an array, received a {type(self.clips).__name__}")
        arguments.uint8_clips("clips", self.clips, min_clips=0)
        num_clips = len(self.clips)
        for name in ("actions", "actors"):
            object.__setattr__(self, name, _as_labels(getattr(self, name), name, num_clips))
        object.__setattr__(self, "action_names", checked_names(self.action_names))
        object.__setattr__(self, "files", tuple(self.files))
        arguments.frames_per_second("fps", self.fps)
        if num_clips and not 0 <= self.actions.min() <= self.actions.max() < len(self.action_names):
            received = f"{self.actions.min()} to {self.actions.max()}"
            raise ValueError(f"actions must be places in {self.action_names}; received {received}")
        if len(self.files) not in (0, num_clips):
            raise ValueError(f"files must be empty or {num_clips}, one a clip; received {len(self.files)}")

    def __len__(self):
        return len(self.clips)

    num_clips = property(__len__)

    @property
    def clip_shape(self):
        return self.clips.shape[1:]

    def select(self, indices):
        """The clips at `indices` (integers, a slice or a boolean mask), in that order, as new `Clips`."""
        try:
            indices = np.arange(len(self))[indices]
        except IndexError as error:
            raise ValueError(f"indices: expected places of {len(self)} clips, received: {error}") from None
        files = tuple(self.files[i] for i in indices) if self.files else ()
        arrays = {name: getattr(self, name)[indices] for name in ("clips", "actions", "actors")}
        return replace(self, files=files, **arrays)

    def only(self, *names):
        """The clips of the named actions alone, labelled by their places in `names`."""
        if not names or not set(names) <= set(self.action_names):
            raise ValueError(f"unknown action: expected some of {self.action_names}, received {names}")
        places = [self.action_names.index(name) for name in names]
        chosen = self.select(np.isin(self.actions, places))
        actions = np.array([places.index(action) for action in chosen.actions], np.int32)
        return replace(chosen, actions=actions, action_names=names)


def concatenate(parts):
    """Join several `Clips` of one clip shape and with the same action names.

    Args:
        parts: an iterable of at least one `Clips`. Each part is let go once it is copied, so that what a
            generator yields is in memory once, not twice.

    Returns:
        `Clips`; `fps` is that of the first part.

    Raises:
        ValueError: there are no parts, or they differ in shape or action names.
    """
    parts = deque(parts)
    if not parts:
        raise ValueError("expected at least one part to join, received none")
    for part in parts:
        check_same_kind(part, parts[0])
    names, fps = parts[0].action_names, parts[0].fps
    actions = np.concatenate([part.actions for part in parts])
    actors = np.concatenate([part.actors for part in parts])
    files = [file for part in parts for file in part.files or ("",) * len(part)]
    clips, done = np.empty((len(actions), *parts[0].clip_shape), np.uint8), 0
    del part
    while parts:
        some = parts.popleft().clips
        clips[done : done + len(some)] = some
        done += len(some)
    return Clips(clips, actions, actors, names, fps, files if any(files) else ())


def label_fault(label):
    """Returns why a label cannot be part of a file's name, as text; empty for one that can."""
    data = label.encode(errors="replace")
    length, is_text = len(data), data.decode() == label  # halves of letters, as JSON can have them, are none
    if label.strip() and length <= LONGEST_LABEL and is_text and {"/", "\0"}.isdisjoint(label):
        return ""
    expected = f"expected a label of at most {LONGEST_LABEL} bytes, fit for the name of a file"
    return f"{expected}, received {length} bytes, {label[:20]!r}" + (" ..." if len(label) > 20 else "")


def checked_names(names):
    """Returns action `names` as a tuple; raises ValueError unless they are labels and all different."""
    if not isinstance(names, (tuple, list)) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"action_names must be a tuple of texts; received {names!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"action_names must be different from each other; received {names!r}")
    for fault in filter(None, map(label_fault, names)):
        raise ValueError(f"action_names: {fault}")
    return tuple(names)


def _as_labels(labels, name, num_clips):
    labels = np.asarray(labels)
    if labels.shape != (num_clips,) or (num_clips and labels.dtype.kind not in "iu"):
        received = f"{labels.dtype} of shape {labels.shape}"
        raise ValueError(f"{name} must be integers of shape ({num_clips},), one a clip; received {received}")
    return labels.astype(np.int32)


def check_same_kind(part, first):
    """Raises ValueError unless `part` and `first` are `Clips` of one shape and with the same action names."""
    for clips in (first, part):
        if not isinstance(clips, Clips):
            raise ValueError(f"expected Clips, or an iterable of Clips, received a {type(clips).__name__}")
    expected, received = [(clips.clip_shape, clips.action_names) for clips in (first, part)]
    if received != expected:
        raise ValueError(f"clips of one kind must go together: expected {expected}, received {received}")
