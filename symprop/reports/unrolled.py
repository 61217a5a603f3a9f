"""The section that writes recurrent layers out for a few moments, with a figure of both passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symprop.algebra.equations import Equation, equations_in
from symprop.algebra.indices import placed
from symprop.algebra.names import gradient_of
from symprop.algebra.nodes import Slice
from symprop.algebra.trees import has_kind, variables
from symprop.analysis.derivation import Derivation, derive
from symprop.errors import SpecError, shown
from symprop.networks.network import Network
from symprop.networks.recurrent import has_moments, written_out_in_time
from symprop.networks.sizes import TIME
from symprop.notation.blocks import Block, EquationRow, Equations, Paragraph
from symprop.notation.page_blocks import PageWriter
from symprop.notation.stacks import sides
from symprop.reports.subject import Subject
from symprop.reports.unrolled_picture import unrolled_pictures

MOST_MOMENTS = 5


def check_unroll(moments: object, subject: Subject | None) -> None:
    """Refuse what cannot be written out in time.

    Raises:
        SpecError: no number of moments that fits a page, or nothing that goes through time.
    """
    if moments == 0 and type(moments) is int:
        return
    if type(moments) is not int or not 2 <= moments <= MOST_MOMENTS:
        raise SpecError(f"unroll is {shown(moments)}\nallowed: a number of moments from 2 to {MOST_MOMENTS}, such as 3")
    if subject is None or not has_moments(subject.network.layers) or subject.example is None:
        raise SpecError("nothing goes through time here\nallowed: unroll for a network with a layer such as LSTM(8)")


def unrolled(subject: Subject) -> Iterator[Block]:
    """Show recurrent layers moment by moment: a figure of both passes, and the backward equations of each moment."""
    one = subject.example
    if not subject.unroll or one is None:
        return
    yield from unrolled_pictures(_in_loops(one), subject.writer, subject.unroll)
    derivation = _of_few_moments(subject.network, subject.unroll)
    if derivation is None:
        return
    writer = PageWriter(derivation, replace(subject.notation, layer_index=_index(subject)), subject.paper)
    found = tuple(_through_time(derivation))
    rows_read = any(has_kind(each.expression, Slice) for each in found)
    told = " A number in brackets is a row, counted from 0: moment t has the row t − 1." if rows_read else ""
    start = f"Of a sequence of {subject.unroll} moments, the equations of the backward pass through time are these."
    yield Paragraph((start + told,))
    rows = []
    for equation in found:
        left, right = map(writer.formula, sides(equation))
        rows.append(EquationRow(left, writer.pieces(right, writer.after(left))))
    yield Equations(tuple(rows))


def _index(subject: Subject) -> str:
    """Where numbers of layers stand: as on the pages of the loop, above beside a moment."""
    chosen = subject.notation.layer_index
    return "super" if chosen == "mixed" else chosen


def _in_loops(derivation: Derivation) -> Derivation:
    """The derivation with a loop over time, also where its page writes the moments out."""
    if any(loop.index == TIME for loop in derivation.system.loops) or not isinstance(derivation.network, Network):
        return derivation
    return derive(written_out_in_time(derivation.network, unroll=False), layout="example")


def _of_few_moments(network: Network, moments: int) -> Derivation | None:
    """The derivation of a network with so many moments, written out; None where it cannot have so few."""
    net = written_out_in_time(network, unroll=False)
    counts = {loop.count for loop in net.system().loops if loop.index == TIME}
    try:
        for count in counts:
            fewer = net.with_sizes({str(count): moments}) if count.is_Symbol else net.resized({int(count): moments})
            net = fewer
        return derive(written_out_in_time(net), layout="example")
    except SpecError:  # a layer that needs more, or a Repeat with a name for its number
        return None


def _through_time(derivation: Derivation) -> Iterator[Equation]:
    """The backward equations that stand at a moment or read one, gradients last."""
    wanted = {gradient_of(each) for each in derivation.system.parameters}
    found = [each for each in equations_in(derivation.backward) if _has_moment(each)]
    yield from (each for each in found if each.target not in wanted)
    yield from (each for each in found if each.target in wanted)


def _has_moment(equation: Equation) -> bool:
    return any(placed(each.index)[1] for each in (equation.target, *variables(equation.expression)))
