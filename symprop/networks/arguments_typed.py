"""Arguments of layers as they are typed in a network's text."""

from __future__ import annotations

from typing import Any

from symprop.algebra.nodes import Node


def argument_text(value: Any, bare: bool = False) -> str:
    """Return an argument of a layer as it is typed; a size's name stands bare."""
    if isinstance(value, tuple):
        inside = [argument_text(each, bare) for each in value]
        return f"({', '.join(inside)}{',' * (len(inside) == 1)})"
    written = value.text() if isinstance(value, Node) else value  # a formula is typed as text
    if isinstance(written, str) and not bare:
        return '"' + written.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(written)  # a block's `str` is its text


__all__ = ["argument_text"]
