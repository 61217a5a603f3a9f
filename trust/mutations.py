"""Tests of the tests: rows of the tables are made wrong, one at a time, and the certificate of an answer must see it.

A mutant is a table, a kind and what is wrong with what the row returns: its sign, a factor 2 or 1.001, a transpose, an
order along an axis, a term or a factor that is dropped. It is seeded while a question is answered and checked. One that
the answer does not reach, or that leaves its value as it is, is no mutant and is not counted.
"""

from __future__ import annotations

import functools
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from rule_examples import BY_ALGORITHM, EXAMPLES

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.alike import AlikeText
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table
from symprop.algebra.trees import walk
from symprop.calculus.linear_maps import MATRIX
from symprop.calculus.pullbacks import PULLBACK
from symprop.calculus.pushforwards import PUSHFORWARD
from symprop.calculus.tidy import TIDY
from symprop.codegen.targets import arrays as arrays  # enters the rows of SOURCE
from symprop.codegen.targets.code import FLOAT, PRODUCT, UNARY
from symprop.codegen.targets.dialect import SOURCE
from symprop.notation.precedence import PRODUCT as PRODUCT_TEXT
from symprop.notation.precedence import SUM as UNARY_TEXT
from symprop.notation.precedence import Piece
from symprop.notation.text import TEXT
from trust.measures import Measure, Outcome
from trust.proofs import WRONG, drawn
from trust.sum_values import random_values, sizes_of, value

Change = Callable[[Any], Any]
"""What is wrong with what a row returns; None where it cannot be."""


def dropped(node: Node) -> Node | None:
    """Return a sum or a product without its last operand; none where that changes the shape."""
    match node:
        case n.Add(operands=(*others, _)) | n.Multiply(operands=(*others, _)) if others:
            left: Node = node.func(*others) if len(others) > 1 else others[0]
            return left if left.shape == node.shape else None
    return None


def written(before: str, binds: int) -> Change:
    """Return what puts something in front of source or of a text."""

    def change(piece: Any) -> Any:
        if isinstance(piece, Piece):
            return Piece(f"{before}({piece.text})", (UNARY_TEXT if binds == UNARY else PRODUCT_TEXT))
        return replace(piece, text=f"{before}({piece.text})", binds=binds) if piece.kind == FLOAT else None

    return change


NODES: Mapping[str, Change] = {**WRONG, "dropped": dropped}
TEXTS: Mapping[str, Change] = {"sign": written("-", UNARY), "factor 2": written("2 * ", PRODUCT)}
TEXTS = {**TEXTS, "factor 1.001": written("1.001 * ", PRODUCT)}

QUESTIONS: Mapping[str, Callable[[str, str, str], Any]] = {
    "gradient": lambda text, where, by: symprop.gradient(symprop.formula(f"sum(({text})**2 + ({text})**3)", where), by),
    "jacobian": lambda text, where, by: symprop.jacobian(symprop.formula(text, where), by),
}
TABLES: Mapping[str, tuple[Table, str, Mapping[str, Change]]] = {
    "pullback": (PULLBACK, "gradient", NODES),
    "pushforward": (PUSHFORWARD, "jacobian", NODES),
    "matrix": (MATRIX, "jacobian", NODES),
    "tidy": (TIDY, "gradient", NODES),
    "source": (SOURCE, "gradient", TEXTS),
    "text": (TEXT, "gradient", TEXTS),
}
"""The tables, the question that reads them, and what can be wrong."""


@dataclass(frozen=True)
class Mutant:
    """A table, a kind of which its row is wrong and how, and a question that may read it."""

    table: str
    kind: type[Node]
    wrong: str
    text: str
    where: str
    by: str

    def __str__(self) -> str:
        asked = TABLES[self.table][1]
        return f"{self.wrong} in {self.table} of {self.kind.__name__}: {asked} of {self.text} by {self.by}"

    def answer(self) -> Any:
        return QUESTIONS[TABLES[self.table][1]](self.text, self.where, self.by)


