"""A game whose graph is traced once for all tests of training."""

import pytest
from small_game import make_clips, make_gan, values

from vgcourse.training.checkpoints import assign_state


@pytest.fixture(scope="session")
def clips():
    return make_clips()


@pytest.fixture(scope="session")
def compiled():
    """A game and the state that it starts from."""
    made = make_gan(seed=3)
    return made, values(made)


@pytest.fixture
def gan(compiled):
    made, start = compiled
    assign_state(made, start, "memory")
    return made
