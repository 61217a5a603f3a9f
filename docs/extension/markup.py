"""Pieces of HTML that the directives share: tables of equations, parts that unfold, typed code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from docutils import nodes
from markupsafe import escape

from symprop.notation.mathml import mathml


@dataclass(frozen=True)
class Row:
    """One equation of a table: LaTeX on both sides, and what stands to its right."""

    left: str
    right: str
    space: str = ""
    number: str = ""
    anchor: str = ""


def equations(rows: Iterable[Row], caption: str = "") -> str:
    """Return equations as one table, their signs under each other.

    >>> equations([Row("y", "x^2", "(n,)", "1")]).count("<td")
    5
    """
    written = "".join(_row(row) for row in rows)
    heading = f'<p class="equations-heading">{caption}</p>' if caption else ""
    return f'{heading}<div class="equations-box"><table class="equations"><tbody>{written}</tbody></table></div>\n'


def _row(row: Row) -> str:
    anchor = f' id="{escape(row.anchor)}"' if row.anchor else ""
    number = f"({escape(row.number)})" if row.number else ""
    if row.anchor and number:
        number = f'<a href="#{escape(row.anchor)}">{number}</a>'
    sign = "=" if row.left or row.right else ""
    return (
        f'<tr{anchor}><td class="left">{mathml(row.left) if row.left else ""}</td><td class="equals">{sign}</td>'
        f'<td class="right">{mathml(row.right) if row.right else ""}</td>'
        f'<td class="space">{escape(row.space)}</td><td class="number">{number}</td></tr>'
    )


def formula_line(latex: str) -> str:
    """Return one formula that stands alone, with a scroll bar of its own where it is too wide."""
    return f'<div class="formula">{mathml(latex)}</div>\n'


def folded(summary: str, inside: str, open: bool = False) -> str:
    """Return a part that unfolds where a reader asks for it.

    >>> folded("Steps", "<p>none</p>")
    '<details><summary>Steps</summary><p>none</p></details>\\n'
    """
    return f"<details{' open' if open else ''}><summary>{summary}</summary>{inside}</details>\n"


def typed(code: str) -> nodes.literal_block:
    """Return what a reader types, as code."""
    block = nodes.literal_block(code, code)
    block["language"] = "python"
    block["classes"] = ["typed"]
    return block


def html(text: str) -> nodes.raw:
    """Return HTML as a node of the page."""
    return nodes.raw("", text, format="html")


def steps_table(steps: Iterable[tuple[str, str, str]], start: str) -> str:
    """Return named steps as a list: the rule with its reasons, and the formula that it made."""
    items = "".join(
        f'<li><span class="rule">{escape(rule)}</span>'
        + (f' <span class="because">because {escape(reason)}</span>' if reason else "")
        + f'<div class="formula">{mathml("= " + after)}</div></li>'
        for rule, reason, after in steps
    )
    return f'<div class="formula">{mathml(start)}</div><ol class="steps">{items}</ol>'
