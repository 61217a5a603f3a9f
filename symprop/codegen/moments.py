"""Names for what stands for one moment of time: with brackets on a page, `h1[3]`, as code can have it, `h1_t3`."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from symprop.algebra import trees
from symprop.algebra.indices import RowIndex, placed
from symprop.algebra.nodes import Node, Variable
from symprop.analysis.derivation import Derivation

Named = TypeVar("Named", bound=Node)


def with_moments_named(derivation: Derivation) -> Derivation:
    """Return a derivation whose system has names that code can have.

    >>> import symprop
    >>> d = symprop.derive("Input(2, 3) >> RNN(4, unroll=True, sequence=False) >> MeanSquaredError()", layout="rows")
    >>> with_moments_named(d).system.output.name
    'h1_t2'
    """
    system = derivation.system
    if not any(has_moment(equation.target) for equation in system.equations):
        return derivation
    output = in_code(system.output)
    prediction = None if system.prediction is None else in_code(system.prediction)
    return replace(derivation, system=replace(system, output=output, prediction=prediction))


def has_moment(variable: Variable) -> bool:
    """Whether a variable stands for one moment."""
    return any(isinstance(part, RowIndex) for part in variable.index)


def in_code(node: Named) -> Named:
    """Return a formula with its variables called as code calls them."""
    names = {each: _called(each) for each in trees.variables(node) if has_moment(each)}
    renamed: Named = trees.replace(node, names) if names else node
    return renamed


def _called(variable: Variable) -> Variable:
    layers, (time,) = placed(variable.index)
    return variable.change(letter="".join(map(str, (variable.letter, *layers, "_t"))), index=(time,))
