"""Every table in the package has a row for every kind of node, but for the exceptions declared here with a reason."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.means import Mean
from symprop.algebra.nodes import NODE_KINDS
from symprop.algebra.table import PairTable, Table
from symprop.analysis.curvature.examples import INNER
from symprop.calculus.chains import NEIGHBOURS
from symprop.calculus.pairs import PAIRS
from symprop.finishing.kroneckers import BESIDE

NOT_ELEMENTWISE = [kind for kind in NODE_KINDS if not issubclass(kind, n.Elementwise | n.Variable | n.Scalar)]

EXCEPTIONS: dict[str, dict[type, str]] = {
    "scalar body": dict.fromkeys(NOT_ELEMENTWISE, "not elementwise, and refused as such"),
}
"""By the meaning of the table: kinds without a row, each with the reason."""

PARTIAL = {
    "operation": "a kind without a row is one call as it stands",
    "call": "the result of a kind without a row is allocated by NumPy",
    "scratch memory": "few kinds need any",
    "shown to be at least 0": "a kind shows nothing of its sign",
    "shown to be symmetric": "a kind shows nothing of its transpose",
    "shown to be semidefinite": "a kind shows nothing of its eigenvalues",
    "shown to be definite": "a kind shows nothing of its eigenvalues",
    "product of a matrix that is not built and a vector": "any other matrix is built",
    "applied to a matrix": "any other matrix is multiplied",
    "applied to a matrix from the right": "any other matrix is multiplied",
    "as an inner product": "a kind without a row stays as it is",
    "digits": "a kind without a row has one digit for each axis",
    "slices": "a kind without a row is written whole",
    "what a sum reaches": "a sum goes no further than a kind without a row",
    "where the derivative does not exist": "that of any other kind exists everywhere",
    "what a part of an answer is": "any other kind is written as formulas of one's own are",
    "places of a value": "what a kind without a row makes is worked out in all evaluations",
    "loops": "a network that needs another kind is refused for targets that are made of loops",
}
PARTIAL |= {
    table.meaning: "a pair of kinds without an identity stays as it is"
    for pairs in (PAIRS, NEIGHBOURS, BESIDE, INNER)
    for table in pairs.tables.values()
    if n.Node not in table.rows
}
"""Tables in which a missing row has a meaning, and which."""


def tables() -> dict[str, Table]:
    found: dict[str, Table] = {}
    for module in pkgutil.walk_packages(symprop.__path__, "symprop."):
        if module.name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            about_nodes = isinstance(value, Table) and any(kind in value for kind in NODE_KINDS)
            if about_nodes:  # and not about what programs hold alone
                assert found.get(value.meaning, value) is value, f"two tables with the meaning {value.meaning!r}"
                found[value.meaning] = value
            if isinstance(value, PairTable):
                found |= {inner.meaning: inner for inner in value.tables.values()}
    return found


TABLES = tables()


def test_the_tables_of_the_core_are_found() -> None:
    assert {"shape", "element", "pullback", "pushforward", "value", "tidy", "batch"} <= set(TABLES)


@pytest.mark.parametrize("meaning", sorted(set(TABLES) - set(PARTIAL)))
def test_a_table_has_a_row_for_every_kind(meaning: str) -> None:
    excused = set(EXCEPTIONS.get(meaning, {}))
    missing = [kind.__name__ for kind in NODE_KINDS if kind not in TABLES[meaning] and kind not in excused]
    assert not missing, f"table {meaning!r} lacks rows for {', '.join(missing)}"


def test_partial_tables_are_partial() -> None:
    for meaning in PARTIAL:
        assert any(kind not in TABLES[meaning] for kind in NODE_KINDS), meaning


@pytest.mark.parametrize("meaning", sorted(EXCEPTIONS))
def test_an_exception_is_one(meaning: str) -> None:
    assert meaning in TABLES
    assert [kind for kind in EXCEPTIONS[meaning] if kind in TABLES[meaning]] == []


def test_the_kinds_are_all_the_final_subclasses_of_node() -> None:
    below = [kind for kind in n.Node.__subclasses__() if kind.__module__.startswith("symprop.algebra.")]
    for kind in below:  # traits have kinds below them
        below.extend(kind.__subclasses__())
    kinds = {kind for kind in below if not kind.__subclasses__() and kind.__module__.startswith("symprop.algebra.")}
    assert kinds == {*NODE_KINDS, n.Pullback, n.Pushforward, n.BatchMean, Mean}  # the last four stand in no answer
