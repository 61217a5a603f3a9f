"""What the symbols on a page mean: its conventions, and the signs that need a word, as far as they occur."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import sympy
from sympy import Rational, Symbol
from sympy.core.function import AppliedUndef

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.equations import Equation
from symprop.algebra.formula import Formula
from symprop.algebra.means import Mean
from symprop.algebra.names import adjoint_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import PRE_ACTIVATION
from symprop.algebra.trees import walk
from symprop.analysis.curvature.along import NOTHING
from symprop.analysis.derivation import Derivation
from symprop.analysis.readings import distinct
from symprop.notation.function_notes import functions_of, kinks, known_data
from symprop.notation.letter_notes import about_letters
from symprop.notation.places import Digit, Named, Offset, Part, Stack, labels
from symprop.notation.pretty import pretty
from symprop.notation.second_derivatives import second_derivatives
from symprop.notation.selection_notes import about_images
from symprop.notation.stacks import sides
from symprop.notation.sums import is_of_columns
from symprop.notation.words import Words


def loss_clashes(derivation: Derivation) -> bool:
    """Whether a size has the name of the loss, as in `Repeat(block, L)`, so that the loss needs another sign."""
    loss = derivation.system.loss
    symbols = {symbol for equation in derivation.equations for symbol in equation.target.free_symbols}
    symbols |= {symbol for loop in derivation.system.loops for symbol in loop.count.free_symbols}
    return loss is not None and any(isinstance(symbol, Symbol) and symbol.name == loss.name for symbol in symbols)


def conventions(derivation: Derivation) -> Iterator[Words]:
    """Say what the symbols on this page mean, as far as they occur."""
    system = derivation.system
    nodes = [part for equation in derivation.equations for part in walk(equation.expression)]
    loss = system.loss
    if loss is not None and loss_clashes(derivation):
        size = Symbol(loss.name)
        counts = any(symbol.name == loss.name for loop in derivation.system.loops for symbol in loop.count.free_symbols)
        yield (loss, " is the loss; ", size, " is the number of blocks." if counts else " is a size.")
    if system.layout == "example":
        yield ("One example: vectors are columns.",)
    else:
        side = "row" if system.layout == "rows" else "column"
        examples: Words = (system.batch, " ") if system.batch is not None else ()
        counted = derivation.counted
        yield (
            *("A batch of ", *examples, f"examples, one in each {side}; the loss is "),
            *(
                ("the mean over the examples.",)
                if counted is None
                else ("a sum divided by ", counted, ", what counts.")
            ),
        )
    yield from _batch_means(derivation)
    yield from _dropout(derivation)
    written = [part for equation in derivation.equations for part in walk(sides(equation)[1])]
    if any(_meets_rows(part) for part in written if isinstance(part, n.Add)):
        beyond = any(_meets_rows(part) and part.rank > 2 for part in written)
        further = ", and so in arrays with more axes" if beyond else ""
        yield (f"A vector that is added to a matrix is added to each of its rows{further}.",)
    yield from (("A gradient has the shape of its parameter (denominator layout).",), *_numbering(derivation))
    adjoints = {adjoint_of(each.target): each.target for each in system.equations if each.target.role == PRE_ACTIVATION}
    deltas = [equation.target for equation in derivation.equations if equation.target in adjoints]
    if deltas:
        delta = min(
            reversed(deltas), key=lambda each: len(each.index)
        )  # that of a loop inside a loop is harder to read
        of: Words = (delta, " is the derivative of the loss with respect to ", adjoints[delta])
        yield (*of, ", and likewise for every layer.")
    if any(isinstance(part, n.Multiply) and sum(1 for factor in part.operands if factor.rank) > 1 for part in nodes):
        u, v = Variable("u", (), (2,)), Variable("v", (), (2,))
        rows = any(_meets_rows(part) for part in written if isinstance(part, n.Multiply))
        yield (n.Multiply(u, v), f" multiplies element by element{', a vector each row of a matrix' if rows else ''}.")
    for axis, side in ((1, "row"), (0, "column")):
        acting = [part for part in written if isinstance(part, (n.Softmax, n.LogSumExp)) and part.axis == axis]
        kinds = {type(part) for part in acting if part.operands[0].rank == 2}
        occurring = [name for kind, name in ((n.Softmax, "softmax"), (n.LogSumExp, "logsumexp")) if kind in kinds]
        if occurring:
            yield (f"{' and '.join(occurring)} {'act' if len(occurring) > 1 else 'acts'} on each {side}.",)
    notes = {} if isinstance(derivation.network, Formula) else derivation.network.notes
    for data in dict.fromkeys(part for part in nodes if isinstance(part, n.Known)):
        if told := notes.get(data, known_data(data)):
            yield told
    yield from (told for subject, told in notes.items() if isinstance(subject, Symbol))
    for function in functions_of(replace(derivation, along=NOTHING)):  # what stands along is not derived once more
        yield from kinks(function)
    firsts = [part.which for part in nodes if isinstance(part, n.Extreme) and part.is_first]
    for word in dict.fromkeys("largest" if which == "max" else "smallest" for which in firsts):
        yield (f"Where several elements are the {word}, the first of them has the derivative.",)
    yield from (*second_derivatives(derivation), *_choices(derivation))


def _numbering(derivation: Derivation) -> Iterator[Words]:
    """Say which layer a block is where layers stand before the blocks."""
    for loop in derivation.system.loops:
        made = [each.target for each in loop.equations]
        own = next((each.index[0] for each in made if each.role == PRE_ACTIVATION and each.index), loop.index)
        before = own - loop.index
        if before.is_Integer and before.is_positive:
            behind: Words = (", behind layer ", before) if before == 1 else (", behind layers 1 to ", before)
            widths = [size for each in made for size in each.shape if size.atoms(AppliedUndef)][:1]
            said = (("; ", size, " is the width of block ", loop.index) for size in widths)
            more: Words = next(said, ())
            yield (loop.index, " counts the blocks: block ", loop.index, " is layer ", own, *behind, *more, ".")


def _choices(derivation: Derivation) -> Iterator[Words]:
    """Say which side of a choice holds where its condition changes, and so which derivative is taken there."""
    said: dict[object, Words] = {}
    for equation in derivation.system.equations:
        for part in walk(equation.expression):
            if (
                isinstance(part, n.Where)
                and isinstance(test := part.operands[0], n.Compare)
                and test.relation in "<=>="
                and any(each.constant is None for each in part.operands[1:])
            ):
                left, right = test.operands
                taken = part.operands[1 if "=" in test.relation else 2]
                said.setdefault(
                    equation.target.family,
                    ("Where ", left, " = ", right, ", the choice is ", taken, ", and its derivative is taken."),
                )
    yield from said.values()


def _batch_means(derivation: Derivation) -> Iterator[Words]:
    """Say what is a mean over the examples, why one example has no form then, and what stands for it in evaluation."""
    network = derivation.network
    equations = [] if isinstance(network, Formula) else list(network.system().equations)
    joining = [each.target for each in equations if any(part.joins_examples for part in walk(each.expression))]
    if derivation.counted is not None:
        yield (derivation.counted, " is a sum over the examples: there is no form for one alone.")
    means = [each for each in joining if each != derivation.counted]
    if not means:
        return
    more = ", as are others" if len({mean.family for mean in means}) < len(means) or len(means) > 2 else ""
    running = {state.variable for state in derivation.system.states}
    if any(equation.expression in running for equation in derivation.system.equations):
        yield ("This is the network in evaluation, where running statistics stand for means over the examples.",)
        return
    named = (means[0], " is a mean") if len(means) == 1 else (means[0], " and ", means[1], " are means")
    yield (*named, f" over the examples{more}: they join the examples, so that there is no form for one alone.")
    first = {state.variable.family: state for state in reversed(derivation.system.states)}
    for state in reversed(first.values()):
        likewise = ", and likewise for every layer." if len(first) < len(derivation.system.states) else "."
        stands = (state.variable, " stands for ", state.statistic, " in evaluation. It starts as ", state.start)
        yield (*stands, "; a step of training makes it ", state.update, likewise)


def _dropout(derivation: Derivation) -> Iterator[Words]:
    """Say how masks are drawn, and what stands in evaluation for what they mask."""
    masks = derivation.system.masks
    if not masks:
        return
    drawn: list[str | Node] = []
    said = " is 0"
    for probability in dict.fromkeys(mask.probability for mask in masks):
        alike = [mask.variable for mask in masks if mask.probability == probability]
        shown: list[str | Node] = list(alike) if len(alike) < 4 else [alike[0], "...", alike[-1]]
        for place, each in enumerate(shown):
            drawn += [" and " if place and place == len(shown) - 1 and len(alike) < 4 else ", " if place else "", each]
        drawn += [f"{said} with probability {probability}, of "]
        said = ""
    *most, last = drawn
    yield (
        "Each element of ",
        *most,
        str(last).removesuffix(", of "),
        ", else 1, drawn for each example and each step.",
    )
    likewise = ", and likewise behind every mask." if len(masks) > 1 else "."
    yield ("In evaluation ", masks[0].output, " is ", masks[0].value, likewise)


def _is_told(digit: Digit) -> bool:
    """Whether a digit stands at a place that is no offset, of which the page says by itself what it is."""
    return digit.place is not None and not isinstance(digit.place, (Offset, Named))


def _printed(derivation: Derivation) -> list[Equation]:
    """The equations on the page, those of the readings of convolutions too."""
    readings = (first for first, *_ in distinct(derivation.convolutions.values()))
    return [*derivation.equations, *(equation for reading in readings for equation in reading.equations)]


def _about_places(printed: Sequence[Equation], written: Sequence[Node]) -> Iterator[Words]:
    """Say what indices of places mean, as far as they occur in the sides of equations."""
    found = [part for side in written for part in walk(side) if isinstance(part, (Part, Stack))]
    found = [part for part in found if any(_is_told(digit) for axis in part.address for digit in axis)]
    labelled = [label for part in found for label in labels(part.address)]
    if labelled:
        whole = Variable("A", (), (2, 2, 2))
        i = Digit(sympy.Integer(2), Symbol("i", integer=True))
        free = (Digit(sympy.Integer(2)),)
        first, later = Part(whole, ((i,), free, free)), Part(whole, (free, (i,), free))
        yield (first, " is what ", whole, " has at place i of its first axis; an equation holds at every place.")
        if ":" in labelled:
            yield (later, " is what ", whole, " has at place i of its second axis, and likewise for later ones.")
    moved = (part for equation in printed for part in walk(equation.expression))
    if any("-" in label for label in labelled) and any(isinstance(part, (n.Pad, n.Fold)) for part in moved):
        yield ("At places outside of an array stands 0.",)
    if any("(" in label for label in labelled):
        rows = Part(Variable("W", (), (4, 2)), ((i, *free), free))
        yield (
            rows,
            " is block i of the rows of ",
            rows.operands[0],
            ", all blocks being equal in size; so for columns.",
        )
    nodes = [part for side in written for part in walk(side)]
    ids, values = Variable("x", (), (2,), (n.Fact("index", 3),)), Variable("E", (), (3, 2))
    if any(isinstance(part, n.Take) for part in nodes):
        yield (n.Take(values, ids), " holds the rows of ", values, " that ", ids, " names.")
    hot = [part for part in nodes if isinstance(part, n.OneHot)]
    if any(part.operands[0].number is not None for part in hot):
        yield (n.OneHot(n.Scalar(Symbol("k")), 3), " is a unit vector: 1 in place k, counted from 0, and 0 elsewhere.")
    if any(part.operands[0].number is None for part in hot):
        yield (n.OneHot(ids, 3), " has a row for each element of ", ids, ", with 1 in the place that it names.")


def _about_means(written: Iterable[Node]) -> Iterator[Words]:
    """Say over what means run, as far as they occur."""
    means = [part for side in written for part in walk(side) if isinstance(part, Mean)]
    if any(mean.is_total for mean in means):
        u = Variable("u", (), (2,))
        yield (Mean(u, (0,), False), " is the mean of all elements of ", u, ".")
    of_batch = [mean for mean in means if mean.is_of_batch and not mean.is_total]
    if of_batch:
        places = " and all places in them" if any(mean.operands[0].rank > 2 for mean in of_batch) else ""
        u = Variable("u", (), (BATCH_SIZE, 2))
        yield (Mean(u, (0,), False), " is the mean of each feature, over the ", BATCH_SIZE, f" examples{places}.")
    if any(mean.is_of_places and not mean.is_total for mean in means):
        u = Variable("u", (), (3, 2))
        yield (Mean(u, (0,), False), " is the mean of each feature over all places.")


def signs(derivation: Derivation) -> Iterator[Words]:
    """Explain the signs of the formulas on this page that need it, as far as they occur."""
    printed = _printed(derivation)
    both = [side for equation in printed for side in sides(equation)]
    yield from about_images(derivation.system, both)
    yield from about_letters(derivation, both)
    yield from signs_of(printed)


def signs_of(printed: Sequence[Equation]) -> Iterator[Words]:
    """Explain the signs of equations that need it, as far as they occur."""
    both = [side for equation in printed for side in sides(equation)]
    written = list(map(pretty, both))

    def occurs(sign: str) -> bool:
        return any(sign in formula for formula in written)

    yield from _about_places(printed, both)
    yield from _about_means(both)
    u = Variable("u", (), (2,))
    if occurs("⊙²"):
        yield (
            n.Power(n.Add(u, Variable("v", (), (2,))), 2),
            " squares each element; other powers with that sign likewise.",
        )
    if occurs("⊙^"):
        yield (n.Power(Variable("U", (), (2, 2)), Rational(1, 2)), " is the square root of each element.")
    if occurs("mat["):
        yield (n.Reshape(Variable("u", (), (4,)), (2, 2)), " has the elements of ", u, " row by row in that shape.")
    if occurs("𝟏"):
        yield (n.Fill(1, (2,)), " is the vector of ones.")
    if any(re.search(r"(?<!\w)0[\[₀-₉ₐ-ₜ_]", formula) for formula in written):
        yield (n.Fill(0, (2,)), " with a size behind it is the vector of so many zeros.")
    for name, meaning in _NAMED_OPERATIONS.items():
        if occurs(f"{name}("):
            yield (f"{name}{meaning}",)


_NAMED_OPERATIONS = {
    "sum": "(u, axis k) is the sum along axis k; axes count from 0.",
    "pad": "(u, (p, q)) has p zeros before u and q behind it, for each axis a pair; or another value that is given.",
    "flip": "(u) has the elements of u in reverse order.",
    "windows": "(u, k, s, d) has u[s i + d j] in row i, for j = 0, ..., k - 1; s and d are 1 where not given.",
    "fold": "(g, k, s, d; n) adds up windows in their places, n or as many as they cover: the adjoint of windows.",
    "firstmax": "(u) is 1 at the first of the largest elements of u, in row-major order, and 0 elsewhere.",
    "firstmin": "(u) is 1 at the first of the smallest elements of u, in row-major order, and 0 elsewhere.",
    "vec": "(u) lists the elements of u row by row.",
}


def _meets_rows(node: Node) -> bool:
    """Whether a vector stands for each row of a matrix in a formula by elements."""
    return node.rank >= 2 and any(each.rank == 1 and not is_of_columns(each) for each in node.operands)
