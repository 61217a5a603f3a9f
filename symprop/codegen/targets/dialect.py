"""How Python writes arrays: one table of source for all libraries, and what a library writes in its own way.

Each row returns a `Code`: the text, how tightly it binds, and what kind of values it has. The kind keeps the dtype: a
Python number beside an array of float32 stays float32 (NEP 50), but a comparison is an array of booleans, and a boolean
beside a number would become float64. So booleans multiply arrays directly, and stand as numbers anywhere else only
after they were converted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from sympy import Expr

from symprop.algebra.alike import AlikeText
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table
from symprop.codegen.stable import CALLED
from symprop.codegen.targets.code import ATOM, BOOLEAN, Code, exact, number

HELPERS = ("sigmoid", "softplus", "erf")
"""Elementwise functions that NumPy lacks; a module defines those that it uses."""

SOURCE = Table("Python source")
"""The source of a kind of node for a dialect. The rows stand in `elementwise.py` and `arrays.py`."""


@dataclass(frozen=True)
class Dialect:
    """A library of arrays: its name in source, what it calls its functions, and rows of its own, asked before `SOURCE`.

    `functions` are names that differ from NumPy's, by NumPy's name. `exact` writes an irrational number as what it is,
    `math.sqrt(2)`. `reserved` are names that a module of the library needs for itself, `cast` is the method that
    converts booleans to numbers, `taken` how an array of a dict is read that may be NumPy's. `traced` says that
    a number may be one that is not known yet, so that a choice by it is a function. `holds_data` says that a module may
    hold arrays of the library that are known when it is written; `data` are the names that it has for them.
    """

    library: str
    rows: Table = field(default_factory=lambda: Table("source in a dialect"))
    functions: Mapping[str, str] = field(default_factory=dict)
    exact: bool = False
    reserved: tuple[str, ...] = ()
    cast: str = "astype"
    taken: str = "{}"
    traced: bool = False
    holds_data: bool = False
    data: Mapping[Node, str] = field(default_factory=dict)

    def __call__(self, node: Node) -> Code:
        """Return the source of a node, with how tightly it binds and the kind of its values."""
        row = self.rows.find(type(node)) or SOURCE[type(node)]
        code: Code = row(node, self)
        return code

    def number(self, node: Node) -> Code:
        """Return the source of a node as numbers: booleans are converted."""
        return self.numeric(self(node))

    def numeric(self, code: Code) -> Code:
        """Return code as numbers: booleans are converted."""
        return Code(f"{code.within(ATOM)}.{self.cast}(DTYPE)") if code.kind == BOOLEAN else code

    def text(self, node: Node) -> str:
        """Return the source of an array of DTYPE for a node."""
        return self._texts(node)

    @cached_property
    def _texts(self) -> AlikeText:
        return AlikeText(lambda node: self.number(node).text)

    def constant(self, value: Expr) -> Code:
        """Return the source of a number that stands in a formula."""
        if value.is_infinite:
            return replace(number(value), text=f"{'-' if value < 0 else ''}{self.name('inf')}")
        return exact(value) if self.exact else number(value)

    def function(self, name: str) -> str:
        """Return how an elementwise function is called: of the library, of a helper, or one that a module defines."""
        own = name in HELPERS or name not in CALLED
        return self.functions.get(name, name) if own else self.name(name)

    def name(self, function: str) -> str:
        """Return how the library calls a function of NumPy.

        >>> Dialect("jnp").name("exp"), Dialect("torch", functions={"power": "torch.pow"}).name("power")
        ('jnp.exp', 'torch.pow')
        """
        return self.functions.get(function, f"{self.library}.{function}")


__all__ = ["SOURCE", "Dialect"]