def mutants() -> Iterator[Mutant]:
    """Yield every mutant of each kind that the page of rules has an example of."""
    for name, (table, _, changes) in TABLES.items():
        for kind, examples in {**EXAMPLES, **BY_ALGORITHM}.items():
            for example in (each for each in examples if each.made is None and kind in table):
                flowing = [each for each in example.node.operands if isinstance(each, n.Variable)]
                by = [each.name for each in flowing if "index" not in each.facts_by_kind]
                for wrong in changes if by else ():
                    yield Mutant(name, kind, wrong, example.formula, example.where, by[0])


@contextmanager
def seeded(mutant: Mutant) -> Iterator[list[Node]]:
    """Make a row wrong while this lasts, and list of what; nothing that was remembered before or meanwhile is used."""
    table, _, changes = TABLES[mutant.table]
    own, right, change = table.rows.get(mutant.kind), table[mutant.kind], changes[mutant.wrong]

    reached: list[Node] = []

    def wrong(*given: Any) -> Any:
        found = right(*given)
        changed = None if found is given[0] else change(found)  # what a row leaves alone stays
        reached.extend(given[:1] if changed is not None else ())
        return found if changed is None else changed

    remembering = AlikeText.__call__
    forget()
    table.rows[mutant.kind] = wrong
    AlikeText.__call__ = lambda self, *nodes, **known: self.write(*nodes)  # type: ignore[method-assign]
    try:
        yield reached
    finally:
        AlikeText.__call__ = remembering  # type: ignore[method-assign]
        if own is None:
            del table.rows[mutant.kind]
        else:
            table.rows[mutant.kind] = own
        forget()


def forget() -> None:
    """Forget what functions of the package remember; tables that they made stay, since rows were entered there."""
    for name, module in list(sys.modules.items()):
        if name.startswith("symprop."):
            for each in vars(module).values():
                if isinstance(each, functools._lru_cache_wrapper) and each.__annotations__.get("return") != "Table":
                    each.cache_clear()


class Endless(Exception):
    """Rewriting that a wrong row keeps from ending."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Stop what takes longer, of the processor's time."""

    def stop(*_: Any) -> None:
        raise Endless

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


SECONDS = 5
CAUGHT, RAISED, IDLE, SURVIVED = "caught", "raised", "idle", "survived"


def fate(mutant: Mutant) -> str:
    """Return what becomes of a mutant: the check sees it, it raises, it changes nothing, or it survives."""
    true = mutant.answer()
    text, node = true.text(), true.node
    sizes = sizes_of(node)
    values = random_values(sizes, 0, node)
    expected = value(node, values, sizes)
    del true, node
    with at_most(SECONDS), seeded(mutant) as reached:
        try:
            answer = mutant.answer()
            of_nodes = TABLES[mutant.table][2] is NODES
            if of_nodes and answer.text() == text:
                return IDLE
            if not answer.check().ok:
                return CAUGHT
            if not reached or not (of_nodes or any(type(part) is mutant.kind for part in walk(answer.node))):
                return IDLE  # what is written is a comment or the question
        except Exception:
            return RAISED  # loud, and no answer
    found = value(answer.node, values, sizes)
    same = found.shape == expected.shape and np.allclose(found, expected, 1e-9, 1e-12)
    return IDLE if of_nodes and same else SURVIVED


def ask(cases: int, seed: int) -> Outcome:
    """Seed mutants and ask what becomes of each."""
    told: Counter[str] = Counter()
    failures = []
    for mutant in drawn(list(mutants()), cases, seed):
        found = fate(mutant)
        told[found] += 1
        if found == SURVIVED:
            failures.append(str(mutant))
    asked = told[CAUGHT] + told[RAISED] + told[SURVIVED]
    return Outcome(asked, tuple(failures), {each: told[each] for each in (CAUGHT, RAISED, IDLE)})


MEASURES = (
    Measure(
        "rows made wrong",
        "A row of a table with something wrong in it is seen by the certificate of an answer that reads it.",
        ask,
        short=2,
        usual=1200,
        long=1200,
    ),
)
