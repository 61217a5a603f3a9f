"""Tables of examples from CSV files: read with the line and column of every fault, split, scaled, in batches."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symprop.errors import DataError, LimitError, SpecError, listed, shown
from symprop.files import Source, read_bytes
from symprop.hints import closest

LARGEST_FILE = 200_000_000
MOST_COLUMNS = 100_000
SCALINGS = ("standard", "largest", "none")

Floats = np.ndarray[Any, np.dtype[np.float64]]
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Table:
    """Examples as rows: `features` (rows, columns) float64 and `target`, one value each.

    For classes `target` holds ids 0, 1, ..., and `classes` their labels as written; for numbers it is float64 of
    shape (rows, 1) and `classes` is empty. `names` are those of the feature columns.
    """

    features: Floats
    target: Array
    names: tuple[str, ...]
    classes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """The number of examples."""
        return len(self.features)

    @property
    def digest(self) -> str:
        """What tells this table from every other: the SHA-256 of its names, labels and numbers."""
        found = hashlib.sha256(repr((self.names, self.classes, self.features.shape)).encode())
        found.update(np.ascontiguousarray(self.features).tobytes())
        found.update(np.ascontiguousarray(self.target).tobytes())
        return found.hexdigest()

    def take(self, rows: Array) -> Table:
        """Return the table of some of the rows."""
        return Table(self.features[rows], self.target[rows], self.names, self.classes)


@dataclass(frozen=True)
class Scaling:
    """How features were scaled: `(x - offset) / scale`, column by column, learned from the training rows alone."""

    kind: str
    offset: Floats
    scale: Floats

    def __call__(self, features: Floats) -> Floats:
        return (features - self.offset) / self.scale

    @property
    def text(self) -> str:
        """What was done, for people."""
        return {
            "standard": "each feature minus its mean, divided by its standard deviation (of the training rows)",
            "largest": "all features divided by the largest absolute value of the training rows",
            "none": "features as they are",
        }[self.kind]


def read_table(path: Source, target: str, classification: bool) -> Table:
    """Read a CSV file with a header row; every column but `target` is a feature.

    Raises:
        OutputError: the file cannot be read.
        DataError: empty, ragged or without the target, or a field that is not a finite number; line and column named.
        LimitError: a file larger than 200 MB, or with more than 100,000 columns.
    """
    where = shown(path, 200)
    rows = _rows(read_bytes(path, LARGEST_FILE), where)
    _, header = next(rows, (0, []))
    names = [name.strip() for name in header]
    _check_header(names, target, where)
    position = names.index(target)
    features, labels = array("d"), []
    for line, row in rows:
        if len(row) != len(names):
            raise DataError(f"{where}, line {line}: {len(row)} fields, the header has {len(names)}")
        for column, field in enumerate(row):
            if column == position:
                labels.append(_label(field, line, target, where) if classification else field.strip())
                if not classification:
                    _number(field, line, target, where)
            else:
                features.append(_number(field, line, names[column], where))
    if not labels:
        raise DataError(f"{where} has a header but no rows")
    matrix = np.frombuffer(features, dtype=np.float64).reshape(len(labels), len(names) - 1)
    others = tuple(name for name in names if name != target)
    if not classification:
        return Table(matrix, np.array([[float(label)] for label in labels]), others)
    classes = _sorted_classes(labels)
    ids = {label: number for number, label in enumerate(classes)}
    return Table(matrix, np.array([ids[label] for label in labels], dtype=np.int64), others, classes)


def read_features(path: Source, names: Sequence[str]) -> Floats:
    """Read the columns `names` of a CSV file, in this order; other columns are left out.

    Raises:
        OutputError: the file cannot be read.
        DataError: a missing column, a ragged row, or a field that is not a finite number; line and column named.
        LimitError: as `read_table`.
    """
    where = shown(path, 200)
    rows = _rows(read_bytes(path, LARGEST_FILE), where)
    _, header = next(rows, (0, []))
    found = [name.strip() for name in header]
    for name in names:
        _check_header(found, name, where, alone=True)
    places = [found.index(name) for name in names]
    values = array("d")
    for line, row in rows:
        if len(row) != len(found):
            raise DataError(f"{where}, line {line}: {len(row)} fields, the header has {len(found)}")
        values.extend(_number(row[place], line, name, where) for place, name in zip(places, names, strict=True))
    return np.frombuffer(values, dtype=np.float64).reshape(-1, len(places))


def _rows(data: bytes, where: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows with their line numbers, empty lines left out."""
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline=""), strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            raise DataError(f"{where}, line {reader.line_num}: not CSV: {shown(problem)}") from None
        except UnicodeDecodeError:
            raise DataError(f"{where}, after line {reader.line_num}: not UTF-8 text") from None
        if row:
            yield reader.line_num, row


