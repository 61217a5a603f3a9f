"""NumPy source of each kind of node, those that only programs hold too."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import shape_text
from symprop.codegen.kinds import Copy, FirstTrue, Inner, Lines, Repeated, Solve, meaning
from symprop.codegen.patches import OfPatches
from symprop.codegen.pools import OfWindows
from symprop.codegen.targets.arrays import python_tuple  # enters its rows, and those of what is elementwise
from symprop.codegen.targets.code import ATOM, BOOLEAN, NUMBER, Code, number
from symprop.codegen.targets.dialect import SOURCE, Dialect
from symprop.codegen.targets.matrices import SCIPY

NUMPY = Dialect("np", functions=SCIPY)


def numpy_source(node: Node) -> str:
    """Return NumPy source of an array of DTYPE for `node`.

    >>> from symprop.algebra import variable
    >>> a, W, y = variable("a1", (5, 3)), variable("W2", (2, 3)), variable("y", (5, 2))
    >>> numpy_source((a @ W.T) * (1 - y * y))
    '(a1 @ W2.T) * (1 - y * y)'
    """
    return NUMPY.text(node)


@NUMPY.rows.row(n.Map)
def _(node: n.Map, write: Dialect) -> Code:
    code: Code = SOURCE[n.Map](node, write)
    if node.function.name == "polygamma":  # SciPy has it in float64 alone
        return Code(f"{code.text}.astype(DTYPE)")
    if code.kind == NUMBER and code.text.startswith(write.library):  # of a size: else it would be a float64
        return Code(f"float({code.text})", ATOM, NUMBER)
    return code


@NUMPY.rows.row(n.MatrixFunction)
def _(node: n.MatrixFunction, write: Dialect) -> Code:
    code: Code = SOURCE[n.MatrixFunction](node, write)
    return code if node.name == "expm" else Code(f"real_matrix({code.text})")  # roots and logarithms may not be real


@NUMPY.rows.row(n.Window)
def _(node: n.Window, write: Dialect) -> Code:
    spans = [number(dilation * (size - 1) + 1).text for _, size, _, dilation in node.steps]
    arguments = [write.number(node.operands[0]).text, python_tuple(spans), f"axis={python_tuple(node.axes)}"]
    return Code(f"{write.name('lib.stride_tricks.sliding_window_view')}({', '.join(arguments)}){node.spacing}")


@NUMPY.rows.row(n.Fold)
def _(node: n.Fold, write: Dialect) -> Code:
    shape = shape_text(node.shape, lambda size: number(size).text)
    steps = [python_tuple(each) for each in (node.axes, node.args[3].args, node.args[4].args)]
    return Code(f"fold({', '.join([write.number(node.operands[0]).text, shape, *steps])})")


@NUMPY.rows.row(Solve)
def _(node: Solve, write: Dialect) -> Code:
    return Code(f"np.linalg.solve({', '.join(map(write.text, node.operands))})")


@NUMPY.rows.row(Inner)
def _(node: Inner, write: Dialect) -> Code:
    return Code(f"np.vdot({', '.join(map(write.text, node.operands))})")


@NUMPY.rows.row(Repeated)
def _(node: Repeated, write: Dialect) -> Code:
    name = "repeated_inside" if node.inside else "repeated"
    return Code(f"{name}({write.text(node.operands[0])}, {number(node.count).text})")


@NUMPY.rows.row(Copy)
def _(node: Copy, write: Dialect) -> Code:
    return Code(f"np.array({write.text(node.operands[0])}, DTYPE)")


@NUMPY.rows.row(Lines)
def _(node: Lines, write: Dialect) -> Code:
    shape = shape_text(node.shape, lambda size: number(size).text)
    return Code(f"np.broadcast_to({write.text(node.operands[0])}, {shape})")


@NUMPY.rows.row(FirstTrue)
def _(node: FirstTrue, write: Dialect) -> Code:
    return Code(f"first_true({write(node.operands[0]).text}, {node.axes})", ATOM, BOOLEAN)


@NUMPY.rows.row(OfPatches, OfWindows)
def _(node: OfPatches | OfWindows, write: Dialect) -> Code:
    """Inside an expression they stand as what they mean; as an operation of a step they are calls."""
    return write(meaning(node))


__all__ = ["NUMPY", "numpy_source"]
