"""vgcourse.files: a file is whole or not there at all, and what was there before stays."""

import os
from pathlib import Path

import pytest

from vgcourse import files
from vgcourse.files import local, new_file


def test_a_file_appears_whole_and_missing_folders_are_made(tmp_path):
    path = tmp_path / "deep" / "er" / "notes.txt"
    with files.new_file(path) as part:
        assert part.suffix == ".txt"  # encoders go by it
        assert part.parent == path.parent  # renaming works within one file system only
        part.write_text("half")
        assert not path.exists()
        part.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_it_reaches_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    """A power cut after the renaming must not leave an empty file of the right name."""
    done, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (done.append("fsync"), fsync(number)))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("replace"), replace(*paths)))
    with files.new_file(tmp_path / "a") as part:
        part.write_text("x")
    assert done == ["fsync", "replace"]


@pytest.mark.parametrize("error", [ValueError("a fault"), KeyboardInterrupt(), OSError(28, "No space left")])
def test_what_was_there_stays_if_the_writing_fails(tmp_path, error):
    path = tmp_path / "notes.txt"
    path.write_text("before")
    expected = files.NotWrittenError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected) as raised, files.new_file(path) as part:  # noqa: PT012
        part.write_text("half")
        raise error
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
    if isinstance(error, OSError):
        assert str(raised.value) == f"{path}: cannot be written: No space left"


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder" / "full").mkdir(parents=True)
    for path in (tmp_path / "file" / "notes.txt", tmp_path / "folder"):
        with (
            pytest.raises(files.NotWrittenError, match=f"^{path}: cannot be written: "),
            files.new_file(path) as part,
        ):
            part.write_text("x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_a_name_may_be_as_long_as_the_system_lets_it(tmp_path):
    path = tmp_path / ("n" * 251 + ".txt")
    with files.new_file(path) as part:
        part.write_text("x")
    assert path.read_text() == "x"


@pytest.mark.parametrize("place", ["gs://bucket/a.txt", Path("s3://bucket/a.txt"), "file:///a.txt"])
def test_an_address_is_refused_before_a_folder_of_its_name_is_made(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="received an address"), new_file(place):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["C:/a.txt", "C:\\a.txt", "a:b", "a/gs://b", None])
def test_a_path_is_no_address(path):
    assert local(path) is path


def test_several_may_write_the_same_file_at_once(tmp_path):
    path = tmp_path / "a.txt"
    with files.new_file(path) as one, files.new_file(path) as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one"  # that of the outer block, which ends last


def test_the_data_lies_in_the_repository_or_in_the_wheel(tmp_path, monkeypatch):
    assert (files.data_folder() / "actions" / "labels.csv").is_file()
    package = tmp_path / "site" / "vgcourse"
    package.mkdir(parents=True)
    monkeypatch.setattr(files, "__file__", str(package / "files.py"))
    with pytest.raises(ValueError, match="data: expected the course's data, received no such folder"):
        files.data_folder()
    (tmp_path / "site" / "data").mkdir()
    assert files.data_folder() == Path(tmp_path, "site", "data").resolve()
    (package / "_data").mkdir()  # a wheel brings its own: some other package's `data` may lie beside it
    assert files.data_folder() == (package / "_data").resolve()
