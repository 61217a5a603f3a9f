"""A table made ready for a network: does it fit, and what its module takes for it."""

from __future__ import annotations

from typing import Any

from symprop.columns import Columns, columns_of
from symprop.data import Scaling, Table
from symprop.errors import DataError
from symprop.evaluation import Array, Features
from symprop.networks import Network
from symprop.saved import CLASSES, SIGNS, THRESHOLDS


def check_fit(network: Network, table: Table, kind: str) -> None:
    """Raise unless the table has the columns and classes that the network takes.

    Raises:
        SpecError: a size of the network is a name.
        DataError: the network and the table do not fit; both numbers are named.
    """
    system = network.system("rows")
    columns, outputs = columns_of(network, table.names), int(system.output.shape[-1])
    if system.output.rank > 2:
        what = " x ".join(map(str, system.output.shape[1:]))
        raise DataError(
            f"the network has {what} outputs, the target is one column\nallowed: a layer such as Dense(1) on a vector"
        )
    if kind == CLASSES and len(table.classes) > outputs:
        raise DataError(f"the table has {len(table.classes)} classes, the network tells {outputs} apart")
    if kind in THRESHOLDS and len(table.classes) > 2:
        raise DataError(
            f"the table has {len(table.classes)} classes, this loss takes 2\nfor more: SoftmaxCrossEntropy()"
        )
    if kind != CLASSES and outputs != 1:
        raise DataError(
            f"the network has {outputs} outputs, the target is one column\nallowed: Dense(1) before this loss"
        )
    columns.check_ids(table.features, table.names)


def prepared(columns: Columns, scale: Scaling, kind: str, dtype: Any, table: Table) -> tuple[Features, Array]:
    """Return features and targets as the generated module takes them."""
    return columns.arrays(scale(table.features), dtype), targets_of(table, kind, dtype)


def targets_of(table: Table, kind: str, dtype: Any) -> Array:
    """Return the targets of a table as a loss takes them: ids of classes, or a column of numbers, of bits or signs."""
    if kind == CLASSES:
        return table.target
    targets = table.target.reshape(-1, 1).astype(dtype)
    return 2 * targets - 1 if kind == SIGNS else targets
