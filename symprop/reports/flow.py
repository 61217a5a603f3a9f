"""The section on gradient flow: bounds on the Jacobian of each layer, and norms of gradients that were measured."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import sympy
from sympy import Expr
from sympy.printing.latex import LatexPrinter

from symprop.algebra.equations import System
from symprop.algebra.indices import placed
from symprop.algebra.nodes import Map, Variable
from symprop.analysis.derivation import Derivation
from symprop.analysis.modes import stations as passed
from symprop.analysis.vanishing import UnboundedError, norm
from symprop.calculus.jacobians import between_vectors
from symprop.calculus.reached import way
from symprop.errors import FormulaError, SpecError
from symprop.notation.blocks import Block, EquationRow, Equations, Grid, GridRow, Paragraph, Picture
from symprop.notation.page_blocks import PageWriter
from symprop.notation.pretty import pretty
from symprop.notation.words import Math, Words
from symprop.reports.architecture import has_shortcut
from symprop.reports.norm_plot import Point, plot
from symprop.reports.subject import Subject
from symprop.reports.time_flow import flow_in_time
from symprop.verify.points import called, random_point, target_kinds

EXAMPLES = 64
"""Rows of the random batch on which gradients are measured."""
MOST_STATIONS = 40
_NORM: tuple[str | Math, ...] = (Math(r"\|W\|_2"), " is the largest singular value of a matrix ", Math("W"))
MOST_LINES = 3
"""A Jacobian of more lines is not shown."""
HEAD: tuple[Words, ...] = (("Jacobian",), ("Its norm is at most",))
UNKNOWN: Words = ("no bound is known",)


def flow(subject: Subject) -> Iterator[Block]:
    """Say how far each layer can scale a gradient, and how large gradients are at the start of training."""
    rows = list(_bounds(subject))
    if any(row.cells[1] != UNKNOWN for row in rows):
        yield Paragraph(tuple(_meaning(subject, rows)))
        yield Grid(
            HEAD, tuple(rows), ("l", "0.75"), ("Bounds, from the last layer to the first.",), "tab:bounds", small=True
        )
    yield from flow_in_time(subject)
    yield from _between_blocks(subject)
    if subject.has_numbers and subject.network.system().loss is not None:
        yield from _measured(subject)


def _between_blocks(subject: Subject) -> Iterator[Block]:
    """Say how far a gradient is scaled from one of many blocks to the one before; `time_flow` says it of moments."""
    one, writer = subject.example, subject.writer
    if one is None:
        return
    for loop in one.system.loops:
        if any(placed(carry.after.index)[1] for carry in loop.carries):
            continue
        rows, jacobians = [], []
        for carry in loop.carries:
            of, by = carry.after, carry.before
            if way(one.system.items, of, by) is None:
                continue
            rows.append(_bound(one, of, by, subject)[0])
            if between_vectors(loop.equations, of, by):
                left, formula = writer.partial(of, by), writer.formula(one.jacobian(of.name, by.name))
                pieces = writer.pieces(formula, writer.after(left))
                jacobians += [EquationRow(left, pieces)] if len(pieces) <= MOST_LINES else []
        if not rows:
            continue
        said = (
            "From one block to the one before, a gradient is multiplied by a transposed Jacobian; over many, by as "
            "many of them. Where the norm is below 1 it vanishes, where it is above 1 it may explode. "
        )
        yield Paragraph((said, *_NORM, "."))
        if jacobians:
            yield Equations(tuple(jacobians))
        caption = "Bounds, from one block to the one before."
        yield Grid(HEAD, tuple(rows), ("l", "0.75"), (caption,), f"tab:bounds-{loop.index}", small=True)


def _meaning(subject: Subject, rows: list[GridRow]) -> Iterator[str | Math]:
    """Say what the bounds are of; of products and of shortcuts only where there are some."""
    yield "The norm of a Jacobian" if subject.layout == "example" else "For one example, the norm of a Jacobian"
    yield " bounds how much a gradient can grow on its way back through a layer"
    if not rows[-1].names and rows[-1].cells[1] != UNKNOWN:
        yield ", and the product of the bounds, in the last row, how much it can grow on the whole way"
    yield "; "
    yield from _NORM
    joins = [built for built in subject.network.built if built.is_join]
    if not joins:
        yield "."
    elif any(map(has_shortcut, joins)):
        yield ". The bounds of parallel paths add up, so that an identity as a shortcut adds 1."
    else:
        yield ". The bounds of parallel paths add up."


def stations(system: System) -> list[Variable]:
    """Return the variables through which every path from the input to the loss passes, but those under an activation.

    >>> from symprop.networks.spec import parse_network
    >>> net = parse_network("Input(2) >> Dense(2) >> Tanh() >> Residual(Dense(2) >> ReLU()) >> MeanSquaredError()")
    >>> [variable.name for variable in stations(net.system())]
    ['x', 'a1', 'a2']
    """
    at_loss = {variable for variable in (system.loss, system.prediction) if variable is not None}
    equations = [equation for equation in system.equations if equation.target not in at_loss]
    before = [system.inputs[0], *(equation.target for equation in equations)]
    inside = {before[place] for place, equation in enumerate(equations) if isinstance(equation.expression, Map)}
    return [variable for variable in passed(equations, system.inputs[0]) if variable not in inside]


def _bounds(subject: Subject) -> Iterator[GridRow]:
    one = subject.example
    if one is None or one.system.loops:
        return
    found = [variable for variable in stations(one.system) if "index" not in variable.facts_by_kind]
    if len(found) > MOST_STATIONS:
        return
    writer = subject.writer
    product: Expr | None = sympy.Integer(1)
    for below, above in reversed(list(itertools.pairwise(found))):
        row, bound = _bound(one, above, below, subject)
        product = None if product is None or bound is None else product * bound
        yield row
    if product is not None and len(found) > 2:
        left = _partial(found[-1], found[0], writer)
        yield GridRow(((Math(left),), (Math(_written(one, product, writer)),)))


def _bound(one: Derivation, above: Variable, below: Variable, subject: Subject) -> tuple[GridRow, Expr | None]:
    """Return the row on one Jacobian, and the bound where one is known."""
    writer = subject.writer
    left: Words = (Math(_partial(above, below, writer)),)
    try:
        bound = one.bound(above.name, below.name)
    except UnboundedError as error:
        return GridRow((left, ("none: ", Math(writer.formula(error.value)), " is not bounded")), (above.name,)), None
    except (SpecError, FormulaError):  # no bound is known for a formula on the way, or there is none
        return GridRow((left, UNKNOWN), (above.name,)), None
    return GridRow((left, (Math(_written(one, bound, writer)),)), (above.name,)), bound


def _written(one: Derivation, bound: Expr, writer: PageWriter) -> str:
    symbols = {norm(parameter): rf"\|{writer.formula(parameter)}\|_2" for parameter in one.system.parameters}
    return str(LatexPrinter({"symbol_names": symbols, "mul_symbol": r" \allowbreak "}).doprint(rounded_up(bound)))


def rounded_up(bound: Expr) -> Expr:
    """Return a bound with its decimals cut after the third, upwards, so that it stays one.

    >>> rounded_up(sympy.Float("1.1289") * sympy.Symbol("w"))
    1.129*w
    """
    decimals = {number: sympy.Float(sympy.ceiling(number * 1000) / 1000, 4) for number in bound.atoms(sympy.Float)}
    return bound.xreplace(decimals)


def _partial(of: Variable, by: Variable, writer: PageWriter) -> str:
    return rf"\partial {writer.formula(of)}/\partial {writer.formula(by)}"


def _measured(subject: Subject) -> Iterator[Block]:
    norms = measured(subject)
    if len(norms) < 2 or not all(point.norm > 0 for point in norms):
        return
    caption = (
        f"The norm of the gradient of each weight matrix at the start of training, for a random batch of {EXAMPLES} "
        f"examples (seed {subject.seed})."
    )
    tikz, svg = plot(norms)
    yield Picture(tikz, svg, (caption,), "fig:norms")


def measured(subject: Subject) -> list[Point]:
    """Return the norm of the gradient of each weight matrix for a random batch, by the generated module."""
    system = subject.network.system()
    random = np.random.default_rng(subject.seed)
    batch = random_point(system, random, target_kinds(system)[0], EXAMPLES)
    module = subject.case.at(dtype="float64").module
    started = replace(batch, parameters=module.init_params(seed=subject.seed))
    _, grads = called(module.loss_and_grads, started)
    weights = [parameter.variable for parameter in subject.network.parameters if parameter.kind != "bias"]
    return [
        Point(subject.writer.formula(weight), pretty(weight), float(np.linalg.norm(grads[weight.name])))
        for weight in weights
    ]
