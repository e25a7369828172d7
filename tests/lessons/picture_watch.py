"""Watches a lesson while it runs: a picture must not name an action that its clips do not show.

Clips of `datasets.load_actions` are known by their frames, so it does not matter whether a lesson thins, cuts
or turns them round. Made clips, and frames that were scaled or recoloured, are not known and not judged.
"""

import re

from vgcourse import datasets, show
from vgcourse.people.motions import ACTIONS

WORDS = [name for name in ACTIONS if name != "side"]  # in prose, "side" is no action


class Watch:
    """What has been seen since `install`.

    Attributes:
        judged: number of labels and alt texts that could be compared with what is shown.
        faults: texts, one for every picture that says something wrong.
    """

    def __init__(self):
        self.judged, self.faults = 0, []
        self._frames, self._grids = {}, {}

    def install(self, patch=setattr):
        """Put itself between a lesson and the functions that load and show clips.

        Args:
            patch: called as `patch(module, name, function)`; pytest's `monkeypatch.setattr` undoes it.

        Returns:
            Itself.
        """
        load, grid, clip = datasets.load_actions, show.label_grid, show.show_clip

        def load_actions(*arguments, **options):
            clips = load(*arguments, **options)
            for frames, action in zip(clips.clips, clips.actions, strict=True):
                for frame in frames:
                    self._frames.setdefault(frame.tobytes(), set()).add(clips.action_names[action])
            return clips

        def label_grid(clips, labels=None, **options):
            made = grid(clips, labels, **options)
            self._grids[made[0].tobytes()] = self.judge(clips, labels)
            return made

        def show_clip(shown, **options):
            known = self._grids.get(shown[0].tobytes()) or self.judge(shown[None])
            self.judge_words(known, options.get("alt"))
            return clip(shown, **options)

        def judging(function):
            def showing(clips, labels=None, **options):
                self.judge_words(self.judge(clips, labels), options.get("alt"))
                return function(clips, labels=labels, **options)

            return showing

        patch(datasets, "load_actions", load_actions)
        patch(show, "label_grid", label_grid)
        patch(show, "show_clip", show_clip)
        for name in ("show_grid", "show_sheet"):
            patch(show, name, judging(getattr(show, name)))
        return self

    def actions_of(self, clip):
        """The actions in which all frames of a clip occur: a set, empty if it is no clip that was loaded."""
        found = [self._frames.get(frame.tobytes(), set()) for frame in clip]
        return set.intersection(*found) if found else set()

    def judge(self, clips, labels=None):
        """Compare labels with what is shown; returns the actions of every clip, a list of sets."""
        known = [self.actions_of(clip) for clip in clips]
        for actions, label in zip(known, known if labels is None else labels, strict=True):
            named = set(re.findall(r"\w+", label)) & set(ACTIONS) if labels is not None else set()
            if named and actions:
                self.judged += 1
                if not named & actions:
                    self.faults.append(f"labelled {label!r}, shows {' or '.join(sorted(actions))}")
        return known

    def judge_words(self, known, alt):
        """Compare an alt text with what is shown: every action that it names must be there.

        Args:
            known: as `judge` returns it.
            alt: text, or None.
        """
        named = set(re.findall(rf"\b({'|'.join(WORDS)})s?\b", alt or ""))
        if named and known and all(known):
            self.judged += 1
            if missing := named - set.union(*known):
                self.faults.append(f"alt text {alt!r} names {', '.join(sorted(missing))}, which is not shown")
