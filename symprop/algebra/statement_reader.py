"""The statements of a formula, read one after the other: each over the arrays, the sizes and the names before it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from symprop.algebra.equations import Equation
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.reader import names_in, read_formula, sizes_in
from symprop.algebra.reading.ids import check_ids
from symprop.algebra.reading.state import DEEPEST, MOST_NODES
from symprop.algebra.reading.statements import Statement
from symprop.algebra.reading.words import undeclared
from symprop.errors import FormulaError, LimitError, located, shown
from symprop.hints import here


def on_one_line(found: Sequence[Statement]) -> str:
    """Return what was typed, statements apart by `;`."""
    if len(found) == 1 and not found[0].name:
        return found[0].text
    return "; ".join(f"{each.name} = {each.text}" if each.name else each.text for each in found)


def exponents(text: str, names: dict[str, Variable]) -> tuple[str, ...]:
    """The sizes that a formula names only where a size can stand."""
    if "(" not in text:
        return ()
    return tuple(name for name in sizes_in(text) if name not in names)


def read_statement(text: str, names: dict[str, Variable], sizes: tuple[str, ...], later: Sequence[str]) -> Node:
    """Read the right side of a statement over names that have shapes; `later` are the names of all statements.

    Raises:
        FormulaError: a name without a shape, or one that is defined later.
    """
    missing = next((name for name in names_in(text) if name not in names and name not in sizes), None)
    if missing in later:
        problem = FormulaError(f"{shown(missing)} is read before it is defined\nallowed: its definition first")
        raise located(problem, _place(missing, text), len(str(missing)))
    if missing is not None:
        python = here(f'; in Python {missing}="m n" too', "")
        allowed = f'its declaration, "{missing}: m n" with sizes, "{missing}:" for a scalar{python}'
        problem = FormulaError(f"{shown(missing)} has no shape{undeclared(missing, names)}\nallowed: {allowed}")
        raise located(problem, _place(missing, text), len(missing))
    node = read_formula(text, names, sizes)
    check_ids(node)
    return node


def _place(name: str | None, text: str) -> int:
    found = re.search(rf"\b{re.escape(str(name))}\b", text)
    return found.start() if found else 0


def defined(statement: Statement, node: Node, names: dict[str, Variable], sizes: tuple[str, ...]) -> Variable:
    """Return the variable that a statement defines.

    Raises:
        FormulaError: an array or a size has its name.
    """
    if statement.name in names or statement.name in sizes:
        what = "an array" if statement.name in names else "a size"
        problem = FormulaError(f"{shown(statement.name)} is declared as {what} and defined\nallowed: one of the two")
        raise located(problem, statement.typed.rfind(statement.name, 0, statement.start), len(statement.name))
    return variable(statement.name, node.shape)


def check_length(definitions: Sequence[Equation], node: Node) -> None:
    """Refuse a formula that is longer or deeper without its names than a formula may be: they could double each time.

    Raises:
        LimitError: over 5,000 parts, or deeper than 150.
    """
    known: dict[Node, tuple[int, int]] = {}

    def measured(node: Node) -> tuple[int, int]:
        if node in known:
            return known[node]
        below = [measured(operand) for operand in node.operands]
        return 1 + sum(count for count, _ in below), 1 + max((depth for _, depth in below), default=0)

    for each in definitions:
        known[each.target] = measured(each.expression)
    count, depth = measured(node)
    if count > MOST_NODES or depth > DEEPEST:
        problem = f"has more than {MOST_NODES:,} parts" if count > MOST_NODES else f"is nested deeper than {DEEPEST}"
        raise LimitError(f"with its names written out the formula {problem}")
