"""What a derivation costs: scalar operations and memory, as exact polynomials in the sizes.

Counted are the operations of the formulas as they stand, each distinct sub-formula of an equation once:

- *multiplications* and divisions, *additions* and subtractions (a change of sign is free: it makes `a + b` an `a - b`);
- *functions*: evaluations of an elementwise function, and comparisons. One each, whatever the function.

A matrix product `(n, k) @ (k, p)` is `n p k` multiplications and `n p (k - 1)` additions, together `n p (2 k - 1)`. A
product with `Diag(v)` only scales rows or columns, a product with the identity costs nothing. Selections, transposes
and other views cost nothing. Memory is counted in numbers, not bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sympy
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Item, Loop, System
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import broadcast
from symprop.algebra.table import Table

if TYPE_CHECKING:
    from symprop.calculus.derivation import Derivation

ZERO = Integer(0)
FLOPS = Table("flops")


@dataclass(frozen=True)
class Operations:
    """Numbers of scalar operations, polynomials in the sizes."""

    multiplications: Expr = ZERO
    additions: Expr = ZERO
    functions: Expr = ZERO

    def __add__(self, other: Operations) -> Operations:
        return Operations(
            sympy.expand(self.multiplications + other.multiplications),
            sympy.expand(self.additions + other.additions),
            sympy.expand(self.functions + other.functions),
        )

    @property
    def arithmetic(self) -> Expr:
        """Multiplications and additions."""
        return sympy.expand(self.multiplications + self.additions)

    @property
    def total(self) -> Expr:
        """All operations, a function evaluation counted as one."""
        return sympy.expand(self.arithmetic + self.functions)

    def over(self, index: sympy.Symbol, first: Expr, last: Expr) -> Operations:
        """Return the sum over `index` from `first` to `last`, done where the sizes do not depend on it."""
        return Operations(
            *(summed(part, index, first, last) for part in (self.multiplications, self.additions, self.functions))
        )


def size(node: Node) -> Expr:
    """Return the number of elements of `node`."""
    return sympy.expand(sympy.prod(node.shape))


@FLOPS.row(n.Variable, n.Scalar, n.Fill, n.Identity)
@FLOPS.row(n.Transpose, n.Expand, n.Reshape, n.Diag, n.Diagonal, n.Take, n.OneHot)
def _(node: Node) -> Operations:
    return Operations()  # nothing is computed: a value that is there, a view or a copy


@FLOPS.row(n.Add)
def _(node: n.Add) -> Operations:
    return Operations(additions=_folded(node.operands))


@FLOPS.row(n.Multiply)
def _(node: n.Multiply) -> Operations:
    factors = [operand for operand in node.operands if not _is_sign(operand)]
    return Operations(multiplications=_folded(factors))


@FLOPS.row(n.Power)
def _(node: n.Power) -> Operations:
    exponent = node.exponent
    if not exponent.is_Integer:
        return Operations(functions=size(node))
    binary = bin(abs(int(exponent)))[2:]  # by repeated squaring, and one division for a negative exponent
    each = len(binary) - 1 + binary.count("1") - 1 + (1 if exponent < 0 else 0)
    return Operations(multiplications=max(each, 0) * size(node))


@FLOPS.row(n.MatMul)
def _(node: n.MatMul) -> Operations:
    left, right = node.operands
    if isinstance(left, n.Identity) or isinstance(right, n.Identity):
        return Operations()
    if isinstance(left, n.Diag) or isinstance(right, n.Diag):
        both = isinstance(left, n.Diag) and isinstance(right, n.Diag)
        return Operations(multiplications=node.shape[0] if both else size(node))
    inner = left.shape[-1]
    return Operations(sympy.expand(size(node) * inner), sympy.expand(size(node) * (inner - 1)))


@FLOPS.row(n.Outer)
def _(node: n.Outer) -> Operations:
    return Operations(multiplications=size(node))


@FLOPS.row(n.Sum)
def _(node: n.Sum) -> Operations:
    return Operations(additions=sympy.expand(size(node.operands[0]) - size(node)))


@FLOPS.row(n.ScatterAdd)
def _(node: n.ScatterAdd) -> Operations:
    return Operations(additions=size(node.operands[0]))


@FLOPS.row(n.Map, n.Compare, n.Where)
def _(node: Node) -> Operations:
    return Operations(functions=size(node))


@FLOPS.row(n.Softmax)
def _(node: n.Softmax) -> Operations:
    # per slice of k: the maximum (k - 1 comparisons), k differences, k exponentials, their sum (k - 1), k quotients
    elements, slices = size(node), sympy.prod(node.shape) / node.shape[node.axis]
    return Operations(elements, sympy.expand(2 * elements - slices), sympy.expand(2 * elements - slices))


@FLOPS.row(n.LogSumExp)
def _(node: n.LogSumExp) -> Operations:
    # per slice of k: k - 1 comparisons, k differences, k exponentials, k - 1 additions, a logarithm, the maximum added
    elements = size(node.operands[0])
    return Operations(ZERO, sympy.expand(2 * elements), sympy.expand(2 * elements))


def _is_sign(node: Node) -> bool:
    return isinstance(node, n.Scalar) and node.value in (1, -1)


def _folded(operands: Sequence[Node]) -> Expr:
    """The operations of combining `operands` in pairs, the small ones first (numbers before they meet an array)."""
    ordered = sorted(operands, key=lambda operand: operand.rank)
    shape, count = ordered[0].shape if ordered else (), ZERO
    for operand in ordered[1:]:
        shape = broadcast(shape, operand.shape)
        count += sympy.prod(shape)
    return sympy.expand(count)


def operations(expression: Node) -> Operations:
    """Return the operations of a formula, each distinct sub-formula counted once.

    >>> from symprop.algebra import variable
    >>> W, x, b = variable("W", ("n", "k")), variable("x", ("k",)), variable("b", ("n",))
    >>> operations(W @ x + b).total
    2*k*n
    """
    total = Operations()
    for node in dict.fromkeys(n.walk(expression)):
        total += FLOPS(node)
    return total


def summed(term: Expr, index: sympy.Symbol, first: Expr, last: Expr) -> Expr:
    """Return the sum of `term` over `index`; a sum whose sizes depend on the index stays a `sympy.Sum`."""
    fixed, moving = sympy.expand(term).as_independent(index, as_Add=True)
    done = sympy.expand(fixed * (last - first + 1))
    return done + sympy.Sum(moving, (index, first, last)) if moving != 0 else done


@dataclass(frozen=True)
class CostRow:
    """The cost of one equation; `first` and `last` bound its index inside a loop."""

    name: str
    part: str
    each: Operations
    operations: Operations
    times: tuple[Expr, Expr] | None = None


@dataclass(frozen=True)
class Cost:
    """Operations and memory of a derivation, with the table by equation that they are the sums of.

    `stored` are the variables of the forward pass that the backward pass reads, the input among them.
    """

    rows: tuple[CostRow, ...]
    stored: tuple[tuple[str, Expr], ...]
    activations: Expr
    parameters: Expr
    gradients: Expr
    indices: tuple[sympy.Symbol, ...] = field(default=())

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
        total = Operations()
        for row in self.rows:
            if row.part == part:
                total += row.operations
        return total

    def text(self) -> str:
        """Return the table by equation, the totals, the leading term and the memory, as plain text."""
        names = [(row.name, row) for row in self.rows]
        width = max([len("equation"), *(len(name) for name, _ in names)])
        head = f"{'equation':{width}}  {'multiplications':>24}  {'additions':>24}  {'functions':>12}"
        lines = [head]
        for name, row in names:
            counted = row.operations
            lines.append(
                f"{name:{width}}  {counted.multiplications!s:>24}  {counted.additions!s:>24}  {counted.functions!s:>12}"
            )
        lines += [
            f"forward   {self.forward.total}",
            f"backward  {self.backward.total}",
            f"total     {self.total}",
            f"leading   {self.leading}",
            f"memory    {self.activations} activations + {self.parameters} parameters + {self.gradients} gradients",
        ]
        return "\n".join(lines)

    def latex(self) -> str:
        """Return the totals as a LaTeX `aligned` block."""
        parts = (
            ("forward", self.forward.total),
            ("backward", self.backward.total),
            ("leading", self.leading),
            ("memory", self.memory),
        )
        body = r" \\ ".join(rf"\text{{{name}}} &= {sympy.latex(value)}" for name, value in parts)
        return rf"\begin{{aligned}} {body} \end{{aligned}}"


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


def cost(derivation: Derivation) -> Cost:
    """Return the cost of a derivation's forward and backward pass, exactly.

    Counts what `derivation.system` and `derivation.backward` compute: for one example, or for a batch of `m`.
    """
    return cost_of(derivation.system, derivation.backward)


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
    ends = [base.target.index for base in loop.base if _kind(base.target) == _kind(equation.target)]
    values = [index[0] for index in ends if index]
    return Integer(2 if Integer(1) in values else 1), loop.count - 1 if loop.count in values else loop.count


def _kind(variable: Variable) -> tuple[str, int, str]:
    return variable.letter, variable.mark, variable.role


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
            elif any(_kind(variable) == _kind(target) and _falls_in(variable, item) for variable in read):
                yield target.name, _elements(target, [item])


def _read(backward: Sequence[Item]) -> Iterable[Variable]:
    """What the backward equations read; a loop's equation that reads `a[l - 1]` reads `a[0]` too, where `l` is 1."""
    for item in backward:
        for equation in (item,) if isinstance(item, Equation) else (*item.base, *item.equations):
            for variable in n.variables(equation.expression):
                yield variable
                if isinstance(item, Loop) and variable.index and variable.index[0].has(item.index):
                    yield item.at(variable, _range(equation, item)[0])


def _falls_in(variable: Variable, loop: Loop) -> bool:
    """Whether the index is one that the loop makes: the general one, or the last."""
    return bool(variable.index) and (variable.index[0].has(loop.index) or variable.index[0] == loop.count)
