"""The section on training: the equations of the optimiser in the letters of textbooks, its numbers, and the loss."""

from __future__ import annotations

from collections.abc import Iterator

from symprop.algebra.equations import Equation
from symprop.history import History
from symprop.notation.blocks import Block, EquationRow, Equations, Grid, GridRow, Paragraph, Picture
from symprop.notation.latex import latex
from symprop.notation.words import Code, Math, Words
from symprop.reports.loss_plot import plot
from symprop.reports.subject import Subject


def training(subject: Subject) -> Iterator[Block]:
    """Say how the weights came about, where the report is on weights that were trained."""
    history = subject.history
    if history is None:
        return
    optimiser = history.optimiser
    yield Paragraph(tuple(_run(history)))
    yield Equations(tuple(_row(equation, subject) for equation in optimiser.page), ("One step, in this order",))
    yield Paragraph(tuple(_meaning(history, subject)))
    yield _numbers(history)
    tikz, svg = plot(history.epochs)
    yield Picture(tikz, svg, tuple(_caption(history)), "fig:loss")


def _run(history: History) -> Iterator[str]:
    trained, chosen, rest = history.rows
    last = history.epochs[-1].number
    yield f"Trained with {history.optimiser.title} for {last} epoch{'s' if last > 1 else ''}, "
    yield f"in batches of {history.batch} rows in random order (seed {history.seed}). "
    yield f"{trained:,} rows trained"
    yield f", {chosen:,} were held out to choose the epoch whose weights are kept" if chosen else ""
    yield f", {rest:,} were held out for the result" if rest else ""
    yield "."


def _row(equation: Equation, subject: Subject) -> EquationRow:
    left = latex(equation.target)
    pieces = subject.writer.pieces(latex(equation.expression), subject.writer.after(left))
    return EquationRow(left, pieces)


def _meaning(history: History, subject: Subject) -> Iterator[str | Math]:
    """Say what the letters are that no table has."""
    yield "Here "
    yield Math("w")
    yield " is a parameter, "
    yield Math("g")
    yield " its gradient"
    if history.clip is not None:
        yield f", scaled so that all gradients together have at most the norm {history.clip:g}"
    states = [state.name for state in history.optimiser.states]
    for place, name in enumerate(states):
        yield " and " if place else ", "
        yield Math(name)
    if states:
        yield " start at 0" if len(states) > 1 else " starts at 0"
    if history.optimiser.counts_steps:
        yield ", and "
        yield Math("t")
        yield " counts the steps from 1"
    yield "."
    if history.optimiser.decays:
        yield " The line with "
        yield Math(r"\lambda")
        yield " is of weights alone"
        for place, parameter in enumerate(history.optimiser.decayed(subject.network.parameters)[:8]):
            yield ": " if not place else ", "
            yield Math(subject.writer.formula(parameter.variable))
        yield ", not of biases, tables of embeddings, and what normalisation learns."


def _numbers(history: History) -> Grid:
    rows = []
    for number in sorted(history.optimiser.hyperparameters, key=lambda each: each.default is None):
        value = history.steps - history.optimiser.plan.warmup if number.default is None else number.default
        cells: tuple[Words, ...] = (
            (Math(latex(number.letter)),),
            (Code(number.name),),
            (in_powers(value),),
            (number.meaning,),
        )
        rows.append(GridRow(cells))
    head: tuple[Words, ...] = (("Letter",), ("In code",), ("Value",), ("What it is",))
    return Grid(head, tuple(rows), ("l", "l", "r", "0.5"), ("The numbers of the optimiser.",), "tab:optimiser")


def in_powers(value: float) -> Math:
    """Return a number as mathematics has it, `10^{-8}`.

    >>> in_powers(1e-8).latex, in_powers(2.5e-6).latex, in_powers(0.001).latex, in_powers(1200000).latex
    ('10^{-8}', '2.5 \\\\cdot 10^{-6}', '0.001', '1.2 \\\\cdot 10^{6}')
    """
    written = f"{value:.12g}" if abs(value) < 1e5 else f"{value:.11e}"
    digits, _, power = written.partition("e")
    digits = f"{float(digits):.12g}"
    if not power:
        return Math(digits)
    return Math((rf"{digits} \cdot " if digits != "1" else "") + f"10^{{{int(power)}}}")


def _caption(history: History) -> Iterator[str]:
    yield "The loss by epoch: of the rows that train, as a mean over the epoch"
    if history.has_held_out:
        yield ", and of the rows held out, after it. "
        yield f"The weights are those after epoch {history.best.number}, where the latter is smallest"
    yield "."
