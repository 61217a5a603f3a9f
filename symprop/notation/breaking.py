"""Where a long formula may be cut: before `+`, `-` and elementwise products, outside parentheses first."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from symprop.notation.tex_boxes import atoms_of
from symprop.notation.tex_boxes import width as tex_width


class Place(NamedTuple):
    """A place for a cut: position in the string, depth of parentheses, and how much of the line is before it."""

    position: int
    depth: int
    seen: float


def chosen(places: Sequence[Place], total: float, width: float) -> list[int]:
    """Return where to cut so that pieces are at most `width` wide, as far out of the parentheses as that allows."""
    best: list[int] = []
    for depth in range(1 + max((place.depth for place in places), default=0)):
        usable = [place for place in places if place.depth <= depth]
        if not usable:
            continue
        cuts, start, longest = [], 0.0, 0.0
        for place, following in zip(usable, [*(place.seen for place in usable[1:]), total], strict=True):
            if following - start > width and place.seen > start:
                cuts.append(place.position)
                longest = max(longest, place.seen - start)
                start = place.seen
        best = cuts
        if max(longest, total - start) <= width:
            break
    return best


def pretty_pieces(text: str, width: int) -> list[str]:
    """Return `text` cut into pieces for a terminal.

    >>> pretty_pieces("aaa + bbb ⊙ (ccc − ddd)", 14)
    ['aaa + bbb', '⊙ (ccc − ddd)']
    """
    places, depth = [], 0
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character == " " and text[position + 1 : position + 3] in ("+ ", "− ", "⊙ ", "⊘ "):
            places.append(Place(position, depth, position))
    cuts = chosen(places, len(text), width) if len(text) > width else []
    return [text[a:b].strip() for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


_TOKEN = re.compile(r"\\left\\?.|\\right\\?.|\\begin\{[a-z]+\}|\\end\{[a-z]+\}|\\[A-Za-z]+|\\.|.", re.DOTALL)
_CUT_BEFORE = ("+ ", "- ", r"\odot ", r"\oslash ")
_INDENT = 12.0
"""Points before a piece that continues."""
_TALL = 8.0
"""Points by which parentheses of an operator are wider than those of its fraction."""


def latex_pieces(text: str, width: float, points: int = 10) -> list[str]:
    r"""Return `text` cut into pieces of so many points; a pair of `\left( \right)` with a cut becomes `\Bigl( \Bigr)`.

    >>> latex_pieces(r"a + b \odot \left(c - d\right)", 60)
    ['a + b', '\\odot \\left(c - d\\right)']
    """
    if tex_width(text, points) <= width:
        return [text]
    before, text = text, _operators(text, width, points)
    width -= _INDENT + (_TALL if text != before else 0.0)
    places, pairs = [], list(_pairs(text))
    atoms = atoms_of(text, points)
    starts = [place for place, _ in atoms]
    depth = braces = environments = 0
    for match in _TOKEN.finditer(text):
        token, position = match[0], match.start()
        depth += token.startswith(("\\left", "(")) - token.startswith(("\\right", ")"))
        environments += token.startswith("\\begin") - token.startswith("\\end")
        braces += (token == "{") - (token == "}")
        if token == " " and not braces and not environments and text.startswith(_CUT_BEFORE, position + 1):
            before_it = bisect_left(starts, position) - 1
            places.append(Place(position, depth, atoms[before_it][1] if before_it >= 0 else 0.0))
    cuts = chosen(places, atoms[-1][1], width)
    edits = [pair for pair in pairs if any(pair[0] < cut < pair[1] for cut in cuts)]
    pieces = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        swaps = [(left, "\\left", "\\Bigl") for left, _ in edits] + [(right, "\\right", "\\Bigr") for _, right in edits]
        piece = text[start:end]
        for position, old, new in sorted(swaps, reverse=True):
            if start <= position < end:
                at = position - start
                piece = piece[:at] + new + piece[at + len(old) :]
        pieces.append(piece.strip())
    return pieces


_LONG_PARTIAL = re.compile(r"\\frac\{\\partial (?=\\left\()")
_BRACED = re.compile(r"(?:^|(?<=[ (]))\{(?=\\left\()")
"""A group around parentheses, which has a power: it would not be cut inside."""


def _operators(text: str, width: float, points: int) -> str:
    r"""Write the derivative of a long sum with an operator before it: a fraction cannot be cut.

    >>> print(_operators(r"\frac{\partial \left(a + b + c\right)}{\partial x}", 60, 10))
    \frac{\partial}{\partial x} \left(a + b + c\right)
    """
    whole = text
    for match in reversed(list(_LONG_PARTIAL.finditer(text))):
        end = _closed(text, match.end())
        below = _closed(text, end + 2)
        numerator, denominator = text[match.end() : end], text[end + 2 : below]
        if tex_width(numerator, points) > width / 2:
            operator = rf"\frac{{\partial}}{{{denominator}}} {numerator}"
            text = text[: match.start()] + operator + text[below + 1 :]
    if text == whole:
        return text
    for match in reversed(list(_BRACED.finditer(text))):
        end = _closed(text, match.end())
        if text[:end].endswith("\\right)"):
            text = text[: match.start()] + text[match.end() : end] + text[end + 1 :]
    return text


def _closed(text: str, start: int) -> int:
    """Return where the brace closes that was opened before `start`."""
    depth = 1
    for match in re.finditer(r"\\.|[{}]", text[start:]):
        depth += (match[0] == "{") - (match[0] == "}")
        if not depth:
            return start + match.start()
    return len(text)


def _pairs(text: str) -> Iterator[tuple[int, int]]:
    """Yield the positions of each `\\left` and its `\\right`."""
    opened: list[int] = []
    for match in re.finditer(r"\\(left|right)(?![a-z])", text):
        if match[1] == "left":
            opened.append(match.start())
        else:
            yield opened.pop(), match.start()
