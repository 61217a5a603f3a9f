"""The layers of a network as a table, with shapes and numbers of parameters."""

from __future__ import annotations

from collections.abc import Iterable

import sympy
from sympy import Expr

from symprop.algebra.equations import Equation, Item, Loop
from symprop.algebra.nodes import Add, Variable
from symprop.algebra.roles import INPUT
from symprop.networks.further_inputs import further_inputs
from symprop.networks.network import Network
from symprop.networks.parts import Built
from symprop.notation.blocks import Grid, GridRow
from symprop.notation.page_blocks import PageWriter
from symprop.notation.words import Code, Math, Words


def layers_of(network: Network) -> tuple[Built, ...]:
    """Return the layers that add something, in order: no block that only holds others, no empty branch."""
    return tuple(
        each for each in network.built if not each.holds_alone and not (each.nesting and each.output == each.value)
    )


def layer_table(network: Network, writer: PageWriter) -> Grid:
    """Return the table of layers: each with its output, the shape of that, its parameters and how many they are.

    In a narrow column an output has its shape beside it.
    """
    texts = [layer.text for layer in (network.layers[0], *further_inputs(network.layers))]
    rows = [_input_row(text, x, writer) for text, x in zip(texts, network.inputs, strict=True)]
    total: Expr = sympy.Integer(0)
    seen = [*network.inputs[1:], network.inputs[0]]
    for built in layers_of(network):
        count = sympy.expand(sympy.Add(*(sympy.prod(p.variable.shape) for p in built.parameters)))
        total += count
        parameters: list[str | Math] = []
        for parameter in built.parameters:
            shape = writer.dimensions(parameter.variable.shape) or "1"
            parameters += [", ", Math(writer.formula(parameter.variable)), ": ", Math(shape)]
        called = _called(built, seen[-1], seen, writer)
        cells = (called, *_output(built.output, writer), tuple(parameters[1:]), _count(count, writer))
        rows.append(GridRow(cells, (built.output.name,)))
        seen += [built.value, built.output]
    if all(built.index is None for built in layers_of(network)):
        empty = ((),) * (len(rows[0].cells) - 2)
        rows.append(GridRow((("total",), *empty, _count(sympy.expand(total), writer))))
    head: tuple[Words, ...] = (("Layer",), ("Output",), ("Shape",), ("Parameters",), ("Number",))
    align: tuple[str, ...] = ("0.27", "l", "l", "0.27", "r")
    if writer.paper.is_narrow:
        head, align = (head[0], *head[1:2], *head[3:]), ("0.3", "0.2", "0.3", "r")
    return Grid(head, tuple(rows), align, ("The layers.",), "tab:layers", small=True)


def _output(output: Variable, writer: PageWriter) -> tuple[Words, ...]:
    """What a layer puts out and the shape of it, in a narrow column in one cell."""
    name, shape = Math(writer.formula(output)), Math(writer.dimensions(output.shape) or "1")
    return ((name, ": ", shape),) if writer.paper.is_narrow else ((name,), (shape,))


def _input_row(text: str, x: Variable, writer: PageWriter) -> GridRow:
    said = () if x.role == INPUT else (x.role,)  # no gradient flows to what is given
    return GridRow(((Code(text),), *_output(x, writer), said, ()))


def _count(count: Expr, writer: PageWriter) -> Words:
    if count == 0:
        return ()
    return (f"{int(count):,}",) if count.is_Integer else (Math(writer.number(count)),)


def _called(built: Built, before: Variable, known: Iterable[Variable], writer: PageWriter) -> Words:
    """What a layer is called: one that joins branches with its formula, one that reads not the row above with what."""
    if built.is_join:
        (*_, item) = built.items
        made = [] if isinstance(item, Loop) else [" (", Math(writer.formula(item.expression)), ")"]
        return (Code(built.layer.caption), *made)
    reads = built.value != before and built.value in known
    return (Code(built.layer.text), *((" of ", Math(writer.formula(built.value))) if reads else ()))


def adds(equation: Item, value: Variable) -> bool:
    """Whether an equation adds a value, as it is, to something else."""
    return (
        isinstance(equation, Equation)
        and isinstance(equation.expression, Add)
        and value in equation.expression.operands
    )


def has_shortcut(built: Built) -> bool:
    """Whether a layer joins branches by a sum, and one of them is its input: a residual block."""
    return built.is_join and adds(built.items[-1], built.value)
