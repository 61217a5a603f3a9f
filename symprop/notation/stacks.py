"""Formulas with arrays of rank 3 and above as matrix notation: what they are at each place of some of their axes.

An array of matrices is written by its matrices, `Sᵢ = Qᵢ Kᵢᵀ`: a row of the table says what a node is at an address,
by what its operands are there, until all that is left is matrices, vectors and numbers, which matrix notation writes.
A permutation of axes, and an axis that is split or merged, go in this: they only rename places (`Qᵢ = X W₍ᵢ₎ᵀ`).
Where no choice of few places gives matrices, all axes get a place, which is index notation: `Σₗ Gᵢⱼₗ Qᵢₖₗ`.
"""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation
from symprop.algebra.means import Mean, has_statistics, with_means
from symprop.algebra.nodes import Node
from symprop.algebra.roles import STATISTIC
from symprop.algebra.trees import walk
from symprop.errors import ShapeError
from symprop.notation import slices as slices  # enters its rows
from symprop.notation import window_slices as window_slices  # its rows
from symprop.notation.digits import Unwritten, digits
from symprop.notation.places import Part, Stack, labels, uncounted
from symprop.notation.precedence import depth_over
from symprop.notation.slicing import Slicer, at, choices, needs_places

DEEPEST = 100
"""Formulas that are deeper are no formulas that one reads."""


def stacked(node: Node, averages: bool = False) -> Node:
    """Return a formula with its arrays of rank 3 and above written by their matrices: `{Qᵢ Kᵢᵀ}ᵢ`.

    Where it holds statistics, or `averages` says that it is one, its means are written as such.

    >>> from symprop.algebra import variable
    >>> print(stacked(variable("P", (2, 3, 4)) @ variable("Q", (2, 4, 5))).pretty())
    {Pᵢ Qᵢ}ᵢ
    """
    found = has_statistics(node)
    if not (averages or found or needs_places(node)) or depth_over(node, DEEPEST):
        return node
    node = with_means(node) if averages or found else node
    return _stacked(node, node, averages)


def _stacked(node: Node, whole: Node, still: bool) -> Node:
    if not needs_places(node):
        return node
    try:
        sizes = digits(node)
    except Unwritten:
        sizes = ()
    most = max(part.rank for part in walk(node)) if _is_of_norm(node, still) else 2
    best: tuple[tuple[int, int, int], Node] | None = None
    for chosen in choices(sum(map(len, sizes))) if len(sizes) == node.rank else ():
        if best is not None and best[0][0] < len(chosen):
            break
        slicer = Slicer(whole, most, still)
        try:
            address = slicer.placed(sizes, chosen)
            found = slicer(node, address)
        except (Unwritten, ShapeError):
            continue
        found = Stack(found, address) if chosen else found
        cost = (slicer.used, sum(isinstance(part, n.Reshape) for part in walk(found)), _columns(found))
        if best is None or cost < best[0]:
            best = cost, slicer.in_order(found, node)
    if best is not None:
        return best[1]
    return node.with_operands([_stacked(operand, whole, False) for operand in node.operands])


def _is_of_norm(node: Node, averages: bool) -> bool:
    """Whether a formula is by elements but for means, so that arrays of any rank stand in it as they are."""
    kinds = (n.Elementwise, n.Variable, n.Scalar, n.Fill, n.Expand, n.Reshape, Mean)
    return (averages or has_statistics(node)) and all(isinstance(part, kinds) for part in walk(node))


def _columns(node: Node) -> int:
    """How often something stands at a place of a later axis, all of one before it being kept: `P[:, i]`."""
    parts = (part for part in walk(node) if isinstance(part, (Part, Stack)))
    return sum(":" in labels(part.address) for part in parts)


def sides(equation: Equation) -> tuple[Node, Node]:
    """Return both sides of an equation as pages print them: `Sᵢ` and `Qᵢ Kᵢᵀ` where it says what is at each place."""
    right = stacked(equation.expression, equation.target.role == STATISTIC)
    if isinstance(right, Stack) and not uncounted(right):
        return at(equation.target, right.address), right.operands[0]
    return equation.target, right
