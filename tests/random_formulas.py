"""Random well-typed formulas over a few arrays of sizes 2 and 3, as Hypothesis strategies."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.known import triangle
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node

Shape = tuple[int, ...]
LEAVES: dict[Shape, tuple[Node, ...]] = {
    (): (variable("s"), variable("c")),
    (2,): (variable("u", (2,)), variable("h", (2,))),
    (3,): (variable("v", (3,)), variable("w", (3,))),
    (2, 3): (variable("A", (2, 3)), variable("X", (2, 3))),
    (3, 2): (variable("B", (3, 2)),),
    (3, 3): (variable("C", (3, 3)),),
    (2, 2): (variable("D", (2, 2)),),
}
SMOOTH = ("tanh", "sigmoid", "softplus", "sin", "silu", "gelu")


def values(seed: int) -> dict[str, np.ndarray]:
    """Random arrays for all leaves."""
    random = np.random.default_rng(seed)
    return {
        leaf.name: random.uniform(-1.5, 1.5, tuple(int(size) for size in leaf.shape))
        for leaves in LEAVES.values()
        for leaf in leaves
        if isinstance(leaf, n.Variable)
    }


@st.composite
def formulas(draw: st.DrawFn, shape: Shape = (), depth: int = 4) -> Node:
    """A formula of the given shape."""
    if depth == 0:
        return draw(st.sampled_from([*LEAVES[shape], n.Scalar(2) if not shape else n.Fill(1, shape)]))

    def part(of: Shape) -> Node:
        return draw(formulas(of, depth - 1))

    kind = draw(st.sampled_from(_KINDS[len(shape)]))
    if kind == "add":
        return n.Add(part(shape), part(shape))
    if kind == "scaled":
        return n.Multiply(part(()), n.Scalar(draw(st.sampled_from([-1, 2, -3]))), part(shape))
    if kind == "multiply":
        return n.Multiply(part(shape), part(shape))
    if kind == "square":
        return n.Power(part(shape), draw(st.sampled_from([2, 3])))
    if kind == "map":
        return FUNCTIONS[draw(st.sampled_from(SMOOTH))](part(shape))
    if kind == "divide":
        return part(shape) / (2 + part(shape) ** 2)
    if kind == "total":
        inner = draw(st.sampled_from([(2,), (3,), (2, 3), (3, 3)]))
        return n.Sum(part(inner))
    if kind == "logsumexp":
        return n.LogSumExp(part(draw(st.sampled_from([(2,), (3,)]))))
    if kind == "softmax":
        return n.Softmax(part(shape), draw(st.integers(0, len(shape) - 1)))
    if kind == "rows":
        other = 5 - shape[0]
        return n.Sum(part((shape[0], other)), 1)
    if kind == "columns":
        return n.Sum(part((5 - shape[0], shape[0])), 0)
    if kind == "matvec":
        other = 5 - shape[0]
        return n.MatMul(part((shape[0], other)), part((other,)))
    if kind == "vecmat":
        other = 5 - shape[0]
        return n.MatMul(part((other,)), part((other, shape[0])))
    if kind == "matmul":
        middle = draw(st.sampled_from([2, 3]))
        return n.MatMul(part((shape[0], middle)), part((middle, shape[1])))
    if kind == "outer":
        return n.Outer(part(shape[:1]), part(shape[1:]))
    if kind == "transpose":
        return n.Transpose(part(shape[::-1]))
    if kind == "broadcast":
        return n.Add(part(shape), part(shape[1:]))
    if kind == "column":
        return n.Multiply(part(shape), n.Expand(part(shape[:1]), 1))
    if kind == "triangle":
        return n.Multiply(triangle(*shape, draw(st.integers(-1, 1)), draw(st.booleans())), part(shape))
    if kind == "where":
        return n.Where(n.Compare(">", part(shape), n.Scalar(0)), part(shape), part(shape))
    return n.MatMul(part((3,)), part((3,)))


_ANY = ("add", "scaled", "multiply", "square", "map", "divide")
_KINDS: tuple[tuple[str, ...], ...] = (
    (*_ANY, "total", "dot", "logsumexp"),
    (*_ANY, "softmax", "rows", "columns", "matvec", "vecmat", "where"),
    (*_ANY, "softmax", "matmul", "outer", "transpose", "broadcast", "column", "triangle"),
)
