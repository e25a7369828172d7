"""Files by path and by address: whole or not there."""

import importlib
import sys

import pytest

from vgcourse import files
from vgcourse.scale import addresses


def test_a_file_appears_only_when_it_is_whole_and_a_failure_leaves_the_old_one(tmp_path):
    place = tmp_path / "new folder ü" / "file"
    with addresses.new_place(str(place)) as partial:
        partial.write_bytes(b"half")
        assert not place.exists()
    assert (place.read_bytes(), addresses.size(str(place))) == (b"half", 4)

    def fails():
        with addresses.new_place(str(place)) as partial:
            partial.write_bytes(b"ne")
            raise OSError("no more")

    with pytest.raises(files.NotWrittenError, match="no more"):
        fails()
    assert [(path.name, path.read_bytes()) for path in place.parent.iterdir()] == [("file", b"half")]
    addresses.remove_folder(str(place.parent))
    addresses.remove_folder(str(place.parent))  # what is not there is none to miss
    assert addresses.size(str(place)) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("place", "address"),
    [("gs://bucket/a", True), ("hdfs://host/a b", True), ("/a/b", False), ("a:b", False), ("C:\\a", False)],
)
def test_addresses_have_a_scheme(place, address):
    assert addresses.is_address(place) is address


def test_without_the_extra_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam.io.filesystems", None)
    with pytest.raises(ValueError, match=r"pip install 'vgcourse\[beam\]'"):
        importlib.reload(addresses)
