"""Files in and out: written whole or not at all, read within limits, weights without pickle.

A file is written to a temporary one beside it, synced, and renamed over the target, which POSIX makes atomic: a
reader sees the old file or the new one. A target that is a directory, a device or a symbolic link is refused (writing
through a link would change a file that was not named). Weights are `.npz` files of plain arrays; they are checked
against the shapes that the network expects, from the headers, before any element is read.
"""

from __future__ import annotations

import errno
import io
import json
import math
import os
import secrets
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from symprop.errors import DataError, LimitError, OutputError, listed, shown

LARGEST_TEXT = 1_000_000
LARGEST_META = 1_000_000
LARGEST_HEADER = 4_096
LARGEST_CONTENTS = 10_000_000
_LONGEST_END = 65_557  # of a zip file: its last record and the longest comment
_META = "__meta__"
_ZIP_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
)
"""What zipfile raises for damaged, encrypted or exotic archives (found by damaging archives at random)."""


@dataclass(frozen=True)
class Weights:
    """Parameters by name, and what was saved about them: a dictionary of plain values."""

    params: dict[str, np.ndarray[Any, Any]]
    meta: dict[str, Any] = field(default_factory=dict)


def write_whole(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file whole or not at all; an existing file keeps its permissions.

    Raises:
        OutputError: the path is a directory, a link or a device, or cannot be written; nothing is left behind.
    """
    target = Path(path)
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    before = _writable(target)
    temporary = target.with_name(f".symprop-{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except OSError as problem:
        raise _output_error("write", target, problem) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if before is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
            os.fsync(file.fileno())
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


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise now if `write_whole` would refuse `path`, before long work is done for it.

    Raises:
        OutputError: as `write_whole`.
    """
    target = Path(path)
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
    kinds = {stat.S_IFDIR: "a directory", stat.S_IFLNK: "a symbolic link"}
    if not stat.S_ISREG(found.st_mode):
        what = kinds.get(stat.S_IFMT(found.st_mode), "a device or pipe")
        raise OutputError(
            f"cannot write {shown(target, 200)}: it is {what}\nallowed: a new file, or an ordinary file to replace"
        )
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


def _output_error(verb: str, path: Path, problem: Exception) -> OutputError:
    number = problem.errno if isinstance(problem, OSError) else None
    reason = "the disk is full" if number == errno.ENOSPC else os.strerror(number) if number else str(problem)
    return OutputError(f"cannot {verb} {shown(path, 200)}: {reason}")


def _opened(source: Path) -> IO[bytes]:
    """Open an ordinary file for reading."""
    try:
        if not stat.S_ISREG(os.stat(source).st_mode):
            raise OutputError(f"cannot read {shown(source, 200)}: it is not an ordinary file")
        return open(source, "rb")
    except (OSError, ValueError) as problem:
        raise _output_error("read", source, problem) from None


def read_bytes(path: str | os.PathLike[str], limit: int) -> bytes:
    """Read an ordinary file of at most `limit` bytes.

    Raises:
        OutputError: not an ordinary file, or it cannot be read.
        LimitError: larger than `limit`.
    """
    source = Path(path)
    with _opened(source) as file:
        try:
            data = file.read(limit + 1)
        except OSError as problem:
            raise _output_error("read", source, problem) from None
    if len(data) > limit:
        raise LimitError(f"{shown(source, 200)} is larger than {limit:,} bytes")
    return data


def read_text(path: str | os.PathLike[str], limit: int = LARGEST_TEXT) -> str:
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


def save_weights(
    path: str | os.PathLike[str], params: Mapping[str, np.ndarray[Any, Any]], meta: Mapping[str, Any] | None = None
) -> None:
    """Save parameters, and `meta` as JSON beside them, as an `.npz` file without pickles.

    Raises:
        OutputError: as `write_whole`.
        DataError: a parameter that is not a float array.
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    for name, value in params.items():
        arrays[name] = np.asarray(value)
        if arrays[name].dtype not in (np.float32, np.float64):
            raise DataError(f"weights {shown(name)} are {arrays[name].dtype}, allowed: float32 and float64")
    arrays[_META] = np.frombuffer(json.dumps(dict(meta or {}), sort_keys=True).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write_whole(path, buffer.getvalue())


def load_weights(path: str | os.PathLike[str], shapes: Mapping[str, tuple[int, ...]]) -> Weights:
    """Load the parameters that `shapes` names, each checked against its shape before it is read.

    Raises:
        OutputError: the file cannot be read.
        DataError: no `.npz`; missing, extra or misshapen weights; object arrays; NaN or infinity.
        LimitError: the file is larger than such weights can be.
    """
    expected = sum(_bytes(shape) + 2 * LARGEST_HEADER for shape in shapes.values())
    data = read_bytes(path, expected + LARGEST_META + 65_536)
    where = shown(path, 200)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read_archive(archive, shapes, where)
    except _ZIP_FAULTS as problem:
        raise DataError(f"{where} is not an .npz file of weights: {shown(problem)}") from None


def load_notes(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what `save_weights` was given as `meta`; no array is read.

    Raises:
        OutputError: the file cannot be read.
        DataError: no `.npz` file, or notes that are none.
        LimitError: a list of contents, or notes, that are too large.
    """
    where = shown(path, 200)
    try:
        with _opened(Path(path)) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LONGEST_END))
            end = file.read(_LONGEST_END)
            place = end.rfind(b"PK\5\6")
            contents = int.from_bytes(end[place + 12 : place + 16], "little") if place >= 0 else 0
            if contents > LARGEST_CONTENTS:  # zipfile would read it whole
                raise LimitError(f"{where}: a list of contents of more than {LARGEST_CONTENTS:,} bytes")
            with zipfile.ZipFile(file) as archive:
                return _read_meta(archive, {info.filename: info for info in archive.infolist()}, where)
    except _ZIP_FAULTS as problem:
        raise DataError(f"{where} is not an .npz file of weights: {shown(problem)}") from None


