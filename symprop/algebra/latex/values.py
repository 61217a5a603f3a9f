r"""What a part of a formula is once its shape is known: a syntax tree of the text language, with its axes.

A vector is a column, or a row where it was transposed; both have one axis in the text. Under a sum sign a part may have
axes for the indices besides: `x_i` has the index `i`, and stands in the tree as the array `x`.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sympy import Expr

Shape = tuple[Expr, ...]


class SizeOf(ast.Name):
    """A size in a syntax tree that is found later."""

    def __init__(self, size: Expr) -> None:
        super().__init__("zz_size", ast.Load())
        self.size = size


@dataclass(frozen=True, eq=False)
class Value:
    """A syntax tree whose axes are those of the indices `labels`, then those of `shape`.

    `factors` are the parts of a product that may still be summed over, each with a name for each axis; `core` are the
    names of the axes that are no indices. `zero` is one of which nobody says the shape, `ones` the vector of ones;
    `pending` is a selection that waits for what is behind it (`selections.py`).
    """

    tree: ast.expr
    shape: Shape
    start: int
    end: int
    row: bool = False
    labels: tuple[str, ...] = ()
    factors: tuple[tuple[ast.expr, tuple[str, ...]], ...] = ()
    core: tuple[str, ...] = ()
    number: bool = False
    zero: bool = False
    ones: bool = False
    pending: Any = None

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def kind(self) -> str:
        """What it is in a product: a scalar "s", a column "c", a row "r", a matrix "m"."""
        return {0: "s", 1: "r" if self.row else "c"}.get(len(self.shape), "m")

    @property
    def plain_number(self) -> bool:
        """Whether it is a scalar without indices."""
        return not self.shape and not self.labels

    def at(self, start: int, end: int) -> Value:
        return replace(self, start=start, end=end)

    def made(self, tree: ast.expr, shape: Shape, **changes: Any) -> Value:
        """Return what was made of this: another tree and shape, at the same place, with the same indices."""
        fields = {
            "row": self.row and len(shape) == 1,
            "factors": (),
            "core": (),
            "number": False,
            "ones": False,
            **changes,
        }
        return replace(self, tree=tree, shape=shape, **fields)


def located(tree: ast.expr, start: int, end: int) -> ast.expr:
    """Give a new tree, and what is new in it, its place in the LaTeX."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (ast.expr, ast.keyword)):
            if part.end_col_offset is not None:
                continue
            part.lineno = part.end_lineno = 1
            part.col_offset, part.end_col_offset = start + 1, end + 1  # one for the bracket that a text has in front
        waiting.extend(ast.iter_child_nodes(part))
    return tree


def constant(value: Any) -> ast.expr:
    return ast.Constant(value)


def called(name: str, *arguments: ast.expr, **options: ast.expr) -> ast.expr:
    """Return the syntax tree of a call."""
    keywords = [ast.keyword(key, value) for key, value in options.items()]
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), keywords)


def joined(left: ast.expr, sign: type[ast.operator], right: ast.expr) -> ast.expr:
    return ast.BinOp(left, sign(), right)


def tupled(parts: Sequence[ast.expr]) -> ast.expr:
    return ast.Tuple(list(parts), ast.Load())


def subscripted(tree: ast.expr, places: Sequence[ast.expr]) -> ast.expr:
    """Return `tree[places]`."""
    return ast.Subscript(tree, places[0] if len(places) == 1 else tupled(places), ast.Load())


def shape_of(shape: Shape) -> ast.expr:
    """Return a shape as a tuple of sizes that are found later."""
    return tupled([SizeOf(size) for size in shape])
