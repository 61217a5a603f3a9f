"""What the tests of the texts share: values of derived equations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import mpmath
import numpy as np
import pytest

from symprop.algebra.equations import Equation
from symprop.verify.arithmetic import Complex, Precise
from symprop.verify.evaluate import Evaluator, stacked

Values = dict[str, Any]
DIGITS = 50


def values_in_digits(equations: Iterable[Equation], given: Mapping[str, Any]) -> Values:
    """Evaluate equations in order, in 50 digits; numbers are given as text, so that 0.1 is a tenth."""
    with mpmath.workdps(DIGITS):
        exact = {
            name: np.vectorize(mpmath.mpf, otypes=[object])(np.asarray(value, dtype=object))
            for name, value in given.items()
        }
        evaluator = Evaluator(Precise(), {name: value[None] for name, value in exact.items()})
        evaluator.run(equations)
        return {name: value[0] for name, value in evaluator.values.items()}


def complex_values(equations: Iterable[Equation], given: Mapping[str, Any]) -> Values:
    """Evaluate equations in order, in complex numbers."""
    evaluator = Evaluator(Complex(), stacked(given, Complex()))
    evaluator.run(equations)
    return {name: np.asarray(value)[0] for name, value in evaluator.values.items()}


@pytest.fixture
def in_digits() -> Callable[..., Values]:
    return values_in_digits


@pytest.fixture
def in_complex() -> Callable[..., Values]:
    return complex_values
