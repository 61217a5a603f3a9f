"""A convolution read in three ways: as a sum of shifts, by patches, and as correlations, each derived from the layer.

With `Z = X * W + b` and `D` the derivative of the loss with respect to `Z`: patches name the windows as rows, so that
`Z = X_bar W_bar' + b`, `dW_bar = D' X_bar` and `dX = fold(D W_bar)`. As correlations, `dX` is that of `D`, zeros put
between its entries and around, with the flipped kernel, its channels swapped; `dW` is that of `X` with `D`, stride and
dilation exchanged. All is for one example.

Source: Dumoulin and Visin, *A guide to convolution arithmetic for deep learning* (2016).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from functools import cached_property
from typing import Any

from sympy import Tuple

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Step, System
from symprop.algebra.names import adjoint_of, gradient_of, looked_up
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.printable import Printable
from symprop.algebra.steps import Steps
from symprop.algebra.trees import replace, terms_of, variables, walk
from symprop.algebra.window_sizes import WindowSizes, sizes_of
from symprop.calculus.context import Context
from symprop.calculus.readings import Correlation, correlation, read
from symprop.calculus.rewriting import simplified
from symprop.calculus.tidy import tidy

SHIFTS, PATCHES, CORRELATIONS = "As a sum of shifts", "By patches", "As correlations"


@dataclass(frozen=True)
class Reading:
    """One way to read a convolution: what it gives a name, and the equations of both passes, each with its steps."""

    title: str
    named: tuple[Equation, ...]
    equations: tuple[Equation, ...]


@dataclass(frozen=True, repr=False)
class Readings(Printable):
    """The three readings of one convolution; `layer` is its equation, for one example.

    >>> import symprop
    >>> d = symprop.derive("Input(8, 8, 1) >> Conv2D(4, 3) >> Flatten() >> Dense(2) >> MeanSquaredError()")
    >>> found = d.readings("z1")
    >>> [reading.title for reading in found.readings]
    ['As a sum of shifts', 'By patches', 'As correlations']
    >>> found.equation("dW_bar1").text()
    'dW_bar1 = reshape(delta1, (36, 4)).T @ reshape(X_bar1, (36, 9))'
    >>> [step.rule for step in found.steps("dx")][-3:]
    ['windows', 'flipped kernel', 'known value']
    """

    layer: Equation
    correlation: Correlation
    readings: tuple[Reading, ...]
    shared: tuple[Variable, ...] = ()
    """What other equations read too, so that more flows to it than through this layer."""
    derivation: Any = field(default=None, compare=False)

    def __repr__(self) -> str:
        return f"Readings({self.layer.text()!r})"

    @property
    def array(self) -> Variable:
        """What is convolved."""
        return variables(self.correlation.window)[0]

    @property
    def kernel(self) -> Variable:
        """The weight of the layer."""
        return variables(self.correlation.kernel)[0]

    @property
    def flow(self) -> Variable:
        """What comes back: the derivative of the loss with respect to the output."""
        return adjoint_of(self.layer.target)

    @property
    def equations(self) -> tuple[Equation, ...]:
        """What has a name, and the equations, reading by reading."""
        return tuple(each for reading in self.readings for each in (*reading.named, *reading.equations))

    def equation(self, name: str) -> Equation:
        """Return the last equation that defines `name`, as a correlation where it has that form.

        Raises:
            FormulaError: no equation has this name; the names that have one are listed.
        """
        return looked_up(name, {each.name: each for each in self.equations}, "no equation defines")

    def steps(self, name: str) -> Steps:
        """Return the steps that led to the last equation of a name, from the derivative on (`dx`, `dW1`).

        Raises:
            FormulaError: no equation has this name; the names that have one are listed.
        """
        found = self.equation(name)
        first = next(each for each in self.equations if each.name == name)
        joined = first is not found and bool(found.steps) and found.steps[0].before == first.expression
        return Steps((*(first.steps if joined else ()), *found.steps), self, name)

    @cached_property
    def sizes(self) -> tuple[WindowSizes, ...]:
        """How many windows the layer has, axis by axis."""
        return sizes_of(self.correlation.window)

    @cached_property
    def sizes_back(self) -> tuple[tuple[WindowSizes, ...], tuple[WindowSizes, ...]]:
        """The same for the correlations that are the derivatives with respect to the input and the kernel."""
        windows: list[n.Window] = []
        for equation in self.readings[-1].equations:
            last = [step for step in equation.steps if step.rule != KNOWN][-1].after
            windows.append(next(part for part in walk(last) if isinstance(part, n.Window)))
        return sizes_of(windows[0]), sizes_of(windows[1])

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """What layers of one geometry have in common."""
        groups = self.array.shape[-1] / self.kernel.shape[-1]
        each = self.kernel.shape[0] / groups, self.kernel.shape[-1]
        return self.sizes, groups != 1, groups != 1 and each == (1, 1)

    @property
    def form(self) -> tuple[Any, ...]:
        """What layers have in common whose readings look the same: all of the geometry but the lengths."""
        sizes, *groups = self.key
        lies = ((each.kernel, each.stride, each.before, each.after, each.dilation, each.unread) for each in sizes)
        return (*lies, *groups)


KNOWN = "known value"
FLIPPED, CUT, ROLES = "flipped kernel", "slice of windows", "windows change roles"


def convolutions(system: System, derivation: Any = None) -> dict[str, Readings]:
    """Return the readings of all convolutions among the equations of one example, by the name of their output."""
    found = ((equation, readings(equation, derivation)) for equation in system.equations)
    read = Counter(each for equation in system.equations for each in variables(equation.expression))
    return {
        equation.name: replaced(each, shared=tuple(by for by in (each.array, each.kernel) if read[by] > 1))
        for equation, each in found
        if each is not None
    }


def readings(equation: Equation, derivation: Any = None) -> Readings | None:
    """Return the readings of a layer's equation, of one example; None where it is no convolution."""
    if not any(isinstance(part, n.Window) for part in walk(equation.expression)):
        return None
    whole = tidy(equation.expression)
    terms = ((term, correlation(term)) for term in terms_of(whole))
    found = next(((term, each) for term, each in terms if each is not None), None)
    if found is None:
        return None
    term, parts = found
    array, kernel = variables(parts.window), variables(parts.kernel)
    if len(array) != 1 or len(kernel) != 1:
        return None
    sums = Reading(SHIFTS, (), (equation, *(_back(equation, by) for by in (array[0], kernel[0]))))
    patches = _patches(equation, term, parts, array[0], kernel[0])
    three = (sums, patches, _correlations(sums, equation.target))
    return Readings(equation, parts, three, derivation=derivation)


