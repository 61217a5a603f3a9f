"""What can be wrong with what a row of a table returns: one name for each mistake, whatever the value is.

A change takes a value and returns another one, or None where it cannot be wrong this way: a vector has no transpose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import sympy

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.codegen.targets.code import FLOAT, UNARY, Code
from symprop.codegen.targets.code import PRODUCT as PRODUCT_CODE
from symprop.formulas.compare.inverses.words import transposed as transpose
from symprop.notation.precedence import PRODUCT, SUM, Piece

Change = Callable[[Any], Any]
Changes = Mapping[str, Change]
A_LITTLE = sympy.Rational(1001, 1000)


def scaled(factor: Any) -> Change:
    return lambda node: n.Multiply(n.Scalar(factor), node)


def transposed(node: Node) -> Node | None:
    """Return a square matrix turned; none where it is no square."""
    return n.Transpose(node) if node.rank == 2 and node.shape[0] == node.shape[1] and node.shape[0] != 1 else None


def turned(node: Node) -> Node | None:
    """Return an array with its first axis in reverse order."""
    return n.Flip(node, 0) if node.rank and node.shape[0] != 1 else None


def dropped(node: Node) -> Node | None:
    """Return a sum or a product without its last operand; none where that changes the shape."""
    match node:
        case n.Add(operands=(*others, _)) | n.Multiply(operands=(*others, _)) if others:
            left: Node = node.func(*others) if len(others) > 1 else others[0]
            return left if left.shape == node.shape else None
    return None


def one_more(node: Node) -> Node:
    """Return a formula with a term more."""
    return n.Add(node, n.Fill(1, node.shape) if node.rank else n.Scalar(1))


SCALED: Changes = {"sign": scaled(-1), "factor 2": scaled(2), "factor 1.001": scaled(A_LITTLE)}
NODES: Changes = {**SCALED, "transposed": transposed, "reversed": turned, "dropped": dropped}
"""Of formulas."""


def inside(part: str, changes: Changes) -> Changes:
    """Return changes of a formula that is a part of what a row returns."""

    def within(change: Change) -> Change:
        def changed(found: Any) -> Any:
            other = None if found is None else change(getattr(found, part))
            return None if other is None else replace(found, **{part: other})

        return changed

    return {name: within(change) for name, change in changes.items()}


def where_any(changes: Changes) -> Changes:
    """Return changes of a formula where a row returns one; None is that a rule does not apply."""

    def checked(change: Change) -> Change:
        return lambda found: change(found) if isinstance(found, Node) else None

    return {name: checked(change) for name, change in changes.items()}


def _written(before: str, binds: int, precedence: int, after: str = ")") -> Change:
    """Return what puts something in front of source or of a text."""

    def change(piece: Any) -> Any:
        if isinstance(piece, Piece):
            return Piece(f"{before}{piece.text}{after}", precedence)
        if isinstance(piece, Code) and piece.kind == FLOAT:
            return replace(piece, text=f"{before}{piece.text}{after}", binds=binds)
        return None

    return change


TEXTS: Changes = {
    "sign": _written("-(", UNARY, SUM),
    "factor 2": _written("2 * (", PRODUCT_CODE, PRODUCT),
    "factor 1.001": _written("1.001 * (", PRODUCT_CODE, PRODUCT),
}
"""Of source and of texts in NumPy notation."""
LATEX: Changes = {
    "sign": _written(r"-\left(", UNARY, SUM, r"\right)"),
    "factor 2": _written(r"2 \left(", PRODUCT_CODE, PRODUCT, r"\right)"),
    "factor 1.001": _written(r"1.001 \left(", PRODUCT_CODE, PRODUCT, r"\right)"),
}


def _of_numbers(change: Change) -> Change:
    return lambda found: change(found) if isinstance(found, np.ndarray) and found.dtype != bool else None


ARRAYS: Changes = {
    "sign": _of_numbers(lambda array: -array),
    "factor 1.001": _of_numbers(lambda array: array * 1001 / 1000),
    "transposed": lambda array: np.swapaxes(array, -1, -2) if array.ndim > 2 and array.shape[-1] != 1 else None,
    "reversed": lambda array: array[:, ::-1] if array.ndim > 1 and array.shape[1] > 1 else None,
}
"""Of values, whose first axis counts evaluations."""
SCALARS: Changes = {
    "sign": lambda value: -value,
    "factor 1.001": lambda value: value * A_LITTLE,
    "one more": lambda value: value + 1,
}
"""Of numbers and of elements as SymPy has them."""
SMALLER: Changes = {"half": lambda bound: bound / 2, "factor 0.999": lambda bound: bound * sympy.Rational(999, 1000)}
"""Of bounds: what is larger is a bound too."""
SHAPES: Changes = {
    "transposed": lambda shape: tuple(reversed(shape)) if len(set(shape)) > 1 else None,
    "an axis less": lambda shape: tuple(shape)[:-1] if shape else None,
    "an axis more": lambda shape: (*shape, sympy.Integer(1)),
    "one longer": lambda shape: (*shape[:-1], shape[-1] + 1) if shape else None,
}


def _counted(part: str, change: Change) -> Change:
    def changed(found: Any) -> Any:
        count = getattr(found, part)
        return replace(found, **{part: change(count)}) if change(count) != count else None

    return changed


COUNTS: Changes = {
    f"{what} of the {part}": _counted(part, change)
    for part in ("multiplications", "additions", "functions")
    for what, change in {"one more": lambda count: count + 1, "double": lambda count: 2 * count}.items()
}
"""Of numbers of operations."""
CLAIMED: Changes = {"claimed": lambda found: True if found in (False, None) else None}
"""Of what is shown of a formula: that it holds, where nothing shows it. That it does not is no wrong answer."""
NO_REASON: Changes = {"claimed": lambda found: () if found is None else None}

FORMS: Changes = {"the same of all": lambda found: "form"}
"""Of what is equal for matrices that are seen to be equal."""


def _other_axes(found: tuple[Node, tuple[int, ...]]) -> Any:
    part, axes = found
    return (part, tuple((axis + 1) % part.rank for axis in axes)) if axes else None


REACHED: Changes = {"another axis": _other_axes}
"""Of what a sum reaches."""


def names_of(changes: Changes, given: Any) -> Iterable[str]:
    """Yield the changes that can be made to a value."""
    return (name for name, change in changes.items() if change(given) is not None)


def _of_matrices(change: Change) -> Change:
    return lambda found: change(found) if isinstance(found, sympy.Basic) else None


MATRICES: Changes = {
    "sign": _of_matrices(lambda found: -1 * found),
    "factor 1.001": _of_matrices(lambda found: A_LITTLE * found),
    "transposed": lambda found: found.T if getattr(found, "is_square", False) and found.shape[0] != 1 else None,
}
"""Of SymPy's matrix expressions."""


