"""Checks for the exercises of the lessons: `check.<name>(answer)` and `check.hint("<name>")`.

One module a lesson; loading the checks loads no TensorFlow until one of them needs it.
"""

import importlib
import pkgutil

from vgcourse.classroom.check.core import EXERCISES, hint, watch_cells

__all__ = ["EXERCISES", "hint"]

for _module in pkgutil.iter_modules(__path__):
    if _module.name.startswith("lesson_"):
        importlib.import_module(f"{__name__}.{_module.name}")
for _name, _exercise in EXERCISES.items():
    globals()[_name] = _exercise.check
    __all__ += [_name]
watch_cells()
