r"""Declarations in LaTeX: of `A \in \mathbb{R}^{m \times n}` the name, and what the text language says of its set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NoReturn

from symprop.algebra.latex.names import subscripts, text_name
from symprop.algebra.latex.parser import Parser
from symprop.algebra.latex.tokens import Token, outside, refuse_at
from symprop.algebra.latex.trees import Tex, plain

_FACTS = {("R", ""): "", ("R", "+"): "nonnegative", ("R", "++"): "positive", ("S", ""): "symmetric"}
_FACTS |= {("R", ">=0"): "nonnegative", ("R", ">0"): "positive", ("[0,1", ""): "between-0-and-1"}
_FACTS |= {("S", "+"): "positive-semidefinite", ("S", "++"): "positive-definite", ("{0,1", ""): "bits"}
_FACTS |= dict.fromkeys((("{-1,1", ""), ("{-1,+1", ""), ("{1,-1", "")), "signs")
"""What the text language says of an array by the set that it is of: its letter or brackets, and what stands below."""
_IN_SIZES = frozenset({"", "+", "-", "cdot", "times", "*"})
"""Signs between the parts of a size."""


def name_declared(piece: Sequence[Token], latex: str) -> str:
    """Return the name of an array that a declaration names, in the text language."""
    tree = Parser(piece, latex).whole() if piece else None
    if tree is None or tree.kind != "name":
        at = piece[0] if piece else Token("", "", 0, 1)
        refuse_at("a declaration names an array, A \\in \\mathbb{R}^{m \\times n}", latex, at.start, at.end)
    return text_name(tree, subscripts(tree.below))


def domain(piece: Sequence[Token], latex: str) -> str:
    r"""Return what the text language declares for `\mathbb{R}^{m \times n}`, whose `\in` stands in front of it."""
    if len(piece) == 1:
        refuse_at("a domain is missing behind \\in, such as \\mathbb{R}^n", latex, piece[0].start, piece[0].end)
    first = replace(piece[1], kind="letter") if piece[1].text == "R" else piece[1]  # \R, everybody's own macro
    found = Parser([first, *piece[2:]], latex)
    tree = found.item()
    at = Tex("", piece[1].start, piece[-1].end)
    if found.here is not None or tree.kind not in ("name", "group"):
        _refuse_domain(at, latex)
    signs, parts = plain(tree.below), list[list[Token]]()
    for group in map(list, tree.above):
        while group and group[-1].text == "+":
            signs += group.pop().text
        parts += _apart(group)
    sizes = [_size(Parser(part, latex).whole(), latex) for part in parts]
    letter = tree.text
    if tree.kind == "group":
        inside = latex[tree.parts[0].start : tree.parts[-1].end] if tree.parts else ""
        letter += inside.replace(" ", "")
    if (letter, signs) not in _FACTS or (letter == "S" and (not sizes or sizes[1:] not in ([], sizes[:1]))):
        _refuse_domain(at, latex)
    return " ".join(filter(None, (*(sizes[:1] * 2 if letter == "S" else sizes), _FACTS[letter, signs])))


def _apart(found: Sequence[Token]) -> list[list[Token]]:
    r"""Return what stands between `\times`, outside of brackets; an x between two parts, `n x m`, is one too."""
    times = [place for place, token in outside(found) if token.text == "times" or _is_times(found, place)]
    ends = [-1, *times, len(found)]
    return [list(found[first + 1 : last]) for first, last in pairwise(ends) if last > first + 1]


def _is_times(found: Sequence[Token], place: int) -> bool:
    beside = (found[place - 1], found[place + 1]) if 0 < place < len(found) - 1 else ()
    are_parts = all(each.kind in ("letter", "number", "macro") or each.text in "(){}" for each in beside)
    return found[place].text == "x" and bool(beside) and are_parts


def _size(tree: Tex, latex: str) -> str:
    r"""Return a size as declarations have it: `2*n`, `n-1`, `n**2`."""
    power = "".join(map(plain, tree.above))
    if power.isdigit():
        return f"{_size(replace(tree, above=()), latex)}**{power}"
    if tree.kind == "number" and tree.bare and tree.text.isdigit():
        return tree.text
    if tree.kind == "name" and (not power or power.startswith("(")):
        return text_name(tree, subscripts(tree.below))
    inside = [_size(part, latex) for part in tree.parts] if tree.bare and set(tree.words) <= _IN_SIZES else []
    if tree.kind in ("run", "term") and inside:
        return "*".join(inside)
    if tree.kind == "sum" and inside and tree.words[0] == "+":
        return "".join(f"{sign}{part}" for sign, part in zip(tree.words, inside, strict=True)).lstrip("+")
    if tree.kind == "group" and tree.text in ("(", "{}") and len(inside) == 1:
        return f"({inside[0]})"
    return refuse_at("a size is a number, a name, or sums and products of these: 2n + 1", latex, tree.start, tree.end)


def _refuse_domain(at: Tex, latex: str) -> NoReturn:
    sets = r"\mathbb{R}^{m \times n}, \mathbb{R}^n, \mathbb{R}, \mathbb{R}_+, \mathbb{S}^n, \{0, 1\}^n or [0, 1]^n"
    refuse_at(f"a domain is {sets}", latex, at.start, at.end)
