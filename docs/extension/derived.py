"""The directive `derived`: Python lines, the last of which is a value that is shown as a formula or a figure."""

from __future__ import annotations

import ast
from typing import Any

import sympy
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

import symprop
from extension.markup import Row, equations, formula_line, html, typed
from symprop.algebra.nodes import Node
from symprop.notation.pretty import pretty_shape


class DerivedDirective(SphinxDirective):
    """Run the lines of the body when the page is built and show the value of the last one.

    It is a formula, an equation, whatever has `latex`, an expression of SymPy, a list of these (or of triples: left
    side, right side, what is said of it), or an SVG figure.
    Options: `left` (LaTeX of a left side), `show` (show the lines too).
    """

    has_content = True
    option_spec = {"left": directives.unchanged, "show": directives.flag}

    def run(self) -> list[nodes.Node]:
        value = evaluated("\n".join(self.content))
        shown = [typed("\n".join(self.content))] if "show" in self.options else []
        return [*shown, html(f'<div class="derivation">{as_html(value, self.options.get("left", ""))}</div>')]


def evaluated(code: str) -> Any:
    """Return the value of the last line of `code`, an expression. The code is a page's own, none that a user typed.

    >>> evaluated("x = 2\\nx + 1")
    3
    """
    tree = ast.parse(code)
    *before, last = tree.body
    assert isinstance(last, ast.Expr), "the last line is no expression"
    names: dict[str, Any] = {"symprop": symprop, "sympy": sympy}
    exec(compile(ast.Module(before, []), "<page>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<page>", "eval"), names)


def as_html(value: Any, left: str = "") -> str:
    """Return a value as HTML: a figure as it is, anything else as a table of equations or one formula."""
    if isinstance(value, str):
        return f'<figure class="drawn">{value.partition("?>")[2] or value}</figure>'
    if isinstance(value, list):
        return equations([_row(each, left) for each in value])
    row = _row(value, left)
    return equations([row]) if row.left else formula_line(row.right)


def _row(value: Any, left: str) -> Row:
    if isinstance(value, tuple) and not isinstance(value, sympy.Basic):
        before, after, note = value
        return Row(_latex(before), _latex(after), note)
    if isinstance(value, symprop.Equation):
        return Row(value.target.latex(), value.expression.latex(), pretty_shape(value.target.shape))
    if isinstance(value, Node):
        return Row(left, value.latex(), pretty_shape(value.shape))
    return Row(left, _latex(value))


def _latex(value: Any) -> str:
    return sympy.latex(value) if isinstance(value, sympy.Basic) and not isinstance(value, Node) else value.latex()
