"""What is checked at run time of what is declared: one table, from a fact to the function that raises unless it holds.

The functions stand in `templates/numpy/facts.py.j2`, and a module has those that it calls. Each is called with a name,
an array, the rounding unit of the numbers given, and memory like the array to work in, or None. An array may have
axes before those that a fact speaks of: a batch of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symprop.algebra.nodes import Fact, Variable


@dataclass(frozen=True)
class FactCheck:
    """The function that checks a fact, what it says of an array, which facts need no check beside it, what it calls."""

    function: str
    words: str
    implies: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    has_room: bool = False

    def line(self, name: str, room: str) -> str:
        """Return the call for the array `name`, with `eps` and the memory `room` where it needs them."""
        eps = ["eps"] if "_rounding" in self.calls else []
        memory = [room if eps else f"room={room}"] if self.has_room else []
        arguments = ", ".join([f'"{name}"', name, *eps, *memory])
        return f"{self.function}({arguments})"


SUM = ("_rows_sum_to_1", "_rounding")
EIGENVALUES = ("_symmetric", "_cholesky", "_rounding")
ROWS = FactCheck("_rows_sum_to_1", "rows that sum to 1", (), ("_rounding",), has_room=True)
COLUMNS = FactCheck("_columns_sum_to_1", "columns that sum to 1", (), SUM, has_room=True)

FACT_CHECKS: dict[str, FactCheck] = {
    "positive": FactCheck("_positive", "positive", ("nonnegative",)),
    "bits": FactCheck("_bits", "each 0 or 1", ("between 0 and 1", "nonnegative")),
    "between 0 and 1": FactCheck("_between_0_and_1", "from 0 to 1", ("nonnegative",)),
    "nonnegative": FactCheck("_nonnegative", "nonnegative"),
    "first above 0": FactCheck("_first_above_0", "above 0 at the first position", ("one above 0",)),
    "one above 0": FactCheck("_one_above_0", "above 0 somewhere"),
    "signs": FactCheck("_signs", "each -1 or 1", has_room=True),
    "one-hot": FactCheck(
        "_one_hot", "one-hot rows", ("sums to 1", "nonnegative", "between 0 and 1", "bits"), SUM, has_room=True
    ),
    "sums to 1": ROWS,
    "symmetric": FactCheck("_symmetric", "symmetric", calls=("_rounding",)),
    "positive definite": FactCheck(
        "_positive_definite", "positive definite", ("symmetric", "positive semidefinite"), EIGENVALUES
    ),
    "positive semidefinite": FactCheck("_positive_semidefinite", "positive semidefinite", ("symmetric",), EIGENVALUES),
    "orthogonal": FactCheck("_orthogonal", "orthogonal", calls=("_rounding",)),
}
"""By the kind of a fact; what sums to 1 along another axis than the last is a column, and ids have `_ids`."""


def fact_checks(variable: Variable) -> tuple[FactCheck, ...]:
    """Return the checks of what is known of a variable, in the order of the table; what another implies is left out.

    >>> from symprop.algebra.declarations import declared
    >>> [each.function for each in fact_checks(declared("P", "m k columns-sum-to-1 positive"))]
    ['_positive', '_columns_sum_to_1']
    >>> [each.function for each in fact_checks(declared("A", "n n positive-definite"))]
    ['_positive_definite']
    """
    kinds = variable.facts_by_kind
    implied = {kind for held in kinds if held in FACT_CHECKS for kind in FACT_CHECKS[held].implies}
    return tuple(
        check
        for kind, row in FACT_CHECKS.items()
        for check in dict.fromkeys(_along(row, fact, variable.rank) for fact in variable.facts if fact.kind == kind)
        if kind not in implied or check is COLUMNS
    )


def rows_in_words(target: Variable) -> str:
    """Return what the rows of a target are for which ids of classes may stand."""
    return FACT_CHECKS["one-hot" if "one-hot" in target.facts_by_kind else "sums to 1"].words


def _along(row: FactCheck, fact: Fact, rank: int) -> FactCheck:
    """Return the row for the axis of a fact."""
    return COLUMNS if row is ROWS and fact.value != rank - 1 else row


CONDITIONS = {
    "positive": "{0} > 0",
    "bits": "({0} == 0) | ({0} == 1)",
    "between 0 and 1": "(0 <= {0}) & ({0} <= 1)",
    "nonnegative": "{0} >= 0",
    "first above 0": "{0}[..., 0] > 0",
    "one above 0": "({0} > 0).any(-1)",
    "signs": "np.abs({0}) == 1",
    "one-hot": "np.sort({0}, axis=-1) == np.eye({0}.shape[-1])[-1]",
    "sums to 1": "np.isclose({0}.sum(axis={1}), 1)",
    "symmetric": "np.isclose({0}, {0}.swapaxes(-1, -2))",
    "positive definite": "np.linalg.eigvalsh({0}) > 0",
    "positive semidefinite": "np.linalg.eigvalsh({0}) > -1e-8 * np.abs({0}).max()",
    "orthogonal": "np.isclose({0} @ {0}.swapaxes(-1, -2), np.eye({0}.shape[-1]), atol=1e-5)",
}
"""The same in one expression, for modules that one reads: what holds for all elements of an array, or of a batch."""


def conditions(variable: Variable, library: str = "np") -> list[tuple[str, str]]:
    """Return what must hold of all elements of an array for its facts, each with its words.

    >>> from symprop.algebra.declarations import declared
    >>> conditions(declared("p", "k positive"))
    [('p > 0', 'positive')]
    """
    found = []
    for check in fact_checks(variable):
        kind = "sums to 1" if check in (ROWS, COLUMNS) else next(k for k, row in FACT_CHECKS.items() if row is check)
        text = CONDITIONS[kind].format(variable.name, -2 if check is COLUMNS else -1)
        found.append((text.replace("np.", f"{library}."), check.words))
    return found


def functions(checks: Iterable[FactCheck]) -> tuple[str, ...]:
    """Return the names of all functions that a module with these checks needs.

    >>> functions([FACT_CHECKS["symmetric"]])
    ('_symmetric', '_rounding')
    """
    return tuple(dict.fromkeys(name for check in checks for name in (check.function, *check.calls)))


__all__ = ["FACT_CHECKS", "FactCheck", "conditions", "fact_checks", "functions", "rows_in_words"]
