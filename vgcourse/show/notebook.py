"""Show, in a notebook: whether one runs us, and a Stop button that ends a training and not the lesson."""

import contextlib
import signal
import sys
import threading
import time

PATIENCE = 3  # seconds after which a second press of Stop no longer waits for the step in hand


def in_notebook():
    """Whether this is a notebook's kernel, in JupyterLab, Colab or the like; returns a bool."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")


class Stop:
    """While it is entered, an interrupt is a wish: the step in hand is done first, nothing is left half done.

    Who presses again after a few seconds gets Python's own KeyboardInterrupt.

    Args:
        listens: False leaves interrupts as they are.

    Attributes:
        asked: whether somebody asked to stop, by Ctrl-C or a notebook's Stop button.
    """

    def __init__(self, *, listens=True):
        self.asked, self._since, self._before = False, 0.0, None
        # Python tells the main thread alone.
        self._listens = listens and threading.current_thread() is threading.main_thread()

    def __enter__(self):
        if self._listens:
            self._before = signal.signal(signal.SIGINT, self._interrupted)
        return self

    def __exit__(self, *_):
        if self._listens:
            signal.signal(signal.SIGINT, self._before or signal.default_int_handler)

    def _interrupted(self, number, frame):
        if self.asked and time.monotonic() - self._since > PATIENCE:
            signal.default_int_handler(number, frame)
        if not self.asked:
            self.asked, self._since = True, time.monotonic()


def until_stopped(rows, *, steps):
    """Go through the steps of a training; Stop ends it with one line, and not with a traceback.

    Where `rows` is a generator, going through it again goes on where it stopped:

        rows = train(game, STEPS)  # in one cell

        for row in show.until_stopped(rows, steps=STEPS):  # in the next, as often as it takes
            history.append(row)

    Args:
        rows: an iterable of steps: of their numbers, or of dicts with `step`.
        steps: the last one.

    Yields:
        What `rows` does.
    """
    with Stop() as stop:
        for row in rows:
            yield row
            step = row["step"] if isinstance(row, dict) else row
            if stop.asked and step < steps:
                say_stopped(step, steps)
                return


def say_stopped(step, steps):
    """Print how far a training came before it was stopped, and how it goes on.

    Args:
        step: the last one that was done.
        steps: the last one of the whole training.
    """
    with contextlib.suppress(KeyboardInterrupt):  # pressed once more: said is said
        print(f"Stopped at {step:,} of {steps:,} steps; run the cell again to go on.", flush=True)
