"""A table of rules: one meaning (shape, pullback, LaTeX, ...), one row for each kind of node or trait of kinds."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

Row = TypeVar("Row", bound=Callable[..., Any])
Result = TypeVar("Result")


def for_kinds(*kinds: type) -> Callable[[Callable[..., Result]], Callable[..., Result | None]]:
    """Restrict a rule to `kinds` of its first argument; of all others it makes nothing, None.

    >>> @for_kinds(int)
    ... def double(value):
    ...     return 2 * value
    >>> double(21), double("a")
    (42, None)
    """

    def restricted(rule: Callable[..., Result]) -> Callable[..., Result | None]:
        @wraps(rule)
        def apply(subject: Any, *rest: Any) -> Result | None:
            return rule(subject, *rest) if isinstance(subject, kinds) else None

        vars(apply)["kinds"] = kinds
        return apply

    return restricted


def kinds_of(rule: Callable[..., Any]) -> tuple[type, ...]:
    """Return the kinds to which a rule is restricted, so that who has many rules need not ask each; else all.

    >>> kinds_of(for_kinds(int)(lambda value: -value)), kinds_of(lambda value: -value)
    ((<class 'int'>,), (<class 'object'>,))
    """
    kinds: tuple[type, ...] = vars(rule).get("kinds", (object,))
    return kinds


class Table:
    """A mapping from kinds of node to the rule that gives them one meaning.

    A row is entered once, where it is written, by the decorator `row`. The row of a trait (an abstract class of kinds)
    is the default of its kinds, and a kind's own row goes before it. A kind without a row is a `LookupError` that names
    the table and the kind, and a test walks all tables for missing rows.

    >>> double = Table("double")
    >>> @double.row(int)
    ... def _(value):
    ...     return 2 * value
    >>> double(21), double(True)
    (42, 2)
    """

    def __init__(self, meaning: str) -> None:
        self.meaning = meaning
        self.rows: dict[type, Callable[..., Any]] = {}
        self._nearest: dict[type, type | None] = {}  # for kinds without a row of their own: the trait that has one

    def row(self, *kinds: type) -> Callable[[Row], Row]:
        """Enter the decorated function as the row of each of `kinds`."""

        def enter(rule: Row) -> Row:
            self._nearest.clear()
            for kind in kinds:
                if kind in self.rows:
                    raise LookupError(f"table {self.meaning!r} has two rows for {kind.__name__}")
                self.rows[kind] = rule
            return rule

        return enter

    def find(self, kind: type) -> Callable[..., Any] | None:
        """Return the row of `kind`, or of the nearest of its traits that has one, else None."""
        own = self.rows.get(kind)
        if own is not None:
            return own
        if kind not in self._nearest:
            self._nearest[kind] = next((each for each in kind.__mro__ if each in self.rows), None)
        nearest = self._nearest[kind]
        return None if nearest is None else self.rows[nearest]

    def __contains__(self, kind: type) -> bool:
        return self.find(kind) is not None

    def __getitem__(self, kind: type) -> Callable[..., Any]:
        found = self.find(kind)
        if found is None:
            raise LookupError(f"table {self.meaning!r} has no row for {kind.__name__}")
        return found

    def given(self, subject: Any, *rest: Any) -> Any:
        """Apply the row of the kind of `subject`, where it has one, else return None."""
        row = self.rows.get(type(subject)) or self.find(type(subject))
        return row(subject, *rest) if row else None

    def __call__(self, subject: Any, *rest: Any) -> Any:
        """Apply the row of the kind of `subject`."""
        row = self.rows.get(type(subject)) or self[type(subject)]
        return row(subject, *rest)


class PairTable:
    """A mapping from pairs of kinds to a rule: what one operation makes of another, or of its neighbour.

    A row of a trait holds for its kinds, and where a row returns None, that of the next trait of the first is asked.

    >>> sums = PairTable("sum")
    >>> @sums.row(int, int, float)
    ... def _(first, second):
    ...     return first + second
    >>> sums(1, 2.5), sums(1, "a")
    (3.5, None)
    """

    def __init__(self, meaning: str) -> None:
        self.meaning = meaning
        self.tables: dict[type, Table] = {}

    def row(self, first: type, *second: type) -> Callable[[Row], Row]:
        """Enter the decorated function as the row of `first` with each kind of `second`."""
        return self.tables.setdefault(first, Table(f"{self.meaning} {first.__name__}")).row(*second)

    def __call__(self, first: Any, second: Any, *rest: Any) -> Any:
        """Return what the row of a pair makes of it, if there is one."""
        rows = (self.tables[kind].find(type(second)) for kind in type(first).__mro__ if kind in self.tables)
        results = (row(first, second, *rest) for row in rows if row)
        return next((found for found in results if found is not None), None)
