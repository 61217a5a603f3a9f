"""Formulas with arrays of rank 3 and above as matrix notation: what they are at each place of some of their axes.

An array of matrices is written by its matrices, `Sᵢ = Qᵢ Kᵢᵀ`: a row of the table says what a node is at an address,
by what its operands are there, until all that is left is matrices, vectors and numbers, which matrix notation writes.
A permutation of axes, and an axis that is split or merged, go in this: they only rename places (`Qᵢ = X W₍ᵢ₎ᵀ`).
Where no choice of few places gives matrices, all axes get a place, which is index notation: `Σₗ Gᵢⱼₗ Qᵢₖₗ`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from sympy import Symbol

from symprop.algebra import nodes as n
from symprop.algebra.alike import ForAlike
from symprop.algebra.equations import Equation
from symprop.algebra.means import Mean, has_statistics, is_mean_of_places, with_means
from symprop.algebra.nodes import Node
from symprop.algebra.roles import STATISTIC
from symprop.algebra.trees import walk
from symprop.errors import ShapeError
from symprop.notation import product_slices as product_slices  # enters its rows
from symprop.notation import reshape_slices as reshape_slices  # its rows
from symprop.notation import slices as slices  # its rows
from symprop.notation import window_slices as window_slices  # its rows
from symprop.notation.digits import Digits, Unwritten, digits
from symprop.notation.distances import with_distances
from symprop.notation.indexed import depth_over, indices_beside
from symprop.notation.named_axes import has_letters, told, with_letters
from symprop.notation.places import Address, Digit, Part, Pixel, Stack, is_torn, joined, runs
from symprop.notation.places_written import uncounted
from symprop.notation.selections import has_rows, merged, with_offsets
from symprop.notation.slices import back
from symprop.notation.slicing import Slicer, at, choices, needs_places, signs

DEEPEST = 100
"""Formulas that are deeper are no formulas that one reads."""


@lru_cache(maxsize=2_048)  # a page asks for a formula to print it, for its width, and for the signs in it
def stacked(node: Node, target: n.Variable | None = None) -> Node:
    """Return a formula with its arrays of rank 3 and above written by their matrices: `{Qᵢ Kᵢᵀ}ᵢ`.

    Where it is the right side of an equation, `target` can be written there too.

    >>> from symprop.algebra import variable
    >>> print(stacked(variable("P", (2, 3, 4)) @ variable("Q", (2, 4, 5))).pretty())
    {Pᵢ Qᵢ}ᵢ
    """
    node = with_distances(node) if target is None else node
    rows = target is not None and target.rows >= 0
    ones = rows and any(isinstance(part, n.Fill) and part.rank > 1 and part.value == 1 for part in walk(node))
    averages = has_statistics(node) or is_average(target) or (target is not None and is_mean_of_places(node))
    named = bool(target is not None and target.named)
    if not (ones or averages or named or needs_places(node)) or depth_over(node, DEEPEST):
        return node
    node = with_means(node) if averages else node
    return _searched(node, target)


def is_average(target: n.Variable | None) -> bool:
    """Whether an equation says what a statistic is."""
    return target is not None and target.role == STATISTIC


def _stacked(node: Node, whole: Node, target: n.Variable | None = None) -> Node:
    rows = target is not None and target.rows >= 0
    named = bool(target is not None and target.named)
    if not needs_places(node) and not (rows or named):
        return node
    if isinstance(node, n.Pullback) and has_rows(node) and (found := _of_pixels(node, whole)) is not None:
        return found
    try:
        sizes = digits(node)
    except Unwritten:
        sizes = ()
    if len(sizes) == node.rank:
        images = node is whole and (rows or has_rows(node))
        apart = not any(map(_is_unfinished, walk(node)))  # else the search without joined axes finds nothing
        ways = (False,) if not images else (False, True) if _is_of_norm(node, target) else (True, False)
        for joins in (way for way in ways if way or apart):
            found = _best(node, whole, sizes, joins, target)
            if found is not None:
                return with_offsets(_by_pixels(found, target) if rows else found, whole)
    return node.with_operands([_stacked(operand, whole) for operand in node.operands])


def _by_pixels(node: Node, target: n.Variable | None) -> Node:
    """A formula with one index for the pixels, the rows of a matrix, where those of their axes stand side by side."""
    if target is None or not isinstance(node, Stack):
        return node
    places = [axis[0].place for axis in node.address[: target.rows + 1] if len(axis) == 1]
    group = tuple(place for place in places if isinstance(place, Symbol))
    if not 1 < len(group) == target.rows + 1:
        return node
    letter = next(each for each in "tnhvo" if each not in n.names_in(node))
    try:
        return merged(node, group, Pixel(letter, integer=True))
    except Unwritten:
        return node


def _is_unfinished(node: Node) -> bool:
    """Whether a part has no places, since it is yet to be differentiated, and is no matrix."""
    return node.rank > 2 and isinstance(node, (n.Pullback, n.Pushforward))


def _of_pixels(node: n.Pullback, whole: Node) -> Node | None:
    """A pullback that is not worked out through a formula in the matrices of pixels, if it is one in these."""
    try:
        return with_offsets(back(node, node.operands[2], Slicer(whole, joins=True)), whole)
    except (Unwritten, ShapeError):
        return None


def _best(node: Node, whole: Node, sizes: Digits, joins: bool, target: n.Variable | None) -> Node | None:
    """The formula with the fewest indices; with all axes but the last one `joins` to rows of matrices."""
    most = max(part.rank for part in walk(node)) if _is_of_norm(node, target) else 2
    best: tuple[tuple[int, ...], Node] | None = None
    slicer = Slicer(whole, joins, most, is_average(target))
    letters = () if target is None else told(target, sizes)
    for further in choices(sum(map(len, sizes))):
        chosen = tuple(sorted({*letters, *further}))
        if best is not None and best[0][0] < len(further):
            break
        if set(letters) & set(further):
            continue
        slicer.used = 0
        try:
            address = slicer.placed(sizes, chosen)
            if any(map(is_torn, address)):
                continue
            if joins:
                address = joined(address, _rows(address, target))
            if target is not None:
                at(target, address)
            found = slicer(node, address)
        except (Unwritten, ShapeError):
            continue
        found = Stack(found, address) if chosen else found
        cost = (slicer.used - len(letters), *signs(found))
        if best is None or cost < best[0]:
            best = cost, slicer.in_order(found, node)
    if best is None:
        return None
    return with_letters(best[1], whole, target) if slicer.named or letters else best[1]


def _rows(address: Address, target: n.Variable | None) -> Sequence[int]:
    """The axes that are those of the rows of a matrix: what the target says, else all that are kept but the last."""
    if target is not None and 0 < target.rows < target.rank - 1:
        return range(target.rows + 1)
    return [axis for run in runs(address) for axis in run][:-1]


def _is_of_norm(node: Node, target: n.Variable | None) -> bool:
    """Whether a formula is by elements but for means, so that arrays of any rank stand in it as they are."""
    kinds = (n.Elementwise, n.Variable, n.Scalar, n.Fill, n.Expand, n.Reshape, Mean)
    return (is_average(target) or has_statistics(node)) and all(isinstance(part, kinds) for part in walk(node))


_searched = ForAlike(lambda node, target=None: _stacked(node, node, target))


def sides(equation: Equation) -> tuple[Node, Node]:
    """Return both sides of an equation as pages print them: `Sᵢ` and `Qᵢ Kᵢᵀ` where it says what is at each place."""
    right = stacked(equation.expression, equation.target)
    if isinstance(right, Stack) and (has_rows(equation.expression) or not uncounted(right)):
        return at(equation.target, right.address), right.operands[0]
    return equation.target, right


def in_place(equation: Equation) -> Callable[[Node], Node | None]:
    """Return what writes a formula of an equation's derivation where pages have the equation: at a place, or whole.

    What cannot be written for a head, since it moves heads, is None. Where there are none, all steps are at the place.
    """
    left, steps = left_side(equation), equation.steps
    whole = tuple((Digit(size),) for size in equation.target.shape)
    write = partial(_at, left.address if isinstance(left, Part) else whole)
    if any(map(has_letters, (equation.target, equation.expression, *(step.before for step in steps[:1])))):
        return write
    placed = isinstance(left, Part) and bool(steps) and not has_rows(equation.expression)
    return write if placed and all(write(each) for step in steps for each in (step.before, step.after)) else stacked


def left_side(equation: Equation) -> Node:
    """Return the left side of an equation as its derivation has it: at a head where one of its formulas says which."""
    target = equation.target
    others = (step.after for step in reversed(equation.steps)) if target.named else ()
    for formula in (equation.expression, *others):
        if isinstance(left := sides(Equation(target, formula))[0], Part):
            return left
    return target


@lru_cache(maxsize=2_048)  # a step begins where the one before it ends
def _at(address: Address, node: Node) -> Node | None:
    node = with_means(node) if has_statistics(node) else node
    fixed = {digit.place for axis in address for digit in axis if digit.place is not None}
    slicer = Slicer(node)
    slicer.named = True  # a derivative is that of the same place
    slicer.more = (index for index in indices_beside(node) if index not in fixed)
    try:
        return with_letters(slicer(node, address), node, None, fixed)
    except (Unwritten, ShapeError):
        return None
