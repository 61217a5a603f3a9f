"""Generated code as the page shows it: a line knows the equation that it computes, so that both light up together."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from symprop.reports.listing import equations_of_lines
from symprop.templating import environment

_DEFINED = re.compile(r"(def )?([A-Za-z_][A-Za-z0-9_]*)(?:\(| = )")


def of_network(source: str, numbers: Mapping[str, int]) -> str:
    """Return the module of a network as HTML: a line belongs to the equation whose number stands above it."""
    names = {number: name for name, number in numbers.items()}
    lines = equations_of_lines(source, names)
    return _rendered((line, names.get(number, "")) for line, number in lines)


def of_formula(source: str, names: Collection[str]) -> str:
    """Return the functions of a formula as HTML: a line belongs to the function it stands in, or to what it defines."""
    return _rendered(_by_function(source, names))


def _by_function(source: str, names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the lines, each with its name.

    >>> [name for _, name in _by_function("def gradient(x):\\n    p = exp(x)\\n    return p\\n", ["gradient", "p"])]
    ['gradient', 'gradient p', 'gradient']
    """
    inside = ""
    for line in source.splitlines():
        found = _DEFINED.match(line.strip())
        if line[:1].strip():
            inside = found[2] if found and found[1] and found[2] in names else ""
        own = found[2] if inside and found and found[2] in names else inside
        yield line, " ".join(dict.fromkeys(filter(None, (inside if line.strip() else "", own if line.strip() else ""))))


def _rendered(lines: Iterator[tuple[str, str]]) -> str:
    """Return the lines as HTML; the first of an equation can be reached by the keyboard."""
    before, rows, linked = "", [], False
    for text, name in lines:
        stop = None if not name or name == before else "-1" if linked else "0"
        linked = linked or bool(name)
        rows.append((text, name, stop))
        before = name
    return environment("html").get_template("page/code.html.j2").render(lines=rows, linked=linked)
