"""The smallest network, as text, of which something is still true: layers and options taken away, sizes made small.

`smallest(text, fails)` tries one change after the other, and keeps each after which `fails(text)` still holds. The
text is changed as Python's syntax tree, so that this shares nothing with what reads it.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator

MOST = 400
"""So many texts are tried at most."""
PLAIN = ast.parse("MeanSquaredError()", mode="eval").body


def smallest(text: str, fails: Callable[[str], bool], most: int = MOST) -> str:
    """Return the smallest text found for which `fails` holds, as it does for `text`.

    >>> smallest("Input(4) >> Dense(8) >> Tanh() >> Dense(3) >> Huber()", lambda text: "Tanh" in text)
    'Input(1) >> Tanh() >> MeanSquaredError()'
    """
    tried = {text}
    while True:
        for each in simpler(text):
            if each in tried:
                continue
            if len(tried) >= most:
                return text
            tried.add(each)
            if fails(each):
                text = each
                break
        else:
            return text


def simpler(text: str) -> Iterator[str]:
    """Yield texts with one change, the largest changes first."""
    tree = ast.parse(text.strip(), mode="eval").body
    nodes = list(ast.walk(tree))
    for change in (_without, _opened, _unoptioned, _smaller):
        for number in range(len(nodes)):
            for turn in range(8):
                again = copy.deepcopy(tree)
                holder = ast.Expression(again)
                node = list(ast.walk(again))[number]
                if not change(holder, node, turn):
                    break
                yield ast.unparse(InARow().visit(holder))
    last = tree
    while isinstance(last, ast.BinOp) and isinstance(last.op, ast.Add):
        last = last.left
    if isinstance(last, ast.BinOp) and ast.unparse(last.right) != ast.unparse(PLAIN):
        yield ast.unparse(ast.BinOp(last.left, ast.RShift(), PLAIN))


class InARow(ast.NodeTransformer):
    """Writes `a >> (b >> c)` as `a >> b >> c`."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.BinOp:
        self.generic_visit(node)
        right = node.right
        if isinstance(right, ast.BinOp) and isinstance(right.op, ast.RShift) and isinstance(node.op, ast.RShift):
            return self.visit_BinOp(ast.BinOp(ast.BinOp(node.left, node.op, right.left), right.op, right.right))
        return node


def _put(holder: ast.AST, old: ast.AST, new: ast.AST) -> None:
    """Put a node in the place of another."""
    for parent in ast.walk(holder):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list):
                setattr(parent, name, [new if each is old else each for each in value])


def _without(holder: ast.AST, node: ast.AST, turn: int) -> bool:
    """Take a layer, or all that stands before it, out of a row; take a penalty away."""
    if turn or not isinstance(node, ast.BinOp) or not isinstance(node.op, (ast.RShift, ast.Add)):
        return False
    inner = node.left
    if isinstance(node.op, ast.RShift) and isinstance(inner, ast.BinOp):  # (a >> b) >> c becomes a >> c
        node.left = inner.left
    else:
        _put(holder, node, node.left)
    return True


def _opened(holder: ast.AST, node: ast.AST, turn: int) -> bool:
    """Put one of the rows that a layer holds in its place."""
    if not isinstance(node, ast.Call) or turn >= len(node.args):
        return False
    if not isinstance(node.args[turn], (ast.Call, ast.BinOp)):
        return turn < 7
    _put(holder, node, node.args[turn])
    return True


def _unoptioned(holder: ast.AST, node: ast.AST, turn: int) -> bool:
    """Take an option away, or the last of several arguments."""
    if not isinstance(node, ast.Call) or turn > len(node.keywords):
        return False
    if turn < len(node.keywords):
        del node.keywords[turn]
        return True
    if len(node.args) < 2:
        return False
    node.args.pop()
    return True


def _smaller(holder: ast.AST, node: ast.AST, turn: int) -> bool:
    """Make a number 1, 2 or half as large; a name of a size becomes a number."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        choices = [each for each in (1, 2, node.value // 2, node.value - 1) if 0 < each < node.value]
    else:
        return False
    if turn >= len(choices):
        return False
    node.value = choices[turn]
    return True
