"""Files that are whole or not there."""

import contextlib
import errno
import os
import uuid
from pathlib import Path

_PARTIAL = ".{}.partial"
# Writing takes far less than this, so that what is older has lost its writer.
_ABANDONED_AFTER = 600.0


def write_atomically(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file so that no reader, and no crash, ever sees a part of it.

    Unless ``replace``, a FileExistsError if there is one: of several processes, one writes. An
    OSError if the folder cannot be written to; what was at ``path`` is then as it was.
    """
    temporary = path.with_name(_PARTIAL.format(uuid.uuid4().hex))
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace or not _linked(temporary, path):
            os.replace(temporary, path)
    except OSError as error:
        if error.errno is None:
            raise
        # Of the file that was asked for; a full disk gives no name, others the temporary one.
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        # After a replace it is gone.
        with contextlib.suppress(OSError):
            os.unlink(temporary)


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
