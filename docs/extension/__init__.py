"""A Sphinx extension: formulas as MathML, and directives that derive while a page is built.

Nothing that the site shows of symprop's answers is typed into a page: a directive holds what a reader would type, and
the library is asked at build time. A page whose question has no answer stops the build.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from extension import docstrings, mathematics, pages
from extension.derivations import DerivationDirective, JacobianDirective
from extension.derived import DerivedDirective
from extension.questions import QuestionDirective


def setup(app: Sphinx) -> dict[str, Any]:
    """Enter the renderer of formulas, the directives, and what pages are made of before they are read."""
    mathematics.enter(app)
    app.add_directive("derivation", DerivationDirective)
    app.add_directive("jacobian", JacobianDirective)
    app.add_directive("question", QuestionDirective)
    app.add_directive("derived", DerivedDirective)
    app.connect("source-read", pages.fill)
    app.connect("autodoc-process-signature", docstrings.public_signature)
    app.connect("autodoc-process-docstring", docstrings.as_rst, priority=400)  # before napoleon, at 500
    app.connect("autodoc-process-docstring", docstrings.with_colons, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
