"""How formulas look: NumPy notation, Unicode, LaTeX; equations, pages and diagrams.

Importing this package enters its printers in `symprop.algebra.printable.PRINTERS`, so that `node.latex()`, `str(node)`,
`sympy.latex(node)` and a derivation's own pages work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Node
from symprop.algebra.printable import PRINTERS
from symprop.algebra.steps import Steps
from symprop.analysis.derivation import Derivation
from symprop.analysis.readings import Readings
from symprop.notation import text_moves as text_moves  # enters its rows
from symprop.notation import text_of_matrices as text_of_matrices  # likewise
from symprop.notation.documents import STEPS, document, html, latex_page, latex_steps, readings, steps
from symprop.notation.latex import latex
from symprop.notation.notebooks import notebook_html, notebook_latex
from symprop.notation.numbered import pretty_equation
from symprop.notation.numpy_page import text_page
from symprop.notation.pretty import pretty
from symprop.notation.stacks import sides
from symprop.notation.terminal import pretty_page, said_in_lines
from symprop.notation.text import text


def _printer(
    notation: str, of_node: Callable[[Node], str], of_derivation: Callable[[Derivation], str]
) -> Callable[[Any], str]:
    """Return the printer of one notation, for all that is `Printable`."""

    def write(subject: Any) -> str:
        if isinstance(subject, Equation) and notation == "pretty":
            return pretty_equation(subject)
        if isinstance(subject, Equation):
            left, right = (subject.target, subject.expression) if notation == "text" else sides(subject)
            return f"{of_node(left)} = {of_node(right)}"
        if isinstance(subject, Derivation):
            return of_derivation(subject)
        if isinstance(subject, Readings):
            return readings(subject, notation)
        if isinstance(subject, Steps):
            return STEPS(subject.origin, subject.name, notation)
        return of_node(subject)

    return write


PRINTERS["text"] = _printer("text", text, text_page)
PRINTERS["pretty"] = _printer("pretty", pretty, pretty_page)
PRINTERS["latex"] = _printer("latex", latex, latex_page)
PRINTERS["sentences"] = said_in_lines
PRINTERS["notebook"] = notebook_latex
PRINTERS["notebook html"] = notebook_html

__all__ = [
    "STEPS",
    "document",
    "html",
    "latex",
    "latex_page",
    "latex_steps",
    "pretty",
    "pretty_page",
    "readings",
    "steps",
    "text",
    "text_page",
]
