"""What the painter learns from: rows of one person, joints of the right frame, batches by step alone."""

from itertools import islice

import numpy as np
import pytest

from vgcourse import datasets
from vgcourse.people import ACTIONS, action_joints
from vgcourse.structure import PeopleFrames, add_random_poses, frames_by_person, painter_batches

SIZE = 32


@pytest.fixture(scope="module")
def clips():
    return datasets.load_actions("validation", size=SIZE, num_frames=5, fps=2.5)


def labelled(num_people=3, num_frames=7):
    """Frames that say whose they are and which: red is the person, green the frame; so do the joints."""
    frames = np.zeros((num_people, num_frames, 4, 4, 3), np.uint8)
    frames[..., 0], frames[..., 1] = 50 * np.arange(num_people)[:, None, None, None], 0
    frames[..., 1] = 20 * np.arange(num_frames)[None, :, None, None]
    joints = np.zeros((num_people, num_frames, 25, 3), np.float32)
    joints[..., 0], joints[..., 1] = frames[:, :, :1, 0, 0], frames[:, :, :1, 0, 1]
    return PeopleFrames(frames, joints, np.arange(num_people))


def test_every_row_is_one_person_in_all_actions(clips):
    found = frames_by_person(clips)
    assert found.frames.shape == (8, 50, SIZE, SIZE, 3)
    for row, actor in enumerate(found.actors):
        for k, action in enumerate(ACTIONS):
            place = np.flatnonzero(
                (clips.actors == actor) & (clips.actions == clips.action_names.index(action))
            )
            part = slice(5 * k, 5 * k + 5)
            np.testing.assert_array_equal(found.frames[row, part], clips.clips[place[0]])
            expected = action_joints(action, int(actor), size=SIZE)[[0, 10, 20, 30, 40]]
            np.testing.assert_array_equal(found.joints[row, part], expected)


def test_people_with_other_numbers_of_clips_are_refused(clips):
    fewer = clips.select(np.arange(clips.num_clips) > 0)
    with pytest.raises(ValueError, match="expected equally many of every person, received 9 to 10"):
        frames_by_person(fewer)


def test_random_poses_come_after_the_frames_there_are(clips):
    found = frames_by_person(clips)
    few = PeopleFrames(*(part[:2] for part in found))
    more = add_random_poses(few, num_poses=3, seed=1)
    assert more.frames.shape == (2, 53, SIZE, SIZE, 3)
    assert more.joints.shape == (2, 53, 25, 3)
    np.testing.assert_array_equal(more.frames[:, :50], few.frames)
    # the room is the person's own: the wall's colour above is that of their clips
    wall = np.abs(more.frames[:, 50:, :3].mean((1, 2, 3)) - few.frames[:, :, :3].mean((1, 2, 3)))
    assert wall.max() < 4


def test_targets_and_references_are_of_one_person_and_joints_of_their_frames():
    joints, frames, reference_joints, references = next(
        painter_batches(labelled(), batch_size=50, num_targets=4, num_references=2)
    )
    assert frames.shape == (50, 4, 4, 4, 3)
    assert references.shape == (50, 2, 4, 4, 3)
    assert (np.ptp(frames[..., 0], axis=(1, 2, 3)) == 0).all()
    np.testing.assert_array_equal(frames[:, 0, 0, 0, 0], references[:, 0, 0, 0, 0])
    for pictures, places in ((frames, joints), (references, reference_joints)):
        np.testing.assert_allclose((pictures[:, :, 0, 0, :2] + 1) * 127.5, places[:, :, 0, :2], atol=1e-3)
    assert len(np.unique(frames[..., 0])) == 3
    assert len(np.unique(frames[..., 1])) == 7


def test_the_batch_of_a_step_depends_on_seed_and_step_alone():
    settings = {"batch_size": 3, "seed": 4}
    first = list(islice(painter_batches(labelled(), **settings), 5))
    later = next(painter_batches(labelled(), **settings, first_step=3))
    for a, b in zip(first[3], later, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[3][0], first[2][0])
    other = next(painter_batches(labelled(), batch_size=3, seed=5))
    assert not np.array_equal(first[0][0], other[0])