def _check_header(names: list[str], target: str, where: str, alone: bool = False) -> None:
    if not names:
        raise DataError(f"{where} is empty\nneeded: a header row, then rows of numbers")
    if len(names) > MOST_COLUMNS:
        raise LimitError(f"{where} has {len(names):,} columns; at most {MOST_COLUMNS:,} are allowed")
    if target not in names:
        raise DataError(f"{where} has no column {shown(target)}{closest(target, names)}\ncolumns: {listed(names, 100)}")
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(f"{where} has two columns {shown(name)}")
        seen.add(name)
    if len(names) == 1 and not alone:
        raise DataError(f"{where} has no column besides {shown(target)}")


def _number(field: str, line: int, column: str, where: str) -> float:
    """Return a field as a finite number. `float` alone would take `1_000`, `nan` and digits of other scripts."""
    try:
        value = float(field) if field.isascii() and "_" not in field else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where}, line {line}, column {shown(column)}: {shown(field)} is not a finite number")
    return value


NO_LABELS = frozenset(["nan", "inf", "-inf", "+inf", "infinity", "-infinity", "none", "null", "na", "n/a"])


def _label(field: str, line: int, column: str, where: str) -> str:
    label = field.strip()
    if not label or label.lower() in NO_LABELS:
        raise DataError(f"{where}, line {line}, column {shown(column)}: {shown(field)} is not a class label")
    return label


def _sorted_classes(labels: list[str]) -> tuple[str, ...]:
    """The different labels, by number where all are whole numbers, else by text."""
    different = list(dict.fromkeys(labels))
    if all(label.isascii() and label.isdecimal() and len(label) < 20 for label in different):
        return tuple(sorted(different, key=lambda label: (int(label), label)))
    return tuple(sorted(different))


def split(table: Table, fraction: float, seed: int, what: str = "test") -> tuple[Table, Table]:
    """Return (training part, test part) after a seeded shuffle; `fraction` of the rows, rounded, are the test part.

    `what` is the name of the part that is held out, for messages.

    Raises:
        SpecError: a fraction that is not from 0 to below 1, or a negative seed.
        DataError: too few rows for both parts.
    """
    if not 0 <= fraction < 1:
        raise SpecError(f"a {what} fraction is at least 0 and below 1, not {fraction}")
    if seed < 0:
        raise SpecError(f"a seed is at least 0, not {seed}")
    order = np.random.default_rng(seed).permutation(table.rows)
    held_out = round(fraction * table.rows)
    if fraction and not 0 < held_out < table.rows:
        raise DataError(f"{table.rows} rows are too few to hold out a fraction of {fraction}")
    return table.take(order[held_out:]), table.take(order[:held_out])


def fit_scaling(features: Floats, kind: str = "standard") -> Scaling:
    """Return the scaling that training rows ask for; a column that never changes is moved to 0 and not divided.

    >>> fit_scaling(np.array([[0.0, 5.0], [2.0, 5.0]]))(np.array([[2.0, 5.0]]))
    array([[1., 0.]])

    Raises:
        SpecError: an unknown kind.
    """
    columns = features.shape[1]
    if kind == "none":
        return Scaling(kind, np.zeros(columns), np.ones(columns))
    if kind == "largest":
        return Scaling(kind, np.zeros(columns), np.full(columns, np.abs(features).max(initial=0.0) or 1.0))
    if kind != "standard":
        raise SpecError(f"unknown scaling {shown(kind)}{closest(kind, SCALINGS)}\nallowed: {', '.join(SCALINGS)}")
    with np.errstate(over="ignore", invalid="ignore"):
        offset, deviation = features.mean(axis=0), features.std(axis=0)
    if not (np.isfinite(offset).all() and np.isfinite(deviation).all()):
        raise DataError("features too large to standardise: their squares leave float64")
    steady = deviation <= 1e-12 * np.abs(features).max(axis=0, initial=0.0)
    return Scaling(kind, offset, np.where(steady, 1.0, deviation))


def batches(rows: int, size: int, generator: np.random.Generator) -> Iterator[Array]:
    """Yield the row numbers of one epoch in batches of `size`, shuffled; the last one may be smaller.

    >>> [len(rows) for rows in batches(10, 4, np.random.default_rng(0))]
    [4, 4, 2]

    Raises:
        SpecError: a batch of no rows.
    """
    if size < 1:
        raise SpecError(f"a batch has at least 1 row, not {size}")
    order = generator.permutation(rows)
    for start in range(0, rows, size):
        yield order[start : start + size]
