"""Blocks of the Hessian: a matrix in closed form where there is a short one, else the equations that apply it.

A block with respect to `A` and `B` is what becomes of `dA` while `B` alone moves: the R-operator with the directions of
all other parameters 0. Without a loop on the way the tangents between are written out, and the matrix of the linear map
from `R{B}` to `R{dA}` is read off, elements of both in row-major order (Magnus and Neudecker, *Matrix Differential
Calculus*, 3rd ed., 2019, chapters 2 and 10, with rows in place of columns). So logistic and softmax regression, linear
networks and last layers have the Hessians of the books, `kron(diag(p) - outer(p, p), outer(a, a))`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

from symprop.algebra import nodes as n
from symprop.algebra.batching import batched
from symprop.algebra.equations import Equation, Item, Step, System, equations_in, loops_in
from symprop.algebra.names import gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.printable import Listed
from symprop.algebra.shapes import Shape
from symprop.algebra.table import Table
from symprop.algebra.trees import added, multiplied, ones, parts, replace, terms_of, variables
from symprop.analysis.curvature.along import check_names, check_whole, still_in
from symprop.analysis.curvature.tangents import Tangents, needed
from symprop.calculus.chains import links
from symprop.calculus.linear_maps import applied, flat, matrix_of
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import context
from symprop.calculus.tidy import tidy
from symprop.errors import SpecError
from symprop.finishing.touches import finished

LONGEST = 100
"""A closed form has at most so many nodes; what is longer is an operator."""


@dataclass(frozen=True)
class HessianBlock(Listed):
    """Second derivatives of the loss with respect to `of` and `by`, or the diagonal of those with respect to one.

    `matrix` is the closed form, None where there is none; `equations` apply the block to a direction `R{by}` then, and
    `R{d of}` comes out. `steps` led there, and `note` says how elements are ordered.
    """

    of: Variable
    by: Variable
    matrix: Node | None
    equations: tuple[Item, ...]
    steps: tuple[Step, ...]
    note: str

    @property
    def shape(self) -> Shape:
        """The shape of the matrix, whether or not it is formed: elements of `of` by elements of `by`."""
        return (*flat(self.of.shape), *flat(self.by.shape)) if self.matrix is None else self.matrix.shape

    def text(self) -> str:
        """Return the matrix in NumPy notation, or the equations that apply it, a line each."""
        return "\n".join(each.text() for each in self._shown)

    def pretty(self) -> str:
        """Return the same in Unicode."""
        return "\n".join(each.pretty() for each in self._shown)

    def latex(self) -> str:
        """Return the same as LaTeX, without dollar signs."""
        lines = [each.latex() for each in self._shown]
        inside = r" \\ ".join(lines)
        return inside if len(lines) == 1 else rf"\begin{{gathered}} {inside} \end{{gathered}}"

    @property
    def _shown(self) -> Sequence[Node | Equation]:
        return tuple(equations_in(self.equations)) if self.matrix is None else (self.matrix,)

    def __str__(self) -> str:
        return self.pretty()

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"


def hessian_block(system: System, backward: Iterable[Item], of: Variable, by: Variable) -> HessianBlock:
    """Return the block of the Hessian with respect to two parameters of a system, whose gradients are in `backward`.

    Raises:
        SpecError: backpropagation is truncated, so that what it gives is the gradient of no loss.
    """
    check_whole(system)
    wanted = gradient_of(of)
    before, after = system.items, tuple(backward)
    others = [each for each in system.wanted if each != by]
    still = {*still_in(system), *others, *_elsewhere(others, (*before, *after))}
    tangents = Tangents(context(system), still, frozenset([wanted]))
    items = (*tangents.through(before), *tangents.through(after))
    items = needed(items, [wanted.tangent])
    check_names(items, system)
    found = _closed(system, items, of, by)
    if found is not None:
        rows, columns = (_elements(each) for each in (of, by))
        axes = [f"rows by {rows}"] * bool(of.rank) + [f"columns by {columns}"] * bool(by.rank)
        return HessianBlock(of, by, found[0], items, found[1], ", ".join(axes))
    steps = tuple(step for each in equations_in(items) for step in each.steps)
    told = f"an operator: {by.tangent.name} is a direction, {wanted.tangent.name} what the Hessian makes of it"
    for loop in loops_in(items):
        told += f"; equations with {loop.index} hold for {loop.index} = 1, ..., {loop.count}"
        break
    return HessianBlock(of, by, None, items, steps, told)


def _elsewhere(parameters: Iterable[Variable], items: Sequence[Item]) -> set[Variable]:
    """Return the parameters of loops for another step, `W[l + 1]` of `W[l]`, where they are read."""
    flows = [part for loop in loops_in(items) for each in loop.flows for part in (each.start, each.after)]
    formulas = [*(each.expression for each in equations_in(items)), *flows]
    known = {_place(each) for each in parameters if each.index}
    return {each for formula in formulas for each in variables(formula) if each.index and _place(each) in known}


def _place(variable: Variable) -> Hashable:
    """What a parameter has in common for all steps of a loop: its name, and what runs in its index."""
    return variable.family, variable.role, variable.shape, frozenset().union(*(i.free_symbols for i in variable.index))


def _elements(parameter: Variable) -> str:
    order = ", row by row" if parameter.rank > 1 else ""
    return f"the elements of {parameter.name}{order}"


def _closed(system: System, items: Sequence[Item], of: Variable, by: Variable) -> tuple[Node, tuple[Step, ...]] | None:
    """Return the matrix that equations apply to a direction of `by`, and the steps to it; None where it is long."""
    equations = [item for item in items if isinstance(item, Equation)]
    if len(equations) < len(items):
        return None
    written: dict[Node, Node] = {}
    for each in equations:
        written[each.target] = replace(each.expression, written)
        if written[each.target].weight > LONGEST:
            return None
    target, u, known = gradient_of(of).tangent, by.tangent, context(system)
    start = written[target]
    steps = [Step("tangents written out", target, start, tuple(equations))]
    image, more = simplified(start, known)
    matrix = matrix_of(image, u)
    is_free = u not in variables(image)
    steps += [*more, Step("matrix of a linear map", image, applied(matrix, u, image), is_sound=is_free)]
    shorter, more = simplified(matrix, known)
    answer, touches = finished(shorter)
    if _is_long(answer):
        return None
    own = [*more, *touches] or [Step("the matrix itself", matrix, answer)]
    return answer, (*steps, *own)


def _is_long(matrix: Node) -> bool:
    return matrix.weight > LONGEST or any(each.rank > 2 for each in parts(matrix))


# ---------------------------------------------------------------- diagonals

DIAGONAL = Table("diagonal of a matrix")
"""Rows take a square matrix and the recursion; they return its diagonal, from what the matrix is made of."""

Recursion = Callable[[Node], Node]


def diagonal_of(matrix: Node) -> Node:
    """Return the diagonal of a square matrix.

    >>> from symprop.algebra import variable
    >>> p = variable("p", (3,))
    >>> print(tidy(diagonal_of(n.Diag(p) - n.Outer(p, p))).text())
    p - p * p
    """
    found: Node = DIAGONAL(matrix, diagonal_of)
    return found


@DIAGONAL.row(Node)
def _(node: Node, diagonal: Recursion) -> Node:
    return n.Diagonal(node)


@DIAGONAL.row(n.Add, n.Multiply)
def _(node: Node, diagonal: Recursion) -> Node:
    if any(each.rank and each.shape != node.shape for each in node.operands):
        return n.Diagonal(node)  # what is spread has no diagonal of its own
    return type(node)(*(diagonal(each) if each.rank else each for each in node.operands))


@DIAGONAL.row(n.Kron)
def _(node: n.Kron, diagonal: Recursion) -> Node:
    if any(each.shape[0] != each.shape[1] for each in node.operands):
        return n.Diagonal(node)
    return n.Reshape(n.Outer(*map(diagonal, node.operands)), (node.shape[0],))


@DIAGONAL.row(n.Outer)
def _(node: n.Outer, diagonal: Recursion) -> Node:
    return n.Multiply(*node.operands)


@DIAGONAL.row(n.Diag)
def _(node: n.Diag, diagonal: Recursion) -> Node:
    return node.operands[0]


@DIAGONAL.row(n.Identity)
def _(node: n.Identity, diagonal: Recursion) -> Node:
    return ones(node.shape[0])


@DIAGONAL.row(n.Transpose)
def _(node: n.Transpose, diagonal: Recursion) -> Node:
    return diagonal(node.operands[0])


@DIAGONAL.row(n.MatMul)
def _(node: n.MatMul, diagonal: Recursion) -> Node:
    """(D A)_ii = d_i A_ii, and (A B)_ii = sum_j A_ij B_ji, which needs no product of matrices."""
    first, *rest = links(node)
    if isinstance(first, n.Diag):
        return n.Multiply(first.operands[0], diagonal(reduce(n.MatMul, rest)))
    *begun, last = first, *rest
    if isinstance(last, n.Diag):
        return n.Multiply(diagonal(reduce(n.MatMul, begun)), last.operands[0])
    if any(isinstance(each, n.Diag) for each in begun):
        return n.Diagonal(node)  # a rule of its own
    left, right = node.operands
    return n.Sum(n.Multiply(left, n.Transpose(right)), 1)


def hessian_diagonal(
    example: System | None, system: System, backward: Iterable[Item], own: Iterable[Item]
) -> dict[str, HessianBlock]:
    """Return the diagonal of the Hessian for each parameter, in the parameter's shape, exactly.

    `example` is the system of one example with its backward equations `own`; None where examples are joined. The
    diagonal of a batch is the mean of those of its examples.

    Raises:
        SpecError: a parameter has no closed form; or backpropagation is truncated.
    """
    plain, items = (system, tuple(backward)) if example is None else (example, tuple(own))
    adjoints = {each.name: each.target for each in equations_in(backward)}
    found: dict[str, HessianBlock] = {}
    for parameter, inside in zip(system.wanted, plain.wanted, strict=True):
        block = hessian_block(plain, items, inside, inside)
        if block.matrix is None:
            raise SpecError(
                f"the Hessian with respect to {parameter.name} has no short closed form, so that its diagonal has none"
                f'\nallowed: hessian("{parameter.name}") as an operator, or hvp(); for one layer, or a few, it has one'
            )
        start = _shaped(n.Diagonal(block.matrix), inside) if inside.rank else block.matrix
        whole = _shaped(diagonal_of(block.matrix), inside) if inside.rank else block.matrix
        known = context(plain)
        answer, steps = simplified(whole, known)
        first = [Step("diagonal of a matrix", start, whole)] if start != whole else []
        if example is not None and system.batch is not None:
            first = []  # of one example, not of the batch
            answer, steps = simplified(_mean(answer, system, adjoints), context(system))
        answer, touches = finished(answer)
        told = f"the elements of {parameter.name} in its shape"
        found[parameter.name] = HessianBlock(parameter, parameter, answer, (), (*first, *steps, *touches), told)
    return found


def _shaped(diagonal: Node, parameter: Variable) -> Node:
    return diagonal if parameter.rank == 1 else n.Reshape(diagonal, parameter.shape)


def _mean(node: Node, system: System, adjoints: dict[str, Variable]) -> Node:
    """Return the mean over a batch of a formula for one example; adjoints are those of the mean of all losses."""
    known = {**system.by_name, **adjoints}
    apart = [each for each in variables(node) if known[each.name].shape != each.shape]
    mapping = {each: each.change(shape=(system.batch, *each.shape)) for each in apart}
    there = {mapping[each]: _in_rows(known[each.name], system) for each in apart}
    count = n.Scalar(system.batch)
    whole: dict[Node, Node] = {each: n.Multiply(count, each) for each in adjoints.values()}

    def rows_of(part: Node) -> Node:
        rows = replace(batched(part, mapping, system.batch, "rows"), there)
        return replace(rows, whole)

    def mean(part: Node) -> Node:
        """Return the mean of a part; what is the same for all examples stays outside."""
        if not mapping.keys() & set(variables(part)):
            return part
        if isinstance(part, n.Outer):
            left, right = (bool(mapping.keys() & set(variables(each))) for each in part.operands)
            if left != right:
                return n.Outer(*map(mean, part.operands))
            one, other = (rows_of(each) for each in part.operands)
            return multiplied([n.Power(count, -1), n.MatMul(n.Transpose(one), other)])
        rows = rows_of(part)
        return multiplied([n.Power(count, -1), n.Sum(rows, 0) if rows.rank > 1 else n.Sum(rows)])

    return tidy(added([mean(term) for term in terms_of(node)]))


def _in_rows(variable: Variable, system: System) -> Node:
    """Return an array of a batch with its examples in the first axis."""
    if variable.shape[0] == system.batch:
        return variable
    return n.Transpose(variable, (variable.rank - 1, *range(variable.rank - 1)))
