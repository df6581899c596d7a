"""Files that are whole or not there."""

import contextlib
import errno
import os
import stat
import uuid
from pathlib import Path

_PARTIAL = ".{}.partial"
# Writing takes far less than this, so that what is older has lost its writer.
_ABANDONED_AFTER = 600.0


def write_atomically(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file so that no reader, and no crash, ever sees a part of it.

    Of a link its target is written, and a file that is there keeps its mode. Unless ``replace``, a
    FileExistsError if there is one: of several processes, one writes. An OSError if the folder
    cannot be written to, or there is a file that is write-protected, or something that is no
    file; what was at ``path`` is then as it was.
    """
    # Moving a file onto a link or a device would put it in their place.
    target = Path(os.path.realpath(path))
    before = _status_to_keep(path) if replace else None
    temporary = target.with_name(_PARTIAL.format(uuid.uuid4().hex))
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if before is not None:
            _give_status(temporary, before)
        if replace or not _linked(temporary, target):
            os.replace(temporary, target)
    except OSError as error:
        if error.errno is None:
            raise
        # Of the file that was asked for; a full disk gives no name, others the temporary one.
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        # After a replace it is gone.
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _status_to_keep(path: Path) -> os.stat_result | None:
    """Return the status of the file that is to be replaced; None if there is none.

    An OSError if what is there must not be replaced.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        reason = "It is a device, a pipe or a socket, and is not replaced by a file"
        raise OSError(errno.EINVAL, reason, str(path))
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "The file is write-protected", str(path))
    return status


def _give_status(path: Path, status: os.stat_result) -> None:
    """Give a file the mode of another, and its owner where that is allowed."""
    with contextlib.suppress(OSError, AttributeError):  # some systems have no owners
        if (status.st_uid, status.st_gid) != (os.getuid(), os.getgid()):
            os.chown(path, status.st_uid, status.st_gid)
    os.chmod(path, stat.S_IMODE(status.st_mode))


def _linked(temporary: Path, path: Path) -> bool:
    """Give a file its name if nothing has it; False where the file system has no links."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        return False
    return True


def remove_abandoned(folder: Path) -> None:
    """Remove the unfinished files of writers that were killed.

    Those of writers that may be alive stay: what is younger than ten minutes, by the clock of
    the file system, since the folder may be another machine's. An OSError if the folder cannot
    be written to.
    """
    probe = folder / _PARTIAL.format(uuid.uuid4().hex)
    try:
        probe.touch(exist_ok=False)
        now = probe.stat().st_mtime
        for path in folder.glob(_PARTIAL.format("*")):
            # Another process may be removing them too.
            with contextlib.suppress(OSError):
                if path == probe or path.stat().st_mtime < now - _ABANDONED_AFTER:
                    path.unlink()
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
