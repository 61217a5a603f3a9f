"""Norms of gradients over time, measured: of the loss by each state of a recurrent layer, moment by moment.

What is added to a state at a moment has the derivative of the loss with respect to this state as its own gradient. So
each state is given a row of an array of zeros more, and the gradients of these arrays are derived as those of
parameters are, through everything behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symprop.algebra.equations import Carry, Equation, Item, Loop, Rows, System
from symprop.algebra.names import gradient_of
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import PARAMETER
from symprop.algebra.unrolling import unrolled, written_out
from symprop.calculus.walk import derive_system
from symprop.codegen.case import Case, case_of
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
    *,
    examples: int = 16,
    seed: int = 0,
) -> dict[str, NDArray[np.float64]]:
    """Return the norm of the derivative of the loss with respect to each state, (T,), the first moment first.

    It is the mean over random examples, at given parameters or, by default, at those of `init_params(seed)`. States
    are called as on the page, without their moment: `h1`, `c1`.

    >>> norms = norms_over_time("Input(20, 3) >> RNN(4, sequence=False) >> MeanSquaredError()")
    >>> norms["h1"].shape, bool(norms["h1"][0] < norms["h1"][-1])
    ((20,), True)

    Raises:
        SpecError: no recurrent layer, a size without a number, parameters that the network does not have.
    """
    case = case_of(network).example
    net = written_out_in_time(case.network, unroll=False)
    if not has_moments(net.layers):
        raise SpecError("nothing goes through time in this network\nallowed: a recurrent layer such as LSTM(8)")
    if net.sizes:
        raise SpecError(f"what is measured needs numbers for the sizes {listed(net.sizes)}")
    system = net.system().evaluated
    values = _parameters(case, params, seed)
    random = np.random.default_rng(seed)
    point = random_point(system, random, target_kinds(system)[0], examples)
    found: dict[str, list[NDArray[np.float64]]] = {}
    probes, probed = _probed(system)
    plain, backward = unrolled(probed, {}), list(written_out(derive_system(probed)[0], {}))
    zeros = {array.name: np.zeros(tuple(map(int, array.shape))) for array in probes}
    for number in range(examples):
        run = Evaluator(Complex(), stacked({**point.example(number), **values, **zeros}, Complex()))
        run.run([*plain.equations, *backward])
        for array, name in probes.items():
            slope = unstacked(run.values[gradient_of(array).name]).real
            found.setdefault(name, []).append(np.linalg.norm(slope.reshape(len(slope), -1), axis=1))
    return {name: np.mean(norms, axis=0) for name, norms in found.items()}


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


def _probed(system: System) -> tuple[dict[Variable, str], System]:
    """Return a system in which each state has a row of an array added to it, and what these arrays are of."""
    probes: dict[Variable, str] = {}

    def one(item: Item) -> Item:
        if not isinstance(item, Loop) or item.index != TIME:
            return item
        rows = {carry.after: _probe(carry, item) for carry in item.carries}
        probes.update({each.array: state.change(index=state.index[:-1]).name for state, each in rows.items()})
        items = tuple(_added(each, rows) if isinstance(each, Equation) else each for each in item.items)
        return replace(item, items=items, reads=(*item.reads, *rows.values()))

    items = tuple(map(one, system.items))
    return probes, replace(system, items=items, parameters=tuple(probes))


def _probe(carry: Carry, loop: Loop) -> Rows:
    state = carry.after
    row = state.change(letter=f"probe_{state.letter}", role=PARAMETER, facts=())
    return Rows(row, row.change(index=row.index[:-1], shape=(loop.count, *row.shape)))


def _added(equation: Equation, rows: Mapping[Variable, Rows]) -> Equation:
    found = rows.get(equation.target)
    return equation if found is None else replace(equation, expression=equation.expression + found.row)


__all__ = ["norms_over_time"]
