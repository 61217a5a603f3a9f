"""The certificate: a network's derivation and its generated code, each line of them checked by machine.

Four questions, each put to an oracle that shares no code with the rules or the generator:

1. Is each gradient of the generated module the derivative of the forward pass? (complex step, full Jacobian)
2. Is each step of the derivation an identity? (50 digits, pullbacks by central differences)
3. Is each derived gradient what SymPy finds element by element? (`sympy.diff` of the written-out loss)
4. Does the module compute the forward pass, the loss, and the mean over a batch, in float64 and in float32, and stay
   finite where its last layer gives numbers up to 1000? (the formulas in complex numbers, and in 1000 digits)
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symprop.analysis.derivation import Derivation, derive
from symprop.codegen import compile_network
from symprop.codegen.program import ProgramError
from symprop.errors import ShapeError, SpecError
from symprop.networks.network import LAYOUTS, Network
from symprop.networks.spec import as_network
from symprop.notation import notebook_blocks
from symprop.notation.blocks import Block, Bullets, Grid, GridRow, Typed
from symprop.notation.latex import escaped
from symprop.notation.notebook_blocks import Verdict, mark
from symprop.verify import (
    complex_step,
    element_checks,
    extreme_checks,
    module_checks,
    recurrence,
    start_checks,
    step_checks,
    switch_checks,
)
from symprop.verify.measure import Row, first_line, scientific
from symprop.verify.points import Point, farther_points, random_points, target_kinds
from symprop.verify.reduced import check_numbers, named_sizes, reduced, tiny

FULL_LIMIT, QUICK_LIMIT = 20_000, 5_000
"""Up to so many parameters every coordinate is compared at the real sizes: at one point, and at every point."""
SAMPLED = 100
"""How many coordinates of each parameter are compared at the real sizes where there are more."""

MANY = 60
"""A derivation of more equations is checked at one point in place of three, so that a deep network can be checked."""


@dataclass(frozen=True)
class Certificate:
    """The rows of a check, and whether all of them agree; `title` says of what: a network, a question.

    >>> import symprop
    >>> certificate = symprop.check("Input(2) >> Dense(1) >> MeanSquaredError()")
    >>> certificate.ok, certificate.rows[0].name
    (True, 'dW1')
    """

    title: str
    rows: tuple[Row, ...]
    remarks: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    @property
    def ok(self) -> bool:
        """Whether every row agrees (and there is one)."""
        return bool(self.rows) and all(row.ok for row in self.rows)

    @property
    def failures(self) -> tuple[Row, ...]:
        """The rows that do not agree."""
        return tuple(row for row in self.rows if not row.ok)

    def table(self) -> str:
        """Return the certificate as plain text: name, oracle, points, worst error, limit, verdict, note."""
        lines = [HEADER, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
        aligned = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
        texts = [line.rstrip() for line in (aligned[0], "-" * min(len(aligned[0]), 120), *aligned[1:])]
        return "\n".join([self.title, "", *texts, "", self.summary, *self.remarks])

    @property
    def summary(self) -> str:
        """One line that says how the check went."""
        failed = len(self.failures)
        return f"{len(self.rows)} checks, all agree" if not failed else f"{failed} of {len(self.rows)} checks FAILED"

    def __str__(self) -> str:
        return self.table()

    def latex(self) -> str:
        """Return the certificate as a LaTeX `longtable`."""
        lines = [" & ".join(map(escaped, _cells(row))) + r" \\" for row in self.rows]
        head = " & ".join(rf"\textbf{{{cell}}}" for cell in HEADER) + r" \\ \hline \endhead"
        return "\n".join([r"\begin{longtable}{lllrrll}", head, *lines, r"\end{longtable}", escaped(self.summary)])

    def _repr_html_(self) -> str:
        """Return the certificate as a table, the verdict of each row first, so that it is seen without scrolling."""
        head = "", *(cell for cell in HEADER if cell != "verdict")
        rows = sorted(self.rows, key=lambda row: row.ok)  # what failed stands first
        shown: list[Block] = [
            Typed(self.title),
            Verdict(self.ok, self.summary),
            Grid(tuple((cell,) for cell in head), tuple(map(_grid_row, rows)), ("l",) * len(head)),
        ]
        if self.remarks:
            shown.append(Bullets(tuple((remark,) for remark in self.remarks)))
        return notebook_blocks.html(shown)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("..." if cycle else self.table())


HEADER = ("name", "oracle", "points", "worst error", "limit", "verdict", "note")


POINTS = 3
"""How many examples a point has."""
NO_POINT = Row(
    "points",
    "forward pass in complex numbers",
    "0",
    float("inf"),
    0.0,
    False,
    "not checked: no point with a finite loss",
)


def _cells(row: Row) -> tuple[str, ...]:
    error, limit = scientific(row.error), scientific(row.limit)
    return (row.name, row.oracle, row.points, error, limit, row.verdict, row.note)


def _grid_row(row: Row) -> GridRow:
    name, oracle, points, error, limit, verdict, note = _cells(row)
    words = (f"{mark(row.ok)} {verdict}", name, oracle, points, error, limit, note)
    return GridRow(tuple((word,) for word in words), tone="ok" if row.ok else "failed")


def check(
    network: Network | str, seed: int = 0, float32: bool = True, sizes: Mapping[str, int] | None = None
) -> Certificate:
    """Check a network's derivation and generated code, and return the certificate.

    `sizes` are numbers for sizes and counts that have a name. The printed recurrence of a symbolic `Repeat` is checked
    for 1, 2 and 3 blocks; all else for the number that is given, or for 3.

    >>> certificate = check("Input(2) >> Dense(1) >> MeanSquaredError()")
    >>> certificate.ok, certificate.failures
    (True, ())

    Raises:
        SpecError: the network has no loss, or the width of a layer is a name without a number in `sizes`.
    """
    started = time.perf_counter()
    net = as_network(network)
    if recurrence.counts_of(net):
        return _of_recurrence(net, seed, float32, dict(sizes or {}))
    net = net.with_sizes(dict(sizes)) if sizes else net
    check_numbers(net)
    if net.system().loss is None:
        raise SpecError(
            f"a network without a loss has nothing to check\nend it with one: {net.text} >> MeanSquaredError()"
        )
    if not random_points(net.system(), seed, POINTS, target_kinds(net.system())[:1]):
        return Certificate(net.text, (NO_POINT,), (), time.perf_counter() - started)
    rows: list[Row] = []
    try:
        derivation = derive(net, layout="rows")
    except DERIVATION_ERRORS as error:
        return Certificate(net.text, (_refused("derive", error),), (), time.perf_counter() - started)
    parts = (
        ("the module", _module(net, derivation, seed, float32)),
        ("switches", _switches(net, derivation, seed)),
        ("extreme values", _extremes(net, seed)),
        ("other layouts", _layouts(net, seed)),
        ("steps, batch in rows", _steps(net, derivation, seed)),
        ("steps, one example", _steps(net, "example", seed)),
        ("elements", _elements(net, seed)),
    )
    for what, part in parts:
        try:
            rows.extend(part)
        except DERIVATION_ERRORS as error:
            rows.append(_refused(what, error))
    remarks = (*derivation.remarks, *_remarks(net, derivation, rows, seed))
    return Certificate(net.text, tuple(rows), remarks, time.perf_counter() - started)


def _of_recurrence(net: Network, seed: int, float32: bool, sizes: dict[str, int]) -> Certificate:
    """Return the certificate of a network with symbolic counts: of its printed page, and of so many blocks."""
    started = time.perf_counter()
    counts = {name: sizes.get(name, recurrence.OTHERWISE) for name in recurrence.counts_of(net)}
    whole = check(recurrence.written_out(net, {**counts, **sizes}), seed, float32)
    try:
        rows = tuple(recurrence.rows(derive(net), net, sizes, seed))
    except DERIVATION_ERRORS as error:
        rows = (_refused("recurrence", error),)
    numbers = ", ".join(f"{name} = {number}" for name, number in counts.items())
    remarks = (*whole.remarks, f"all but the recurrence is checked for {numbers}")
    return Certificate(net.text, (*rows, *whole.rows), remarks, time.perf_counter() - started)


def _remarks(net: Network, derivation: Derivation, rows: list[Row], seed: int) -> Iterator[str]:
    """Yield what a reader should know of the check: sizes that stayed, switches seen from one side, silent zeros."""
    named = named_sizes(net)
    if named:
        yield f"a formula names the sizes {', '.join(map(str, named))}: at reduced sizes they stay as they are"
    points = random_points(net.system(), seed, POINTS)
    unseen = farther_points(net.system(), seed, POINTS, points)[1]
    if unseen:
        yield f"only one side of a switch was seen in {', '.join(unseen)}"
    gradients = [row for row in rows if row.oracle == module_checks.FULL and row.name.startswith("d")]
    if gradients and not derivation.remarks and all(row.note.startswith("zero") for row in gradients):
        yield "the gradient of every parameter is 0 at all points: the loss does not depend on the parameters there"


def _refused(what: str, error: BaseException) -> Row:
    return Row("derivation", what, "", float("inf"), 0.0, False, first_line(error))


DERIVATION_ERRORS = (ShapeError, ProgramError, *module_checks.GENERATED_ERRORS)
"""What wrong rules may raise: a failed row. What is wrong with the network itself (`SpecError`, ...) is raised."""


def _module(net: Network, derivation: Derivation, seed: int, float32: bool) -> Iterator[Row]:
    """Yield the rows of the generated module at real sizes, and at reduced ones where the real are too many."""
    system, count = net.system(), POINTS
    kinds = target_kinds(system)
    points = random_points(system, seed, count, kinds if len(net.layers) <= MANY // 2 else kinds[:1])
    module = compile_network(net, dtype="float64")
    parameters = sum(value.size for value in points[0].parameters.values())
    small = reduced(net)
    if parameters <= FULL_LIMIT:
        farther = farther_points(system, seed, count, points)[0]
        fewer = points if parameters <= QUICK_LIMIT else points[:1]
        yield from module_checks.gradient_rows(module, derivation, system, [*fewer, *farther])
    else:
        smaller = random_points(small.system(), seed, count)
        smaller += farther_points(small.system(), seed, count, smaller)[0]
        compiled, at_small = compile_network(small, dtype="float64"), derive(small, layout="rows")
        yield from module_checks.gradient_rows(compiled, at_small, small.system(), smaller, ", reduced sizes")
        name = f", real sizes, {SAMPLED} coordinates"
        yield from module_checks.gradient_rows(module, derivation, system, points, name, SAMPLED)
    yield from module_checks.value_rows(module, derivation, system, points)
    yield from start_checks.rows(module, net.parameters, points[0], seed)
    if float32:
        wide = net if parameters <= QUICK_LIMIT else small
        where = "" if wide is net else ", reduced sizes"
        exact = random_points(wide.system(), seed + 1, count, kinds=[points[0].kind], single=True)
        single = compile_network(wide, dtype="float32")
        yield from module_checks.float32_rows(single, derive(wide, layout="rows"), exact, wide.system(), where)


def _switches(net: Network, derivation: Derivation, seed: int) -> Iterator[Row]:
    """Yield a row for the module exactly on the switches of its activations, at reduced sizes."""
    small = reduced(net)
    yield from switch_checks.rows(compile_network(small), derive(small, layout="rows"), small.system(), seed)


def _layouts(net: Network, seed: int) -> Iterator[Row]:
    """Yield rows that compare the layouts with one another."""
    for point in random_points(net.system(), seed, POINTS)[:1]:
        yield from module_checks.layout_rows({layout: derive(net, layout=layout) for layout in LAYOUTS}, point)


def _extremes(net: Network, seed: int) -> Iterator[Row]:
    """Yield the rows of the module where its last layer gives large numbers, at reduced sizes."""
    small = reduced(net)
    for point in random_points(small.system(), seed, POINTS, target_kinds(small.system())[:1]):
        modules = {dtype: compile_network(small, dtype=dtype) for dtype in ("float64", "float32")}
        yield from extreme_checks.rows(modules, derive(small, layout="rows"), point)


def _steps(net: Network, real: Derivation | str, seed: int) -> Iterator[Row]:
    """Yield the rows of the derivation's steps, at reduced sizes."""
    real = derive(net, layout=real) if isinstance(real, str) else real
    small, layout = reduced(net), real.system.layout
    at_small = derive(small, layout=layout)
    rules = step_checks.rules_of(at_small)
    same = rules == step_checks.rules_of(real)
    note = "" if same else "the derivation takes other steps at reduced sizes"
    yield Row("rules", "same steps at reduced sizes", layout, 0.0 if same else float("inf"), 0.0, same, note)
    points = _points(small, seed, 3 if len(rules) <= MANY else 1)
    if at_small.system.batch is not None:
        yield from step_checks.forward_rows(small.system(), at_small.system, points)
    yield from step_checks.rows(at_small, points, seed)


