"""The section on cost: operations and memory as polynomials in the widths, and as numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import sympy
from sympy import Expr

from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.equations import equations_in
from symprop.algebra.trees import variables
from symprop.analysis.cost import Cost
from symprop.analysis.derivation import Derivation
from symprop.calculus.known_products import KNOWN_PRODUCT
from symprop.errors import SpecError
from symprop.networks.convolution import CONVOLUTION
from symprop.networks.network import Network
from symprop.networks.parts import Built
from symprop.networks.sizes import Size
from symprop.notation.blocks import Block, Grid, GridRow, Paragraph
from symprop.notation.page_blocks import PageWriter
from symprop.notation.words import Math, Words
from symprop.reports.subject import Subject

MOST_ROWS = 40
"""A table of more equations is left out; the totals stay."""
_TOTALS: tuple[tuple[str, Callable[[Cost], Expr]], ...] = (
    ("forward pass", lambda cost: cost.forward.total),
    ("backward pass", lambda cost: cost.backward.total),
    ("together", lambda cost: cost.total),
    ("of highest degree", lambda cost: cost.leading),
    ("activations kept", lambda cost: cost.activations),
    ("parameters", lambda cost: cost.parameters),
    ("gradients", lambda cost: cost.gradients),
    ("memory", lambda cost: cost.memory),
)


def named(network: Network) -> tuple[Network, dict[str, int]]:
    """Return the network with a name in place of each width above 1, and what the names stand for.

    Widths that are equal have one name; one that a layer needs to be some number stays. So does a network that has
    names already, or a layer that cannot be built with names.

    >>> from symprop.networks.spec import parse_network
    >>> named(parse_network("Input(64) >> Dense(32) >> ReLU() >> Dense(32)"))[1]
    {'n0': 64, 'n1': 32}
    """
    names = {} if network.sizes else network.needs.names()
    try:
        return network.resized(names), {name: width for width, name in names.items() if isinstance(name, str)}
    except SpecError:
        return network, {}


def by_layer(network: Network) -> tuple[Network, dict[str, int]]:
    """Return the network with `n_l` in place of the width of each layer l, and what the names stand for.

    A size that a block has in common with its input has one name. Where layers need it, sizes are named by value.

    >>> from symprop.networks.spec import parse_network
    >>> by_layer(parse_network("Input(64) >> Dense(32) >> ReLU() >> Dense(32)"))[1]
    {'n0': 64, 'n1': 32, 'n2': 32}
    """
    names = {} if network.sizes else network.needs.names()
    first, (width, *others) = network.layers[0], network.inputs[0].shape
    if others or not all(isinstance(name, str) for name in names.values()) or width not in names:
        return named(network)
    sizes, entering, group = {"n0": int(width)}, (int(width), "n0"), list[Built]()
    layers = [first.with_sizes({int(width): "n0"})]
    for part in network.built:
        group.append(part)
        if part.nesting:
            continue
        change: dict[Size, Size] = {}
        for size in (each for each in part.layer.sizes if each in names):
            numbers = [each.number for each in group if each.number and each.output.shape[-1] == size]
            shared = size == entering[0] and len(group) > 1
            change[size] = entering[1] if shared or not numbers else f"n{numbers[0]}"
            sizes.setdefault(str(change[size]), int(size))
        layers.append(part.layer.with_sizes(change))
        leaving = part.output.shape[-1] if part.output.shape else width
        entering, group = (int(leaving), str(change.get(int(leaving), entering[1]))), []
    try:
        found = Network(tuple(layers))
        return (found, sizes) if found.with_sizes(sizes).text == network.text else named(network)
    except SpecError:
        return named(network)


def cost(subject: Subject) -> Iterator[Block]:
    """Say what a forward and a backward pass cost, in operations and in memory."""
    network, sizes = by_layer(subject.network)
    derivation = subject.case.of(network).derivation
    found = derivation.cost()
    values = {symbol: sizes[symbol.name] for symbol in found.total.free_symbols if symbol.name in sizes}
    writer = subject.writer
    per = "one example" if subject.layout == "example" else "a batch"
    told: list[str | Math] = [f"Multiplications, additions and elementary functions of {per}, each counted as one"]
    for place, (name, width) in enumerate(sizes.items()):
        told += [", with " if not place else ", ", Math(f"{writer.number(sympy.Symbol(name))} = {width}")]
    yield Paragraph((*told, "."))
    if len(found.rows) <= MOST_ROWS:
        yield _table(subject, derivation, found, sizes)
    rows = []
    for name, part in _TOTALS:
        value = part(found)
        written = writer.number(sympy.expand(value))
        number = value.xreplace(values)
        if values and number.is_Integer and name != "of highest degree":
            written += f" = {int(number):,}".replace(",", "{,}")
        rows.append(GridRow(((name,), (Math(written),))))
    head: tuple[Words, ...] = (("Of",), ("Operations, or numbers held in memory",))
    yield Grid(head, tuple(rows), ("l", "0.6"), ("The cost.",), "tab:totals", small=True)
    if not found.spared.is_nonpositive:
        fewer = Math(writer.number(found.spared))
        rule = (
            f" operations fewer than without the rule “{KNOWN_PRODUCT}”, which reads sums of rows off smaller arrays."
        )
        yield Paragraph(("These are ", fewer, rule))
    yield from _trades(found, writer)
    one = {} if subject.layout == "example" else {BATCH_SIZE: sympy.Integer(1)}
    counts = {row.name: row.operations.multiplications.xreplace(one) for row in found.rows}
    yield from _multiply_adds(network, counts, values, writer)


def _trades(found: Cost, writer: PageWriter) -> Iterator[Block]:
    """Say of loops over time that keep every k-th state what that saves and costs."""
    for trade in found.trades:
        if trade.every is None:
            continue
        kept, again = trade.kept(), trade.extra().total
        yield Paragraph(
            (
                "Of the states through time, with windows of ",
                Math(f"{writer.number(trade.window)} = {trade.every}"),
                " moments, the way back needs ",
                Math(writer.number(kept)),
                " numbers in place of ",
                Math(writer.number(trade.stored)),
                ": what each window starts from, and one window. The others are computed again, in ",
                Math(writer.number(again)),
                " operations. Least is kept with ",
                Math(f"{writer.number(trade.window)} = {writer.number(trade.best)}"),
                ".",
            )
        )


def _multiply_adds(
    network: Network, counts: Mapping[str, Expr], values: Mapping[Expr, int], writer: PageWriter
) -> Iterator[Block]:
    """Where there are convolutions, say what papers count: multiplications with weights in a forward pass."""
    weights = {parameter.variable for parameter in network.parameters if parameter.kind == "weight"}
    families = {
        equation.name: built.layer.family
        for built in reversed(network.built)  # a block before the layers in it, which say what it is
        for equation in equations_in(built.items)
        if not built.layer.is_loss and weights.intersection(variables(equation.expression))
    }
    total = sympy.expand(sympy.Add(*(counts[name] for name in families)))
    ours = sympy.Add(*(counts[name] for name, family in families.items() if family == CONVOLUTION))
    if ours == 0:
        return
    number, said, part = total.xreplace(values), "", ""
    if number.is_Integer:
        said = f" = {int(number):,}".replace(",", "{,}") if number != total else ""
        percent = float(sympy.floor(1000 * ours.xreplace(values) / number)) / 10
        part = f", {percent} % of it in convolutions" if percent < 100 else ""
    yield Paragraph(
        (
            "As papers count, in multiplications with weights and the additions that go with them, the forward pass of "
            "one example takes ",
            Math(writer.number(total) + said),
            f" multiply-adds{part}.",
        )
    )


def _table(subject: Subject, derivation: Derivation, found: Cost, sizes: Mapping[str, int]) -> Grid:
    writer = subject.writer
    numbers = {sympy.Symbol(name, positive=True, integer=True): sympy.Integer(width) for name, width in sizes.items()}
    rows, again = [], {trade.again_name for trade in found.trades}
    for row in found.rows:
        if not row.operations.total:
            continue
        parts = (row.operations.multiplications, row.operations.additions, row.operations.functions)
        cells: tuple[Words, ...] = tuple((Math(writer.number(sympy.expand(part))),) for part in parts)
        if row.name in again:
            rows.append(GridRow((("states once more",), *cells)))
            continue
        target = derivation.equation(row.name).target.xreplace(numbers)
        rows.append(GridRow(((Math(writer.name(target)),), *cells), (target.name,)))
    head: tuple[Words, ...] = (("Equation",), ("Multiplications",), ("Additions",), ("Functions",))
    return Grid(
        head, tuple(rows), ("l", "l", "l", "l"), ("Operations of each equation.",), "tab:cost", folded=not subject.full
    )
