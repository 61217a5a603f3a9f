"""Norms of gradients over time, measured: of the loss with respect to each state, moment by moment.

What is added to a state at a moment has the derivative of the loss with respect to this state as its own gradient. So
each state is given a row of a further input more, which is zeros, and the gradients of these inputs are derived,
through everything behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symprop.algebra.batching import batched_system
from symprop.algebra.equations import Carry, Equation, Item, Loop, Rows, System
from symprop.algebra.names import gradient_of
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import INPUT
from symprop.algebra.unrolling import unrolled, written_out
from symprop.calculus.walk import derive_system
from symprop.codegen.case import Case, case_of
from symprop.codegen.targets import FAST
from symprop.errors import SpecError, listed, shown
from symprop.networks.network import Network
from symprop.networks.recurrent import has_moments, written_out_in_time
from symprop.networks.sizes import TIME
from symprop.verify.arithmetic import Complex
from symprop.verify.evaluate import Evaluator, stacked, unstacked
from symprop.verify.points import random_point, target_kinds


def norms_over_time(
    network: Case | Network | str,
    params: Mapping[str, ArrayLike] | None = None,
    x: ArrayLike | Mapping[str, ArrayLike] | None = None,
    y: ArrayLike | None = None,
    *,
    examples: int = 16,
    seed: int = 0,
) -> dict[str, NDArray[np.float64]]:
    """Return the norm of the derivative of the loss with respect to each state, (T,), the first moment first.

    It is the mean over the examples of a batch, `x` and `y` as a module takes them, or over random ones, as many as
    `examples`; each norm is that of one example's own loss. Parameters are given ones or, by default, those of
    `init_params(seed)`. States are called as on the page, without their moment: `h1`, `c1`. Running statistics are
    what they start as, and nothing is dropped.

    >>> net = "Input(20, 3) >> RNN(4, sequence=False) >> MeanSquaredError()"
    >>> norms = norms_over_time(net)
    >>> norms["h1"].shape, bool(norms["h1"][0] < norms["h1"][-1])
    ((20,), True)
    >>> norms_over_time(net, x=np.zeros((2, 20, 3)), y=np.ones((2, 4)))["h1"][-1]  # h is 0, so that its gradient is -1
    np.float64(2.0)

    Raises:
        SpecError: no recurrent layer, a size without a number, parameters that the network does not have, an `x`
            without a `y`. ValueError: `x` or `y` are not as the network takes them.
    """
    case = case_of(network).example
    net = written_out_in_time(case.network, unroll=False)
    if not has_moments(net.layers):
        raise SpecError("nothing goes through time in this network\nallowed: a recurrent layer such as LSTM(8)")
    if net.sizes:
        raise SpecError(f"what is measured needs numbers for the sizes {listed(net.sizes)}")
    system = net.system().evaluated
    values = _parameters(case, params, seed)
    data = _random(system, examples, seed) if x is None and y is None else _given(case, system, x, y)
    count = len(data[system.inputs[0].name])
    whole, probed = _probed(system)
    batch = batched_system(whole, "rows")
    zeros = {array.name: np.zeros((count, *map(int, array.shape))) for array in probed.values()}
    plain, backward = unrolled(batch, {}), written_out(derive_system(batch)[0], {})
    run = Evaluator(Complex(), stacked({**data, **values, **zeros}, Complex()), {batch.batch: count})
    run.run([*plain.equations, *backward])
    found = {}
    for state, array in probed.items():
        slope = count * unstacked(run.values[gradient_of(array).name]).real  # the loss is a mean
        found[state] = np.linalg.norm(slope.reshape(*slope.shape[:2], -1), axis=2).mean(axis=0)
    return found


def _random(system: System, count: int, seed: int) -> dict[str, Any]:
    point = random_point(system, np.random.default_rng(seed), target_kinds(system)[0], count)
    return {**point.data, **point.states}


def _given(case: Case, system: System, x: Any, y: Any) -> dict[str, Any]:
    """Return a batch by the names of variables, after the checks of a module, and running statistics as they start."""
    if x is None or y is None:
        raise SpecError(f"there is no {'x' if x is None else 'y'}\nallowed: x and y of a batch, or neither")
    module = case.at(dtype="float64", target=FAST).module
    inputs = module._check_x(x)
    arrays = inputs if isinstance(inputs, tuple) else (inputs,)
    given = {each.name: array for each, array in zip(system.inputs, arrays, strict=True)}
    states = {each.variable: float(each.start) for each in system.states}
    return {
        **given,
        system.targets[0].name: module._check_y(y, len(arrays[0])),
        **{each.name: np.full(tuple(map(int, each.shape)), start) for each, start in states.items()},
    }


def _parameters(case: Case, params: Mapping[str, ArrayLike] | None, seed: int) -> dict[str, Any]:
    if params is None:
        return dict(case.at(dtype="float64", target="numpy").module.init_params(seed=seed))
    shapes = {each.name: tuple(map(int, each.shape)) for each in case.system.parameters}
    if params.keys() != shapes.keys():
        raise SpecError(f"the network has the parameters {listed(shapes)}, and these are {listed(params)}")
    values = {name: np.asarray(value, dtype=float) for name, value in params.items()}
    wrong = next((name for name, value in values.items() if value.shape != shapes[name]), None)
    if wrong is not None:
        raise SpecError(f"{shown(wrong)} has shape {shapes[wrong]}, not {values[wrong].shape}")
    return values


def _probed(system: System) -> tuple[System, dict[str, Variable]]:
    """Return a system in which each state has a row of a further input added to it, and these inputs by the state."""
    probes: dict[str, Variable] = {}

    def one(item: Item) -> Item:
        if not isinstance(item, Loop) or item.index != TIME:
            return item
        rows = {carry.after: _probe(carry, item) for carry in item.carries}
        probes.update({state.change(index=state.index[:-1]).name: each.array for state, each in rows.items()})
        items = tuple(_added(each, rows) if isinstance(each, Equation) else each for each in item.items)
        return replace(item, items=items, reads=(*item.reads, *rows.values()))

    items = tuple(map(one, system.items))
    return replace(system, items=items, inputs=(*system.inputs, *probes.values()), parameters=()), probes


def _probe(carry: Carry, loop: Loop) -> Rows:
    state = carry.after
    row = state.change(letter=f"probe_{state.letter}", role=INPUT, facts=())
    return Rows(row, row.change(index=row.index[:-1], shape=(loop.count, *row.shape)))


def _added(equation: Equation, rows: Mapping[Variable, Rows]) -> Equation:
    found = rows.get(equation.target)
    return equation if found is None else replace(equation, expression=equation.expression + found.row)


__all__ = ["norms_over_time"]
