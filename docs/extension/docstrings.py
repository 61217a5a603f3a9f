"""Docstrings for the reference: what they write as Markdown does, as Sphinx reads it."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

import symprop

_CODE = re.compile(r"(?<![`:\w])`([^`\n]+)`(?![`_])(?=(\w?))")
_PRIVATE = re.compile(r", _\w+: .*? = <factory>")
_LONG = re.compile(r"~?symprop\.[\w.]+\.(\w+)")
_COLON = "\N{RATIO}"
_LINKED = frozenset(name for name in symprop.__all__ if name[0].isupper())
"""Names that a docstring means when it writes them as code; lower-case ones are often arguments."""


def as_rst(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Turn code in single quotes into code in Sphinx's double quotes, and names of the API into links."""
    if what in ("property", "attribute") and lines:
        lines[0] = lines[0].replace(": ", _COLON + " ")  # napoleon takes what stands before it for a type
    lines[:] = [line if line.lstrip().startswith((">>>", "...")) else _CODE.sub(_code, line) for line in lines]


def public_signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Return a signature without what is private, with the last part of long names."""
    short = _PRIVATE.sub("", signature or "")
    return (_LONG.sub(r"\1", short) if signature else signature), returned


def with_colons(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Put colons back that napoleon must not see."""
    lines[:] = [line.replace(_COLON, ":") for line in lines]


def _code(found: re.Match[str]) -> str:
    code = f":py:obj:`{found[1]} <symprop.{found[1]}>`" if found[1] in _LINKED else f"``{found[1]}``"
    return code + ("\\ " if found[2] else "")  # a plural's s may follow
