"""Files in and out: written whole or not at all, read within limits.

A file is written to a temporary one beside it, synced, and renamed over the target, which POSIX makes atomic: a
reader sees the old file or the new one. A target that is a directory or a symbolic link to a file is refused (writing
through a link would change a file that was not named). A device or a pipe, such as /dev/null, is written as it is; so
is what is open already, which is read from its beginning.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import IO

from symprop.errors import DataError, LimitError, OutputError, shown

try:
    import fcntl
except ImportError:  # Windows has no such locks; there nothing is swept
    fcntl = None  # type: ignore[assignment]

Source = str | os.PathLike[str] | IO[bytes]
"""Where bytes are: a path, or a file that is open."""

LARGEST_TEXT = 1_000_000
TEMPORARY = ".symprop-{}.tmp"
FRESH = 60.0
"""Temporary files that were written to less than so many seconds ago are never swept away."""


def write_whole(path: Source, content: str | bytes, admitted: Callable[[bytes], None] | None = None) -> None:
    """Write a file whole or not at all; an existing file keeps its permissions.

    What is `admitted` is asked of the bytes as they are read back from the disk, before they stand under their name;
    it raises where they may not.

    Raises:
        OutputError: the path is a directory or a link to a file, or cannot be written; nothing is left behind.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    if not isinstance(path, (str, os.PathLike)):
        try:
            path.write(data)
        except AttributeError:
            raise OutputError(f"cannot write {shown(path, 200)}: it is neither a path nor an open file") from None
        path.flush()
        return
    target = Path(path)
    if is_stream(target):
        _write_stream(target, data)
        return
    before = _writable(target)
    temporary = target.with_name(TEMPORARY.format(secrets.token_hex(8)))
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except OSError as problem:
        raise _output_error("write", target, problem) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            _hold(descriptor)
            file.write(data)
            file.flush()
            if before is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
            os.fsync(file.fileno())
        if admitted is not None:
            admitted(temporary.read_bytes())
        if before is not None:
            _move_on(temporary, before)
        os.replace(temporary, target)
    except OSError as problem:
        temporary.unlink(missing_ok=True)
        raise _output_error("write", target, problem) from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)
    _sweep(target.parent)


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Whether a path leads to a device or a pipe, which is written as it is: /dev/null, what `mkfifo` made."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):  # which writing says
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _write_stream(target: Path, data: bytes) -> None:
    try:
        with open(target, "wb", buffering=0) as stream:
            while data:
                data = data[stream.write(data) :]
    except BrokenPipeError:
        raise OutputError(f"cannot write {shown(target, 200)}: its reader is gone") from None
    except OSError as problem:
        raise _output_error("write", target, problem) from None


def check_writable(path: Source) -> None:
    """Raise now if `write_whole` would refuse `path`, before long work is done for it.

    Raises:
        OutputError: as `write_whole`.
    """
    if not isinstance(path, (str, os.PathLike)):
        return
    target = Path(path)
    if is_stream(target):
        if not os.access(target, os.W_OK):
            raise OutputError(f"cannot write {shown(target, 200)}: it cannot be written to")
        return
    _writable(target)
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write {shown(target, 200)}: its folder cannot be written to")


def _writable(target: Path) -> os.stat_result | None:
    """Return what stands at `target`, None if nothing; refuse what must not be replaced."""
    try:
        found = os.lstat(target)
    except FileNotFoundError:
        if not target.parent.is_dir():
            raise OutputError(f"cannot write {shown(target, 200)}: the folder does not exist") from None
        return None
    except (OSError, ValueError) as problem:
        raise _output_error("write", target, problem) from None
    if not stat.S_ISREG(found.st_mode):
        what = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "a directory"
        allowed = "a new file, an ordinary file to replace, or a device or pipe"
        raise OutputError(f"cannot write {shown(target, 200)}: it is {what}\nallowed: {allowed}")
    if not os.access(target, os.W_OK):
        raise OutputError(f"cannot write {shown(target, 200)}: the file is read-only")
    return found


def _move_on(temporary: Path, before: os.stat_result) -> None:
    """Give a rewritten file another second than the old one: Python tells stale `.pyc` files by second and length."""
    now = os.stat(temporary)
    if int(now.st_mtime) <= int(before.st_mtime) < int(now.st_mtime) + 60:
        os.utime(temporary, (now.st_atime, int(before.st_mtime) + 1))


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself last; where a file system has no such thing, the file is whole all the same."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def _hold(descriptor: int) -> bool:
    """Lock a temporary file while its writer lives; False where another holds it, or the system has no such locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sweep(folder: Path) -> None:
    """Remove temporary files whose writers were killed: nobody holds them, and they are not of this moment."""
    for left in folder.glob(TEMPORARY.format("*")):
        with suppress(OSError):  # it went away, or is another user's
            if time.time() - left.lstat().st_mtime < FRESH:
                continue
            descriptor = os.open(left, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                if _hold(descriptor):
                    left.unlink()
            finally:
                os.close(descriptor)


def _output_error(verb: str, path: object, problem: Exception) -> OutputError:
    number = problem.errno if isinstance(problem, OSError) else None
    reason = "the disk is full" if number == errno.ENOSPC else os.strerror(number) if number else str(problem)
    return OutputError(f"cannot {verb} {shown(path, 200)}: {reason}")


def opened(source: Source, pipes: bool = False) -> AbstractContextManager[IO[bytes]]:
    """Open an ordinary file for reading, or also a pipe; one that is open is read from its beginning."""
    if not isinstance(source, (str, os.PathLike)):
        try:
            source.seek(0)
        except AttributeError:
            raise OutputError(f"cannot read {shown(source, 200)}: it is neither a path nor an open file") from None
        return nullcontext(source)
    try:
        mode = os.stat(source).st_mode
        if not (stat.S_ISREG(mode) or (pipes and stat.S_ISFIFO(mode))):
            raise OutputError(f"cannot read {shown(source, 200)}: it is not an ordinary file")
        return open(source, "rb")
    except (OSError, ValueError) as problem:
        raise _output_error("read", source, problem) from None


def read_bytes(source: Source, limit: int) -> bytes:
    """Read an ordinary file or a pipe of at most `limit` bytes.

    Raises:
        OutputError: neither, or it cannot be read.
        LimitError: larger than `limit`.
    """
    with opened(source, pipes=True) as file:
        try:
            data = file.read(limit + 1)
        except OSError as problem:
            raise _output_error("read", source, problem) from None
    if len(data) > limit:
        raise LimitError(f"{shown(source, 200)} is larger than {limit:,} bytes")
    return data


def read_text(path: Source, limit: int = LARGEST_TEXT) -> str:
    """Read a UTF-8 file of at most `limit` bytes, a byte order mark taken off.

    Raises:
        OutputError: not an ordinary file, or it cannot be read.
        LimitError: larger than `limit`.
        DataError: not UTF-8.
    """
    try:
        return read_bytes(path, limit).decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise DataError(f"{shown(path, 200)} is not UTF-8 text: byte {problem.start + 1} cannot be read") from None
