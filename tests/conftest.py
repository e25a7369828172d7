"""What all tests share: a cache of their own."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_session(tmp_path_factory):
    """The clips of `data/actions` are decoded once by the code under test, not taken from a user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VGCOURSE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
