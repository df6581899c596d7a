"""Files that are whole or not there, also where the file system has no hard links."""

import errno
import os

import pytest

from sklearn_reasoning._runs.atomic_files import write_atomically


@pytest.fixture(params=["with links", "without links"])
def folder(request, tmp_path, monkeypatch):
    def refused(*args, **kwargs):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if request.param == "without links":  # as on FAT, and some network drives
        monkeypatch.setattr(os, "link", refused)
    return tmp_path


@pytest.mark.parametrize("replace", [True, False])
def test_a_new_file_is_there_and_nothing_beside_it(folder, replace):
    write_atomically(folder / "a", b"content", replace=replace)
    assert [path.name for path in folder.iterdir()] == ["a"]
    assert (folder / "a").read_bytes() == b"content"


def test_a_file_that_is_there_is_replaced_or_kept(folder):
    path = folder / "a"
    path.write_bytes(b"first")
    with pytest.raises(FileExistsError, match="a"):
        write_atomically(path, b"second", replace=False)
    assert path.read_bytes() == b"first"
    write_atomically(path, b"third")
    assert path.read_bytes() == b"third"
    assert [path.name for path in folder.iterdir()] == ["a"]
