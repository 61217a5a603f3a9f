"""A published mistake in a backward pass, rebuilt small: the forward, the right way back, and the one published.

The code is our own; what was read of the source, and where it stands, is said with each case. Forward, right and wrong
are functions of the formula's variables by name; the two ways back take the cotangent `g` too, and return a tuple in
the order of `wrt`. `forward` is written for NumPy and complex numbers, so that the complex step differentiates it:
it shares no code with the product, nor with `right`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import symprop

Array = Any
Backward = Callable[..., tuple[Array, ...]]

KINDS = {
    "factor": "a factor lost, doubled or put in",
    "sign": "another sign",
    "term": "a term lost or put in",
    "sum": "a sum over an axis, or over what comes several times, lost or put in",
    "order": "before for after, or one factor before the other",
    "transposed": "a matrix for its transpose",
    "variable": "one variable, gate or weight for another",
    "function": "another function, or what it is for its derivative",
    "mask": "for which elements",
    "place": "to which elements",
    "convention": "what the gradient by a symmetric matrix is",
}


@dataclass(frozen=True)
class Right:
    """A formula, and a backward pass of it that is right."""

    name: str
    text: str
    where: str
    wrt: str
    sizes: Mapping[str, int]
    forward: Callable[..., Array]
    right: Backward


@dataclass(frozen=True)
class Mistake:
    """A published mistake: the `wrong` way back of what `given` says.

    A good diagnosis names one of the gradients `of`, one of the `kinds`, and each word of `about`. `source` says where
    it stands ("owner/name#n", an address, a paper), `read` what of it was read, `what` in one line what went wrong.
    """

    given: Right
    wrong: Backward
    name: str
    of: str
    kinds: str
    source: str
    read: str
    what: str
    about: str = ""


def shape_of(variable: symprop.Variable, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """Return the shape of a variable as numbers."""
    return numbers(variable.shape, sizes)


def numbers(given: Iterable[Any], sizes: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(int(size.subs({each: sizes[each.name] for each in size.free_symbols})) for size in given)


def point(formula: symprop.Formula, sizes: Mapping[str, int], random: np.random.Generator) -> dict[str, Array]:
    """Draw a value for each variable that has the facts which are declared of it."""
    return {each.name: _value(each, sizes, random) for each in formula.variables}


def _value(variable: symprop.Variable, sizes: Mapping[str, int], random: np.random.Generator) -> Array:
    shape, facts = shape_of(variable, sizes), {fact.kind: fact.value for fact in variable.facts}
    if "index" in facts:
        return random.integers(
            0, int(facts["index"].subs({s: sizes[s.name] for s in facts["index"].free_symbols})), shape
        )
    if "one-hot" in facts:
        return np.eye(shape[-1])[random.integers(0, shape[-1], shape[:-1])]
    if "bits" in facts:
        return random.integers(0, 2, shape).astype(float)
    if "signs" in facts:
        return random.choice((-1.0, 1.0), shape)
    if "between 0 and 1" in facts:
        return random.uniform(0.1, 0.9, shape)
    if "positive" in facts:
        return random.uniform(0.5, 2.0, shape)
    value = random.normal(size=shape)
    return value @ value.T + np.eye(*shape) if "positive definite" in facts else value


def slopes(case: Right, values: Mapping[str, Array], g: Array, name: str) -> Array:
    """Return the derivative of `sum(g * forward)` by one variable, by the complex step: no difference is taken."""
    found = np.zeros(np.shape(values[name]))
    for place in np.ndindex(found.shape):
        moved = np.array(values[name], dtype=complex)
        moved[place] += 1e-30j
        found[place] = np.sum(g * case.forward(**{**values, name: moved})).imag / 1e-30
    return found
