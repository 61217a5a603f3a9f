"""How a compiled formula is run at a point: by keyword, with the arrays and sizes that it asks for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from symprop.formulas.checks.points import FormulaPoint
from symprop.verify.arithmetic import Array


def ran(function: Callable[..., Any], point: FormulaPoint) -> Array:
    """Return what a function of arrays by name gives at a point.

    >>> at = {"x": np.asarray([1.0, 2.0]), "y": np.asarray(1.0)}
    >>> ran(lambda x: 2 * x, FormulaPoint({}, at, at)).tolist()
    [2.0, 4.0]

    Raises:
        LookupError: the function asks for something that the point does not have.
    """
    sizes = {str(size): number for size, number in point.sizes.items()}
    arrays = {
        name: np.array(value) if np.ndim(value) else np.asarray(value).item() for name, value in point.values.items()
    }
    given = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name in arrays or name in sizes:
            given[name] = arrays[name] if name in arrays else sizes[name]
        elif parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            raise LookupError(f"the function asks for {name!r}, which is no variable and no size")
    with np.errstate(all="ignore"):
        return np.asarray(function(**given))
