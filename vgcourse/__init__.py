"""A hands-on course on video generation: from raw video files to a video GAN.

Importing the package loads no TensorFlow; each module says at its top which axes and value ranges it uses.
"""

__version__ = "0.2.0"
