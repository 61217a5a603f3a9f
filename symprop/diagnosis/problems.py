"""What is asked: accounts of the gradients, the variables that a point has, and points to compare at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from symprop import hints
from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, System
from symprop.algebra.formula import Formula
from symprop.algebra.names import looked_up, variable
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import LOSS
from symprop.algebra.unrolling import unrolled
from symprop.analysis.derivation import Derivation, derive
from symprop.diagnosis.accounts import Account, of_formula, of_network
from symprop.diagnosis.axes import NAMELESS, Axes, axes_of
from symprop.errors import SpecError
from symprop.formulas.checks.points import lifted, numbered, size_symbols
from symprop.networks.network import Network
from symprop.verify.arithmetic import Array
from symprop.verify.values import STYLES, values_for

Point = Mapping[str, Array]
COTANGENT = "g"
"""What the derivative with respect to the value is called where it has no other name."""


@dataclass(frozen=True)
class Problem:
    """Gradients of a value of `variables` with respect to `wanted`, as `accounts` derive them, with names of `axes`."""

    accounts: Callable[[], Iterator[Account]]
    variables: tuple[Variable, ...]
    wanted: tuple[Variable, ...]
    axes: Axes = NAMELESS
    formulas: tuple[n.Node, ...] = ()

    def sizes(self, given: Mapping[str, int], variant: int) -> dict[Expr, int]:
        """Return numbers for the sizes: those given, else different ones, which vary with `variant`."""
        symbols = size_symbols(self.variables, *self.formulas)
        chosen: dict[Expr, int] = {symbol: given[str(symbol)] for symbol in symbols if str(symbol) in given}
        free = tuple(symbol for symbol in symbols if symbol not in chosen)
        more = max((lifted(free, formula.xreplace(chosen)) for formula in self.formulas), default=0)
        return chosen | {symbol: size + more + 1 for symbol, size in numbered(free, variant).items()}

    def drawn(self, sizes: Mapping[Expr, int], seed: int, number: int) -> Point | None:
        """Return random values for the variables, None where those drawn do not have their facts."""
        random = np.random.default_rng((seed, number))
        found = values_for(self.variables, sizes, random, STYLES[number % len(STYLES)])
        return found and {name: each if each.dtype.kind == "i" else each.astype(float) for name, each in found.items()}


def problem_of(
    subject: Formula | Network | Derivation, wrt: Sequence[str], cotangent: str | None, sizes: Mapping[str, int]
) -> Problem:
    """Return what is asked of a formula or a network: all its gradients, or those by the variables named.

    Raises:
        FormulaError: it has no such variable.
        SpecError: a network with a symbolic count that has no number in `sizes`.
    """
    if isinstance(subject, Formula):
        return _of_formula(subject, wrt, cotangent)
    if isinstance(subject, Derivation) and isinstance(subject.network, Formula):
        return _of_formula(subject.network, wrt, cotangent)
    return _of_network(subject, wrt, cotangent, sizes)


def _of_formula(formula: Formula, wrt: Sequence[str], cotangent: str | None) -> Problem:
    real = {each.name: each for each in formula.variables if "index" not in each.facts_by_kind}
    wanted = tuple(looked_up(name, real, "the formula has no variable") for name in wrt) or tuple(real.values())
    g = None if cotangent is None else variable(cotangent or COTANGENT, formula.shape)
    given = formula.variables if g is None else (*formula.variables, g)
    formulas = (formula.node, *(each.expression for each in formula.definitions))
    return Problem(lambda: of_formula(formula, wanted, g), given, wanted, NAMELESS, formulas)


def _of_network(subject: Any, wrt: Sequence[str], cotangent: str | None, sizes: Mapping[str, int]) -> Problem:
    network: Any = subject.network if isinstance(subject, Derivation) else subject
    layout = subject.system.layout if isinstance(subject, Derivation) else "rows"
    system = network.system(layout)
    numbers: Mapping[str, int] = {}
    given: tuple[Variable, ...] = ()
    if system.loss is not None:
        numbers = (subject if isinstance(subject, Derivation) else derive(network, layout)).numbers
    if system.loss is None or cotangent:
        g = variable(cotangent or COTANGENT, (system.loss or system.output).shape)
        system, given = _with_loss(system, g), (g,)
    if system.loops:
        system = _written_out(system, sizes)
    known = {each.name: each for each in (*system.parameters, *system.inputs)}
    wanted = tuple(looked_up(name, known, "the network has no variable") for name in wrt) or system.wanted
    states = tuple(each.variable for each in system.states)
    drawn = (*system.parameters, *system.data, *states, *given)
    formulas = tuple(each.expression for each in system.equations)
    return Problem(lambda: of_network(numbers, wanted, system), drawn, wanted, axes_of(network, system.batch), formulas)


def _with_loss(system: System, g: Variable) -> System:
    """Return a network's system with its loss, or the sum of its output, times a cotangent as the loss."""
    value = system.loss or system.output
    weighed = value * g
    loss = variable("L" if system.loss is None else f"{value.name}_").change(role=LOSS)
    return replace(
        system, items=(*system.items, Equation(loss, n.Sum(weighed) if weighed.rank else weighed)), loss=loss
    )


def _written_out(system: System, sizes: Mapping[str, int]) -> System:
    counts = {symbol for loop in system.loops for symbol in loop.count.free_symbols}
    missing = next((str(each) for each in sorted(counts, key=str) if str(each) not in sizes), None)
    if missing is not None:
        raise SpecError(f"the count {missing} has no number\nallowed: {hints.sizes({missing: 3})}")
    return unrolled(system, {symbol: sizes[str(symbol)] for symbol in counts if isinstance(symbol, Symbol)})
