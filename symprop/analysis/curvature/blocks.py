"""Blocks of the Hessian: a matrix in closed form where there is a short one, else the equations that apply it.

A block with respect to `A` and `B` is what becomes of `dA` while `B` alone moves: the R-operator with the directions of
all other parameters 0. Without a loop on the way the tangents between are written out, and the matrix of the linear map
from `R{B}` to `R{dA}` is read off, elements of both in row-major order (Magnus and Neudecker, *Matrix Differential
Calculus*, 3rd ed., 2019, chapters 2 and 10, with rows in place of columns). So logistic and softmax regression, linear
networks and last layers have the Hessians of the books, `kron(diag(p) - outer(p, p), outer(a, a))`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from functools import reduce

from sympy import Integer

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Item, Step, System, equations_in, loops_in
from symprop.algebra.names import gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.printable import Listed
from symprop.algebra.shapes import Shape
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import added, multiplied, parts, replace, terms_of, variables, walk
from symprop.analysis.curvature.along import check_whole, still_in
from symprop.analysis.curvature.ends import POSITION, Positions
from symprop.analysis.curvature.means import EXAMPLE, Examples
from symprop.analysis.curvature.renaming import Apart
from symprop.analysis.curvature.steps import at_all_steps
from symprop.analysis.curvature.tangents import Tangents, all_read, needed
from symprop.calculus.chains import links
from symprop.calculus.coefficients import scalars_and_rest
from symprop.calculus.jacobians import matrix_through
from symprop.calculus.known_forms import KnownForm
from symprop.calculus.linear_maps import applied, flat, matrix_of
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import Context, context
from symprop.calculus.tidy import tidy
from symprop.finishing.touches import finished

LONGEST = 100
"""A closed form has at most so many nodes; what is longer is an operator."""

SIGNS: tuple[tuple[Callable[[Node], bool], str], ...] = (
    (lambda part: isinstance(part, n.BlockSum) and part.index == EXAMPLE, "an array with an i is that of example i"),
    (lambda part: isinstance(part, n.BlockSum) and part.index == POSITION, "an array with a t is that of position t"),
    (
        lambda part: isinstance(part, n.Commutation),
        "K[a, b], the commutation matrix, takes an (a, b) matrix, its elements row by row, to its transpose",
    ),
)
"""What a note says of signs in a closed form."""

Alone = tuple[System, tuple[Item, ...]]
"""The system of one example, and its backward equations."""


@for_kinds(n.MatMul)
def _diagonal_in_sum(node: n.MatMul) -> Node | None:
    """(A + diag(u)) diag(v) = A diag(v) + diag(u * v), and likewise with diag(v) in front."""
    left, right = node.operands
    total, is_left = (right, True) if isinstance(left, n.Diag) else (left, False)
    one = left if is_left else right
    if not isinstance(one, n.Diag) or not isinstance(total, n.Add):
        return None
    if not any(isinstance(scalars_and_rest(term)[2], n.Diag) for term in total.operands):
        return None
    return tidy(added([n.MatMul(one, term) if is_left else n.MatMul(term, one) for term in total.operands]))


@for_kinds(n.MatMul)
def _number_between(node: n.MatMul) -> Node | None:
    """X s Y = s X Y, where s is a matrix of one element."""
    chain = links(node)
    small = [part for part in chain if part.shape == (1, 1)]
    rest = [part for part in chain if part.shape != (1, 1)]
    if not small or not rest or node.rank != 2:
        return None
    return tidy(multiplied([*(_element(each) for each in small), reduce(n.MatMul, rest)]))


@for_kinds(n.MatMul)
def _outer_product(node: n.MatMul) -> Node | None:
    """x[:, None] y[None, :] = x y'."""
    match node.operands:
        case (n.Expand(operands=(x,), axis=1), n.Expand(operands=(y,), axis=0)) if x.rank == y.rank == 1:
            return n.Outer(x, y)
    return None


@for_kinds(n.Diag)
def _diagonal_of_one(node: n.Diag) -> Node | None:
    """diag(u) = u, where u has one element."""
    return n.Expand(node.operands[0], 1) if node.shape == (1, 1) else None


def _element(matrix: Node) -> Node:
    """Return the element of a matrix that has one."""
    inside = matrix.operands[0] if isinstance(matrix, n.Diag) else matrix
    zero = n.Scalar(0)
    if inside.rank == 1 and isinstance(inside, n.Elementwise):
        return replace(inside, {each: n.Take(each, zero) for each in variables(inside) if each.shape == (1,)})
    return n.Sum(inside)


