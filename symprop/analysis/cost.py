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
    loops = [item for item in (*system.items, *backward) if isinstance(item, Loop)]
    stored = tuple(_stored(system, backward))
    parameters = sympy.expand(sympy.Add(*(_elements(parameter, loops) for parameter in system.parameters)))
    return Cost(
        rows,
        stored,
        activations=sympy.expand(sympy.Add(*(elements for _, elements in stored))),
        parameters=parameters,
        gradients=parameters,  # a gradient has its parameter's shape
    )


def _rows(items: Iterable[Item], part: str) -> Iterable[CostRow]:
    for item in items:
        if isinstance(item, Equation):
            counted = operations(item.expression)
            yield CostRow(item.name, part, counted, counted)
            continue
        for equation in item.base:
            counted = operations(equation.expression)
            yield CostRow(equation.name, part, counted, counted)
        for equation in item.equations:
            first, last = _range(equation, item)
            counted = operations(equation.expression)
            yield CostRow(equation.name, part, counted, counted.over(item.index, first, last), (first, last))


def _range(equation: Equation, loop: Loop) -> tuple[Expr, Expr]:
    """The values of the loop's index for which the general equation holds: the ends that `base` holds are left out."""
    ends = [base.target.index for base in loop.base if base.target.family == equation.target.family]
    values = [index[0] for index in ends if index]
    return Integer(2 if Integer(1) in values else 1), loop.count - 1 if loop.count in values else loop.count


def _elements(variable: Variable, loops: Sequence[Loop]) -> Expr:
    """The size of a variable, summed over the loop whose index it has."""
    for loop in loops:
        if variable.index and variable.index[0].has(loop.index):
            return summed(size(variable), loop.index, Integer(1), loop.count)
    return size(variable)


def _stored(system: System, backward: Sequence[Item]) -> Iterable[tuple[str, Expr]]:
    """The variables of the forward pass, inputs and targets too, that a backward equation reads."""
    read = set(_read(backward))
    for variable in (*system.inputs, *system.targets):
        if variable in read:
            yield variable.name, size(variable)
    for item in system.items:
        for equation in (item,) if isinstance(item, Equation) else item.equations:
            target = equation.target
            if isinstance(item, Equation):
                if target in read:
                    yield target.name, size(target)
            elif any(variable.family == target.family and _falls_in(variable, item) for variable in read):
                yield target.name, _elements(target, [item])


def _read(backward: Sequence[Item]) -> Iterable[Variable]:
    """What the backward equations read; a loop's equation that reads `a[l - 1]` reads `a[0]` too, where `l` is 1."""
    for item in backward:
        for equation in (item,) if isinstance(item, Equation) else (*item.base, *item.equations):
            for variable in variables(equation.expression):
                yield variable
                if isinstance(item, Loop) and variable.index and variable.index[0].has(item.index):
                    yield item.at(variable, _range(equation, item)[0])


def _falls_in(variable: Variable, loop: Loop) -> bool:
    """Whether the index is one that the loop makes: the general one, or the last."""
    return bool(variable.index) and (variable.index[0].has(loop.index) or variable.index[0] == loop.count)
