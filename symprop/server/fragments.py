"""The pieces of the page that an answer fills, as HTML: what templates lay out, and what is copied."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from symprop.algebra.nodes import Node
from symprop.algebra.shapes import shape_text
from symprop.formulas.compare.comparison import Comparison
from symprop.notation.blocks import Link
from symprop.notation.breaking import latex_pieces
from symprop.notation.html_document import math, words
from symprop.notation.paper import Paper
from symprop.templating import environment
from symprop.verify import Certificate


@dataclass(frozen=True)
class Shape:
    """A row of the table of shapes."""

    symbol: Markup
    shape: str
    role: str
    known: Markup


@dataclass(frozen=True)
class Formula:
    """One equation: MathML to see, LaTeX to copy; `steps` says whether steps led to it."""

    name: str
    number: int | None
    left: Markup
    right: tuple[Markup, ...]
    shape: str
    latex: str
    steps: bool = False
    note: str = ""


@dataclass(frozen=True)
class Group:
    """Equations under a title and the heading of a loop; either may be empty."""

    title: str
    heading: Markup
    rows: tuple[Formula, ...]


SCREEN = Paper(columns=2)
"""Half of a window is about as wide as a column of a page."""


def pieces(formula: str, left: str = "") -> tuple[str, ...]:
    """Cut a formula in LaTeX where it is too long for the page behind its left side."""
    return tuple(latex_pieces(formula, SCREEN.room - SCREEN.width(left), SCREEN.points))


def shape_of(node: Node) -> str:
    """Return the shape of a formula as the page writes it."""
    return shape_text(node.shape) if node.shape else "scalar"


def _rendered(template: str, **given: Any) -> str:
    page = environment("html").get_template(f"page/{template}.html.j2")
    return page.render(math=math, words=words, **given).strip()


def derivation_parts(
    shapes: list[Shape], answer: list[Group], given: list[Group], notes: list[Markup | str]
) -> dict[str, Any]:
    """Return the sections of the answer, of what it rests on, of shapes and LaTeX."""
    rows = sorted((row for group in (*given, *answer) for row in group.rows), key=lambda row: row.number or 0)
    return {
        "answer": _rendered("derivation", groups=answer, notes=() if given else notes),
        "given": _rendered("derivation", groups=given, notes=notes) if given else "",
        "shapes": _rendered("shapes", rows=shapes),
        "latex": _rendered("latex", rows=rows),
        "latex_all": _aligned(rows),
    }


def _aligned(rows: list[Formula]) -> str:
    r"""Return all equations as one `align` environment."""
    lines = [row.latex.replace(" = ", " &= ", 1) + (rf" \tag{{{row.number}}}" if row.number else "") for row in rows]
    return "\\begin{align}\n" + " \\\\\n".join(lines) + "\n\\end{align}\n"


def steps_parts(chains: Iterable[tuple[str, Sequence[Link], str]]) -> dict[str, Any]:
    """Return the steps that led to equations, by name: each with its steps and what they begin with, in LaTeX.

    Those of one name stand below each other.
    """
    found: dict[str, str] = {}
    for name, steps, start in chains:
        found[name] = found.get(name, "") + _rendered("steps", steps=steps, start=start)
    return {"steps": found}


def diagram_parts(drawn: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a diagram for the page, without the line that a file begins with; `names` are equations' names there."""
    svg = drawn[drawn.index("<svg") :]
    return {
        "diagram": re.sub('data-names="([^"]*)"', lambda found: f'data-names="{names.get(found[1], found[1])}"', svg)
    }


def report_parts(ending: str, write: Mapping[str, Callable[[], str]]) -> dict[str, Any]:
    """Return a report as a file; of a PDF the LaTeX, which is compiled where files may be written."""
    return {"text": write["tex" if ending == "pdf" else ending](), "file": f"report.{ending}", "kind": KINDS[ending]}


KINDS = {"html": "text/html", "md": "text/markdown", "tex": "application/x-tex", "pdf": "application/pdf"}
"""The kind of each file, for the browser."""


def certificate_parts(certificate: Certificate) -> dict[str, Any]:
    """Return the table of a certificate with what it says in words."""
    rows = [(*row.cells, row.ok) for row in certificate.rows]
    whole = certificate.ok and not certificate.unreached
    verdict = "failed" if certificate.failures else "ok" if whole else "open"
    return {
        "certificate": _rendered(
            "certificate",
            rows=rows,
            verdict=verdict,
            summary=certificate.summary,
            failures=certificate.failures,
            remarks=certificate.remarks,
            seconds=f"{certificate.seconds:.1f}",
        ),
        "verdict": verdict,
        "summary": certificate.summary,
    }


def compared_parts(found: Comparison) -> dict[str, Any]:
    """Return in words how a line of one's own compares: the verdict, then where the two differ."""
    said, *more = found.message.split("\n")
    verdict = {True: "ok", False: "failed", None: "open"}[found.equal]
    return {"mine": _rendered("mine", said=said, more=more, verdict=verdict), "verdict": verdict, "summary": said}
