"""Configure Sphinx for the site: `make docs` builds it into build/docs/, every warning an error.

The site asks nothing of a network: formulas are MathML that `extension` writes at build time, fonts are the reader's.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]  # the repository, whose tests hold samples, and the extension

import symprop  # noqa: E402

project = "symprop"
author = "The symprop authors"
copyright = "The symprop authors, MIT licence"
version = release = symprop.__version__

extensions = [
    "myst_parser",  # pages are Markdown
    "sphinx.ext.autodoc",  # the reference is the docstrings
    "sphinx.ext.napoleon",  # which say `Raises:` as Google does
    "extension",  # formulas as MathML, derivations made while the page is built
]
exclude_patterns = ["_static", "extension"]
nitpicky = False  # SymPy's and NumPy's own pages are on a network, which the build does without

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
myst_dmath_double_inline = True

html_theme = "furo"
html_title = f"symprop {release}"
html_static_path = ["_static", "../templates/html/math.woff2"]  # the font of formulas in reports
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # a summary is fetched, which a page opened from disk may not do
html_theme_options = {"top_of_page_buttons": []}
pygments_style = "friendly"
pygments_dark_style = "github-dark"

default_role = "code"  # docstrings write code in single quotes, as Markdown does
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
add_module_names = False