WITH_DIAGONALS = (
    KnownForm("a diagonal enters a sum", "(A + diag(u)) @ diag(v) = A @ diag(v) + diag(u * v)", _diagonal_in_sum),
    KnownForm("a matrix of one element is a number", "X @ [[s]] @ Y = s * X @ Y", _number_between),
    KnownForm("a column times a row", "x[:, None] @ y[None, :] = outer(x, y)", _outer_product),
    KnownForm("a diagonal of one element", "diag(u) = u[:, None]", _diagonal_of_one),
)


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
        return "\n".join(each.text() + (f"   ({where})" if where else "") for each, where in self._shown)

    def pretty(self) -> str:
        """Return the same in Unicode."""
        return "\n".join(each.pretty() + (f"   ({where})" if where else "") for each, where in self._shown)

    def latex(self) -> str:
        """Return the same as LaTeX, without dollar signs."""
        lines = [each.latex() + (rf" \quad ({where})" if where else "") for each, where in self._shown]
        inside = r" \\ ".join(lines)
        return inside if len(lines) == 1 else rf"\begin{{gathered}} {inside} \end{{gathered}}"

    @property
    def _shown(self) -> Sequence[tuple[Node | Equation, str]]:
        return tuple(_with_ranges(self.equations)) if self.matrix is None else ((self.matrix, ""),)

    def __str__(self) -> str:
        return self.pretty()

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"


def _with_ranges(items: Iterable[Item]) -> Iterator[tuple[Equation, str]]:
    """Yield equations in order, with the steps of which a general one holds where an end has a form of its own."""
    for item in items:
        if isinstance(item, Equation):
            yield item, ""
            continue
        yield from ((each, "") for each in item.base)
        ends = {each.target for each in item.base}
        for each, where in _with_ranges(item.items):
            is_last, is_first = (item.at(each.target, end) in ends for end in (item.count, Integer(1)))
            own = f"{item.index} < {item.count}" if is_last else f"{item.index} > 1" if is_first else ""
            yield each, ", ".join(filter(None, (own, where)))


def hessian_block(
    system: System, backward: Iterable[Item], of: Variable, by: Variable, alone: Alone | None = None
) -> HessianBlock:
    """Return the block of the Hessian with respect to two parameters of a system, whose gradients are in `backward`.

    `alone` is the system of one example where the loss of a batch is the mean of those of its examples; so is the
    matrix then.

    Raises:
        SpecError: backpropagation is truncated, so that what it gives is the gradient of no loss.
    """
    check_whole(system)
    wanted, after = gradient_of(of), tuple(backward)
    items = _tangents(system, after, wanted, by)
    found = _closed(system, items, of, by) if alone is None else _closed_mean(system, after, items, of, by, alone)
    if found is not None:
        rows, columns = (_elements(each) for each in (of, by))
        told = [f"rows by {rows}"] * bool(of.rank) + [f"columns by {columns}"] * bool(by.rank)
        told += [word for sign, word in SIGNS if any(sign(part) for part in walk(found[0]))]
        return HessianBlock(of, by, found[0], items, found[1], ", ".join(told))
    apart = Apart(system, after)
    items = apart.through(items) if apart.may_clash else items
    steps = tuple(step for each in equations_in(items) for step in each.steps)
    direction, result = (apart.variable(each.tangent).name for each in (by, wanted))
    note = f"an operator: {direction} is a direction, {result} what the Hessian makes of it"
    for index, count in dict.fromkeys((loop.index, loop.count) for loop in loops_in(items)):
        note += f"; equations with {index} hold for {index} = 1, ..., {count}"
        if any(part.has(index) for part in by.index):
            note += f"; the directions with {index} move together, and {result} adds up what each of them makes"
    return HessianBlock(of, by, None, items, steps, note)


def _tangents(system: System, backward: tuple[Item, ...], wanted: Variable, by: Variable) -> tuple[Item, ...]:
    """Return the equations along a direction of one parameter, those which a gradient's tangent needs."""
    others = [each for each in system.wanted if each != by]
    still = still_in(system).union(*(at_all_steps(each, system.loops) for each in others))
    tangents = Tangents(context(system), still, frozenset([wanted]))
    items = (*tangents.through(system.items), *tangents.through(backward))
    return all_read(needed(items, [wanted.tangent]), [wanted.tangent])


