"""The printed recurrence of a symbolic `Repeat`: the page itself is run for 1, 2 and 3 blocks.

Its gradients must be those of the network written out, found by the complex step: what a reader copies from the page is
what is certified, its guards (`if l < L`) and base cases too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from sympy import Expr

from symprop.algebra.equations import System
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import MASK, PARAMETER
from symprop.algebra.trees import variables
from symprop.algebra.unrolling import unrolled
from symprop.codegen.case import Case
from symprop.errors import SpecError
from symprop.networks.network import Network
from symprop.networks.recurrent import written_out_in_time
from symprop.networks.sizes import TIME
from symprop.notation.numpy_page import PageNames
from symprop.verify import complex_step, moment_checks, noise
from symprop.verify.arithmetic import Array
from symprop.verify.measure import FLOAT64_LIMIT, Row, first_line, judged
from symprop.verify.module_checks import GENERATED_ERRORS
from symprop.verify.page import run_page
from symprop.verify.points import Point, points_of, target_kinds

COUNTS = (1, 2, 3)
BATCH = 4
"""How many examples a page of a batch is run for; no other size of the check is 4."""
OTHERWISE = 3
"""The number for a size that has none (the width of a block that was not asked for)."""


def counts_of(network: Network) -> tuple[str, ...]:
    """Return the names of the symbolic counts of a network, in order."""
    return tuple(dict.fromkeys(str(loop.count) for loop in network.system().loops if not loop.count.is_Integer))


def rows(case: Case, sizes: Mapping[str, int], seed: int) -> Iterator[Row]:
    """Yield one row for each number of blocks: all gradients of the printed page against the network written out."""
    found = moment_checks.named(case.network)
    case = case.of(found[0]) if found else case
    counts, page = counts_of(case.network), case.own.derivation.text()
    turns = [  # several counts differ, so that one taken for another is seen
        {count: COUNTS[(turn + place) % len(COUNTS)] for place, count in enumerate(counts)}
        for turn in range(len(COUNTS) if counts else 1)
    ]
    times = {str(loop.count) for loop in case.network.system().loops if loop.index == TIME}
    many = min(found[1], moment_checks.MANY) if found else moment_checks.MANY
    if times & {*counts} and many > max(COUNTS):
        turns.append({count: sizes.get(count, many) if count in times else turns[0][count] for count in counts})
    for numbers in turns:
        name = ", ".join(f"{count} = {number}" for count, number in numbers.items())
        try:
            yield _row(page, case, numbers, dict(sizes), seed, f"recurrence, {name}" if name else "recurrence")
        except SpecError:  # another layer needs more positions than so few
            if not times & {*counts}:
                raise


def _row(page: str, case: Case, counts: Mapping[str, int], sizes: dict[str, int], seed: int, name: str) -> Row:
    oracle = "complex step of the network written out"
    sizes = _needed(case.network, {**sizes, **counts})
    written = case.of(written_out_in_time(written_out(case.network, sizes))).example
    system = written.system
    called = _called(case.network.system(), system, counts)
    kinds = [kind for kind in ("distribution", "numbers") if kind in target_kinds(system)]
    points = points_of(written, seed, 1 if written.own.layout == "example" else BATCH, kinds)
    worst, limit, bad = 0.0, FLOAT64_LIMIT, "" if points else "no point with a finite loss"
    for point in points:
        try:
            with np.errstate(all="ignore"):
                names = run_page(page, _given(called, written.own.system, point, sizes, PageNames(case.own.derivation)))
            found = {own: _gradient(each, names) for own, each in called.items() if each.role == PARAMETER}
        except GENERATED_ERRORS as error:
            return Row(name, oracle, "0", np.inf, limit, False, first_line(error))
        for parameter, slope in complex_step.gradients(system, point).items():
            judgement = judged(found[parameter], slope, FLOAT64_LIMIT, _bound(system, point, parameter))
            worst, limit = max(worst, judgement.error), max(limit, judgement.limit)
            if not judgement.ok:
                bad = f"{bad}, d{parameter}" if bad else f"d{parameter}"
    return Row(name, oracle, f"{len(points)} random", worst, limit, not bad, bad or "the printed page, run")


def _called(general: System, plain: System, counts: Mapping[str, int]) -> dict[str, Variable]:
    """What the page calls each parameter and mask of the network written out, which numbers its layers one by one.

    Both read them in the same order.
    """
    numbers = {loop.count: counts[str(loop.count)] for loop in general.loops if str(loop.count) in counts}
    theirs, ours = _read_first(unrolled(general, numbers)), _read_first(plain)
    return {own.name: variable for own, variable in zip(ours, theirs, strict=True)}


def _read_first(system: System) -> list[Variable]:
    """The parameters and masks of a system in the order in which its equations first read them."""
    read = (variable for equation in system.equations for variable in variables(equation.expression))
    # a penalty reads a parameter for a general index, which is none
    wanted = frozenset((*system.parameters, *(mask.variable for mask in system.masks)))
    return [variable for variable in dict.fromkeys(read) if variable in wanted]


def _needed(network: Network, sizes: dict[str, int]) -> dict[str, int]:
    """Return numbers for the names of the network and of its blocks written out: those given, else `OTHERWISE`."""
    own = {name: sizes.get(name, OTHERWISE) for name in network.sizes}
    return {**own, **{name: sizes.get(name, OTHERWISE) for name in written_out(network, own).sizes}}


def _bound(system: Any, point: Point, name: str) -> Any:
    return lambda where, off: 4 * noise.of_complex_step(system, point, {name: where})[name]


def _given(
    called: Mapping[str, Variable], system: System, point: Point, sizes: Mapping[str, int], names: PageNames
) -> dict[str, Any]:
    """Return sizes, inputs, targets, parameters and masks as a page names them: `W[3]` in a table `W`, and `W3`."""
    values = point.of(system)
    given: dict[str, Any] = {**sizes, **values}
    if system.batch is not None:
        given[system.batch.name] = point.count
    for each in system.inputs:  # `h0` stands in the table of the states, `h[0]`
        if each.index and each.letter not in values:
            given.setdefault(names.of(each).letter, {})[_key(each)] = values[each.name]
    for own, each in called.items():
        table = "masks" if each.role == MASK else each.letter
        given.setdefault(table, {})[_key(each)] = given[each.name] = values[own]
    for own, each in called.items():
        given |= _implied(each.shape, np.shape(values[own]), sizes)
    for size, value in sizes.items():  # the width `n_2` of block 2 is n(2) on the page
        stem, _, block = size.rpartition("_")
        if stem and block.isdigit():
            widths = given.get(stem)
            known = widths.widths if isinstance(widths, _Widths) else {}
            given[stem] = _Widths({**known, int(block): value})
    return given


def _implied(shape: Sequence[Expr], numbers: Sequence[int], sizes: Mapping[str, int]) -> dict[str, int]:
    """Return numbers of sizes that no option of the network names, but a shape has: a head's width, where it is `d`."""
    known = {name: sympy.Integer(number) for name, number in sizes.items()}
    found: dict[str, int] = {}
    for size, number in zip(shape, numbers, strict=True):
        left = size.xreplace({symbol: known[str(symbol)] for symbol in size.free_symbols if str(symbol) in known})
        factor, symbol = left.as_coeff_Mul()
        if symbol.is_Symbol:
            found[str(symbol)] = int(number / factor)
    return found


class _Widths:
    """A width that varies from block to block, called as the page calls it: `n(l)`."""

    def __init__(self, widths: dict[int, int]) -> None:
        self.widths = widths

    def __call__(self, block: int) -> int:
        return self.widths[block]


def _key(parameter: Variable) -> Any:
    """What a parameter has in its table: `W[3]`, and two numbers in a loop inside a loop, `W[3, 1]`."""
    key = tuple(map(int, parameter.index))
    return key[0] if len(key) == 1 else key


def _gradient(parameter: Variable, names: Mapping[str, Any]) -> Array:
    table = names.get(f"d{parameter.letter}")
    if isinstance(table, dict) and _key(parameter) in table:
        return np.asarray(table[_key(parameter)], dtype=float)
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
