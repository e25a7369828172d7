"""Look: clips, grids, contact sheets and plots as pictures that carry their own alt text.

Axes: clip `(time, height, width, 3)`, clips `(batch, time, height, width, 3)`; uint8 RGB in the stored
range [0, 255].

Every `show_*` and `plot_*` function returns a `Picture`. Its `text/plain` is the alt text, so that a
screen reader, a test and the web book all read the same words.
"""

from vgcourse.show.notebook import Stop, in_notebook, say_stopped, until_stopped
from vgcourse.show.picture import Picture, still_picture
from vgcourse.show.plots import BLUE, GREEN, PURPLE, VERMILION, figure, plot_bars, plot_history
from vgcourse.show.sheets import (
    auto_scale,
    contact_sheet,
    enlarge,
    label_grid,
    show_clip,
    show_grid,
    show_sheet,
)
