"""Proofs that two formulas are equal: one normal form, one sum of products, or every element of the difference zero.

The last proof is exact at the sizes that it names: the index meaning of both formulas is written out in SymPy's
scalars, symmetric and normalised arrays with as many free elements as they have, and the difference is brought to a
normal form of rational functions in these elements and their exponentials. It is tried where it is short.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.elements import Reader, elements
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import is_zero, zeros
from symprop.calculus.coefficients import same_shape
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import Context
from symprop.calculus.tidy import tidy
from symprop.errors import LimitError
from symprop.formulas.checks.points import at_sizes
from symprop.formulas.compare.comparison import FORM, SUMS, WORDS
from symprop.formulas.compare.inverses.proof import same_words
from symprop.formulas.compare.sums.elements import same_sums

MOST_OPERATIONS, MOST_SYMBOLS, MOST_ELEMENTS = 400, 20, 40
LONGEST = 2_000
"""What is written out by elements at most: for one element, in all, and how many elements."""

_AS_EXPONENTIALS = (sympy.tanh, sympy.sinh, sympy.cosh)


def proof_for_every_size(pairs: Iterable[tuple[Node, Node]]) -> str | None:
    """Return the kind of proof that two formulas are equal, whatever their sizes, in one of the forms of both; or None.

    >>> from symprop.algebra.formula import formula
    >>> A = {"A": "n n", "x": "n"}
    >>> proof_for_every_size([(formula("x @ A", **A).node, formula("A.T @ x", **A).node)])
    'identical after simplification'
    >>> proof_for_every_size([(formula("x @ A @ x", **A).node, formula("trace(outer(x, A @ x))", **A).node)])
    'equal as sums of products'
    """
    for first, second in pairs:
        if not same_shape(first, second):
            continue
        if tidy(first) == tidy(second):
            return FORM
        if same_sums(first, second):
            return SUMS
        if same_words(first, second):
            return WORDS
        try:
            difference, _ = simplified(n.Add(first, n.negative(second)), Context())
        except LimitError:
            continue
        if is_zero(difference):
            return FORM
        if same_sums(difference, zeros(*difference.shape)):
            return SUMS
    return None


def same_elements(
    first: Node, second: Node, variables: Sequence[Variable], choices: Sequence[Mapping[Expr, int]]
) -> tuple[Mapping[Expr, int], ...]:
    """Return the choices of sizes at which every element of the difference is proved to be zero; none for no proof.

    >>> from symprop.algebra.formula import formula
    >>> f, g = formula("(x + y)**2", x="", y=""), formula("x**2 + 2 * x * y + y**2", x="", y="")
    >>> same_elements(f.node, g.node, f.variables, ({},))
    ({},)
    """
    proved: list[Mapping[Expr, int]] = []
    for sizes in choices:
        here = [at_sizes(node, sizes) for node in (first, second)]
        if here[0] is None or here[1] is None or np.prod([int(size) for size in here[0].shape]) > MOST_ELEMENTS:
            break
        if length(here[0]) + length(here[1]) > LONGEST:
            break
        reader = Reader(_free_elements(variables, sizes))
        pairs = zip(elements(here[0], reader=reader).ravel(), elements(here[1], reader=reader).ravel(), strict=True)
        if not all(_is_zero(left, right) for left, right in pairs):
            break  # too long, or beyond this normal form
        proved.append(sizes)
    return tuple(proved)


def length(node: Node) -> int:
    """Return about how many symbols the longest element of a node has, written out; its sizes are numbers.

    >>> from symprop.algebra import variable
    >>> A = variable("A", (3, 3))
    >>> length(A @ A), length(n.Determinant(A))
    (6, 18)
    """
    inside = sum(length(operand) for operand in node.operands)
    count = int(max((size for operand in node.operands for size in operand.shape), default=1))
    if isinstance(node, n.Decomposition):
        return LONGEST + 1  # no element is written out
    if isinstance(node, (n.Determinant, n.LogDeterminant)):
        return inside * count * math.factorial(count)
    if isinstance(node, n.Inverse):
        return 2 * inside * count * math.factorial(count)
    if isinstance(node, n.MatrixPower):
        exponent = abs(int(node.exponent)) if node.exponent.is_Integer else LONGEST
        return inside * min(LONGEST, exponent * count ** min(exponent, 20))
    if isinstance(node, n.MatMul):
        return inside * int(node.operands[0].shape[-1])
    if isinstance(node, (n.Sum, n.Product)):
        return inside * math.prod(int(node.operands[0].shape[axis]) for axis in node.axes)
    if isinstance(node, (n.Softmax, n.LogSumExp)):
        return inside * (1 + int(node.operands[0].shape[node.axis]))
    if isinstance(node, n.Power) and node.exponent.is_Integer:
        return inside * min(LONGEST, abs(int(node.exponent)))
    return max(1, inside)


def _is_zero(left: Expr, right: Expr) -> bool:
    """Whether a difference of scalars is zero, by a normal form of rational functions. False where it is too long."""
    difference = left - right
    if difference == 0:
        return True
    if difference.has(sympy.Piecewise, sympy.Max, sympy.Min, sympy.KroneckerDelta):
        return False  # their normal form has a case for each order of all that is compared
    if difference.count_ops() > MOST_OPERATIONS or len(difference.free_symbols) > MOST_SYMBOLS:
        return False
    written = sympy.expand(difference.rewrite(_AS_EXPONENTIALS, sympy.exp))
    if written == 0:
        return True
    if written.is_polynomial() or written.count_ops() > MOST_OPERATIONS:
        return False
    return bool(sympy.numer(sympy.together(written)).expand() == 0)


def _free_elements(variables: Sequence[Variable], sizes: Mapping[Expr, int]) -> dict[str, Any]:
    """Return arrays of symbols for variables whose elements depend on each other: symmetric ones, and sums of 1."""
    found: dict[str, Any] = {}
    for each in variables:
        facts = each.facts_by_kind
        free = at_sizes(each, sizes)
        if free is None or "index" in facts:
            continue
        values = elements(free)
        if "symmetric" in facts:
            found[each.name] = np.where(np.tri(len(values), dtype=bool), values, values.T)
        elif "sums to 1" in facts:
            moved = np.moveaxis(values.copy(), int(facts["sums to 1"]), -1)
            moved[..., -1] = 1 - moved[..., :-1].sum(axis=-1)
            found[each.name] = np.moveaxis(moved, -1, int(facts["sums to 1"]))
    return found
