"""What a derivation costs: scalar operations and memory, as exact polynomials in the sizes.

What is counted as an operation stands in `flops.py`. Memory is counted in numbers, not bytes: the values of the forward
pass that the backward pass reads, the parameters, and their gradients. For a `Loop` over a symbolic number of blocks
each count is a sum over the index, done where the sizes do not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sympy
from sympy import Basic, Expr, Integer, Symbol
from sympy.core.function import AppliedUndef

from symprop.algebra.equations import Equation, Item, Loop, System, equations_in, loops_in
from symprop.algebra.indices import RowIndex
from symprop.algebra.nodes import Variable
from symprop.algebra.printable import Shown, aligned
from symprop.algebra.trees import variables
from symprop.analysis.flops import ZERO, Operations, operations, size, summed
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
            *((("spared", self.spared),) if not self.spared.is_nonpositive else ()),
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


def _elements(variable: Variable, loops: Sequence[Loop]) -> Expr:
    """The size of a variable, summed over the loops whose index it has."""
    total = size(variable)
    for loop in reversed(loops):
        if any(index.has(loop.index) for index in variable.index):
            total = summed(total, loop.index, Integer(1), loop.count)
    return total


def _stored(system: System, backward: Sequence[Item]) -> Iterable[tuple[str, Expr]]:
    """The variables of the forward pass, inputs and targets too, that a backward equation reads."""
    read = dict.fromkeys(_read(backward))
    rows = {rows.array: rows.row for loop in system.loops for rows in loop.reads}
    for variable in system.data:
        if variable in read or rows.get(variable) in read:
            yield variable.name, size(variable)
    indices = frozenset(loop.index for loop in loops_in((*system.items, *backward)))
    for target, loops in _made(system.items, ()):
        alike = (variable for variable in read if variable.family == target.family)
        found = [steps for each in alike if (steps := _steps_read(target, loops, each, indices)) is not None]
        found = [steps for at, steps in enumerate(found) if steps not in found[:at]]
        kept = [steps for steps in found if not any(_covered(steps, more) for more in found if more != steps)]
        if kept:
            yield target.name, sympy.Add(*(_elements_at(target, loops, steps) for steps in kept))


Steps = list[tuple[Expr, Expr] | None]
"""For each loop around a variable the first and the last step whose value is meant, or None for all steps."""


def _covered(steps: Steps, others: Steps) -> bool:
    """Whether all steps that are meant are among others."""
    return all(
        other is None or one == other or (one is not None and one[0] == one[1] and one[0] in other)
        for one, other in zip(steps, others, strict=True)
    )


def _steps_read(target: Variable, loops: Sequence[Loop], read: Variable, indices: frozenset[Basic]) -> Steps | None:
    """Of which steps of the loops around `target` something reads it as `read`; None where it is another variable.

    What is read for a general step, as `a[l - 1]` is, is read of all but an end; an equation that does not hold for the
    last step has a base case, which reads that step's.
    """
    steps = dict[Symbol, tuple[Expr, Expr] | None]()
    if len(target.index) != len(read.index):
        return None
    for own, other in zip(target.index, read.index, strict=True):
        unknown = [loop.index for loop in loops if own.has(loop.index)] or sorted(other.free_symbols & indices, key=str)
        if not unknown:
            if own != other:
                return None
            continue
        index, within = unknown[0], own.has(unknown[0])
        holder, value = (own, other) if within else (other, own)
        at = _solved(holder, index, value)
        if at is None:
            return None
        if within:
            count = next(loop.count for loop in loops if loop.index == index)
            steps[index] = _meant(at, count) if at.free_symbols & indices else (at, at)
    return [steps.get(loop.index) for loop in loops]


def _meant(step: Expr, count: Expr) -> tuple[Expr, Expr] | None:
    """The steps that are meant by `l + shift` for a general l, of those from 1 to `count`."""
    shift = step.as_coeff_Add()[0]
    return None if not shift else (1 + shift, count) if shift > 0 else (Integer(1), count + shift)


def _solved(holder: Expr, index: Symbol, value: Expr) -> Expr | None:
    """The step in which `holder`, linear in `index`, is `value`; None where none of the steps from 1 is."""
    holder, value = (each.value if isinstance(each, RowIndex) else each for each in (holder, value))
    start = holder.xreplace({index: Integer(0)})
    step = sympy.expand((value - start) / (holder.xreplace({index: Integer(1)}) - start))
    whole = all(number.is_Integer for number in step.as_coefficients_dict().values())
    return step if whole and not step.is_nonpositive else None


def _elements_at(variable: Variable, loops: Sequence[Loop], steps: Steps) -> Expr:
    """The size of a variable, summed over the loops of which all steps are meant."""
    total = size(variable)
    for loop, step in reversed(list(zip(loops, steps, strict=True))):
        total = summed(total, loop.index, *(step or (Integer(1), loop.count)))
    return total


def _made(items: Iterable[Item], loops: tuple[Loop, ...]) -> Iterable[tuple[Variable, tuple[Loop, ...]]]:
    """What the equations make, each with the loops that it stands in."""
    for item in items:
        if isinstance(item, Equation):
            yield item.target, loops
        else:
            yield from _made(item.items, (*loops, item))


def _read(items: Iterable[Item]) -> Iterable[Variable]:
    """What the backward equations read."""
    for equation in equations_in(items):
        yield from variables(equation.expression)
