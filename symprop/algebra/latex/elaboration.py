r"""What a formula in LaTeX means over arrays whose shapes are known: a case for each kind of phrase.

The result is a syntax tree of the text language, every part of it with its place in the LaTeX, so that what a name, a
number or a function means stands in one place, the reader of texts. Sizes that LaTeX does not write, those of `I` and
`\mathbf{1}`, are unknown until what stands beside them tells.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.inference.unknown_sizes import Misfit, Sizes, Unknown
from symprop.algebra.latex.names import Names
from symprop.algebra.latex.parser import Parser
from symprop.algebra.latex.tokens import Token, refuse_at
from symprop.algebra.latex.trees import Tex, plain
from symprop.algebra.latex.values import Value, located
from symprop.algebra.named_numbers import NamedNumber
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import shape_text
from symprop.errors import FormulaError, ShapeError, SympropError, listed

Case = Callable[["Elaboration", Tex], Value]
CASES: dict[str, Case] = {}
"""What each kind of phrase means."""


def case(*kinds: str) -> Callable[[Case], Case]:
    def enter(row: Case) -> Case:
        CASES.update(dict.fromkeys(kinds, row))
        return row

    return enter


class Elaboration:
    """One reading of one formula: its names, what is known of sizes, and the indices that are open."""

    def __init__(self, latex: str, names: Names) -> None:
        self.latex, self.names = latex, names
        self.sizes = Sizes()
        self.labels: dict[str, Expr] = {}
        self.indices: dict[str, str] = {}  # of series, which are numbers, by how they are written
        self.arrays: dict[str, Node] = {}
        self.numbers: dict[str, Expr] = {}
        self.functions: dict[str, Any] = {}
        self.axes = 0
        self.offsets: dict[str, Any] = {}  # letters that stand for several axes, those of a kernel, by its windows
        self.target: n.Variable | None = None  # what the formula is the value of, and the formula without its braces
        self.whole: Tex | None = None
        self.unusual = 0.0  # how seldom a person means what was read
        self.on_paper: Tex | None = None  # a sum that is of vectors or matrices on paper

    # ------------------------------------------------------------ what cases need

    def value(self, tree: Tex) -> Value:
        """Return what a phrase means, with its scripts."""
        return CASES[tree.kind](self, tree)

    def refuse(self, message: str, start: int, end: int, error: Any = None) -> NoReturn:
        kind: type[SympropError] = error or FormulaError
        lines = message.split("\n")
        if len(lines) == 1:
            refuse_at(message, self.latex, start, end, kind)
        refuse_at(f"{lines[0]}; {lines[1]}", self.latex, start, end, kind)

    def shapes(self, values: Sequence[Value]) -> str:
        """Say which shapes some parts have."""
        told = []
        for value in values:
            sizes = tuple(map(self.sizes.value, value.shape))
            shape = shape_text(sizes) if not any(size.has(Unknown) for size in sizes) else f"{len(sizes)} axes"
            what = {"c": "a column ", "r": "a row "}.get(value.kind, "")
            each = f" at each {listed(value.labels)}" if value.labels else ""
            written = _short(self.latex[value.start : value.end])
            told.append(f"{written} is {what}{'of shape ' if what else ''}{shape}{each}")
        return ", ".join(told)

    def axis(self) -> str:
        """Return a name for an axis that is no index."""
        self.axes += 1
        return f"#{self.axes}"

    def fresh(self) -> Expr:
        """Return a size that is not known yet."""
        return self.sizes.fresh(1)[0]

    def same(self, left: Expr, right: Expr, value: Value, what: str) -> None:
        try:
            self.sizes.same(left, right)
        except Misfit:
            self.refuse(f"{what}: {self.shapes((value,))}", value.start, value.end, ShapeError)

    def named(self, what: Node | Expr, tree: Tex) -> ast.expr:
        """Return the name of an array or a number in the syntax tree."""
        known: dict[str, Any] = self.arrays if isinstance(what, Node) else self.numbers
        name = name_of(what)
        name = name if name.isidentifier() else f"zz_{len(known)}"
        while known.get(name, what) != what or name in (self.numbers if known is self.arrays else self.arrays):
            name += "_"
        known[name] = what
        return located(ast.Name(name, ast.Load()), tree.start, tree.end)

    def of_tokens(self, found: Sequence[Token]) -> Value:
        """Read tokens of a script as a formula."""
        return self.value(Parser(found, self.latex).whole())

    def size(self, found: Sequence[Token]) -> Expr:
        """Read a size: a number, or a name or sum of names of sizes."""
        tree = Parser(found, self.latex).whole()
        size = self.size_of(tree)
        if size is None:
            self.refuse("a size is a number or a name of one, such as n", tree.start, tree.end)
        return size

    def size_of(self, tree: Tex) -> Expr | None:
        """Return the size that a phrase is, None where it is none."""
        if tree.kind == "number" and tree.text.isdigit():
            return sympy.Integer(tree.text)
        if tree.kind == "name":
            found = self.names.find(tree)
            if found is None or isinstance(found.what, Node) or found.indices or len(found.above) > 1:
                return None
            power = plain(found.above[0]) if found.above else "1"  # I_{n^2}
            return found.what ** int(power) if power.isdigit() else None
        parts = [self.size_of(part) for part in tree.parts]
        if None in parts or not parts:
            return None
        whole = [part for part in parts if part is not None]
        if tree.kind == "sum":
            return sum(
                (part if sign == "+" else -part for sign, part in zip(tree.words, whole, strict=True)),
                start=sympy.Integer(0),
            )
        if tree.kind == "run" and "/" not in tree.words:
            return sympy.Mul(*whole)
        return whole[0] if tree.kind == "group" and len(whole) == 1 else None


def name_of(what: Node | Expr) -> str:
    """What an array or a number is called in texts."""
    return what.name if isinstance(what, (n.Variable, n.Known, NamedNumber)) else str(what)


def _short(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:23]}…"
