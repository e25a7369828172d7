"""Generate, two stages: a motion model moves a skeleton, a painter paints somebody on it.

Axes: clips `(batch, time, height, width, channels)`, float32 in the model range [-1, 1]; joints
`(batch, time, joint, 3)` in pixels. A content code is all that the painter keeps of a person, one row
`(content_dim,)`; motion noise is that of the motion model, `(motion_dim,)`, N(0, 1).
"""

import math

import keras
import numpy as np
from keras import ops

from vgcourse import people, preprocess
from vgcourse.arguments import whole_number
from vgcourse.structure import MotionModel, Painter, draw_skeleton

FIRST_PERSON = 10_000  # person 0 is this actor: nobody from here on was trained on; benchmarks score on some
REFERENCE_ACTION, REFERENCE_FRAME = "wave1", 5  # seen from the front, arms apart
AT_ONCE = 16  # reference frames that the painter looks at together


@keras.saving.register_keras_serializable("vgcourse")
class TwoStageGenerator(keras.Model):
    """Two-stage generator: content code, motion noise and action make a clip, as with a `VideoGenerator`.

    The stages meet in joints only, so each can be trained, scored and exchanged by itself. A content code is
    no draw from N(0, 1) here: it is what the painter sees when it looks at one frame of a person (`look_at`),
    or a mixture of such codes.

    Call it with `[content_code, motion_noise, actions]`, shapes `(batch, content_dim)`,
    `(batch, motion_dim)` and `(batch,)` int; it returns clips `(batch, num_frames, size, size, 3)`,
    float32 in [-1, 1]. They are closed loops.

    Args:
        motion: a `structure.MotionModel`.
        painter: a `structure.Painter`.
        **kwargs: `name` for `keras.Model`.

    Raises:
        ValueError: another kind of model, or a motion model of other joints than people have.
    """

    makes_loops = True

    def __init__(self, motion, painter, **kwargs):
        super().__init__(**{"name": "two_stage_generator", **kwargs})
        for name, model, kind in (("motion", motion, MotionModel), ("painter", painter, Painter)):
            if not isinstance(model, kind):
                raise ValueError(f"{name}: expected a {kind.__name__}, received a {type(model).__name__}")
        if motion.num_joints != len(people.JOINT_NAMES):
            raise ValueError(
                f"motion: expected {len(people.JOINT_NAMES)} joints, received {motion.num_joints}"
            )
        self.motion, self.painter, self.size = motion, painter, painter.size
        self.num_frames, self.fps, self.action_names = motion.num_frames, motion.fps, motion.action_names
        self.motion_dim, self.motion_shape = motion.num_components, (motion.num_components,)
        self.look_shapes = [shape[1:] for shape in self._looks_of_nobody()]
        self.content_dim = sum(map(math.prod, self.look_shapes))
        self.built = True

    def call(self, inputs):
        content_code, motion_noise, actions = inputs
        joints = self.motion.make_joints(motion_noise, actions, size=self.size)
        sizes = [math.prod(shape) for shape in self.look_shapes]
        flat = ops.split(content_code, np.cumsum(sizes)[:-1].tolist(), axis=1)
        looks = [ops.reshape(part, (-1, *shape)) for part, shape in zip(flat, self.look_shapes, strict=True)]

        def paint_one(parts):  # one clip at a time: drawings of many would fill the memory
            drawings, *look = (part[None] for part in (draw_skeleton(parts[0], size=self.size), *parts[1:]))
            return self.painter.paint(drawings, look)[0]

        return ops.clip(ops.map(paint_one, (joints, *looks)), -1, 1)

    def look_at(self, references, joints):
        """The content codes of people, from one frame of each.

        Args:
            references: uint8 `(num_people, size, size, 3)`.
            joints: float `(num_people, joint, 3)`, where their joints are in it, in pixels.

        Returns:
            float32 `(num_people, content_dim)`.
        """
        codes = []
        for start in range(0, len(references), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            drawings = draw_skeleton(joints[part, None], size=self.size)
            looks = self.painter.look(preprocess.to_model_range(references[part, None]), drawings)
            codes.append(np.concatenate([np.reshape(look, (len(drawings), -1)) for look in looks], axis=1))
        return np.concatenate(codes)

    def look_at_people(self, numbers):
        """The content codes of rendered people, from one frame in which nothing hides their limbs.

        Args:
            numbers: ints, 0 or more; who the person is.

        Returns:
            float32 `(len(numbers), content_dim)`.
        """
        frames, joints = zip(*(reference_of(number, size=self.size) for number in numbers), strict=True)
        return self.look_at(np.stack(frames), np.stack(joints))

    def _looks_of_nobody(self):
        """The shapes of what the painter keeps, found by a look at one grey frame."""
        reference = np.zeros((1, 1, self.size, self.size, 3), np.float32)
        joints = np.zeros((1, 1, len(people.JOINT_NAMES), 3), np.float32)
        looks = self.painter.look(reference, draw_skeleton(joints, size=self.size))
        return [tuple(look.shape) for look in looks]

    def get_config(self):
        models = {"motion": self.motion, "painter": self.painter}
        return {
            **super().get_config(),
            **{name: keras.saving.serialize_keras_object(model) for name, model in models.items()},
        }

    @classmethod
    def from_config(cls, config):
        parts = {
            name: keras.saving.deserialize_keras_object(config.pop(name)) for name in ("motion", "painter")
        }
        return cls(**parts, **config)


def reference_of(number, *, size):
    """The frame of a rendered person that the painter looks at.

    Args:
        number: int, 0 or more; who it is.
        size: height and width of the frame in pixels.

    Returns:
        uint8 `(size, size, 3)` and the joints in it, float32 `(joint, 3)` in pixels.

    Raises:
        ValueError: the number is no whole number, or under 0.
    """
    actor = FIRST_PERSON + whole_number("number", number, 0)
    settings = {"size": size, "num_frames": REFERENCE_FRAME + 1, "fps": 10.0}
    frames = people.render_action(REFERENCE_ACTION, actor, **settings)
    return frames[-1], people.action_joints(REFERENCE_ACTION, actor, **settings)[-1]


def look_directions(generator, num_directions, *, num_people=64):
    """The directions of the content code in which people differ most.

    Args:
        generator: a `TwoStageGenerator`.
        num_directions: how many, fewer than people.
        num_people: people to compare, the first ones.

    Returns:
        float32 `(num_directions, content_dim)`: principal components, each as long as one standard deviation.

    Raises:
        ValueError: more directions than `num_people` have.
    """
    whole_number("num_directions", num_directions, 0, num_people - 1, meaning="fewer than people")
    codes = generator.look_at_people(range(num_people))
    _, lengths, directions = np.linalg.svd(codes - codes.mean(axis=0), full_matrices=False)
    found = (lengths[:, None] * directions)[:num_directions] / math.sqrt(num_people)
    # The sign of a direction is arbitrary: choose one, so that a slider's right is always its right.
    largest = np.abs(found).argmax(axis=1)
    return (found * np.sign(found[np.arange(len(found)), largest])[:, None]).astype(np.float32)
