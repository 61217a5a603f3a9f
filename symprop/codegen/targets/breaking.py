"""Long expressions on several lines, broken where `ruff format` breaks them: at the operators that bind least."""

from __future__ import annotations

import re
from collections.abc import Iterator

from symprop.codegen.targets.layout import COLUMNS, INDENT

OPERATORS = (
    (" if ", " else "),
    (" < ", " > ", " <= ", " >= ", " == ", " != "),
    (" | ",),
    (" & ",),
    (" + ", " - "),
    (" * ", " / ", " @ "),
    (" ** ",),
)
"""Operators with two operands, from those that bind least to those that bind most."""

_BINDS = {operator: place for place, operators in enumerate(OPERATORS) for operator in operators}

_SIGNS = re.compile("|".join([r"[\[({\])}]", *map(re.escape, _BINDS)]))


def assigned(name: str, text: str, indent: int = INDENT) -> list[str]:
    """Return the lines of `name = text` for this indent.

    >>> for line in assigned("delta1", "(delta2 @ W2 + " + " + ".join(["value"] * 6) + ") * (1 - a1 * a1)"):
    ...     print(line)
    delta1 = (delta2 @ W2 + value + value + value + value + value + value) * (
        1 - a1 * a1
    )
    """
    return broken(f"{name} = ", text, indent)


def broken(start: str, text: str, indent: int = INDENT) -> list[str]:
    """Return the lines of a statement: `start`, such as `return `, and an expression.

    Brackets are put around what is broken at its operators, but where the one that binds least stands alone and the
    expression starts or ends in brackets of its own: there those are broken.
    """
    if len(start + text) + indent <= COLUMNS:
        return [start + text]
    if (len(split(text)) == len(chained(text)) == 1) or (_breaks_in_brackets(text) and _may_flow(start, text, indent)):
        return flowing(start, text, indent)
    return [f"{start}(", *_indented(parted(text, indent + INDENT)), ")"]


def _breaks_in_brackets(text: str) -> bool:
    operators = [operator for operator, _ in split(text) if operator not in ("", " else ")]
    return len(operators) == 1 and (text.startswith("(") or text[-1:] in (")", "]"))


def _may_flow(start: str, text: str, indent: int) -> bool:
    """Whether everything outside brackets fits on lines of its own, which those that open and end them stand on."""
    places = [0, *(place for pair in _brackets(text) for place in pair), len(text)]
    outside = [text[first:last] for first, last in zip(places[::2], places[1::2], strict=True)]
    return all(indent + len(each) + 2 <= COLUMNS for each in [start + outside[0], *outside[1:]])


def parted(text: str, indent: int, start: str = "", end: str = "") -> list[str]:
    """Return the lines of `start text end` inside brackets, for the indent that an expression has there."""
    if len(start + text + end) + indent <= COLUMNS:
        return [start + text + end]
    parts, calls = split(text), chained(text)
    if len(parts) == len(calls) == 1:
        return flowing(start, text, indent, end)
    if len(parts) == 1:
        first, *middle, last = calls
        pieces = [(start, first, ""), *(("", call, "") for call in middle), ("", last, end)]
        return [line for piece in pieces for line in flowing(piece[0], piece[1], indent, piece[2])]
    lines: list[str] = []
    for operator, part in parts[:-1]:
        lines.extend(parted(part, indent, f"{operator.strip()} " if operator else start))
    operator, part = parts[-1]
    return [*lines, *parted(part, indent, f"{operator.strip()} ", end)]


def flowing(start: str, text: str, indent: int, end: str = "") -> list[str]:
    """Return the lines of `start text end`, broken inside the first brackets after which the line would be too long."""
    lines: list[str] = []
    line, place, pairs = start, 0, list(_brackets(text))
    for number, (first, last) in enumerate(pairs):
        after = pairs[number + 1][0] if number + 1 < len(pairs) else len(text)
        line += text[place:first]
        if indent + len(line + text[first:after] + (end if after == len(text) else "")) <= COLUMNS:
            line += text[first:last]
        else:
            lines.extend([line, *_indented(_inside(text[first : last - 1], indent))])
            line = text[last - 1]
        place = last
    return [*lines, line + text[place:] + end]


def _brackets(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the outermost brackets of a text open, behind the sign, and where they end; empty ones aside."""
    depth, first = 0, 0
    for place, sign in enumerate(text):
        if sign in "([{":
            depth += 1
            first = place + 1 if depth == 1 else first
        elif sign in ")]}":
            depth -= 1
            if depth == 0 and place > first:
                yield first, place + 1


def _inside(text: str, indent: int) -> list[str]:
    """Return the lines of what stands in brackets that are opened at an indent; items have a line each."""
    items = list(_items(text))
    if len(items) == 1 or indent + INDENT + len(text) <= COLUMNS:
        return [text] if len(items) > 1 else parted(text, indent + INDENT)
    return [line for item in items for line in parted(item, indent + INDENT, end=",")]


def split(text: str) -> list[tuple[str, str]]:
    """Return the operands of the operators that bind least, each with the operator before it.

    >>> split("a * b + f(c + d) - e")
    [('', 'a * b'), (' + ', 'f(c + d)'), (' - ', 'e')]
    """
    depth, found = 0, list[re.Match[str]]()
    for sign in _SIGNS.finditer(text):
        depth += (sign[0] in "([{") - (sign[0] in ")]}")
        if depth == 0 and sign[0] in _BINDS:
            found.append(sign)
    least = min((_BINDS[sign[0]] for sign in found), default=0)
    parts, start, before = [], 0, ""
    for sign in found:
        if _BINDS[sign[0]] == least:
            parts.append((before, text[start : sign.start()]))
            start, before = sign.end(), sign[0]
    return [*parts, (before, text[start:])]


def chained(text: str) -> list[str]:
    """Return a chain of two and more calls on what calls give, each call on its own; else the whole text.

    >>> chained("f(x).transpose(1, 0).reshape(6)"), chained("x.reshape(2, 3).T")
    (['f(x)', '.transpose(1, 0)', '.reshape(6)'], ['x.reshape(2, 3).T'])
    """
    places = [place for place in _outside(text) if text[place] == "." and text[place - 1 : place] in (")", "]")]
    if len(places) < 2 or len(split(text)) > 1:
        return [text]
    return [text[first:last] for first, last in zip([0, *places], [*places, len(text)], strict=True)]


def _outside(text: str) -> Iterator[int]:
    """Yield the places of a text that no brackets hold."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0:
            yield place


def _items(text: str) -> Iterator[str]:
    """Yield what commas part, those inside brackets aside."""
    start = 0
    for place in _outside(text):
        if text.startswith(", ", place):
            yield text[start:place]
            start = place + 2
    yield text[start:]


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


__all__ = ["assigned", "broken"]
