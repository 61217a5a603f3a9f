"""The state of one reading, and what every case does: read a part, refuse it with a caret, build a node."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from sympy import Expr

from symprop.algebra.functions import ElementwiseFunction
from symprop.algebra.nodes import Node
from symprop.algebra.tokens import Scan, refuse
from symprop.errors import FormulaError, LimitError, ShapeError, SymbolNameError, SympropError

Cases = Mapping[type[ast.expr], Callable[["Reading", Any], Node]]
"""What each kind of syntax means."""
MOST_NODES = 5_000
DEEPEST = 150
_Result = TypeVar("_Result")


class Reading:
    """One reading of one formula: the names that it may use, and how many nodes it has made."""

    def __init__(
        self,
        scanned: Scan,
        numbers: dict[str, Expr],
        arrays: dict[str, Node],
        functions: dict[str, ElementwiseFunction],
        cases: Cases,
    ) -> None:
        self.scanned, self.numbers, self.arrays, self.functions = scanned, numbers, arrays, functions
        self.series: dict[Expr, Expr] = {}  # the indices of the series that are open, with the number of terms
        self.condition: ast.expr | None = None  # of a `where`, in which `a + b` of comparisons is "or" in NumPy too
        self.made = self.depth = 0
        self.cases = cases

    def node(self, tree: ast.expr) -> Node:
        """Read one expression."""
        self.made += 1
        if self.made > MOST_NODES:
            raise LimitError(f"a formula of more than {MOST_NODES:,} parts")
        if type(tree) not in self.cases:
            self.refuse(f"{plain_name(tree)} is not part of a formula{instead_of(tree)}", tree)
        self.depth += 1
        if self.depth > DEEPEST:
            raise LimitError(f"a formula nested deeper than {DEEPEST}")
        result = self.cases[type(tree)](self, tree)
        self.depth -= 1
        return result

    def number(self, tree: ast.expr, otherwise: str) -> Expr:
        """Read a number or an expression in sizes; anything else is refused by saying `otherwise`."""
        value = self.node(tree).number
        return self.refuse(otherwise, tree) if value is None else value

    def refuse(self, message: str, tree: ast.expr, error: type[SympropError] = FormulaError) -> NoReturn:
        refuse(message, self.scanned.typed, self.column(tree), (tree.end_col_offset or 0) - tree.col_offset, error)

    def column(self, tree: ast.expr) -> int:
        return tree.col_offset - 1  # one for the bracket that `syntax_tree` puts in front

    def build(self, tree: ast.expr, make: Callable[..., _Result], *arguments: Any, **keywords: Any) -> _Result:
        """Call `make` and put a caret under `tree` where it refuses."""
        try:
            return make(*arguments, **keywords)
        except (ShapeError, FormulaError, SymbolNameError, LimitError) as problem:
            if "\n" in str(problem):
                raise
            return self.refuse(str(problem), tree, type(problem))


def instead_of(tree: ast.AST) -> str:
    """Return what to type instead of a piece of syntax, behind a refusal."""
    told = {
        ast.GeneratorExp: "sum([term for i in range(n)], axis=0)",
        ast.ListComp: "sum([term for i in range(n)], axis=0)",
        ast.IfExp: "where(condition, x, y)",
        ast.BoolOp: "a product of comparisons, (x > 0) * (x < 1)",
    }.get(type(tree))
    return f"; type {told}" if told else ""


def plain_name(tree: ast.AST) -> str:
    """What a piece of syntax is called: `ListComp` is "list comp"."""
    kind = type(tree).__name__
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind)
    return SYNTAX.get(kind) or words.strip().removesuffix(" exp")


SYNTAX = {
    **{"ListComp": "a list of terms outside of a sum", "GeneratorExp": "a series without its brackets"},
    **{"BoolOp": "'and' or 'or'", "JoinedStr": "text in quotes", "IfExp": "if", "List": "a list of numbers"},
    **{"Tuple": "a tuple", "Dict": "a dict", "Set": "a set", "NamedExpr": "':='", "Starred": "'*' before an array"},
}
"""What syntax is called where Python's own word says little."""
