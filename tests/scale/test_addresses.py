"""Files by path and by address: whole or not there."""

import pytest

from vgcourse.scale import addresses


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    place = tmp_path / "new folder ü" / "file"
    with addresses.new_file(str(place)) as partial:
        partial.write_bytes(b"half")
        assert not place.exists()
        assert partial.parent == place.parent  # the same file system: renaming is atomic
    assert place.read_bytes() == b"half"
    assert [path.name for path in place.parent.iterdir()] == ["file"]


def test_a_file_that_fails_leaves_the_old_one(tmp_path):
    place = tmp_path / "file"
    place.write_bytes(b"old")

    def fails():
        with addresses.new_file(str(place)) as partial:
            partial.write_bytes(b"ne")
            raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        fails()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"old")]


def test_sizes_and_what_is_missing(tmp_path):
    (tmp_path / "a").write_bytes(b"123")
    assert addresses.size(str(tmp_path / "a")) == 3
    assert addresses.size(str(tmp_path / "b")) == addresses.size(str(tmp_path)) == 0
    assert addresses.exists(str(tmp_path / "a"))
    assert not addresses.exists(str(tmp_path / "b"))
    addresses.remove_folder(str(tmp_path / "b"))
    with pytest.raises(OSError, match="No such file"):
        addresses.open_file(str(tmp_path / "b"))


@pytest.mark.parametrize(
    ("place", "address"),
    [("gs://bucket/a", True), ("hdfs://host/a b", True), ("/a/b", False), ("a:b", False), ("C:\\a", False)],
)
def test_addresses_have_a_scheme(place, address):
    assert addresses.is_address(place) is address


def test_an_address_is_joined_by_slashes():
    assert addresses.join("gs://bucket/a/", "b", "c") == "gs://bucket/a/b/c"
