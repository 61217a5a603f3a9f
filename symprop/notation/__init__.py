"""How formulas look: NumPy notation, Unicode, LaTeX; equations, pages and diagrams.

Importing this package enters its printers in `symprop.algebra.printable.PRINTERS`.
"""

from __future__ import annotations

from typing import Any

from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Node
from symprop.algebra.printable import PRINTERS
from symprop.notation.latex import latex
from symprop.notation.pretty import pretty
from symprop.notation.text import text


def _text(subject: Any) -> str:
    if isinstance(subject, Node):
        return text(subject)
    if isinstance(subject, Equation):
        return f"{text(subject.target)} = {text(subject.expression)}"
    raise TypeError(f"no text for {type(subject).__name__}")


def _pretty(subject: Any) -> str:
    if isinstance(subject, Node):
        return pretty(subject)
    if isinstance(subject, Equation):
        return f"{pretty(subject.target)} = {pretty(subject.expression)}"
    raise TypeError(f"no text for {type(subject).__name__}")


def _latex(subject: Any) -> str:
    if isinstance(subject, Node):
        return latex(subject)
    if isinstance(subject, Equation):
        return f"{latex(subject.target)} = {latex(subject.expression)}"
    raise TypeError(f"no LaTeX for {type(subject).__name__}")


PRINTERS.update(text=_text, pretty=_pretty, latex=_latex)

__all__ = ["latex", "pretty", "text"]
