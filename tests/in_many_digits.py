"""The second reader in 80 digits: loss and slopes of a network as exact as one likes, by code that is not symprop's.

`network_reference` runs once more, on arrays of mpmath's numbers. Slopes are central differences, whose step of 1e-26
leaves 50 digits of the 80.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath
import network_reference
import numpy as np

DIGITS, STEP = 80, "1e-26"
OF_NUMBERS = ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "expm1", "log1p", "erf")
INEXACT = ("rope", "Sinusoidal", "truncate")
"""What the second reader makes of float64 numbers, or what differences do not see."""


class ManyDigits:
    """NumPy, but for functions of single numbers and constants."""

    pi = mpmath.mp.pi

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def of_numbers(name: str) -> Callable[[Any], Any]:
    """Return one of mpmath's functions of each element of an array."""
    each: Callable[[Any], Any] = np.frompyfunc({"arctan": mpmath.mp.atan}.get(name) or getattr(mpmath.mp, name), 1, 1)

    def run(x: Any) -> Any:
        return each(x)

    run.__name__ = name
    return run


@cache
def reference() -> ModuleType:
    """Return the second reader on arrays of mpmath's numbers."""
    path, library = Path(network_reference.__file__), ManyDigits()
    for name in (*OF_NUMBERS, "arctan"):
        setattr(library, name, of_numbers(name))
    source = path.read_text(encoding="utf-8").replace("import numpy as np\n", "np = many_digits\n")
    source = source.replace("import math\n", "math = of_numbers\n")
    module: Any = ModuleType("network_reference_in_many_digits")
    module.many_digits, module.of_numbers = library, ModuleType("math")
    module.of_numbers.sqrt, module.of_numbers.prod, module.of_numbers.erf = mpmath.mp.sqrt, math.prod, mpmath.mp.erf
    module.of_numbers.sin, module.of_numbers.cos = mpmath.mp.sin, mpmath.mp.cos
    sys.modules[module.__name__] = module  # where its dataclasses look up their types
    exec(compile(source, str(path), "exec"), vars(module))
    assert module.np is library
    module.erf = module.WORDS["erf"] = library.erf  # the reader's is that of float64
    return module


def exact(value: Any) -> Any:
    """Return an array of floats as one of mpmath's numbers; whole numbers stay."""
    numbers = np.asarray(value)
    return value if numbers.dtype.kind in "iu" else np.asarray(np.frompyfunc(mpmath.mpf, 1, 1)(numbers), dtype=object)


def slopes(
    text: str, sizes: Mapping[str, int], params: Mapping[str, Any], x: Mapping[str, Any], y: Any, masks: Any
) -> Iterator[tuple[str, Any]]:
    """Yield the loss as "L", and the gradient of each parameter by its name, as arrays of mpmath's numbers."""
    with mpmath.workdps(DIGITS):
        network = reference().Network(text, sizes)
        given = {name: exact(value) for name, value in x.items()}, exact(y), {k: exact(v) for k, v in masks.items()}
        point = {name: exact(value) for name, value in params.items()}
        yield "L", network.loss(point, *given)
        step = mpmath.mpf(STEP)
        for name, value in point.items():
            found = np.empty(value.shape, dtype=object)
            for place in np.ndindex(value.shape):
                ends = []
                for side in (step, -step):
                    moved = value.copy()
                    moved[place] = moved[place] + side
                    ends.append(network.loss({**point, name: moved}, *given))
                found[place] = (ends[0] - ends[1]) / (2 * step)
            yield name, found
