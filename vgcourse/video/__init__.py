"""Load: video files to uint8 RGB frames and back.

Axes: a frame is (height, width, 3), a clip (num_frames, height, width, 3); RGB order.
Range: uint8 [0, 255], always. Sizes are as displayed: turned by the file's rotation, with square pixels.
"""

from vgcourse.video.containers import VideoError, checked_path, reason
from vgcourse.video.read import MOST_FPS, VideoInfo, iter_frames, iter_shown, probe, read_clip
from vgcourse.video.write import write_video
