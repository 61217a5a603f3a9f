"""The columns of a table as the inputs of a network: which columns are whose, and arrays of them in their shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import prod

from symprop.algebra.names import closest
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import INPUT
from symprop.data import Scaling, fit_scaling
from symprop.errors import DataError, SpecError, listed, shown
from symprop.networks import Network

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Columns:
    """For each input of a network the places of its columns: those of an array in row-major order."""

    inputs: tuple[Variable, ...]
    places: tuple[tuple[int, ...], ...]

    @property
    def count(self) -> int:
        """How many columns there are in all."""
        return sum(map(len, self.places))

    def fit_scaling(self, rows: Array, kind: str) -> Scaling:
        """Return the scaling that training rows ask for; ids, given data and what has facts stay as they are."""
        free = [place for each, places in self._each() if each.role == INPUT and not each.facts for place in places]
        found = fit_scaling(rows[:, sorted(free)], kind if free else "none")
        offset, scale = np.zeros(self.count), np.ones(self.count)
        offset[sorted(free)], scale[sorted(free)] = found.offset, found.scale
        return Scaling(found.kind, offset, scale)

    def wrong_id(self, rows: Array) -> tuple[int, int, int] | None:
        """Return row, column and number of ids of the first value that should be an id and is none."""
        for each, places in self._each():
            ids = each.facts_by_kind.get("index")
            if ids is not None:
                found = rows[:, places]
                wrong = (found != np.floor(found)) | (found < 0) | (found >= int(ids))
                if wrong.any():
                    row, column = map(int, np.argwhere(wrong)[0])
                    return row, places[column], int(ids)
        return None

    def arrays(self, rows: Array, dtype: Any) -> Array | dict[str, Array]:
        """Return rows of scaled columns as a generated module takes them: an array, or a dict where there are more."""
        found = {
            each.name: rows[:, places]
            .reshape(len(rows), *map(int, each.shape))
            .astype(np.int64 if "index" in each.facts_by_kind else dtype)
            for each, places in self._each()
        }
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
            values = _numbers(given[each.name], each.name)
            shape = (len(found[0]) if found else values.shape[0] if values.ndim else 0, *map(int, each.shape))
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

    The columns of a further input have its name in front, `memory_1` or `memory.1`; all others are the first input's.

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
    places = tuple(tuple(place for place, own in enumerate(owner) if own == each.name) for each in inputs)
    for each, width, found in zip(inputs, widths, places, strict=True):
        if width == len(found):
            continue
        if len(inputs) == 1:
            raise DataError(f"the network takes {width} features, the table has {len(found)}")
        further = each is not inputs[0]
        whose = f"columns {each.name}_1, {each.name}_2, ..." if further else "columns of no other input"
        raise DataError(f"the input {each.name} takes {width} {whose}, the table has {len(found)}")
    return Columns(inputs, places)


def _owner(column: str, inputs: Sequence[str]) -> str:
    """The input whose name stands in front of a column's, the longest such name; the first input, where none does."""
    found = [name for name in inputs if column == name or column.startswith((f"{name}_", f"{name}."))]
    return max(found, key=len, default=inputs[0])


def _numbers(value: Any, what: str) -> Array:
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{what} are rows of numbers") from None


__all__ = ["Columns", "columns_of"]
