"""Files that are whole or not there, also where the file system has no hard links."""

import errno
import os
import stat

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


def test_a_link_is_written_through(tmp_path):
    target, link = tmp_path / "target", tmp_path / "folder" / "link"
    target.write_bytes(b"old")
    link.parent.mkdir()
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    target.unlink()  # ... also one that leads to no file yet
    write_atomically(link, b"again")
    assert link.is_symlink()
    assert target.read_bytes() == b"again"
    assert os.listdir(link.parent) == ["link"]
    assert sorted(os.listdir(tmp_path)) == ["folder", "target"]


@pytest.mark.skipif(os.name != "posix", reason="other systems have no modes")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_a_file_keeps_its_mode(tmp_path, mode):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="other systems have no pipes")
def test_what_is_no_file_is_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    for path in (pipe, tmp_path / "link"):
        with pytest.raises(OSError, match=f"not replaced by a file.*{path.name}"):
            write_atomically(path, b"new")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        write_atomically(tmp_path, b"new")
    assert sorted(os.listdir(tmp_path)) == ["link", "pipe"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_write_protected_file_is_not_replaced(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o444)
    with pytest.raises(PermissionError, match="write-protected"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
