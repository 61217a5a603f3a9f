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

from symprop.algebra.equations import Equation, Item, Loop, System
from symprop.algebra.printable import Shown, aligned
from symprop.analysis.flops import ZERO, Operations, indexed, operations, summed
from symprop.analysis.remat import Trade, trades_of
from symprop.analysis.stored import elements_of, stored_of
from symprop.calculus.known_products import KNOWN_PRODUCT


@dataclass(frozen=True)
class CostRow:
    """The cost of one equation; `first` and `last` bound its index inside a loop.

    `spared` are the operations that it would take more had a sum not been taken the other way round.
    """

    name: str
    part: str
    each: Operations
    operations: Operations
    times: tuple[Expr, Expr] | None = None
    spared: Expr = ZERO


@dataclass(frozen=True)
class Cost(Shown):
    """Operations and memory of a derivation, with the table by equation that they are the sums of.

    `stored` are the variables of the forward pass that the backward pass reads, the input among them; where a loop over
    time keeps every k-th state (`remat=k`), `activations` counts what is kept, and a row of the table what is computed
    again. `trades` say for each loop over time what that saves and costs, for any k.
    """

    rows: tuple[CostRow, ...]
    stored: tuple[tuple[str, Expr], ...]
    activations: Expr
    parameters: Expr
    gradients: Expr
    trades: tuple[Trade, ...] = ()

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
    def spared(self) -> Expr:
        """The operations that what is held of products spares, `sum(P * (A @ B)) = sum(A * (P @ B.T))`.

        >>> from symprop import derive
        >>> derive("Input(T, n) >> Attention(h, head_size=d) >> MeanSquaredError()").cost().spared
        2*T**2*h - 2*T*d*h
        """
        return sympy.expand(sympy.Add(*(row.spared for row in self.rows)))

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
        lines = [line.rstrip() for line in aligned(table)]
        lines += ["", *(f"{name:12}{indexed(value)}" for name, value in self.totals())]
        return "\n".join((*lines, *(f"\n{each.text()}" for each in self.trades if each.every)))

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
            *((("spared", self.spared),) if not self.spared.is_nonpositive else ()),
            ("activations", self.activations),
            ("parameters", self.parameters),
            ("gradients", self.gradients),
            ("memory", self.memory),
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
    stored = tuple(stored_of(system, backward))
    parameters = sympy.expand(sympy.Add(*(elements_of(parameter, system.loops) for parameter in system.parameters)))
    trades = tuple(trades_of(system, stored))
    again = (CostRow(each.again_name, "backward", each.again, each.again) for each in trades if each.every)
    spared = (each.stored - each.kept(each.every) for each in trades if each.every)
    return Cost(
        (*rows, *again),
        stored,
        activations=sympy.expand(sympy.Add(*(elements for _, elements in stored)) - sympy.Add(*spared)),
        parameters=parameters,
        gradients=parameters,  # a gradient has its parameter's shape
        trades=trades,
    )


def _rows(items: Iterable[Item], part: str, loops: tuple[Loop, ...] = ()) -> Iterable[CostRow]:
    for item in items:
        if isinstance(item, Loop):
            yield from _rows(item.base, part, loops)
            yield from _rows(item.items, part, (*loops, item))
            continue
        counted = total = operations(item.expression)
        spared = _spared(item)
        for loop in reversed(loops):
            total = total.over(loop.index, *_range(item, loop))
            spared = summed(spared, loop.index, *_range(item, loop))
        yield CostRow(item.name, part, counted, total, _range(item, loops[-1]) if loops else None, spared)


def _spared(equation: Equation) -> Expr:
    """The operations that steps by what is held of a product took away."""
    steps = [step for step in equation.steps if step.rule == KNOWN_PRODUCT]
    return sympy.Add(*(operations(step.before).total - operations(step.after).total for step in steps))


def _range(equation: Equation, loop: Loop) -> tuple[Expr, Expr]:
    """The values of the loop's index for which the general equation holds: the ends that `base` holds are left out."""
    based = {each.target for each in loop.base}
    first, last = (loop.at(equation.target, end) in based for end in (Integer(1), loop.count))
    return Integer(2 if first else 1), loop.count - 1 if last else loop.count
