"""Weights in files: `.npz` of plain arrays and notes, without pickle.

They are checked against the shapes that the network expects, from the headers, before any element is read.
"""

from __future__ import annotations

import io
import json
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np

from symprop.errors import DataError, LimitError, listed, shown
from symprop.files import Source, opened, read_bytes, write_whole

LARGEST_META = 1_000_000
LARGEST_HEADER = 4_096
LARGEST_CONTENTS = 10_000_000
LARGEST_STATE = 40
"""So many times the size of the weights an optimiser's state has at most, for an unfinished training."""
LARGEST_HISTORY = 32_000_000
_LONGEST_END = 65_557  # of a zip file: its last record and the longest comment
_META = "__meta__"
UNFINISHED = "unfinished"
"""The note of weights of a training that has not ended."""
BESIDE = "training/"
"""How the names of arrays begin that stand beside the parameters of an unfinished training and are none of them."""
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


def save_weights(
    path: Source, params: Mapping[str, np.ndarray[Any, Any]], meta: Mapping[str, Any] | None = None
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


def load_weights(path: Source, shapes: Mapping[str, tuple[int, ...]], unfinished: bool = False) -> Weights:
    """Load the parameters that `shapes` names, each checked against its shape before it is read.

    Of an `unfinished` training, what stands beside the parameters is left alone.

    Raises:
        OutputError: the file cannot be read.
        DataError: no `.npz`; missing, extra or misshapen weights; object arrays; NaN or infinity.
        LimitError: the file is larger than such weights can be.
    """
    expected = sum(_bytes(shape) + 2 * LARGEST_HEADER for shape in shapes.values())
    beside = (LARGEST_STATE * expected + LARGEST_HISTORY) if unfinished else 0
    data = read_bytes(path, expected + beside + LARGEST_META + 65_536)
    where = shown(path, 200)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read_archive(archive, shapes, where, unfinished)
    except _ZIP_FAULTS as problem:
        raise DataError(f"{where} is not an .npz file of weights: {shown(problem)}") from None


def load_notes(path: Source) -> dict[str, Any]:
    """Return what `save_weights` was given as `meta`; no array is read.

    Raises:
        OutputError: the file cannot be read.
        DataError: no `.npz` file, or notes that are none.
        LimitError: a list of contents, or notes, that are too large.
    """
    where = shown(path, 200)
    try:
        with opened(path) as file:
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


def _read_archive(
    archive: zipfile.ZipFile, shapes: Mapping[str, tuple[int, ...]], where: str, unfinished: bool
) -> Weights:
    entries = {info.filename: info for info in archive.infolist()}
    names = [name.removesuffix(".npy") for name in entries if name != f"{_META}.npy"]
    if len(entries) != len(archive.infolist()):
        raise DataError(f"{where} holds the same name twice")
    missing = [name for name in shapes if f"{name}.npy" not in entries]
    if missing:
        raise DataError(f"{where} has no weights {shown(missing[0])}\nneeded: {listed(shapes, 100)}")
    extra = [name for name in names if name not in shapes and not (unfinished and name.startswith(BESIDE))]
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
