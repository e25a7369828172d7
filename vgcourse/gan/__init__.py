"""Game: the losses, the networks and the training step of the video GAN; and a toy game to see through.

Axes: clips `(batch, time, height, width, channels)`, float32 in the model range [-1, 1]. Logits are raw
scores: real is high.
"""

from vgcourse.gan import losses, models, toy
from vgcourse.gan.models import VideoGenerator
from vgcourse.gan.video_gan import PRECISIONS, RECIPES, Recipe, VideoGAN, draw_times, make_gan, move_average
