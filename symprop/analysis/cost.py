"""What a derivation costs: scalar operations and memory, as exact polynomials in the sizes.

What is counted as an operation stands in `flops.py`. Memory is counted in numbers, not bytes: the values of the forward
pass that the backward pass reads, the parameters, and their gradients. For a `Loop` over a symbolic number of blocks
each count is a sum over the index, done where the sizes do not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sympy
from sympy import Expr, Integer
from sympy.core.function import AppliedUndef

from symprop.algebra.equations import Equation, Item, Loop, System
from symprop.algebra.nodes import Variable
from symprop.algebra.printable import Shown
from symprop.algebra.trees import variables
from symprop.analysis.flops import Operations, operations, size, summed


@dataclass(frozen=True)
class CostRow:
    """The cost of one equation; `first` and `last` bound its index inside a loop."""

    name: str
    part: str
    each: Operations
    operations: Operations
    times: tuple[Expr, Expr] | None = None


@dataclass(frozen=True)
class Cost(Shown):
    """Operations and memory of a derivation, with the table by equation that they are the sums of.

    `stored` are the variables of the forward pass that the backward pass reads, the input among them.
    """

    rows: tuple[CostRow, ...]
    stored: tuple[tuple[str, Expr], ...]
    activations: Expr
    parameters: Expr
    gradients: Expr

    _repr_pretty_ = Shown._repr_pretty_  # before the `__repr__` of a dataclass, which IPython would take

    @property
    def forward(self) -> Operations:
        """The operations of the forward pass."""
        return self._of("forward")

    @property
    def backward(self) -> Operations:
        """The operations of the backward pass."""
        return self._of("backward")

    @property
    def operations(self) -> Operations:
        """The operations of both passes."""
        return self.forward + self.backward

    @property
    def total(self) -> Expr:
        """All scalar operations of a forward and a backward pass."""
        return self.operations.total

    @property
    def memory(self) -> Expr:
        """Numbers held: stored activations, parameters and their gradients."""
        return sympy.expand(self.activations + self.parameters + self.gradients)

    @property
    def leading(self) -> Expr:
        """The terms of the highest degree in the sizes: what the cost grows like."""
        return leading(self.total)

    def _of(self, part: str) -> Operations:
        return Operations.sum(row.operations for row in self.rows if row.part == part)

    def text(self) -> str:
        """Return the table by equation, the totals, the leading term and the memory, as plain text."""
        table: list[tuple[str, ...]] = [("equation", "multiplications", "additions", "functions")]
        for row in self.rows:
            counted = row.operations
            parts = counted.multiplications, counted.additions, counted.functions
            table.append((row.name, *(str(indexed(part)) for part in parts)))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in table)
        lines = ["  ".join(row).rstrip() for row in padded]
        return "\n".join([*lines, "", *(f"{name:12}{indexed(value)}" for name, value in self.totals())])

    def __str__(self) -> str:
        return self.text()

    def latex(self) -> str:
        """Return the totals as a LaTeX `aligned` block."""
        lines = (rf"\text{{{name}}} &= {sympy.latex(indexed(value))}" for name, value in self.totals())
        return r"\begin{aligned} " + r" \\ ".join(lines) + r" \end{aligned}"

    def totals(self) -> tuple[tuple[str, Expr], ...]:
        """Return the sums with their names, in the order of the table."""
        return (
            ("forward", self.forward.total),
            ("backward", self.backward.total),
            ("total", self.total),
            ("leading", self.leading),
            ("activations", self.activations),
            ("parameters", self.parameters),
            ("gradients", self.gradients),
            ("memory", self.memory),
        )


def indexed(value: Expr) -> Expr:
    """Return a polynomial with the sizes of a general layer written `n[l]`, which prints as `n_l`."""
    return value.replace(
        lambda part: isinstance(part, AppliedUndef),
        lambda part: sympy.Indexed(sympy.IndexedBase(str(part.func)), *part.args),
    )


def leading(polynomial: Expr) -> Expr:
    """Return the terms of highest degree, inside a sum too.

    >>> from sympy.abc import n, k
    >>> leading(6 * n * k + 3 * n - 1)
    6*k*n
    """
    terms = [
        _leading_of_sum(term) if term.has(sympy.Sum) else (_degree(term), term)
        for term in sympy.Add.make_args(polynomial)
    ]
    highest = max(degree for degree, _ in terms)
    return sympy.Add(*(term for degree, term in terms if degree == highest))


def _leading_of_sum(term: Expr) -> tuple[int, Expr]:
    """The degree and leading part of a product with one `Sum` in it; the sum itself counts as one degree."""
    total = next(iter(term.atoms(sympy.Sum)))
    inside = leading(sympy.expand(total.function))
    best = sympy.Sum(inside, *total.limits)
    return _degree(sympy.Add.make_args(inside)[0]) + 1, term.xreplace({total: best})


def _degree(term: Expr) -> int:
    """The total degree of a product of sizes; an indexed size `n[l]` counts as one symbol."""
    if term.is_number:
        return 0
    return sum(int(factor.as_base_exp()[1]) for factor in sympy.Mul.make_args(term) if not factor.is_number)


def cost_of(system: System, backward: Sequence[Item]) -> Cost:
    """Return the cost of a forward system and its backward items.

    >>> from symprop.algebra import Equation, System, gradient_of, variable
    >>> W, x, z = variable("W", ("k", "n")), variable("x", ("n",)), variable("z", ("k",))
    >>> delta = variable("delta", ("k",))
    >>> forward = System((Equation(z, W @ x),), (x,), (), (W,), z, None)
    >>> from symprop.algebra.nodes import Outer
    >>> cost_of(forward, (Equation(gradient_of(W), Outer(delta, x)),)).total
    3*k*n - k
    """
    rows = (*_rows(system.items, "forward"), *_rows(backward, "backward"))
    stored = tuple(_stored(system, backward))
    parameters = sympy.expand(sympy.Add(*(_elements(parameter, system.loops) for parameter in system.parameters)))
    return Cost(
        rows,
        stored,
        activations=sympy.expand(sympy.Add(*(elements for _, elements in stored))),
        parameters=parameters,
        gradients=parameters,  # a gradient has its parameter's shape
    )


def _rows(items: Iterable[Item], part: str, loops: tuple[Loop, ...] = ()) -> Iterable[CostRow]:
    for item in items:
        if isinstance(item, Loop):
            yield from _rows(item.base, part, loops)
            yield from _rows(item.items, part, (*loops, item))
            continue
        counted = total = operations(item.expression)
        for loop in reversed(loops):
            total = total.over(loop.index, *_range(item, loop))
        yield CostRow(item.name, part, counted, total, _range(item, loops[-1]) if loops else None)


def _range(equation: Equation, loop: Loop) -> tuple[Expr, Expr]:
    """The values of the loop's index for which the general equation holds: the ends that `base` holds are left out."""
    based = {each.target for each in loop.base}
    first, last = (loop.at(equation.target, end) in based for end in (Integer(1), loop.count))
    return Integer(2 if first else 1), loop.count - 1 if last else loop.count


