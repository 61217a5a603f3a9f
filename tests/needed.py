"""Declarations that many formulas share: each formula is given those that it needs."""

from __future__ import annotations

from collections.abc import Mapping

from symprop.algebra.declarations import declarations_text, read_declarations
from symprop.algebra.latex.tokens import is_latex
from symprop.algebra.reading.statements import names_read


def needed(shapes: Mapping[str, str], *texts: str) -> dict[str, str]:
    """Return the declarations of names that one of the texts has, and of arrays that tell a size in it."""
    names = {name for text in texts for name in names_read(text)}
    kept = {name: what for name, what in shapes.items() if name in names}
    for name, what in shapes.items():
        told = {word for words in kept.values() for word in words.split()}
        if names.intersection(what.split()) - told:
            kept[name] = what
    return kept


def needed_of(where: str, *texts: str) -> str:
    """Return the declarations of a text that one of the formulas needs; all, where one is LaTeX."""
    if any(map(is_latex, texts)):
        return where
    given = {each.name: each for each in read_declarations(where)}
    kept = needed({name: declarations_text([each]).partition(":")[2] for name, each in given.items()}, *texts)
    return declarations_text(given[name] for name in kept)