def _elements(net: Network, seed: int) -> Iterator[Row]:
    """Yield the rows of the gradients by elements, at tiny sizes: at a random point, and at the liveliest of a dozen.

    Small networks have points at which all units of a layer are off and most gradients 0, which would prove little.
    """
    smallest = tiny(net)
    system = smallest.system()
    points = [
        point
        for trial in range(12 if len(net.layers) <= MANY // 2 else 2)
        for point in _points(smallest, seed + trial, 1)
    ]

    def alive(point: Point) -> int:
        return sum(int(np.count_nonzero(value)) for value in complex_step.gradients(system, point, count=1).values())

    yield from element_checks.rows(derive(smallest, layout="example"), [*points[:1], *sorted(points, key=alive)[-1:]])


def _points(net: Network, seed: int, wanted: int) -> list[Point]:
    """Return points of kinds of targets that vary smoothly, two examples each (no other size is 2 when reduced)."""
    system = net.system()
    kinds = [kind for kind in ("distribution", "numbers") if kind in target_kinds(system)]
    points = [
        point for number in range(wanted) for point in random_points(system, seed + number, 2, kinds, everywhere=True)
    ]
    return [*points, *(farther_points(system, seed, 2, points, everywhere=True)[0] if wanted > 1 else [])]


__all__ = ["Certificate", "check"]
