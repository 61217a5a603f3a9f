"""Sizes that a formula says by numbers and by letters: constant indices, and counts that sums are divided by."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from sympy import Expr, Integer

from symprop.algebra.inference.parts import Parts
from symprop.algebra.inference.unknown_sizes import Shape, Sizes, Unknown


def covered(parts: Parts, shapes: Sequence[Shape], sizes: Sizes) -> Iterator[tuple[Expr, Expr]]:
    """Yield the sizes that constant indices say, `w[0]`, `w[1]` and `x[0:4]`, `x[1:5]`: all places from 0 are read.

    A name that is read as a whole somewhere may have more.
    """
    whole = {each for part in parts.parts for each in part.operands if not isinstance(part.tree, ast.Subscript)}
    read: dict[Expr, set[int] | None] = {}
    for part in parts.parts:
        if not isinstance(part.tree, ast.Subscript) or len(part.operands) != 1:
            continue
        entries = part.tree.slice.elts if isinstance(part.tree.slice, ast.Tuple) else [part.tree.slice]
        axes = iter(shapes[part.operands[0]])
        for entry in entries:
            if isinstance(entry, ast.Constant) and entry.value is None:
                continue
            size = sizes.value(next(axes, Integer(1)))
            places = _places(entry)
            known = read.setdefault(size, set())
            read[size] = None if places is None or known is None or part.operands[0] in whole else known | places
    for size, places in read.items():
        if isinstance(size, Unknown) and places is not None and len(places) > 1 and max(places) == len(places) - 1:
            yield size, Integer(len(places))


def _places(entry: ast.expr) -> set[int] | None:
    """Return the places that one index reads; None where they depend on the length."""
    match entry:
        case ast.Constant(value=int() as place):
            return {place}
        case ast.Slice(lower=None | ast.Constant() as first, upper=ast.Constant(value=int() as stop), step=None):
            start = 0 if first is None else first.value
            return set(range(start, stop)) if isinstance(start, int) and stop <= 1_000 else None
    return None


def counted(
    parts: Parts, trees: Sequence[ast.expr], shapes: Sequence[Shape], sizes: Sizes, names: Sequence[str]
) -> Iterator[tuple[str, Expr]]:
    """Yield those of `names` that sums are divided by, `sum((X @ w - y)**2) / m`, `Q @ K.T / sqrt(d)`, and the size.

    It is the first size that the product before has summed over, the outermost sum first; a number is no name's.
    """
    if not names:
        return
    parents = {id(below): above for tree in trees for above in ast.walk(tree) for below in ast.iter_child_nodes(above)}
    places = {id(part.tree): place for place, part in enumerate(parts.parts)}
    found: set[str] = set()
    for name in (each for tree in trees for each in ast.walk(tree) if isinstance(each, ast.Name) and each.id in names):
        if name.id in found:
            continue
        term = _divided(name, parents)
        below = ast.walk(term) if term is not None else iter(())
        for each in below:
            if id(each) not in places:
                continue
            place = places[id(each)]
            result = [sizes.value(size) for size in shapes[place]]
            operands = [sizes.value(size) for operand in parts.parts[place].operands for size in shapes[operand]]
            gone = [size for size in operands if size not in result and size != 1]
            if gone:
                found.add(name.id)
                if isinstance(gone[0], Unknown):
                    yield name.id, gone[0]
                break


def _divided(name: ast.AST, parents: dict[int, ast.AST]) -> ast.AST | None:
    """Return the product that is divided by a name, or by what has it; None where none is."""
    below, above = name, parents.get(id(name))
    while above is not None and not (
        isinstance(above, ast.BinOp) and isinstance(above.op, ast.Div) and above.right is below
    ):
        if not isinstance(above, (ast.BinOp, ast.Call)):
            return None
        below, above = above, parents.get(id(above))
    while isinstance(above, ast.BinOp) and isinstance(above.op, (ast.Mult, ast.Div)):
        parent = parents.get(id(above))
        if not (isinstance(parent, ast.BinOp) and isinstance(parent.op, (ast.Mult, ast.Div))):
            break
        above = parent
    return above


def divisors(tree: ast.expr) -> Iterator[ast.Name]:
    """Yield the names in what something is divided by, but for those in products of matrices."""
    for each in ast.walk(tree):
        if isinstance(each, ast.BinOp) and isinstance(each.op, ast.Div):
            below = [each.right]
            while below:
                part = below.pop()
                if isinstance(part, ast.Name):
                    yield part
                elif not (isinstance(part, ast.BinOp) and isinstance(part.op, ast.MatMult)):
                    below.extend(child for child in ast.iter_child_nodes(part) if isinstance(child, ast.expr))
