"""The printed recurrence of a symbolic `Repeat`: the page itself is run for 1, 2 and 3 blocks.

Its gradients must be those of the network written out, found by the complex step: what a reader copies from the page is
what is certified, its guards (`if l < L`) and base cases too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from symprop.algebra.nodes import Variable
from symprop.codegen.case import Case
from symprop.networks.network import Network
from symprop.verify import complex_step, noise
from symprop.verify.arithmetic import Array
from symprop.verify.measure import FLOAT64_LIMIT, Row, first_line, judged
from symprop.verify.module_checks import GENERATED_ERRORS
from symprop.verify.page import run_page
from symprop.verify.points import Point, points_of, target_kinds

COUNTS = (1, 2, 3)
OTHERWISE = 3
"""The number for a size that has none (the width of a block that was not asked for)."""


def counts_of(network: Network) -> tuple[str, ...]:
    """Return the names of the symbolic counts of a network, in order."""
    return tuple(dict.fromkeys(str(loop.count) for loop in network.system().loops))


def rows(case: Case, sizes: Mapping[str, int], seed: int) -> Iterator[Row]:
    """Yield one row for each number of blocks: all gradients of the printed page against the network written out."""
    counts = counts_of(case.network)
    page = case.example.derivation.text()
    for turn in range(len(COUNTS)):  # several counts differ, so that one taken for another is seen
        numbers = {count: COUNTS[(turn + place) % len(COUNTS)] for place, count in enumerate(counts)}
        name = ", ".join(f"{count} = {number}" for count, number in numbers.items())
        yield _row(page, case, {**sizes, **numbers}, seed, f"recurrence, {name}")


def _row(page: str, case: Case, sizes: dict[str, int], seed: int, name: str) -> Row:
    oracle = "complex step of the network written out"
    sizes = _needed(case.network, sizes)
    written = case.of(written_out(case.network, sizes)).example
    system = written.system
    kinds = [kind for kind in ("distribution", "numbers") if kind in target_kinds(system)]
    points = points_of(written, seed, 1, kinds)
    worst, limit, bad = 0.0, FLOAT64_LIMIT, "" if points else "no point with a finite loss"
    for point in points:
        try:
            with np.errstate(all="ignore"):
                names = run_page(page, _given(system.parameters, point, sizes))
            found = {parameter.name: _gradient(parameter, names) for parameter in system.parameters}
        except GENERATED_ERRORS as error:
            return Row(name, oracle, "0", np.inf, limit, False, first_line(error))
        for parameter, slope in complex_step.gradients(system, point).items():
            judgement = judged(found[parameter], slope, FLOAT64_LIMIT, _bound(system, point, parameter))
            worst, limit = max(worst, judgement.error), max(limit, judgement.limit)
            if not judgement.ok:
                bad = f"{bad}, d{parameter}" if bad else f"d{parameter}"
    return Row(name, oracle, f"{len(points)} random", worst, limit, not bad, bad or "the printed page, run")


def _needed(network: Network, sizes: dict[str, int]) -> dict[str, int]:
    """Return numbers for the names of the network and of its blocks written out: those given, else `OTHERWISE`."""
    own = {name: sizes.get(name, OTHERWISE) for name in network.sizes}
    return {**own, **{name: sizes.get(name, OTHERWISE) for name in written_out(network, own).sizes}}


def _bound(system: Any, point: Point, name: str) -> Any:
    return lambda where, off: 4 * noise.of_complex_step(system, point, {name: where})[name]


def _given(parameters: tuple[Variable, ...], point: Point, sizes: Mapping[str, int]) -> dict[str, Any]:
    """Return sizes, inputs, targets and parameters as a page names them: `W[3]` in a table `W`, and `W3`."""
    given: dict[str, Any] = {**sizes, **point.example(0)}
    for parameter in parameters:
        if parameter.index:
            given.setdefault(parameter.letter, {})[int(parameter.index[0])] = point.parameters[parameter.name]
    for size, value in sizes.items():  # the width `n_2` of block 2 is n(2) on the page
        stem, _, block = size.rpartition("_")
        if stem and block.isdigit():
            widths = given.get(stem)
            known = widths.widths if isinstance(widths, _Widths) else {}
            given[stem] = _Widths({**known, int(block): value})
    return given


class _Widths:
    """A width that varies from block to block, called as the page calls it: `n(l)`."""

    def __init__(self, widths: dict[int, int]) -> None:
        self.widths = widths

    def __call__(self, block: int) -> int:
        return self.widths[block]


def _gradient(parameter: Variable, names: Mapping[str, Any]) -> Array:
    table = names.get(f"d{parameter.letter}")
    if isinstance(table, dict) and parameter.index and int(parameter.index[0]) in table:
        return np.asarray(table[int(parameter.index[0])], dtype=float)
    return np.asarray(names[f"d{parameter.name}"], dtype=float)


def written_out(network: Network, sizes: Mapping[str, int]) -> Network:
    """Return the network with numbers for its names; a count first, which may bring names of its own (`n_1`, `n_2`).

    >>> from symprop.networks import parse_network
    >>> net = parse_network("Input(n) >> Repeat(Dense(n) >> Tanh(), L) >> MeanSquaredError()")
    >>> written_out(net, {"n": 4, "L": 2}).text
    'Input(4) >> Repeat(Dense(4) >> Tanh(), 2) >> MeanSquaredError()'

    Raises:
        SpecError: a name that neither has.
    """
    first = {name: size for name, size in sizes.items() if name in network.sizes}
    unrolled = network.with_sizes(first) if first else network
    left = {name: size for name, size in sizes.items() if name not in first}
    return unrolled.with_sizes(left) if left else unrolled