def _elements(parameter: Variable) -> str:
    order = ", row by row" if parameter.rank > 1 else ""
    return f"the elements of {parameter.name}{order}"


def _closed(system: System, items: Sequence[Item], of: Variable, by: Variable) -> tuple[Node, tuple[Step, ...]] | None:
    """Return the matrix that equations apply to a direction of `by`, and the steps to it; None where it is long.

    Of the forms that the matrix is derived in it is the shortest.
    """
    written = _written_out(items, gradient_of(of).tangent)
    if written is None:
        return None
    equations, (first, image), u, known = written[0], written[1], by.tangent, context(system)
    shorter, more = simplified(image, known)
    forms = [(matrix_of(shorter, u), shorter, more)]
    if of.rank and by.rank:
        forms = [(matrix_through(equations, gradient_of(of).tangent, u, known), image, ()), *forms]
    if (matrix := _of_rows(system, equations, of, by)) is not None:
        forms.append((matrix, image, ()))
    answers = []
    for matrix, before, steps in forms:
        last = Step("matrix of a linear map", before, applied(matrix, u, before), is_sound=u not in variables(before))
        answers.append(_answered(matrix, [first, *steps, last], known))
    return min((each for each in answers if each is not None), key=lambda each: each[0].weight, default=None)


def _of_rows(system: System, equations: Sequence[Equation], of: Variable, by: Variable) -> Node | None:
    """Return the matrix as a sum over positions, or examples, where the rows of all arrays between are alone."""
    if system.output.rank != 2 or system.layout == "columns":
        return None
    rows = Positions(system.output.shape[0], POSITION if system.batch is None else EXAMPLE)
    *before, last = equations
    alone, whole = [], []
    try:
        between = tuple(map(rows.equation, before))
        for term in terms_of(last.expression):
            if rows.reads(term):
                alone.append(rows.summed(term))
            else:
                whole.append(matrix_of(term, by.tangent))
    except LookupError:
        return None
    known = tuple(rows.equation(each) for each in equations_in(system.items) if rows.is_alone(each))
    there = context(replaced(system, items=known, output=rows.at(system.output)))
    inside = [*between, Equation(last.target, added(alone))]
    written = _written_out(inside, last.target)
    if written is None or not alone:
        return None
    forms = [matrix_of(simplified(written[1][1], there)[0], by.tangent)]
    if of.rank and by.rank:
        forms = [matrix_through(inside, last.target, by.tangent, there), *forms]
    matrix = min((finished(simplified(each, there)[0])[0] for each in forms), key=lambda each: each.weight)
    return added([n.BlockSum(matrix, rows.index, rows.count), *whole])


def _closed_mean(
    system: System, backward: tuple[Item, ...], items: Sequence[Item], of: Variable, by: Variable, alone: Alone
) -> tuple[Node, tuple[Step, ...]] | None:
    """Return the same for a batch: the mean of the matrices of the examples."""
    example, own = alone
    pair = (next(each for each in example.wanted if each.name == name) for name in (of.name, by.name))
    single = hessian_block(example, own, *pair)
    written = _written_out(items, gradient_of(of).tangent)
    if single.matrix is None or written is None:
        return None
    first, image = written[1]
    matrix = Examples(system, backward).mean(single.matrix)
    steps = [first, Step("mean of the matrices of all examples", image, applied(matrix, by.tangent, image))]
    return _answered(matrix, steps, context(system))


def _written_out(items: Sequence[Item], target: Variable) -> tuple[list[Equation], tuple[Step, Node]] | None:
    """Return the equations of a tangent, and the step that writes them out to one formula; None where it is long."""
    equations = [item for item in items if isinstance(item, Equation)]
    if len(equations) < len(items):
        return None
    written: dict[Node, Node] = {}
    for each in equations:
        written[each.target] = replace(each.expression, written)
        if written[each.target].weight > LONGEST:
            return None
    return equations, (Step("tangents written out", target, written[target], tuple(equations)), written[target])


def _answered(matrix: Node, steps: list[Step], known: Context) -> tuple[Node, tuple[Step, ...]] | None:
    shorter, more = simplified(matrix, known)
    shown, touches = finished(shorter)
    answer, last = finished(shown, WITH_DIAGONALS)
    if _is_long(answer):
        return None
    own = [*more, *touches, *last] or [Step("the matrix itself", matrix, answer)]
    return answer, (*steps, *own)


def _is_long(matrix: Node) -> bool:
    return matrix.weight > LONGEST or any(each.rank > 2 for each in parts(matrix))
