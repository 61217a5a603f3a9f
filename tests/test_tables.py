"""Every table in the package has a row for every kind of node, but for the exceptions declared here with a reason."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.nodes import NODE_KINDS
from symprop.algebra.table import Table

NOT_ELEMENTWISE = (
    *(n.Fill, n.Identity, n.MatMul, n.Outer, n.Transpose, n.Sum, n.Expand, n.Reshape, n.Diag, n.Diagonal),
    *(n.Take, n.ScatterAdd, n.OneHot, n.Softmax, n.LogSumExp, n.BlockSum, n.Product, n.Extreme, n.Concatenate, n.Slice),
    *(n.Inverse, n.Determinant, n.LogDeterminant, n.MatrixPower, n.Kron, n.Commutation),
)

EXCEPTIONS: dict[str, dict[type, str]] = {
    "scalar body": dict.fromkeys(NOT_ELEMENTWISE, "not elementwise, and refused as such"),
}
"""By the meaning of the table: kinds without a row, each with the reason."""

PARTIAL = {
    "operation": "a kind without a row is one call as it stands",
    "call": "the result of a kind without a row is allocated by NumPy",
    "scratch memory": "few kinds need any",
    "digits": "a kind without a row has one digit for each axis",
    "slices": "a kind without a row is written whole",
    "loops": "a network that needs another kind is refused for targets that are made of loops",
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
            if isinstance(value, dict):
                found |= {inner.meaning: inner for inner in value.values() if isinstance(inner, Table)}
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
    kinds = {kind for kind in n.Node.__subclasses__() if kind.__module__ == n.__name__}
    assert kinds == {*NODE_KINDS, n.Pullback, n.Pushforward}  # the last two stand in no answer
