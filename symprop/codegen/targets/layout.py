"""How lines of source are laid out: formulas above the code that computes them, and what is too long for one line."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Sequence

from symprop.algebra.alike import asked_once
from symprop.algebra.equations import Equation
from symprop.algebra.kinds.patterns import Common
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import shape_text
from symprop.analysis.derivation import Derivation
from symprop.codegen.program import Statement
from symprop.codegen.scans import OfSteps, Scan
from symprop.notation.selection_notes import about_images
from symprop.notation.stacks import sides
from symprop.notation.terminal import UNICODE

COLUMNS = 88
"""The columns of a line, as `ruff format` counts them."""

INDENT = 4

_SHORT = re.compile(r"\([^()]{1,30}\)")
"""Brackets that stay on one line of a comment, such as a shape."""


def heading(derivation: Derivation) -> dict[str, list[str]]:
    """Return lines for the docstring of a module: the network, a few layers on each, and what its equations mean by an
    image and its windows."""
    safe = derivation.source.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    first: dict[Common, Equation] = {}  # of those that are alike
    for each in derivation.equations:
        first.setdefault(each.pattern[0], each)
    written = (side for equation in first.values() for side in sides(equation))
    said = " ".join(map(UNICODE.words, about_images(derivation.system, written)))
    texts = {"network": (safe, COLUMNS - INDENT), "images": (said, COLUMNS)}
    return {
        name: textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
        for name, (text, width) in texts.items()
    }


def comment(text: str, indent: int = INDENT) -> list[str]:
    """Return a comment as lines for this indent.

    >>> comment("(1) z = W a")
    ['# (1) z = W a']
    """
    width = COLUMNS - indent
    if len(text) + 2 <= width and text == text.strip() and text.isprintable():
        return [f"# {text}"] if text else []
    whole = _SHORT.sub(lambda bracket: bracket[0].replace(" ", "\xa0"), text)
    lines = textwrap.wrap(
        whole, width, initial_indent="# ", subsequent_indent="#     ", break_long_words=False, break_on_hyphens=False
    )
    return [line.replace("\xa0", " ") for line in lines]


def under_formulas(statements: Iterable[Statement], code: Callable[[Statement], list[str]]) -> list[str]:
    """Return the lines of statements: above all that computes it, each formula with its number and shape."""
    lines: list[str] = []
    waiting: list[str] = []
    for statement in statements:
        for text in dict.fromkeys(why.text for why in statement.whys):
            waiting.extend(comment(text))
        waiting.extend(code(statement))
        if statement.formula:
            number = f"({statement.number}) " if statement.number is not None else ""
            shape = shape_text(statement.whole) if statement.whole else _shape(statement.target)
            lines.extend(comment(f"{number}{statement.formula}   {shape}"))
        if statement.formula or isinstance(statement.expression, (Scan, OfSteps)):
            lines.extend(waiting)
            waiting = []
    return [*lines, *waiting]


@asked_once
def _shape(node: Node) -> str:
    return shape_text(node.shape)


def laid_out(start: str, items: Sequence[str], end: str = ")", indent: int = INDENT) -> list[str]:
    """Return `start items end` on one line, on three, or an item to a line, as `ruff format` breaks it.

    >>> laid_out("z = np.dot(", ["a", "b"])
    ['z = np.dot(a, b)']
    """
    whole = f"{start}{', '.join(items)}{end}"
    if len(whole) + indent <= COLUMNS:
        return [whole]
    inner = "    " + ", ".join(items)
    if len(inner) + indent <= COLUMNS and end != "}":  # the items of a dict never share a line of their own
        return [start, inner, end]
    return [start, *(f"    {item}," for item in items), end]


def in_a_row(start: str, names: Sequence[str], end: str = "") -> list[str]:
    """Return `start a, b, c end`; where that is too long, in brackets with a name on each line.

    >>> in_a_row("return ", ["params", "x"])
    ['return params, x']
    """
    whole = f"{start}{', '.join(names)}{end}"
    if len(whole) + INDENT <= COLUMNS:
        return [whole]
    return [f"{start}(", *(f"    {name}," for name in names), f"){end}"]


def named_tuple(name: str, items: Sequence[str], indent: int = INDENT) -> list[str]:
    """Return the lines of `name = (a, b)`, an item to a line where one line is too short.

    >>> named_tuple("given", ["w"])
    ['given = (w,)']
    """
    line = f"{name} = ({', '.join(items)}{',' if len(items) == 1 else ''})"
    if len(line) + indent <= COLUMNS:
        return [line]
    return [f"{name} = (", *(f"    {item}," for item in items), ")"]


def signature(name: str, *arguments: str) -> str:
    """Return `def name(...):`, one argument a line where one line is too short, as `ruff format` has it."""
    line = f"def {name}({', '.join(arguments)}):"
    return line if len(line) <= COLUMNS else f"def {name}(\n" + "".join(f"    {each},\n" for each in arguments) + "):"


__all__ = ["COLUMNS", "INDENT", "comment", "in_a_row", "laid_out", "named_tuple", "signature", "under_formulas"]
