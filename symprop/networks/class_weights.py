"""What each class counts in a loss: its weight, and 0 for one that is ignored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from sympy import Expr

from symprop.algebra.functions import exact
from symprop.algebra.known import known, listed
from symprop.algebra.nodes import Known
from symprop.errors import SpecError, shown
from symprop.networks.sizes import check_number

MOST_WEIGHTS = 1000


def checked_weights(weights: Any, ignore: int | None) -> tuple[Any, ...]:
    """Return weights of classes as a tuple of numbers.

    Raises:
        SpecError: no numbers, too many, negative ones, or none above 0 for a class that counts.
    """
    what, allowed = "SoftmaxCrossEntropy: weights", "allowed: a number for each class, such as weights=(1, 2.5)"
    if not isinstance(weights, (tuple, list)):
        raise SpecError(f"{what} are numbers in brackets, not {shown(weights)}\n{allowed}")
    if not 2 <= len(weights) <= MOST_WEIGHTS:
        raise SpecError(f"{what} are from 2 to {MOST_WEIGHTS:,} numbers, not {len(weights):,}\n{allowed}")
    for place, weight in enumerate(weights):
        check_number(weight, f"{what}: that of class {place}", 0, 10**9)
    if not any(weight for place, weight in enumerate(weights) if place != ignore):
        raise SpecError(f"{what} are all 0, so that nothing counts\n{allowed}")
    return tuple(weights)


def class_weights(classes: Expr, weights: Sequence[Any] | None, ignore: int | None = None) -> Known:
    """Return the weights of `classes` classes, 1 where none are given, and 0 for the class that is ignored.

    >>> from sympy import Integer
    >>> from symprop.algebra.known import values_of
    >>> values_of(class_weights(Integer(3), (1, 2, 5), 0))
    (0, 2, 5)
    """
    if weights is None:
        return class_mask("omega", classes, ignore)
    return listed("omega", [0 if place == ignore else exact(weight) for place, weight in enumerate(weights)])


def class_mask(name: str, classes: Expr, ignore: int | None) -> Known:
    """Return a vector of ones, with 0 for the class that is ignored."""
    return known(name, (classes,), lambda i: sympy.Ne(i, ignore))
