"""The readings of convolutions: all of them give the same numbers, and these are the derivatives of the forward pass.

A convolution is linear in its array and in its kernel, and made of products and sums alone, so that whole numbers are
computed without any rounding: a reading is right where it agrees to the last digit. The oracle for the derivatives is
the layer's own equation, `sum(D * (Z(X + U) - Z(X))) = sum(dX * U)`, in which no rule for derivatives is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation
from symprop.algebra.names import gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables, walk
from symprop.analysis.readings import Readings, convolutions, distinct
from symprop.codegen.case import Case
from symprop.verify.arithmetic import Array
from symprop.verify.evaluate import complex_value
from symprop.verify.measure import Row

LARGEST = 3
"""Numbers are drawn from -3 to 3."""
MOST_PATCHES = 200_000
"""So many numbers in all patches of a layer are computed at the real sizes, more at reduced ones."""


def rows(case: Case, small: Case, seed: int) -> Iterator[Row]:
    """Yield one row for a network that has convolutions, each geometry checked once."""
    found = distinct(convolutions(case.network.system()).values())
    where = ""
    if any(np.prod(first.readings[1].named[0].target.shape) > MOST_PATCHES for first, *_ in found):
        found, where = distinct(convolutions(small.network.system()).values()), ", reduced sizes"
    if not found:
        return
    worst: dict[str, float] = {}
    for first, *_ in found:
        worst |= {f"{first.layer.name}: {what}": off for what, off in differences(first, seed)}
    bad = [what for what, off in worst.items() if off]
    note = "; ".join(bad) if bad else f"{len(found)} geometr{'y' if len(found) == 1 else 'ies'}{where}"
    yield Row("readings", "the forward pass in whole numbers", "1 random", max(worst.values()), 0.0, not bad, note)


def differences(reading: Readings, seed: int) -> Iterator[tuple[str, float]]:
    """Yield how far each equation of a reading, and each of its steps, is from what it should be."""
    values = _values(reading, seed)
    for part in reading.readings:
        run = dict(values)
        for equation in (*part.named, *part.equations):
            run[equation.name] = complex_value(equation.expression, run)
            value = run[equation.name]
            off = [_off(value, complex_value(node, run)) for node in _steps(equation)]
            if equation.target == reading.layer.target:
                off.append(_off(value, complex_value(reading.layer.expression, values)))
            sources = (by for by in (reading.array, reading.kernel) if gradient_of(by) == equation.target)
            off += [_along(reading, by, value, values, seed) for by in sources]
            yield f"{equation.name}, {part.title[0].lower()}{part.title[1:]}", max(off, default=0.0)


def _steps(equation: Equation) -> list[Node]:
    """The formulas on the way to an equation in which nothing is yet to be differentiated, each once."""
    sides = dict.fromkeys(side for step in equation.steps for side in (step.before, step.after))
    return [node for node in sides if not any(isinstance(part, n.Pullback) for part in walk(node))]


def _values(reading: Readings, seed: int) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    read = (*variables(reading.layer.expression), reading.flow)
    return {each.name: _drawn(each, random) for each in read}


def _drawn(each: Variable, random: np.random.Generator) -> Array:
    return random.integers(-LARGEST, LARGEST + 1, [int(size) for size in each.shape]).astype(float)


def _along(reading: Readings, by: Variable, found: Array, values: Mapping[str, Array], seed: int) -> float:
    """How far a derivative is from what the forward pass changes by in a random direction."""
    direction = _drawn(by, np.random.default_rng(seed + 1))
    moved = complex_value(reading.layer.expression, {**values, by.name: values[by.name] + direction})
    change = moved - complex_value(reading.layer.expression, values)
    return _off(np.sum(values[reading.flow.name] * change), np.sum(found * direction))


def _off(found: Array, true: Array) -> float:
    found, true = np.asarray(found), np.asarray(true)
    return float(np.abs(found - true).max()) if found.shape == true.shape else float("inf")