def _back(equation: Equation, by: Variable, flow: Variable | None = None, target: Variable | None = None) -> Equation:
    """Return the derivative with respect to what an equation reads, worked out by the rules."""
    start = n.Pullback(flow or adjoint_of(equation.target), equation.expression, by)
    expression, steps = simplified(start, Context())
    return Equation(
        target or gradient_of(by), expression, steps, f"the derivative of the loss with respect to {by.name}"
    )


def _patches(equation: Equation, term: Node, parts: Correlation, array: Variable, kernel: Variable) -> Reading:
    """Return the reading in which windows are rows of a matrix, or of one for each group."""
    for product in (part for part in walk(term) if isinstance(part, (n.MatMul, n.Multiply))):
        seen = next((each for each in product.operands if parts.window in walk(each)), None)
        weight = next((each for each in product.operands if parts.kernel in walk(each)), None)
        if seen is not None and weight is not None and seen is not weight:
            break
    else:
        raise LookupError("a correlation without a product of its windows")
    flat = weight.untransposed
    rows = Equation(_named(equation.target, "X_bar", seen), seen, note="patches, a row for each place")
    wide = Equation(_named(equation.target, "W_bar", flat), flat, note="the kernel, a row for each output channel")
    whole = tidy(equation.expression)
    known = replace(whole, {seen: rows.target, weight: replace(weight, {flat: wide.target})})
    first = () if whole == equation.expression else (Step("tidy", equation.expression, whole),)
    forward = Equation(equation.target, known, (*first, Step(KNOWN, whole, known, (rows, wide))), equation.note)
    back = [_back(forward, each.target) for each in (wide, rows)]
    ends = [_back(each, by, gradient_of(each.target)) for each, by in ((wide, kernel), (rows, array))]
    return Reading(PATCHES, (rows, wide), (forward, back[1], ends[1], back[0], ends[0]))


def _correlations(sums: Reading, target: Variable) -> Reading:
    """Return the reading in which both derivatives are correlations."""
    _, array, kernel = sums.equations
    axes = [FLIPPED, *[CUT] * 2]
    expression, steps = read(array.expression, *axes)
    flow, named = adjoint_of(target), tuple[Equation, ...]()
    window = next(part for part in walk(expression) if isinstance(part, n.Window))
    if window.operands[0] != flow:
        inside = window.operands[0]
        spread = Equation(_named(target, "delta_tilde", inside), inside, note=f"{flow.name}, zeros between and around")
        known = replace(expression, {inside: spread.target})
        steps, expression, named = (*steps, Step(KNOWN, expression, known, (spread,))), known, (spread,)
    turned, more = read(kernel.expression, ROLES)
    return Reading(
        CORRELATIONS,
        named,
        (
            Equation(array.target, expression, steps, array.note),
            Equation(kernel.target, turned, more, kernel.note),
        ),
    )


def _named(target: Variable, letter: str, node: Node) -> Variable:
    return target.change(letter=letter, shape=Tuple(*node.shape), role="")


def distinct(found: Iterable[Readings]) -> tuple[tuple[Readings, ...], ...]:
    """Return readings of the same geometry together, each group in order of appearance."""
    groups: dict[tuple[Any, ...], list[Readings]] = {}
    for each in found:
        groups.setdefault(each.key, []).append(each)
    return tuple(map(tuple, groups.values()))
