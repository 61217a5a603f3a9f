"""What holds for whole layers: a moved input, an average pool, a kernel of one pixel, each against plain NumPy.

A layer's equation is evaluated at whole numbers, and compared with what it must be by what its text says: stride,
padding, size. So windows that lie wrong are seen, which the derivatives of that equation cannot show.

Source: Dumoulin and Visin, *A guide to convolution arithmetic for deep learning* (2016).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables
from symprop.algebra.window_sizes import WindowSizes
from symprop.codegen.case import Case
from symprop.networks.convolution import Conv1D, Conv2D
from symprop.networks.parts import Built
from symprop.networks.pooling import AveragePool
from symprop.verify.arithmetic import Array
from symprop.verify.evaluate import complex_value
from symprop.verify.measure import Row, difference

LARGEST = 3
"""Numbers are drawn from -3 to 3."""
LIMIT = 2.0**-50
"""Sums of whole numbers are exact; a mean rounds its factor and its product, each by at most `2**-53`."""
MOVED, POOLED, DENSE = "a moved input", "a pool is a constant kernel", "one pixel is a Dense"


def rows(case: Case, small: Case, seed: int) -> Iterator[Row]:
    """Yield a row for each relation that layers of the network have, at reduced sizes where it is large."""
    random, found = np.random.default_rng(seed), dict[str, dict[str, float]]()
    for built in small.network.built:
        for equation in built.items:
            if isinstance(equation, Equation) and built.layer.reads_windows:
                for what, off in relations(built, equation, random):
                    found.setdefault(what, {})[equation.name] = off
    where = ", reduced sizes" if small.network != case.network else ""
    for what, errors in found.items():
        bad = [name for name, off in errors.items() if not off <= LIMIT]
        note = ", ".join(bad) if bad else f"{len(errors)} layer{'s' if len(errors) > 1 else ''}{where}"
        yield Row("relations", what, "1 random", max(errors.values()), LIMIT, not bad, note)


def relations(built: Built, equation: Equation, random: np.random.Generator) -> Iterator[tuple[str, float]]:
    """Yield each relation that the equation of a layer that reads windows should have, and how far it is off."""
    layer, x, read = built.layer, built.value, variables(equation.expression)
    if x not in read or not (isinstance(layer, AveragePool) or type(layer) in (Conv1D, Conv2D)):
        return
    sizes = [lie.sizes(length) for lie, length in zip(layer.lies, x.shape, strict=False)]
    run = _Run(equation.expression, x.name, {each.name: _drawn(each, random) for each in read})
    if isinstance(layer, AveragePool):
        yield POOLED, _of_pool(run, sizes)
        return
    yield MOVED, _of_moved(run, sizes)
    alone = all((each.kernel, each.stride, each.before, each.after) == (1, 1, 0, 0) for each in sizes)
    kernel = next((each for each in read if each != x and each.rank == x.rank + 1), None)
    if alone and kernel is not None and not layer.tied and kernel.shape[-1] == x.shape[-1]:
        yield DENSE, _of_pixel(run, kernel)


@dataclass(frozen=True)
class _Run:
    """A layer's formula at numbers."""

    expression: Node
    name: str
    values: Mapping[str, Array]

    @property
    def x(self) -> Array:
        """What the layer reads."""
        return self.values[self.name]

    def __call__(self, x: Array) -> Array:
        """Return what the layer makes of an input."""
        return complex_value(self.expression, {**self.values, self.name: x}).real


def _drawn(each: Variable, random: np.random.Generator) -> Array:
    return random.integers(-LARGEST, LARGEST + 1, [int(size) for size in each.shape]).astype(float)


def _of_moved(run: _Run, sizes: Sequence[WindowSizes]) -> float:
    """An input that is moved by the stride, along each axis in turn, moves the output by one; 0 comes in."""
    worst = 0.0
    for axis, stride in enumerate(each.stride for each in sizes):
        x = np.moveaxis(run.x.copy(), axis, 0)
        x[-stride:] = 0
        before, after = (np.moveaxis(run(np.moveaxis(each, 0, axis)), axis, 0) for each in (x, np.roll(x, stride, 0)))
        worst = max(worst, _off(after[1:], before[:-1]))
    return worst


def _of_pool(run: _Run, sizes: Sequence[WindowSizes]) -> float:
    """The mean of windows is a convolution with one over their size, channel by channel."""
    x = np.pad(run.x, [*((int(each.before), int(each.after)) for each in sizes), (0, 0)])
    kernel = list(product(*(range(int(each.kernel)) for each in sizes)))
    places = [np.arange(int(each.count)) * each.stride for each in sizes]
    total = sum(x[np.ix_(*(at + k for at, k in zip(places, offset, strict=True)))] for offset in kernel)
    return _off(run(run.x), np.asarray(total) / len(kernel))


def _of_pixel(run: _Run, kernel: Variable) -> float:
    """A kernel of one pixel multiplies the channels of each pixel with one matrix."""
    W = run.values[kernel.name]
    return _off(run(run.x) - run(np.zeros_like(run.x)), run.x @ W.reshape(len(W), -1).T)


def _off(found: Array, true: Array) -> float:
    return difference(found, true).overall if found.size or true.size else 0.0
