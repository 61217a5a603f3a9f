"""Write `$...$` and `$$...$$` as MathML at build time, so that a page needs no script and no network for formulas."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

from symprop.notation.mathml import mathml


def displayed(latex: str) -> str:
    """Return LaTeX as a formula that stands alone.

    >>> 'display="block"' in displayed("x^2")
    True
    """
    return mathml(latex, limits=True).replace('display="inline"', 'display="block"', 1)


def inline(latex: str) -> str:
    """Return LaTeX as a formula inside a sentence, where fractions and sums are small."""
    return mathml(latex).replace(' displaystyle="true"', "", 1)


def _visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(inline(node.astext()))
    raise nodes.SkipNode


def _visit_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="formula">{displayed(node.astext())}</div>\n')
    raise nodes.SkipNode


def enter(app: Sphinx) -> None:
    """Make this the renderer that `html_math_renderer = "mathml"` names."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
