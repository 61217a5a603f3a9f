"""The columns of a table as the inputs of a network: which columns are whose, and arrays of them in their shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import prod

from symprop.algebra.declarations import takes_lengths
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import INPUT
from symprop.data import Scaling, fit_scaling
from symprop.errors import DataError, SpecError, listed, shown
from symprop.hints import closest
from symprop.networks import Network

Array = np.ndarray[Any, np.dtype[Any]]
MOST_LISTED = 120
"""How many characters of columns a message lists."""


@dataclass(frozen=True)
class Columns:
    """For each input of a network the places of its columns: those of an array in row-major order.

    A mask may have one column, of the lengths of sequences.
    """

    inputs: tuple[Variable, ...]
    places: tuple[tuple[int, ...], ...]

    def lengths(self, each: Variable) -> bool:
        """Whether an input has a column of lengths."""
        return len(self.places[self.inputs.index(each)]) < int(prod(each.shape))

    @property
    def count(self) -> int:
        """How many columns there are in all."""
        return sum(map(len, self.places))

    def fit_scaling(self, rows: Array, kind: str) -> Scaling:
        """Return the scaling that training rows ask for; ids, given data and what has facts stay as they are."""
        free = [place for each, places in self._each() if each.role == INPUT and not each.said for place in places]
        found = fit_scaling(rows[:, sorted(free)], kind if free else "none")
        offset, scale = np.zeros(self.count), np.ones(self.count)
        offset[sorted(free)], scale[sorted(free)] = found.offset, found.scale
        return Scaling(found.kind, offset, scale)

    def check_ids(self, rows: Array, names: Sequence[str]) -> None:
        """Raise where a value that should be an id, or a length, is none; `names` are those of the columns, or none.

        Raises:
            DataError: row, column and value of the first.
        """
        for each, places in self._each():
            kind, ids = ("length", each.shape[0] + 1) if self.lengths(each) else ("id", each.facts_by_kind.get("index"))
            if ids is not None:
                found = rows[:, places]
                wrong = (found != np.floor(found)) | (found < 0) | (found >= int(ids))
                if wrong.any():
                    row, column = map(int, np.argwhere(wrong)[0])
                    where = f"row {row + 1}, column {names[places[column]]!r}" if names else f"row {row + 1}"
                    raise DataError(f"{where}: {found[row, column]:g} is no {kind} from 0 to {ids - 1}")

    def arrays(self, rows: Array, dtype: Any) -> Array | dict[str, Array]:
        """Return rows of scaled columns as a generated module takes them: an array, or a dict where there are more."""
        found = {}
        for each, places in self._each():
            shape = () if self.lengths(each) else tuple(map(int, each.shape))
            values = rows[:, places].reshape(len(rows), *shape)
            found[each.name] = values.astype(np.int64 if "index" in each.facts_by_kind or not shape else dtype)
        return found if len(found) > 1 else next(iter(found.values()))

    def rows(self, given: Any) -> Array:
        """Return what a user gives as rows of all columns: such rows, arrays of the inputs' shapes, or a dict of them.

        Raises:
            DataError: no numbers, other inputs, or other shapes.
        """
        if isinstance(given, Mapping):
            return self._joined(given)
        rows = _numbers(given, "features")
        shape = tuple(map(int, self.inputs[0].shape))
        if len(self.inputs) == 1 and rows.ndim > 2 and rows.shape[1:] == shape:
            return rows.reshape(len(rows), -1)
        if rows.ndim != 2 or rows.shape[1] != self.count:
            raise DataError(f"features have shape {rows.shape}, the network takes rows of {self.count} numbers")
        return rows

    def _joined(self, given: Mapping[str, Any]) -> Array:
        names = [each.name for each in self.inputs]
        for name in given:
            if name not in names:
                raise DataError(
                    f"the network has no input {shown(name)}{closest(str(name), names)}\nit has {listed(names)}"
                )
        found: list[Array] = []
        for each in self.inputs:
            if each.name not in given:
                raise DataError(f"the input {each.name} is missing\nthe network has {listed(names)}")
            values, whole = _numbers(given[each.name], each.name), tuple(map(int, each.shape))
            if takes_lengths(each, 0) and values.ndim == 1 and not self.lengths(each):
                values = (np.arange(whole[0]) < values[:, None]).reshape(-1, *whole)
            one = () if self.lengths(each) else whole
            shape = (len(found[0]) if found else values.shape[0] if values.ndim else 0, *one)
            if values.shape != shape:
                raise DataError(f"{each.name} has shape {values.shape}, the network takes {shape}")
            found.append(values.reshape(len(values), -1))
        rows = np.zeros((len(found[0]), self.count))
        for places, values in zip(self.places, found, strict=True):
            rows[:, places] = values
        return rows

    def _each(self) -> list[tuple[Variable, tuple[int, ...]]]:
        return list(zip(self.inputs, self.places, strict=True))


def columns_of(network: Network, names: Sequence[str] = ()) -> Columns:
    """Return which of the columns `names` are whose; without names, the inputs' columns stand one after the other.

    The columns of a further input have its name in front, `memory_1`, `memory.1` or `memory1`; all others are the first
    input's. Where all of an input are numbered so, they are taken in the order of their numbers, else in that of the
    table. A mask has a column for each position, or one of lengths.

    Raises:
        SpecError: a size of the network is a name.
        DataError: an input takes more or fewer columns than there are.
    """
    inputs = network.system().inputs
    for each in inputs:
        for size in each.shape:
            if not size.is_Integer:
                raise SpecError(f"training needs numbers for sizes, {size} is a name\nallowed: --sizes {size}=64")
    widths = [int(prod(each.shape)) for each in inputs]
    if not names:
        ends = [sum(widths[: number + 1]) for number in range(len(widths))]
        return Columns(inputs, tuple(tuple(range(end - width, end)) for end, width in zip(ends, widths, strict=True)))
    owner = [_owner(name, [each.name for each in inputs]) for name in names]
    places = tuple(_places(names, owner, each.name) for each in inputs)
    for each, width, found in zip(inputs, widths, places, strict=True):
        if width == len(found) or (len(found) == 1 and takes_lengths(each, 0)):
            continue
        if len(inputs) == 1:
            raise DataError(f"the network takes {width} features, the table has {len(found)}")
        further, count = each is not inputs[0], f"{width} column{'s' * (width > 1)}"
        whose = f"{count} {each.name}_1, {each.name}_2, ..." if further else f"{count} that are no other input's"
        has = f"{len(found)}: {listed([names[place] for place in found], MOST_LISTED)}" if found else "none"
        raise DataError(f"the input {each.name} takes {whose}, the table has {has}")
    return Columns(inputs, places)


def _places(names: Sequence[str], owner: Sequence[str], name: str) -> tuple[int, ...]:
    """The places of the columns of an input: in the order of their numbers, if all have one."""
    found = [place for place, own in enumerate(owner) if own == name]
    numbers = {place: [int(part) for part in re.findall(r"\d+", names[place][len(name) :])] for place in found}
    if all(re.fullmatch(rf"{re.escape(name)}[_.]?\d+([_.]\d+)*", names[place]) for place in found):
        found.sort(key=lambda place: numbers[place])
    return tuple(found)


def _owner(column: str, inputs: Sequence[str]) -> str:
    """The input whose name stands in front of a column's, the longest such name; the first input, where none does."""
    found = [name for name in inputs if re.fullmatch(rf"{re.escape(name)}([_.].*|\d+)?", column, re.DOTALL)]
    return max(found, key=len, default=inputs[0])


def _numbers(value: Any, what: str) -> Array:
    try:
        found = np.asarray(value)
        if found.dtype.kind == "c" or isinstance(value, np.ma.MaskedArray):
            raise DataError(f"{what} are rows of numbers, neither complex nor masked")
        return found.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        raise DataError(f"{what} are rows of numbers") from None


__all__ = ["Columns", "columns_of"]
