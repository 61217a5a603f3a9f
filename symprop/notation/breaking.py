"""Where a long formula may be cut: before `+`, `-` and elementwise products, then between factors, and outside of
parentheses first."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Container, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple
from unicodedata import combining

from symprop.notation.tex_boxes import atoms_of
from symprop.notation.tex_boxes import width as tex_width
from symprop.notation.tex_signs import ACCENTS, ALPHABETS, BIN, CLOSE, ORD, PUNCT, REL, SIGNS, SPACES


class Place(NamedTuple):
    """A place for a cut: position in the string, depth of parentheses, and how much of the line is before it.

    Between factors the depth is between two of parentheses, and the next line begins with a sign that is `lead` wide.
    """

    position: int
    depth: float
    seen: float
    lead: float = 0.0


def chosen(places: Sequence[Place], total: float, width: float) -> list[int]:
    """Return where to cut so that pieces are at most `width` wide, as far out of the parentheses as that allows.

    Between factors a cut takes no less than a third of a line from what follows.
    """
    best: list[int] = []
    for depth in sorted({place.depth for place in places}):
        usable = [place for place in places if place.depth <= depth]
        cuts, start, longest = [], 0.0, 0.0
        for place, following in zip(usable, [*(place.seen for place in usable[1:]), total], strict=True):
            if following - start > width and place.seen - start > (width / 3 if place.lead else 0.0):
                cuts.append(place.position)
                longest = max(longest, place.seen - start)
                start = place.seen - place.lead
        best = cuts
        if max(longest, total - start) <= width:
            break
    return best


_SUMS_IN_TEXT, _PRODUCTS_IN_TEXT = ("+ ", "− ", "- "), ("⊙ ", "⊘ ", "* ", "@ ")
_FACTORS = re.compile(r"[^\s+−⊙⊘*@/=,:;-] [^\W\d_]*[(\w∂]")
_ALONE = 8
"""How many columns a factor takes at least to stand in a line of its own."""


def pretty_pieces(text: str, width: int) -> list[str]:
    """Return `text` cut into pieces for a terminal: outside of parentheses first, terms before factors.

    >>> pretty_pieces("aaa + bbb ⊙ (ccc − ddd)", 14)
    ['aaa', '+ bbb', '⊙ (ccc − ddd)']
    >>> pretty_pieces("f(a + b) + g(cccccc + dddddd) + h(e + f)", 16)
    ['f(a + b)', '+ g(cccccc', '+ dddddd)', '+ h(e + f)']
    """
    seen = list(accumulate((not combining(character) for character in text), initial=0))
    places = list(_in_text(text))
    ends = [0, len(text)]
    for level in sorted({level for _, level in places}):
        inside = [position for position, each in places if each == level]
        for start, end in pairwise(ends.copy()):
            here = [position for position in inside if start < position < end]
            start += text[start] == " "
            for position, following in pairwise([*here, end]):
                least = _ALONE if level % 1 == 0.5 else 1
                if seen[following] - seen[start] > width and seen[position] - seen[start] >= least:
                    ends.append(position)
                    start = position + 1
        ends.sort()
    return [text[start:end].strip() for start, end in pairwise(ends)]


def _in_text(text: str) -> Iterator[tuple[int, float]]:
    """Yield where a text may be cut, and at which level: the depth of parentheses, then sums, products, factors."""
    depth = word = 0
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character != " ":
            continue
        if text[position - 1] == ";":
            yield position, depth - 0.25
        elif text.startswith(_SUMS_IN_TEXT, position + 1):
            yield position, depth
        elif text.startswith(_PRODUCTS_IN_TEXT, position + 1):
            yield position, depth + 0.25
        elif _FACTORS.match(text, position - 1) and text[word] not in "Σ∏":
            yield position, depth + 0.5
        word = position + 1


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
    loose = set(_loose(text))
    atoms = atoms_of("".join(" " if at in loose else each for at, each in enumerate(text)), points)
    starts = [place for place, _ in atoms]
    places = [
        Place(position, depth, atoms[last][1] if (last := bisect_left(starts, position) - 1) >= 0 else 0.0, lead)
        for position, depth, lead in _places(text, loose)
    ]
    cuts = chosen(places, atoms[-1][1], width)
    between = {place.position for place in places if place.lead}
    edits: dict[int, tuple[str, str]] = {}
    for left, right in _pairs(text):
        if any(left < cut < right for cut in cuts):
            edits[left], edits[right] = ("\\left", "\\Bigl"), ("\\right", "\\Bigr")
            if left - 1 in loose:  # what is in a group cannot be cut
                edits[left - 1], edits[_closed(text, left)] = ("{", ""), ("}", "")
    pieces = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        piece = text[start:end]
        for position, (old, new) in sorted(edits.items(), reverse=True):
            if start <= position < end:
                at = position - start
                piece = piece[:at] + new + piece[at + len(old) :]
        pieces.append((r"\cdot " if start in between else "") + piece.strip())
    return pieces


_ARGUMENTS = {r"\frac": 2, r"\tfrac": 2, r"\dfrac": 2, r"\sqrt": 1, "^": 1, "_": 1}
_ARGUMENTS |= dict.fromkeys((*ALPHABETS, *ACCENTS), 1)
"""How many groups behind a command are its own."""
_SUMS = (r"\sum", r"\prod", r"\max", r"\min")
_DOT = 8.0
"""Points of a dot between factors, with its spaces."""


def _loose(text: str) -> Iterator[int]:
    r"""Yield the braces of groups that are no argument of a command and hold a pair of `\left( \right)`.

    >>> list(_loose(r"\frac{\left(a\right)}{2} \exp{\left(b\right)}"))
    [29, 44]
    """
    groups: list[tuple[bool, int]] = []  # whether it is one, and how many arguments its command still has
    pending = 0
    for match in _TOKEN.finditer(text):
        token, position, is_loose = match[0], match.start(), False
        if token == "{":
            is_loose = not pending and text.startswith("\\left", position + 1)
            groups.append((is_loose, max(pending - 1, 0)))
            pending = 0
        elif token == "}" and groups:
            is_loose, pending = groups.pop()
        elif token != " ":
            pending = _ARGUMENTS.get(token, 0)
        if is_loose:
            yield position


def _places(text: str, loose: Container[int] = ()) -> Iterator[tuple[int, float, float]]:
    r"""Yield where a formula may be cut: the position, the depth of parentheses, the width of the sign that is put in.

    >>> list(_places(r"A \log(b + c) D"))
    [(1, 0.5, 8.0), (8, 1, 0.0), (13, 0.5, 8.0)]
    """
    depth = braces = environments = 0
    is_bound = False  # to what follows: a sum, or an operator of differentiation
    last = ""
    for match in _TOKEN.finditer(text):
        token, position = match[0], match.start()
        depth += token.startswith(("\\left", "(", "[")) - token.startswith(("\\right", ")", "]"))
        environments += token.startswith("\\begin") - token.startswith("\\end")
        if token in ("{", "}") and position not in loose:
            braces += 1 if token == "{" else -1
        if token != " ":
            is_bound = is_bound or token in _SUMS or text.startswith(r"\frac{\partial}{", position)
            last = token
        elif not environments and not braces:
            if text.startswith(_CUT_BEFORE, position + 1):
                yield position, depth, 0.0
            elif not is_bound and _ends(last) and _begins(_TOKEN.match(text, position + 1)):
                yield position, depth + 0.5, _DOT
            is_bound = False


def _ends(token: str) -> bool:
    """Whether a factor may end with a token."""
    return token.isalnum() or token in ("}", ")", "]") or token.startswith("\\right") or _kind(token) == ORD


def _begins(match: re.Match[str] | None) -> bool:
    """Whether a factor may begin with a token."""
    token = match[0] if match else ""
    if token.isalnum() or token in ("{", "(") or token.startswith("\\left"):
        return True
    other = (BIN, REL, PUNCT, CLOSE)
    return token.startswith("\\") and not token.startswith(("\\right", "\\text")) and _kind(token) not in other


def _kind(token: str) -> str:
    return PUNCT if token in SPACES else SIGNS[token].kind if token in SIGNS else ""


_LONG_PARTIAL = re.compile(r"\\frac\{\\partial (?=\\left\()")


def _operators(text: str, width: float, points: int) -> str:
    r"""Write the derivative of a long sum with an operator before it: a fraction cannot be cut.

    >>> print(_operators(r"\frac{\partial \left(a + b + c\right)}{\partial x}", 60, 10))
    \frac{\partial}{\partial x} \left(a + b + c\right)
    """
    for match in reversed(list(_LONG_PARTIAL.finditer(text))):
        end = _closed(text, match.end())
        below = _closed(text, end + 2)
        numerator, denominator = text[match.end() : end], text[end + 2 : below]
        if tex_width(numerator, points) > width / 2:
            operator = rf"\frac{{\partial}}{{{denominator}}} {numerator}"
            text = text[: match.start()] + operator + text[below + 1 :]
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
