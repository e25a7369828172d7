"""Pipeline: the actions set and the student's own videos become labelled clips, a store on disk, batches.

Axes: clips `(num_clips, num_frames, height, width, 3)`, channels last, RGB.
Ranges: `Clips` and stores hold uint8 [0, 255]; `make_dataset` hands out float32 [-1, 1] (model range).
"""

from vgcourse.datasets import folders, store
from vgcourse.datasets.actions import load_action_joints, load_actions
from vgcourse.datasets.batches import make_dataset
from vgcourse.datasets.clips import Clips, concatenate, label_fault
from vgcourse.datasets.folders import VIDEO_SUFFIXES, FileReport, clips_from_folder, iter_folder
from vgcourse.datasets.store import INDEX_NAME, Store, load_clips, open_store, save_clips
from vgcourse.datasets.tfds import clips_from_tfds, iter_tfds
from vgcourse.files import data_folder
