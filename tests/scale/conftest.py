"""What several tests of this stage look at: one process with two logical CPUs."""

import jobs
import pytest


@pytest.fixture(scope="session")
def mirrored(tmp_path_factory):
    """What `jobs.mirrored` found."""
    path = tmp_path_factory.mktemp("mirrored") / "states.npz"
    jobs.finish(jobs.start("mirrored", path), timeout=900)
    return jobs.load(path)
