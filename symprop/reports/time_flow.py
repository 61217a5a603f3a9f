"""The part of the section on gradient flow that speaks of time: Jacobians from moment to moment, and measured norms."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr
from sympy.printing.latex import LatexPrinter

from symprop.algebra.nodes import Variable
from symprop.analysis.through_time import Memory, through_time
from symprop.analysis.truncation import dropped
from symprop.analysis.vanishing import norm
from symprop.errors import SpecError
from symprop.networks.recurrent import has_moments, written_out_in_time
from symprop.networks.sizes import TIME
from symprop.notation.blocks import Block, EquationRow, Equations, Paragraph, Picture
from symprop.notation.pretty import pretty
from symprop.notation.words import Math
from symprop.reports.curves import Curve, Plot
from symprop.reports.subject import Subject
from symprop.verify.over_time import norms_over_time

EXAMPLES = 16
"""Random sequences for which norms over time are measured."""
COLOURS = (("go", "blue!55!black"), ("back", "orange!70!black"), ("give", "green!45!black"), ("kept", "gray"))
LONGEST = 400
"""Moments over which norms are measured for a report; more would take a while."""


def flow_in_time(subject: Subject) -> Iterator[Block]:
    """Say what a gradient is multiplied by on its way back through the moments, and how large it is at each."""
    if not has_moments(subject.network.layers) or "example" not in subject.network.layouts:
        return
    network = written_out_in_time(subject.network, unroll=False)
    system = network.system()
    try:
        found = through_time(system)
    except SpecError:  # states that are no vectors
        return
    yield Paragraph(
        (
            "Back through time, a gradient is multiplied by a Jacobian for each moment on its way (Bengio, Simard and "
            "Frasconi, 1994; Pascanu, Mikolov and Bengio, 2013). The factor of the last moment stands at the left:",
        )
    )
    for memory in found:
        yield from _of_layer(memory, subject)
    yield from _dropped(subject)
    if subject.has_numbers and system.loss is not None:
        yield from _measured(subject)


def _dropped(subject: Subject) -> Iterator[Block]:
    """Say what truncation drops."""
    writer = subject.writer
    for each in dropped(subject.example.backward if subject.example is not None else ()):
        yield Paragraph(
            (
                "Backpropagation through time is truncated (Williams and Peng, 1990): where ",
                Math("t"),
                f" is a multiple of {each.every}, ",
                Math(writer.formula(each.state)),
                " is held constant for the next moment, and ",
                Math(writer.formula(each.term)),
                " is dropped from its derivative. A loss at moment ",
                Math("t"),
                " so reaches back to a moment ",
                Math(r"s \le t"),
                " only where both are in one window, ",
                Math(rf"\lceil s/{each.every} \rceil = \lceil t/{each.every} \rceil"),
                ".",
            )
        )


def _of_layer(memory: Memory, subject: Subject) -> Iterator[Block]:
    writer, moment = subject.writer, memory.moment

    def partial(of: str, by: str) -> str:
        return rf"\frac{{\partial {of}}}{{\partial {by}}}"

    def state(at: Expr) -> str:
        names = [writer.formula(memory.at(each, at)) for each in memory.states]
        return names[0] if len(names) == 1 else rf"\left({', '.join(names)}\right)"

    last = writer.number(memory.count)
    whole = rf"\prod_{{{moment}=t+1}}^{{{last}}} {partial(state(moment), state(moment - 1))}"
    rows = [EquationRow(partial(state(memory.count), state(TIME)), (whole,))]
    for each in memory.transitions:
        left = writer.partial(each.of, each.by)
        rows.append(EquationRow(left, writer.pieces(writer.formula(each.jacobian), writer.after(left))))
    yield Equations(tuple(rows))
    said = [*_bounded(memory, subject), *_own(memory, subject)]
    if said:
        yield Paragraph(tuple(said))


def _bounded(memory: Memory, subject: Subject) -> Iterator[str | Math]:
    """Say what the bound is, and from where on a gradient vanishes or may explode."""
    writer = subject.writer
    names = {norm(each): rf"\|{writer.formula(each)}\|_2" for each in memory.normed}
    factor, bound = memory.factor, memory.bound
    if factor is None or bound is None:
        if memory.unbounded is not None:
            yield "No bound is given for the norm of one factor, because none is known of "
            yield Math(writer.formula(memory.unbounded))
            yield ". "
        return
    printer = LatexPrinter({"symbol_names": names})
    yield "The norm of one factor is at most "
    yield Math(printer.doprint(factor))
    yield ", that of the product at most "
    yield Math(printer.doprint(bound))
    yield f", with the largest singular value of {'the matrix' if len(names) == 1 else 'each matrix'}"
    yield from _sized(memory, printer, subject)
    yield ". "
    if memory.threshold is not None:
        size, least = map(printer.doprint, memory.threshold)
        yield "So the gradient vanishes where "
        yield Math(f"{size} < {least}")
        yield ", and it can explode only where "
        yield Math(f"{size} > {least}")
        yield ". "


def _sized(memory: Memory, printer: LatexPrinter, subject: Subject) -> Iterator[str | Math]:
    """Say how large the states are that the bound takes into account."""
    for place, (state, size) in enumerate(memory.sizes):
        yield " and " if place else "; it takes into account that no element of "
        yield Math(subject.writer.formula(state))
        yield " is larger than "
        yield Math(printer.doprint(size))
        yield " in absolute value"


def _own(memory: Memory, subject: Subject) -> Iterator[str | Math]:
    """Say what a state's own path keeps."""
    writer = subject.writer
    for own, kept in zip(memory.own, memory.kept, strict=True):
        name, factor = writer.formula(memory.at(own.of, TIME)), writer.formula(own.jacobian)
        yield "From "
        yield Math(writer.formula(memory.at(own.of, memory.count)))
        yield " to "
        yield Math(name)
        yield " one path leads through the states alone, with the factor "
        yield Math(rf"\prod_{{{memory.moment}=t+1}}^{{{writer.number(memory.count)}}} {factor}")
        yield ": no weight and no slope of an activation stands on it. "
        if kept is not None:
            yield "Its elements are at most "
            yield Math(writer.number(kept))
            yield ", so it cannot explode, and it keeps a gradient for as long as the gate is near 1 "
            yield "(Hochreiter and Schmidhuber, 1997; Gers, Schmidhuber and Cummins, 2000). "
        yield "All other paths lead through "
        for place, weight in enumerate(memory.weights):
            yield " and " if place else ""
            yield Math(writer.formula(weight))
        yield "."