def _bytes(shape: tuple[int, ...]) -> int:
    return math.prod(shape, start=8)


def _read_archive(archive: zipfile.ZipFile, shapes: Mapping[str, tuple[int, ...]], where: str) -> Weights:
    entries = {info.filename: info for info in archive.infolist()}
    names = [name.removesuffix(".npy") for name in entries if name != f"{_META}.npy"]
    if len(entries) != len(archive.infolist()):
        raise DataError(f"{where} holds the same name twice")
    missing = [name for name in shapes if f"{name}.npy" not in entries]
    if missing:
        raise DataError(f"{where} has no weights {shown(missing[0])}\nneeded: {listed(shapes, 100)}")
    extra = [name for name in names if name not in shapes]
    if extra:
        raise DataError(f"{where} holds {shown(extra[0])}, which the network does not have")
    params = {}
    for name, shape in shapes.items():
        entry = entries[f"{name}.npy"]
        if entry.file_size > _bytes(shape) + LARGEST_HEADER:
            raise DataError(f"{where}: {name} claims {entry.file_size:,} bytes, shape {shape} needs {_bytes(shape):,}")
        with archive.open(entry) as file:
            params[name] = _read_array(file, shape, f"{where}: {name}")
    return Weights(params, _read_meta(archive, entries, where))


def _read_array(file: IO[bytes], shape: tuple[int, ...], what: str) -> np.ndarray[Any, Any]:
    try:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise DataError(f"{what} has a header of version {version}; allowed: 1.0, as np.savez writes it")
        header = np.lib.format.read_array_header_1_0(file, max_header_size=LARGEST_HEADER)
    except (ValueError, TypeError, OverflowError, MemoryError, RecursionError) as problem:
        raise DataError(f"{what} has no valid header: {shown(problem)}") from None
    found, fortran, dtype = header
    if found != tuple(shape):
        raise DataError(f"{what} has shape {shown(found)}, the network needs {tuple(shape)}")
    if dtype.newbyteorder("=") not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise DataError(f"{what} is {shown(dtype)}; allowed: float32 and float64")
    count = _bytes(shape) // 8
    data = file.read(count * dtype.itemsize + 1)
    if len(data) != count * dtype.itemsize:
        raise DataError(
            f"{what} has {len(data):,} bytes of data, shape {tuple(shape)} needs {count * dtype.itemsize:,}"
        )
    array = np.frombuffer(data, dtype=dtype).reshape(shape, order="F" if fortran else "C")
    array = array.astype(dtype.newbyteorder("="), order="C")
    if not np.isfinite(array).all():
        place = tuple(int(index) for index in np.argwhere(~np.isfinite(array))[0])
        raise DataError(f"{what} holds {array[place]} at index {place}")
    return array


def _read_meta(archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], where: str) -> dict[str, Any]:
    entry = entries.get(f"{_META}.npy")
    if entry is None:
        return {}
    if entry.file_size > LARGEST_META:
        raise LimitError(f"{where}: notes of more than {LARGEST_META:,} bytes")
    with archive.open(entry) as file:
        data = file.read(LARGEST_META + 1)
    try:
        start = 10 + int.from_bytes(data[8:10], "little")  # a .npy header of version 1.0
        meta = json.loads(data[start:])
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{where}: the notes cannot be read: {shown(problem)}") from None
    if not isinstance(meta, dict):
        raise DataError(f"{where}: the notes are not a dictionary")
    return meta