def _elements(variable: Variable, loops: Sequence[Loop]) -> Expr:
    """The size of a variable, summed over the loops whose index it has."""
    total = size(variable)
    for loop in reversed(loops):
        if any(index.has(loop.index) for index in variable.index):
            total = summed(total, loop.index, Integer(1), loop.count)
    return total


def _stored(system: System, backward: Sequence[Item]) -> Iterable[tuple[str, Expr]]:
    """The variables of the forward pass, inputs and targets too, that a backward equation reads."""
    read = set(_read(backward, ()))
    for variable in (*system.inputs, *system.targets):
        if variable in read:
            yield variable.name, size(variable)
    for target, loops in _made(system.items, ()):
        alike = (variable for variable in read if variable.family == target.family)
        if target in read or (loops and any(_falls_in(variable, loops) for variable in alike)):
            yield target.name, _elements(target, loops)


def _made(items: Iterable[Item], loops: tuple[Loop, ...]) -> Iterable[tuple[Variable, tuple[Loop, ...]]]:
    """What the equations make, each with the loops that it stands in."""
    for item in items:
        if isinstance(item, Equation):
            yield item.target, loops
        else:
            yield from _made(item.items, (*loops, item))


def _read(items: Iterable[Item], loops: tuple[Loop, ...]) -> Iterable[Variable]:
    """What the backward equations read; a loop's equation that reads `a[l - 1]` reads `a[0]` too, where `l` is 1."""
    for item in items:
        if isinstance(item, Loop):
            yield from _read(item.base, loops)
            yield from _read(item.items, (*loops, item))
            continue
        for variable in variables(item.expression):
            yield variable
            for loop in loops:
                if any(index.has(loop.index) for index in variable.index):
                    yield loop.at(variable, _range(item, loop)[0])


def _falls_in(variable: Variable, loops: Sequence[Loop]) -> bool:
    """Whether an index is one that a loop makes: the general one, or the last."""
    return any(index.has(loop.index) or index == loop.count for index in variable.index for loop in loops)