def _measured(subject: Subject) -> Iterator[Block]:
    loops = [loop for loop in written_out_in_time(subject.network, unroll=False).system().loops if loop.index == TIME]
    if any(int(loop.count) > LONGEST or int(loop.count) < 2 for loop in loops):
        return
    norms = norms_over_time(subject.network, examples=EXAMPLES, seed=subject.seed)
    states = [carry.after.change(index=carry.after.index[:-1]) for loop in loops for carry in loop.carries]
    if len(states) > len(COLOURS):
        states = [loop.carries[0].after.change(index=loop.carries[0].after.index[:-1]) for loop in loops]
    shown = [each for each in states if (norms[each.name] > 0).all()][: len(COLOURS)]
    if not shown:
        return
    curves = tuple(_curve(each, norms[each.name], place, subject) for place, each in enumerate(shown))
    tikz, svg = Plot(curves, "moment t", "norm of the gradient", "Norms of gradients over time", left=True).drawn()
    caption = (
        "The norm of the derivative of the loss with respect to the state at each moment, at the start of training: "
        f"the mean over {EXAMPLES} random sequences (seed {subject.seed})."
    )
    yield Picture(tikz, svg, (caption,), "fig:over-time")


def _curve(state: Variable, norms: object, place: int, subject: Subject) -> Curve:
    kind, colour = COLOURS[place]
    points = tuple((moment, float(norm)) for moment, norm in enumerate(norms, start=1))  # type: ignore[arg-type, var-annotated]
    moved = state.change(index=(*state.index,))
    return Curve(pretty(moved), points, kind, colour, f"${subject.writer.formula(moved)}$")
