"""What functions take besides arrays, as the reader hands it over: axes, flags, shapes, sizes for several axes."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Integer

from symprop.algebra.sizes import size_of, whole
from symprop.errors import FormulaError


def axis_or_axes(value: Any) -> Any:
    """Return an axis, or several, as NumPy takes them: None, an integer or a tuple of integers."""
    if value is None:
        return None
    return tuple(map(one_axis, value)) if isinstance(value, tuple) else one_axis(value)


def one_axis(value: Any) -> int:
    axis = None if value is None or isinstance(value, tuple) else whole(value, "an axis")
    if not isinstance(axis, Integer):
        raise FormulaError(f"one axis is needed, an integer, not {value}")
    return int(axis)


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise FormulaError(f"keepdims is True or False, not {value}")
    return value


def shape_given(value: Any) -> tuple[Expr, ...]:
    return tuple(size_of(entry) for entry in (value if isinstance(value, tuple) else (value,)))


def each_axis(axis: Any) -> tuple[int, ...]:
    return tuple(map(one_axis, axis if isinstance(axis, tuple) else (axis,)))


def for_each(axes: tuple[int, ...], **given: Any) -> dict[str, tuple[Expr, ...]]:
    """Return sizes by name, one for each axis."""
    sizes = {name: shape_given(value) for name, value in given.items()}
    wrong = next((name for name, each in sizes.items() if len(each) != len(axes)), None)
    if wrong is not None:
        raise FormulaError(f"{wrong} has one size for each axis: {len(axes)}, not {len(sizes[wrong])}")
    return sizes