def _second(change: Change) -> Change:
    def changed(found: tuple[int, Node]) -> tuple[int, Node] | None:
        other = change(found[1])
        return None if other is None else (found[0], other)

    return changed


SIGNED: Changes = {name: _second(change) for name, change in NODES.items()}
"""Of signs with formulas."""


def _called(change: Change) -> Change:
    return lambda call: change(call) if call.function else None


OTHERS = {
    **{"np.add": "np.subtract", "np.subtract": "np.add", "np.multiply": "np.divide", "np.divide": "np.multiply"},
    **{"np.maximum": "np.minimum", "np.minimum": "np.maximum", "np.greater": "np.less", "np.less": "np.greater"},
    **{"np.exp": "np.expm1", "np.log": "np.log1p", "np.tanh": "np.arctan", "np.square": "np.abs", "np.sqrt": "np.cbrt"},
}
"""Functions that are called in the place of others."""
ORDERED = ("np.subtract", "np.divide", "np.matmul", "np.dot", "np.greater", "np.less", "np.power", "np.multiply.outer")
CALLS: Changes = {
    "another function": _called(
        lambda call: replace(call, function=OTHERS[call.function], sign="") if call.function in OTHERS else None
    ),
    "arguments exchanged": _called(
        lambda call: (
            replace(call, arguments=call.arguments[::-1], sign="")
            if call.function in ORDERED and len(set(call.arguments)) == 2
            else None
        )
    ),
    "a line less": lambda call: replace(call, fill=call.fill[:-1]) if len(call.fill) > 1 else None,
    "another axis": lambda call: _axis(call),
    "factor 1.001": lambda call: replace(call, fill=(*call.fill, "{} *= 1.001")) if call.fill else None,
}
"""Of calls that write into memory."""


def _axis(call: Any) -> Any:
    """Return a call along the other of the first two axes."""
    other = {"axis=0": "axis=1", "axis=1": "axis=0"}
    more = tuple(other.get(each, each) for each in call.more)
    return replace(call, more=more) if more != call.more else None


def _of_terms(change: Change) -> Change:
    """A change of a sum of products, which is a dict of coefficients; of nothing where it is 0."""
    return lambda found: change(found) if found else None


TERMS: Changes = {
    "sign": _of_terms(lambda found: {term: -by for term, by in found.items()}),
    "factor 2": _of_terms(lambda found: {term: 2 * by for term, by in found.items()}),
    "dropped": _of_terms(lambda found: dict([*found.items()][:-1]) if len(found) > 1 else None),
}
"""Of sums of products, as `compare` proves with them."""
OF_WORDS: Changes = {
    **TERMS,
    "transposed": _of_terms(lambda found: other if (other := transpose(found)) != found else None),
}
"""Of sums of products of matrices."""
