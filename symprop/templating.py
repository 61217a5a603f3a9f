"""Where the templates are, and how Jinja reads each kind of them. Templates lay out; Python decides."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from symprop.errors import OutputError

if TYPE_CHECKING:
    import jinja2

_HERE = Path(__file__).resolve().parent
# In a wheel the templates lie inside the package; in the repository they lie beside it.
_PLACES = (_HERE / "templates", _HERE.parent / "templates")

# TeX uses braces and percent signs itself, so its templates mark theirs with brackets that TeX text never holds.
_DELIMITERS = {
    "latex": {
        "block_start_string": "<%",
        "block_end_string": "%>",
        "variable_start_string": "<<",
        "variable_end_string": ">>",
        "comment_start_string": "<#",
        "comment_end_string": "#>",
    }
}


def directory() -> Path:
    """Return the directory of templates: the installed one, else the repository's.

    >>> (directory() / "latex").is_dir()
    True

    Raises:
        OutputError: neither exists, so the installation is damaged.
    """
    for place in _PLACES:
        if place.is_dir():
            return place
    raise OutputError("the templates of symprop are missing\nallowed: an installation with symprop/templates in it")


_SHARED = ("numpy", "python")
"""Where templates of Python find what they share."""


@cache
def environment(kind: str) -> jinja2.Environment:
    """Return the Jinja environment of `templates/{kind}`: a target's, "latex" or "html".

    A name that a template uses and nobody gave is an error. HTML escapes everything that is not marked safe;
    LaTeX templates write `<< name >>` and `<% if ... %>`.

    >>> environment("latex").from_string("<< letter >>_{1}").render(letter="W")
    'W_{1}'
    """
    import jinja2  # here, for what is answered without a template

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([directory() / each for each in (kind, *_SHARED)]),
        undefined=jinja2.StrictUndefined,
        autoescape=kind == "html",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **_DELIMITERS.get(kind, {}),  # type: ignore[arg-type]
    )
