"""The `train` command: a CSV file in; training with a progress bar, numbers on held-out rows, and weights out."""

from __future__ import annotations

import os
import shlex
from typing import Any

import numpy as np
from rich.console import Console

from symprop.columns import Columns, columns_of
from symprop.data import Scaling, Table, read_table, split
from symprop.errors import DataError, SpecError, shown
from symprop.files import check_writable, save_weights
from symprop.networks import Network
from symprop.saved import CLASSES, NUMBERS, SIGNS, THRESHOLDS, target_kind
from symprop.training import (
    Array,
    Features,
    Trained,
    accuracy,
    check_options,
    mean_loss,
    predicted,
    progress_bar,
    train,
)

EXAMPLE = "weights.npz"


def run(
    network: Network,
    data: str | os.PathLike[str],
    target: str,
    *,
    optimizer: str = "adam",
    rate: float | None = None,
    epochs: int = 30,
    batch: int = 32,
    clip: float | None = None,
    seed: int = 0,
    scaling: str = "standard",
    test_fraction: float = 0.2,
    dtype: str = "float64",
    output: str | None = None,
    console: Console | None = None,
) -> int:
    """Train `network` on a CSV file and print what came of it; return the exit code 0.

    Features are scaled by what the training rows say (`data.fit_scaling`), which is printed and saved with the weights.

    Raises:
        SympropError: data, network or options that do not fit together; nothing is written.
    """
    from symprop.codegen import compile_network

    check_options(epochs, batch, rate, seed, clip)
    if output is not None:
        check_writable(output)
        if not output.endswith(".npz"):
            raise SpecError(f"weights are written as .npz, not to {shown(output, 200)}\nallowed: -o {EXAMPLE}")
    kind = target_kind(network)
    table = read_table(data, target, classification=kind != NUMBERS)
    check_fit(network, table, kind)
    training, held_out = split(table, test_fraction, seed)
    columns = columns_of(network, table.names)
    scale = columns.fit_scaling(training.features, scaling)
    module = compile_network(network, dtype=dtype, optimizer=optimizer)
    console = console or Console(highlight=False)
    console.print(
        f"{training.rows} rows to train on, {held_out.rows} held out; {scale.text}", markup=False, soft_wrap=True
    )
    x, y = _prepared(columns, training, scale, kind, dtype)
    with progress_bar(console, epochs) as show:
        trained = train(module, x, y, epochs=epochs, batch=batch, rate=rate, seed=seed, clip=clip, after_epoch=show)
    for name, part in (("training", training), ("held-out", held_out)):
        if part.rows:
            rows = _prepared(columns, part, scale, kind, dtype)
            console.print(f"{name} rows: {_result(module, trained, *rows, kind)}", markup=False, soft_wrap=True)
    if output is not None:
        save_weights(output, {**trained.params, **trained.running}, _notes(network, table, target, scale))
        console.print(f"wrote {output}; to use them:", markup=False, soft_wrap=True)
        console.print(f"  symprop predict {shlex.quote(output)} --data FILE.csv", markup=False, soft_wrap=True)
        console.print(f"  symprop.load_weights({output!r}).predict(rows)", markup=False, soft_wrap=True)
    return 0


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


def _prepared(columns: Columns, table: Table, scale: Scaling, kind: str, dtype: str) -> tuple[Features, Array]:
    """Return features and targets as the generated module takes them."""
    targets = table.target if kind == CLASSES else table.target.reshape(-1, 1).astype(dtype)
    targets = 2 * targets - 1 if kind == SIGNS else targets
    return columns.arrays(scale(table.features), dtype), targets


def _result(module: Any, trained: Trained, features: Features, targets: Array, kind: str) -> str:
    loss = f"loss {mean_loss(module, trained.params, features, targets, trained.running):.4g}"
    if kind == NUMBERS:
        outputs = predicted(module, trained.params, features, trained.running)
        error = np.sqrt(np.mean((outputs - targets) ** 2))
        return f"{loss}, root mean square error {error:.4g}"
    right = accuracy(module, trained.params, features, targets, trained.running, THRESHOLDS.get(kind, 0.5))
    return f"{loss}, accuracy {right:.1%}"


def _notes(network: Network, table: Table, target: str, scale: Scaling) -> dict[str, Any]:
    """What is needed to use the weights later."""
    return {
        "network": network.text,
        "target": target,
        "features": list(table.names),
        "classes": list(table.classes),
        "scaling": {"kind": scale.kind, "offset": scale.offset.tolist(), "scale": scale.scale.tolist()},
    }
