"""What functions of readable modules return beside gradients: arrays, arrays by name, or what two batches make."""

from __future__ import annotations

from typing import Any

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.analysis.derivation import Derivation
from symprop.codegen import passes, readable_passes
from symprop.codegen.lowering import lower_pairs
from symprop.codegen.moments import in_code
from symprop.codegen.program import Program
from symprop.codegen.stable import by_rule
from symprop.codegen.targets.breaking import assigned
from symprop.codegen.targets.dialect import Dialect
from symprop.codegen.targets.layout import in_a_row, laid_out
from symprop.codegen.targets.scan_lines import lines_with_scans


def answered(derivation: Derivation, program: Program, holder: str = "") -> list[str]:
    """Return the lines that return arrays of a holder: all in a row, or by the names of what they are of, in a dict."""
    arrays, parts = [f"{holder}{each}" for each in program.arrays], derivation.along.parts
    if not arrays or not parts:
        return in_a_row("return ", arrays) if arrays else []
    rows = {name: [each for each, of in zip(arrays, parts, strict=True) if of == name] for name in parts}
    return laid_out(
        "return {", [f'"{name}": ({", ".join(row)}{"," * (len(row) == 1)})' for name, row in rows.items()], "}"
    )


def pairs_of(derivation: Derivation, write: Dialect) -> dict[str, Any] | None:
    """Return the inside of a function of two batches, where one is asked for: what it takes of each, and its lines."""
    if not derivation.along.second:
        return None
    program = passes.run(lower_pairs(derivation), (one_product, *readable_passes.FORMS, passes.dead))
    code = lines_with_scans(
        tuple(program.statements), write, lambda each, indent: assigned(each.name, write.text(each.expression), indent)
    )
    first, second = ([in_code(each).name for each in arrays] for arrays in zip(*derivation.along.second, strict=True))
    others = ["_" if name in first else name for name in second]
    apart = ((one, other) for one, other in derivation.along.second if one != other)
    sizes = [
        f"{one.shape[0]}, {other.shape[0]} = len({in_code(one).name}), len({in_code(other).name})"
        for one, other in apart
    ][:1]
    return {
        "taking": in_a_row("", first, ' = _of_each(params, x1, "x1")')
        + in_a_row("", others, ' = _of_each(params, x2, "x2")')
        + sizes,
        "code": code[1:] if code[:1] == [""] else code,
        "result": program.returns[0],
    }


def one_product(program: Program) -> Program:
    """Write the products of all matrices of one batch with all of another as one product of their rows."""

    @for_kinds(n.MatMul)
    def rule(node: n.MatMul) -> Node | None:
        match node.operands:
            case (n.Expand(axis=1, operands=(left,)), n.Transpose(axes=(0, 2, 1), operands=(right,))):
                (m, k, size), (others, outputs, _) = left.shape, right.shape
                rows, columns = n.Reshape(left, (m * k, size)), n.Reshape(right, (others * outputs, size))
                product = n.Reshape(n.MatMul(rows, n.Transpose(columns)), (m, k, others, outputs))
                return n.Transpose(product, (0, 2, 1, 3))
        return None

    return by_rule(program, rule)
