"""The layers of a network as a table, with shapes and numbers of parameters."""

from __future__ import annotations

import sympy
from sympy import Expr

from symprop.algebra.nodes import Variable
from symprop.algebra.roles import INPUT
from symprop.networks.blocks import Repeat
from symprop.networks.branches import Residual
from symprop.networks.network import Network, further_inputs
from symprop.networks.parts import Built
from symprop.notation.blocks import Code, Grid, GridRow, Math, Words
from symprop.notation.page_blocks import PageWriter


def layers_of(network: Network) -> tuple[Built, ...]:
    """Return the layers that add something, in order: a block that only holds others is left out."""
    return tuple(built for built in network.built if not isinstance(built.layer, Repeat))


def layer_table(network: Network, writer: PageWriter) -> Grid:
    """Return the table of layers: each with its output, the shape of that, its parameters and how many they are."""
    texts = [layer.text for layer in (network.layers[0], *further_inputs(network.layers))]
    rows = [_input_row(text, x, writer) for text, x in zip(texts, network.inputs, strict=True)]
    total: Expr = sympy.Integer(0)
    for built in layers_of(network):
        count = sympy.expand(sympy.Add(*(sympy.prod(p.variable.shape) for p in built.parameters)))
        total += count
        parameters: list[str | Math] = []
        for parameter in built.parameters:
            shape = writer.dimensions(parameter.variable.shape) or "1"
            parameters += [", ", Math(writer.formula(parameter.variable)), ": ", Math(shape)]
        rows.append(
            GridRow(
                (
                    (Code(name_of(built)),),
                    (Math(writer.formula(built.output)),),
                    (Math(writer.dimensions(built.output.shape) or "1"),),
                    tuple(parameters[1:]),
                    _count(count, writer),
                ),
                (built.output.name,),
            )
        )
    if all(built.index is None for built in layers_of(network)):
        rows.append(GridRow((("total",), (), (), (), _count(sympy.expand(total), writer))))
    head: tuple[Words, ...] = (("Layer",), ("Output",), ("Shape",), ("Parameters",), ("Number",))
    return Grid(head, tuple(rows), ("0.27", "l", "l", "0.27", "r"), ("The layers.",), "tab:layers", small=True)


def _input_row(text: str, x: Variable, writer: PageWriter) -> GridRow:
    shape = writer.dimensions(x.shape)
    said = () if x.role == INPUT else (x.role,)  # no gradient flows to what is given
    return GridRow(((Code(text),), (Math(writer.formula(x)),), (Math(shape),), said, ()))


def _count(count: Expr, writer: PageWriter) -> Words:
    if count == 0:
        return ()
    return (f"{int(count):,}",) if count.is_Integer else (Math(writer.number(count)),)


def name_of(built: Built) -> str:
    """Return what a layer is called in the table: a residual block by the sum at its end."""
    if isinstance(built.layer, Residual):
        return "Residual: sum" if not built.layer.projection else "Residual: sum, with projection"
    return built.layer.text
