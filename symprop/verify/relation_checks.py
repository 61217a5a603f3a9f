"""What holds for whole layers: a moved input, an average pool, a kernel of one pixel, each against plain NumPy.

A layer's equation is evaluated at whole numbers, and compared with what it must be by a relation that its windows have
no part in. So a window that lies wrong is seen, which the derivatives of that equation cannot show.

Source: Dumoulin and Visin, *A guide to convolution arithmetic for deep learning* (2016).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import terms_of, variables, walk
from symprop.algebra.window_sizes import WindowSizes, sizes_of
from symprop.calculus.readings import Correlation, correlation
from symprop.calculus.tidy import tidy
from symprop.codegen.case import Case
from symprop.verify.arithmetic import Array
from symprop.verify.evaluate import complex_value
from symprop.verify.measure import Row, difference

LARGEST = 3
"""Numbers are drawn from -3 to 3."""
LIMIT = 2.0**-50
"""Sums of whole numbers are exact; a mean rounds its factor and its product, each by at most `2**-53`."""
MOVED, POOLED, DENSE = "a moved input", "a pool is a constant kernel", "one pixel is a Dense"
MEAN = {n.Variable, n.Scalar, n.Multiply, n.Sum, n.Window, n.Pad, n.Slice}
"""What a mean over windows is made of."""


def rows(case: Case, small: Case, seed: int) -> Iterator[Row]:
    """Yield a row for each relation that layers of the network have, at reduced sizes where it is large."""
    random, found = np.random.default_rng(seed), dict[str, dict[str, float]]()
    for equation in small.network.system().equations:
        for what, off in relations(equation, random):
            found.setdefault(what, {})[equation.name] = off
    where = ", reduced sizes" if small.network != case.network else ""
    for what, errors in found.items():
        bad = [name for name, off in errors.items() if not off <= LIMIT]
        note = ", ".join(bad) if bad else f"{len(errors)} layer{'s' if len(errors) > 1 else ''}{where}"
        yield Row("relations", what, "1 random", max(errors.values()), LIMIT, not bad, note)


def relations(equation: Equation, random: np.random.Generator) -> Iterator[tuple[str, float]]:
    """Yield each relation that a layer's equation should have, and how far it is off."""
    windows = [part for part in walk(equation.expression) if isinstance(part, n.Window)]
    if not windows:
        return
    values = {each.name: _drawn(each, random) for each in variables(equation.expression)}
    if {type(part) for part in walk(equation.expression)} <= MEAN:
        yield POOLED, _of_pool(equation.expression, windows[0], values)
    convolved = next(filter(None, map(correlation, terms_of(tidy(equation.expression)))), None)
    if convolved is None or len(variables(convolved.window)) != 1 or len(variables(convolved.kernel)) != 1:
        return
    sizes, (array,) = sizes_of(convolved.window), variables(convolved.window)
    yield MOVED, _of_moved(equation.expression, sizes, array, values)
    (kernel,) = variables(convolved.kernel)
    alone = all((each.kernel, each.stride, each.before, each.after) == (1, 1, 0, 0) for each in sizes)
    if alone and kernel.shape[-1] == array.shape[-1]:
        yield DENSE, _of_pixel(equation.expression, convolved, values)


def _drawn(each: Variable, random: np.random.Generator) -> Array:
    return random.integers(-LARGEST, LARGEST + 1, [int(size) for size in each.shape]).astype(float)


def _at(expression: Node, values: dict[str, Array]) -> Array:
    return complex_value(expression, values).real


def _of_moved(expression: Node, sizes: Sequence[WindowSizes], array: Variable, values: dict[str, Array]) -> float:
    """An input that is moved by the stride, along each axis in turn, moves the output by one; 0 comes in."""
    worst = 0.0
    for axis, stride in enumerate(each.stride for each in sizes):
        x = np.moveaxis(values[array.name].copy(), axis, 0)
        x[-stride:] = 0
        still, moved = (np.moveaxis(each, 0, axis) for each in (x, np.roll(x, stride, axis=0)))
        before, after = (np.moveaxis(_at(expression, {**values, array.name: each}), axis, 0) for each in (still, moved))
        worst = max(worst, _off(after[1:], before[:-1]))
    return worst


def _of_pool(expression: Node, window: n.Window, values: dict[str, Array]) -> float:
    """The mean of windows is a convolution with one over their size, channel by channel."""
    sizes, (array,) = sizes_of(window), variables(window)
    x = values[array.name]
    x = np.pad(x, [*((max(int(each.before), 0), max(int(each.after), 0)) for each in sizes), (0, 0)])
    kernel = [range(int(each.kernel)) for each in sizes]
    places = [np.arange(int(each.count)) * each.stride for each in sizes]
    total = sum(
        x[np.ix_(*(at + k * each.dilation for at, k, each in zip(places, offset, sizes, strict=True)))]
        for offset in product(*kernel)
    )
    return _off(_at(expression, values), np.asarray(total) / len(list(product(*kernel))))


def _of_pixel(expression: Node, convolved: Correlation, values: dict[str, Array]) -> float:
    """A kernel of one pixel multiplies the channels of each pixel with one matrix."""
    (array,), (kernel,) = variables(convolved.window), variables(convolved.kernel)
    W, x = values[kernel.name], values[array.name]
    nothing = _at(expression, {**values, array.name: np.zeros_like(x)})
    return _off(_at(expression, values) - nothing, x @ W.reshape(len(W), -1).T)


def _off(found: Array, true: Array) -> float:
    return difference(found, true).overall if found.size or true.size else 0.0
