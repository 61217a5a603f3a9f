"""Rows of tables, made wrong while a question is asked; which rows a question reads.

A row is a function in a table by kinds of nodes, or what a rule of a list applies.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from symprop.algebra.alike import AlikeText
from symprop.algebra.nodes import Node
from symprop.algebra.table import PairTable, Table
from trust.changes import Change, Changes, names_of

SECONDS = 5
"""What a question may take of the processor's time while a row is wrong."""


@dataclass(frozen=True)
class Row:
    """A row: of a table for a kind, or of a list of rules for a name."""

    table: str
    name: str
    get: Callable[[], Any] = field(compare=False, repr=False)
    put: Callable[[Any], None] = field(compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.table} of {self.name}"


def rows_of(table: Table | PairTable | Iterable[Any], name: str = "") -> Iterator[Row]:
    """Yield the rows of a table, of a table of pairs, or of a list of rules, which has no name of its own."""
    if isinstance(table, PairTable):
        for inner in table.tables.values():
            for row in rows_of(inner):
                yield Row(
                    name or table.meaning,
                    f"{inner.meaning.removeprefix(f'{table.meaning} ')} {row.name}",
                    row.get,
                    row.put,
                )
    elif isinstance(table, Table):
        for kind in table.rows:
            get, put = functools.partial(table.rows.__getitem__, kind), functools.partial(table.rows.__setitem__, kind)
            yield Row(name or table.meaning, kind.__name__, get, put)
    else:
        for rule in table:
            get, put = functools.partial(getattr, rule, "apply"), functools.partial(object.__setattr__, rule, "apply")
            yield Row(name, f"{rule.name}: {rule.identity}", get, put)


@contextmanager
def seeded(row: Row, change: Change) -> Iterator[None]:
    """Make a row wrong while this lasts; nothing that was remembered before or meanwhile is used."""
    right = row.get()

    @functools.wraps(right)  # a rule says of which kinds it is
    def wrong(*given: Any) -> Any:
        found = right(*given)
        changed = None if found is given[0] else change(found)  # what a row leaves alone stays
        return found if changed is None else changed

    with _remembering_nothing():
        row.put(wrong)
        try:
            yield
        finally:
            row.put(right)


Read = dict[Row, dict[str, str]]
"""Rows, and in each what can be wrong, with a kind of node that it was asked of."""


def read_by(ask: Callable[[], Any], rows: Iterable[Row], changes_of: Callable[[Row], Changes]) -> tuple[Any, Read]:
    """Return an answer, and the rows that it reads."""
    told: Read = {}
    before = [(row, row.get()) for row in rows]

    def noting(row: Row, right: Any) -> Any:
        @functools.wraps(right)
        def noted(*given: Any) -> Any:
            found = right(*given)
            if found is not given[0]:
                kind = next((type(each).__name__ for each in given if isinstance(each, Node)), "")
                known = told.setdefault(row, {})
                left = {name: change for name, change in changes_of(row).items() if name not in known}
                known.update(dict.fromkeys(names_of(left, found), kind))
            return found

        return noted

    with _remembering_nothing():
        for row, right in before:
            row.put(noting(row, right))
        try:
            return ask(), told
        finally:
            for row, right in before:
                row.put(right)


@contextmanager
def _remembering_nothing() -> Iterator[None]:
    remembering = AlikeText.__call__
    forget()
    AlikeText.__call__ = lambda self, *nodes, **known: self.write(*nodes)  # type: ignore[method-assign]
    try:
        yield
    finally:
        AlikeText.__call__ = remembering  # type: ignore[method-assign]
        forget()


def forget() -> None:
    """Forget what functions of the package remember; tables that they made stay, since rows were entered there."""
    for name, module in list(sys.modules.items()):
        if name.startswith("symprop."):
            for each in vars(module).values():
                if isinstance(each, functools._lru_cache_wrapper) and each.__annotations__.get("return") != "Table":
                    each.cache_clear()
