r"""Formulas in LaTeX in: read against arrays that are known, into nodes, by way of the text language.

>>> from symprop.algebra import variable
>>> read_latex(r"W_1^{\top} \delta_1", [variable("W1", (3, 4)), variable("delta1", (3,))]).text()
'W1.T @ delta1'
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sympy import Expr, Mul

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.inference.unknown_sizes import Misfit, Unknown
from symprop.algebra.latex import groups as groups  # enters its cases
from symprop.algebra.latex import phrases as phrases  # its cases
from symprop.algebra.latex.elaboration import Elaboration
from symprop.algebra.latex.names import Names, keys_of, stem_of
from symprop.algebra.latex.parser import Parser
from symprop.algebra.latex.pixels import ungrouped
from symprop.algebra.latex.selections import offsets_in
from symprop.algebra.latex.stacks import arranged
from symprop.algebra.latex.tokens import refuse_at, tokens
from symprop.algebra.latex.trees import Tex
from symprop.algebra.latex.values import SizeOf, Value, called, shape_of
from symprop.algebra.latex.values import located as placed
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node
from symprop.algebra.reader import CASES
from symprop.algebra.reading.ids import check_ids
from symprop.algebra.reading.mentions import CONSTANTS
from symprop.algebra.reading.state import Reading
from symprop.algebra.shapes import Shape
from symprop.algebra.tokens import Scan
from symprop.errors import ShapeError, SympropError, located


def read_latex(
    latex: str,
    variables: Iterable[Node | Expr],
    target: tuple[Any, ...] | n.Variable | None = None,
    symbols: Mapping[str, str] | None = None,
) -> Node:
    r"""Read a formula in LaTeX over arrays that are there, such as those of a network, and numbers with a name.

    `target` is what the formula is the value of, or its shape. It tells sizes that LaTeX does not write, as those of
    `I`, and the places of an array that is written by its elements, `{...}_h`. `symbols` are the letters that an author
    writes for names, `{"delta": r"\varepsilon"}`, as a report has them.

    >>> import symprop
    >>> W, x = symprop.variable("W1", (2, 3)), symprop.variable("x", (3,))
    >>> read_latex("W_1 x", [W, x]).text()
    'W1 @ x'

    Raises:
        FormulaError: outside what is read, a name that is not known, or two readings; a caret shows the place.
        ShapeError: arrays that do not fit.
        LimitError: too long or too deep.
    """
    found = tokens(latex)
    tree = Parser(found, latex).whole()
    names = names_of(variables, symbols or {})
    names.by_people = False  # what a page writes counts from 0
    return node_of(latex, tree, names, target)


def names_of(variables: Iterable[Node | Expr], symbols: Mapping[str, str] | None = None) -> Names:
    """Return the names of arrays and numbers, and of the sizes in their shapes."""
    given, names = tuple(variables), Names()
    for each in given:
        names.enter(each)
    for each in given:
        shape: Sequence[Expr] = each.shape if isinstance(each, Node) else ()
        facts = [fact.value for fact in each.facts] if isinstance(each, n.Variable) else []
        for size in (*shape, *facts):
            for symbol in sorted(size.free_symbols, key=str):
                names.enter(symbol)
    own = {each.name: each for each in given if isinstance(each, n.Variable)}
    for name, each in own.items():  # dW is the gradient of W, also where W is not read
        if name.startswith("d") and name[1:2].isalpha() and name.isidentifier():
            for key in keys_of(own.get(name[1:]) or n.Variable(name[1:], (), each.shape)):
                names.known.setdefault(key._replace(stem=f"d {key.stem}"), each)
    for name, written in (symbols or {}).items():
        names.written[stem_of(written)] = stem_of(variable(name).latex())
    return names


def node_of(
    latex: str,
    tree: Tex,
    names: Names,
    target: Shape | n.Variable | None = None,
    labels: Sequence[str] = (),
    left: Tex | None = None,
) -> Node:
    """Return the node of a tree; `labels` are the indices of the left side, which become its first axes.

    Where the `left` side is a place of an array that has a name, the formula is what stands at each such place.
    """
    found = None if left is None else names.find(left)
    if found is not None and isinstance(found.what, n.Variable):
        target, labels = found.what, ()
        if found.indices:
            tree = Tex("group", tree.start, tree.end, (tree,), "{", below=tokens(",".join(found.indices)))
    e = Elaboration(latex, names)
    e.offsets = offsets_in(e, tree)
    shape = target.shape if isinstance(target, n.Variable) else target
    if isinstance(target, n.Variable) and tree.kind == "group" and tree.text == "{":
        e.target, e.whole = target, tree.parts[0]
    for label in labels:
        e.labels[label] = e.fresh()
    value = e.value(tree)
    if labels:
        value = arranged(e, value, labels)
    if shape is not None:
        value = _of_shape(e, value, shape, target.rows if isinstance(target, n.Variable) else -1)
    if e.whole is not None and shape is not None and value.rank != len(shape) and not value.zero:
        told = f"the formula at these places makes an array of {value.rank} axes, and its left side has {len(shape)}"
        e.refuse(told, tree.start, tree.end, ShapeError)
    return _read(e, value)


def _of_shape(e: Elaboration, value: Value, shape: Shape, rows: int) -> Value:
    """Let a value have a shape that is known: the sizes that it does not write are told by it."""
    own, wanted = [list(each) for each in (value.shape, shape)]
    more = len(wanted) - len(own)
    if 0 < more <= rows:  # the rows of a matrix of pixels
        joined = [*wanted[: rows - more], Mul(*wanted[rows - more : rows + 1]), *wanted[rows + 1 :]]
        with suppress(Misfit):
            for left, right in zip(own, joined, strict=True):
                e.sizes.same(left, right)
    if value.zero:
        return Value(_zeros(shape, value), tuple(shape), value.start, value.end)
    if more and e.names.of_network:
        with suppress(Misfit):
            e.sizes.settle()
    if len(own) == len(wanted):
        with suppress(Misfit):  # whoever compares says that the shapes differ
            for left, right in zip(own, wanted, strict=True):
                e.sizes.same(left, right)
    elif (e.names.of_network and ungrouped([*map(e.sizes.value, own)], wanted)) or [
        s for s in map(e.sizes.value, own) if s != 1
    ] == [s for s in wanted if s != 1]:
        return value.made(placed(called("reshape", value.tree, shape_of(shape)), value.start, value.end), shape)
    return value


def _zeros(shape: Shape, value: Value) -> ast.expr:
    return placed(called("zeros", shape_of(shape)), value.start, value.end) if shape else value.tree


def _read(e: Elaboration, value: Value) -> Node:
    """Return the node of a value: its tree goes through the reader of texts."""
    with suppress(Misfit):  # the reader says it with the shapes
        e.sizes.settle()
    scanned = Scan(e.latex, e.latex, ())

    def size(reading: Reading, tree: SizeOf) -> Node:
        return n.Scalar(_told(e, tree))

    functions: dict[str, Any] = {**FUNCTIONS, **e.names.functions, **e.functions}
    numbers = {**CONSTANTS, **e.numbers}
    reading = Reading(scanned, numbers, dict(e.arrays), functions, {**CASES, SizeOf: size})
    try:
        node = reading.node(value.tree)
        check_ids(node)
    except SympropError as problem:
        raise located(problem, value.start, value.end - value.start) from None
    return node


def _told(e: Elaboration, tree: SizeOf) -> Expr:
    """Return a size that was not known where it stood.

    Raises:
        FormulaError: nothing tells it.
    """
    value = e.sizes.value(tree.size)
    if any(isinstance(each, Unknown) for each in value.free_symbols):
        told = r"the size of this is told by nothing; write \mathbf{1}_n, I_n"
        refuse_at(told, e.latex, tree.col_offset - 1, (tree.end_col_offset or 1) - 1)
    return value
