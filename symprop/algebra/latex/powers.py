r"""What a superscript means: a transpose, an inverse, a power of a matrix, or powers of elements."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from dataclasses import replace

from sympy import Rational

from symprop.algebra.latex.elaboration import Elaboration
from symprop.algebra.latex.products import met
from symprop.algebra.latex.tokens import Token
from symprop.algebra.latex.trees import FONTS, Tex
from symprop.algebra.latex.values import Value, called, constant, joined, located
from symprop.errors import ShapeError

TURNED_NUMBER = 12.0
"""How seldom a number is transposed."""
TURNED = frozenset({"top", "T", "intercal", "'", "prime", "H", "mathsf", "t"})
"""What stands above what is transposed."""


def scripts(e: Elaboration, value: Value, tree: Tex, below: bool = True) -> Value:
    """Return what the superscripts of a phrase make of it; a subscript needs a name."""
    if tree.below and below:
        e.refuse("a subscript stands behind a name alone", tree.below[0].start, tree.below[-1].end)
    return raised(e, value, tree.above)


def raised(e: Elaboration, value: Value, above: Sequence[tuple[Token, ...]]) -> Value:
    for group in above:
        value = superscript(e, value, group)
    return value


def superscript(e: Elaboration, value: Value, group: Sequence[Token]) -> Value:
    """Return what one superscript makes of a value."""
    inner = [token for token in group if token.text not in FONTS and token.text not in "{}"]
    if not inner:
        return value
    own, end = _ends(e, value, group)
    value = value.at(value.start, own)
    texts = [token.text for token in inner]
    if texts[0] in ("odot", "circ") and len(texts) > 1:
        place = [token is inner[0] for token in group].index(True)  # what stands before it is opening brackets
        return _power(e, value, e.of_tokens(group[place + 1 : len(group) - place]), True).at(value.start, end)
    turns = inner[2 if texts[:2] == ["-", "1"] else 1 :]
    if texts[0] == "-" and turns and all(_turns(e, token, value) for token in turns):
        return _turned(e, inverted(e, value), len(turns)).at(value.start, end)
    if all(_turns(e, token, value) for token in inner):
        return _turned(e, value, len(inner)).at(value.start, end)
    if _turns(e, inner[0], value) and len(inner) > 1:
        return superscript(e, transposed(e, value), inner[1:]).at(value.start, end)
    if texts in (["+"], ["dagger"]):
        return _of_matrix(e, value, "pinv", "the pseudoinverse").at(value.start, end)
    if texts in (["*"], ["ast"], ["star"]):
        return transposed(e, value).at(value.start, end)
    if texts == ["-", "1"] and value.kind == "m":
        return inverted(e, value).at(value.start, end)
    return _power(e, value, e.of_tokens(group), False).at(value.start, end)


def _ends(e: Elaboration, value: Value, group: Sequence[Token]) -> tuple[int, int]:
    r"""Return where what has a superscript ends, and where this does; `\sin^2 x` has its own before its argument."""
    end = group[-1].end
    text, rest = e.latex[value.start : end], e.latex[end : value.end]
    if text.count("{") > text.count("}") or rest.lstrip().startswith("}"):
        end = max(end, e.latex.find("}", end) + 1)
    if e.latex[end : value.end].lstrip()[:1] not in ("", "^", "_", "'"):
        return value.end, value.end
    own = e.latex[value.start : group[0].start].rstrip("{^ ")
    while own.endswith("}") and own.count("}") > own.count("{"):  # {A^T}^{-1}
        own = own[:-1].rstrip()
    return value.start + len(own) if own.count("{") == own.count("}") else value.end, end


def _turns(e: Elaboration, token: Token, value: Value) -> bool:
    """Whether a sign transposes; T is the name of a number where one is declared and the base is no array."""
    if token.text == "t" or token.text not in TURNED:
        return False
    return not (token.text == "T" and not value.rank and "T" in e.names)


def _turned(e: Elaboration, value: Value, times: int) -> Value:
    for _ in range(times):
        value = transposed(e, value)
    return value


def transposed(e: Elaboration, value: Value) -> Value:
    """Return the transpose: a row of a column; a scalar is its own."""
    if value.pending is not None and value.pending.inner is None:
        return replace(value, pending=value.pending.transposed)
    if value.number and not value.rank:
        e.refuse(r"a number has no transpose; ones are \mathbf{1}", value.start, value.end)
    e.unusual += 0.0 if value.rank else TURNED_NUMBER
    if value.rank < 2:
        kept = {"factors": value.factors, "core": value.core, "ones": value.ones}
        return value.made(value.tree, value.shape, row=not value.row, **kept)
    if value.rank > 2 or value.labels:
        tree = called("swapaxes", value.tree, constant(-1), constant(-2))
    else:
        tree = ast.Attribute(value.tree, "T", ast.Load())
    shape = (*value.shape[:-2], value.shape[-1], value.shape[-2])
    return value.made(located(tree, value.start, value.end), shape)


def inverted(e: Elaboration, value: Value) -> Value:
    """Return the inverse of a matrix, of a number its reciprocal."""
    if value.kind == "m":
        return _of_matrix(e, value, "inv", "the inverse")
    return _power(e, value, value.made(located(constant(-1), value.start, value.end), ()), False)


def _of_matrix(e: Elaboration, value: Value, function: str, what: str) -> Value:
    if value.kind != "m":
        e.refuse(f"{what} is of a matrix; {e.shapes((value,))}", value.start, value.end, ShapeError)
    if function != "pinv":
        e.same(value.shape[0], value.shape[1], value, f"{what} is of a square matrix")
    return value.made(located(called(function, value.tree), value.start, value.end), value.shape[::-1])


def _power(e: Elaboration, value: Value, exponent: Value, by_elements: bool) -> Value:
    at = value.start, exponent.end
    if value.kind != "m" or by_elements or all(size == 1 for size in map(e.sizes.value, value.shape)):
        if not exponent.rank and not exponent.labels:
            return value.made(located(joined(value.tree, ast.Pow, exponent.tree), *at), value.shape)
        if not by_elements and exponent.rank and not value.rank:
            told = r"an array above a number; write x^{\odot y} for elements"
            e.refuse(told, exponent.start, exponent.end, ShapeError)
        return met(e, [value, exponent], lambda trees: joined(trees[0], ast.Pow, trees[1]), "a power")
    if any(isinstance(part, ast.Name) and part.id in e.arrays for part in ast.walk(exponent.tree)):
        told = f"the exponent of a matrix is a number or a size, which a shape names; {e.shapes((exponent,))}"
        e.refuse(told, exponent.start, exponent.end, ShapeError)
    if sign := half(exponent.tree):
        root = _of_matrix(e, value, "sqrtm", "the root")
        return inverted(e, root) if sign < 0 else root
    e.same(value.shape[0], value.shape[1], value, r"a power of a square matrix; A^{\odot 2} is that of its elements")
    number = _number(exponent.tree)
    if number is not None and not number.is_Integer:
        written = e.latex[exponent.start : exponent.end]
        told = rf"a matrix has whole powers, 1/2 and -1/2; A^{{\odot {written}}} is that of its elements"
        e.refuse(told, exponent.start, exponent.end)
    return value.made(located(called("matrix_power", value.tree, exponent.tree), *at), value.shape)


_EXACT: dict[type[ast.operator], Callable[[Rational, Rational], Rational]] = {
    **{ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv},
}


def _number(tree: ast.expr) -> Rational | None:
    """Return the number that is written by numbers alone, -1/2 of `1 / -2`; None for anything else."""
    match tree:
        case ast.Constant(int() | float() as value):
            return Rational(str(value))
        case ast.UnaryOp(ast.USub(), operand):
            inner = _number(operand)
            return None if inner is None else -inner
        case ast.BinOp(left, sign, right) if type(sign) in _EXACT:
            one, other = _number(left), _number(right)
            if one is not None and other is not None and not (isinstance(sign, ast.Div) and other == 0):
                return _EXACT[type(sign)](one, other)
    return None


def half(tree: ast.expr) -> int:
    """Return 1 for one half, -1 for minus one half, else 0."""
    number = _number(tree)
    return 0 if number is None or abs(number) != Rational(1, 2) else int(2 * number)
