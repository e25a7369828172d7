"""Learn: what the lessons stand on: their start, how long they train, sliders, checks of the exercises.

Nothing is imported here: `budget` and `check` must not wait for TensorFlow.
"""
