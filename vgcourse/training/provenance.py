"""Train, provenance: what a run was made with, so that it can be made again from its folder."""

import hashlib
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

import tensorflow as tf

import vgcourse

PACKAGES = ("tensorflow", "keras", "numpy")


def versions():
    """Versions of the course, of Python and of the libraries that training results depend on.

    Returns:
        A dict, name -> version.
    """
    found = {name: metadata.version(name) for name in PACKAGES}
    return {"vgcourse": vgcourse.__version__, "python": platform.python_version(), **found}


def machine():
    """What this process trains on.

    Returns:
        A dict: `platform`, `cpus` that this process may use, `gpus`, a list of their names.
    """
    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"platform": platform.platform(), "cpus": cpus, "gpus": gpus}


def source_state(package=None):
    """Which source code this is: a checksum of it, and where it stands in git.

    Args:
        package: folder of the package; None takes this one's.

    Returns:
        A dict with the `sha256` of the Python files and the `commit`, None outside a checkout; and changes
        since, the output of `git diff HEAD` and the names of new files: a text, empty for a clean checkout.
    """
    package = Path(package or Path(vgcourse.__file__).parent).resolve()
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    state, changes = {"sha256": digest.hexdigest(), "commit": None}, ""
    # A package that was installed into somebody else's repository is no part of it.
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is not None:
        state["commit"] = _git(package, "rev-parse", "HEAD").strip()
        new = _git(package, "ls-files", "--others", "--exclude-standard", ".").split("\n")
        new = "".join(f"new file {name}\n" for name in new if name)
        changes = _git(package, "diff", "HEAD", "--", ".") + new
    return state, changes


def _git(folder, *arguments):
    """What git prints, or None if it fails or is not there."""
    try:
        run = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return run.stdout.decode(errors="replace")
