r"""Conditions below a sum sign, `\sum_{i<j}`, `\sum_{j \\ne i}`: pairs of indices for which a term counts."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from symprop.algebra.latex.elaboration import Elaboration
from symprop.algebra.latex.tokens import Token
from symprop.algebra.latex.trees import Tex, plain
from symprop.algebra.latex.values import SizeOf, Value, called, constant, joined, located, tupled
from symprop.algebra.latex.words import RELATIONS

Condition = tuple[str, str, str]
"""A sign, and the indices on its sides."""
_LETTER = re.compile("[A-Za-z]")


def _triangle(part: str, diagonal: int) -> Callable[[ast.expr, ast.expr], ast.expr]:
    def made(one: ast.expr, other: ast.expr) -> ast.expr:
        return called(part, called("ones", tupled([one, other])), constant(diagonal))

    return made


_HOLDS: dict[str, Callable[[ast.expr, ast.expr], ast.expr]] = {
    **{"<": _triangle("triu", 1), "<=": _triangle("triu", 0), ">": _triangle("tril", -1), ">=": _triangle("tril", 0)},
    "!=": lambda one, other: joined(constant(1), ast.Sub, called("eye", one)),
}
"""A matrix that has 1 where row and column stand in a relation, else 0."""


def conditions_below(e: Elaboration, tree: Tex) -> tuple[tuple[Token, ...], list[Condition]]:
    r"""Return what stands below a sum sign without its conditions, and these: of `i=1, i \ne j` it is `i \ne j`."""
    pieces: list[list[Token]] = [[]]
    for token in tree.below:
        if token.text == ",":
            pieces.append([])
        else:
            pieces[-1].append(token)
    kept: list[Token] = []
    found: list[Condition] = []
    for number, piece in enumerate(pieces):
        signs = [place for place, token in enumerate(piece) if token.text in RELATIONS and token.text != "="]
        if not signs:
            comma = [token for token in tree.below if token.text == ","][number - 1 : number] if kept else []
            kept += [*comma, *piece]
            continue
        one, other = (plain(tuple(part)) for part in (piece[: signs[0]], piece[signs[0] + 1 :]))
        if len(signs) > 1 or not (_LETTER.fullmatch(one) and _LETTER.fullmatch(other)) or tree.text != "sum":
            e.refuse(r"a condition below a sum is one of two indices: i < j, i \ne j", piece[0].start, piece[-1].end)
        found.append((piece[signs[0]].text, one, other))
    return tuple(kept), found


def holds(e: Elaboration, sign: str, one: str, other: str, tree: Tex) -> Value:
    """Return 1 where two indices stand in a relation, else 0."""
    at = tree.start, tree.end
    if one == other:
        e.refuse(f"{one} {sign} {other} is no condition of two indices", *at)
    e.same(e.labels[one], e.labels[other], Value(constant(1), (), *at), "two indices of one range")
    made = _HOLDS[sign](SizeOf(e.labels[one]), SizeOf(e.labels[other]))
    return Value(located(made, *at), (), *at, labels=(one, other))
