"""A batched formula is the formula of each example: proved element by element, for every set of batched variables."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy
from sympy import Rational

from symprop.algebra import Equation, System, nodes, variable, variables, walk
from symprop.algebra.batching import BATCH, BATCH_SIZE, batched, batched_system, mean
from symprop.algebra.elements import elements
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.known import known, triangle
from symprop.algebra.nodes import Fact, Variable
from symprop.errors import ShapeError

M = 2
A, B, S = variable("A", (3, 4)), variable("B", (4, 2)), variable("S", (3, 3))
T, U = variable("T", (2, 3, 4)), variable("U", (2, 4, 2))
u, v, w, c = variable("u", (3,)), variable("v", (4,)), variable("w", (3,)), variable("c")
ids, id2, table, rows = variable("ids", (3,)), variable("jds", (2, 2)), variable("E", (5, 2)), variable("R", (3, 2))
IDS = {"ids", "jds", "kd"}
one_id = variable("kd")
i = sympy.Symbol("i", integer=True, positive=True)

SAMPLES = {
    "add": u + w,
    "add ranks": A + v + c,
    "add column": A + nodes.Expand(u, 1),
    "multiply ranks": nodes.Multiply(nodes.Scalar(2), u, A.T, c),
    "power": nodes.Power(u, 2) + nodes.Power(c, -1),
    "map": FUNCTIONS["tanh"](A),
    "map two": FUNCTIONS["maximum"](A, v),
    "where": nodes.Where(nodes.Compare(">", A, v), c, A),
    "matrix vector": A @ v,
    "vector matrix": u @ A,
    "vector vector": u @ w,
    "matrix matrix": A @ B,
    "transposed": A.T @ u,
    "quadratic": u @ (S @ u),
    "stack matrix": T @ B,
    "stack stack": T @ U,
    "stack vector": T @ v,
    "vector stack": u @ T,
    "matrix stack": S @ T,
    "stack of vectors": T @ nodes.Reshape(B, (4, 2)),
    "outer": nodes.Outer(u, v),
    "transpose": nodes.Transpose(T, (2, 0, 1)),
    "transpose vector": u.T,
    "sum": nodes.Sum(A),
    "sum axis": nodes.Sum(A, 0),
    "sum keepdims": nodes.Sum(T, (0, 2), True),
    "sum of number": nodes.Sum(c),
    "expand": nodes.Expand(A, 0) * nodes.Expand(S, 2),
    "reshape": nodes.Reshape(T, (6, 4)),
    "flatten": nodes.Reshape(A, (12,)),
    "diag": nodes.Diag(u),
    "diagonal": nodes.Diagonal(S),
    "take": nodes.Take(table, ids),
    "take matrix": nodes.Take(table, id2),
    "scatter": nodes.ScatterAdd(rows, ids, 5),
    "take from elements": nodes.Take(nodes.Reshape(A, (12,)), ids),
    "take from a stack": nodes.Take(nodes.Reshape(A, (6, 1, 2)), ids),
    "take elements": nodes.Take(nodes.Reshape(A, (12,)), nodes.Fill(1, (3,))) * nodes.Take(u, nodes.Scalar(1)),
    "take one row": nodes.Take(table, one_id),
    "scatter elements": nodes.ScatterAdd(u, ids, 5),
    "scatter matrices": nodes.ScatterAdd(nodes.Sum(T, 0, True), nodes.Fill(2, (1,)), 3),
    "scatter one": nodes.ScatterAdd(v, nodes.Scalar(1), 3),
    "one-hot": nodes.OneHot(ids, 5),
    "one-hot matrix": nodes.OneHot(id2, 5),
    "inverse": nodes.Inverse(nodes.Identity(2) * 3 + nodes.Fill(1, (2, 2))) @ (A @ B).T @ u,
    "determinant": nodes.Determinant(nodes.Identity(2) * 3) * u,
    "log-determinant": nodes.Multiply(nodes.Power(nodes.LogDeterminant(nodes.Identity(2)), 2), u),
    "matrix power": nodes.MatrixPower(nodes.Fill(2, (3, 3)), 2) @ u,
    "triangle": triangle(3, 4) * A,
    "duplication": nodes.Duplication(2) @ u,
    "commutation": nodes.Commutation(3, 4) @ nodes.Reshape(A, (12,)),
    "kron": nodes.Kron(A, B),
    "product": nodes.Product(A),
    "product axis": nodes.Product(T, (0, 2), True),
    "largest": nodes.Extreme(A, 0) + nodes.Extreme(v, None, False, "min"),
    "largest keepdims": nodes.Extreme(T, 1, True),
    "first of the largest": nodes.First(T, (0, 2)) * nodes.First(A, 1),
    "concatenate": nodes.Concatenate(A, S, axis=1),
    "concatenate vectors": nodes.Concatenate(u, v, w, axis=0),
    "slice": nodes.Slice(T, 1, 1, 3) @ nodes.Slice(B, 0, 0, 4),
    "pad": nodes.Pad(T, (0, 2), [(1, 0), (0, 2)], 5),
    "flip": nodes.Flip(T, (0, 2)) * nodes.Flip(A),
    "window": nodes.Window(T, (2, 1), (2, 2), (2, 1)),
    "window dilated": nodes.Window(v, 0, 2, 1, 2),
    "fold": nodes.Fold(T, 1, 4, 2, 1, 8),
    "fold two": nodes.Fold(nodes.Reshape(T, (1, 2, 3, 4)), (1, 0), (3, 4), 1, 1, (4, 4)),
    "known": known("mask", (3, 4), lambda i, j: i >= j) * A,
    "series": nodes.BlockSum(u * i + w**i, i, 3),
    "softmax": nodes.Softmax(u),
    "softmax axis": nodes.Softmax(T, 1),
    "logsumexp": nodes.LogSumExp(A, 0),
    "logsumexp keepdims": nodes.LogSumExp(A, 1, True),
    "constants": nodes.Identity(3) @ u + nodes.Fill(2, (3,)),
}


def values_of(array: Variable, seed: int) -> np.ndarray:
    """Exact values, different for each variable and example."""
    shape = tuple(int(size) for size in array.shape)
    random = np.random.default_rng(seed + sum(map(ord, array.name)))
    if array.name in IDS:
        return random.integers(0, 5, shape)
    numbers = [Rational(int(number), 7) for number in random.integers(1, 40, int(np.prod(shape, dtype=int)))]
    return np.array(numbers, dtype=object).reshape(shape)


def subsets(node: nodes.Node) -> list[tuple[Variable, ...]]:
    """Every choice of variables that carry the batch axis."""
    found = list(variables(node))
    return [chosen for size in range(1, len(found) + 1) for chosen in itertools.combinations(found, size)]


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("name", SAMPLES)
def test_batch_is_each_example(name: str, layout: str) -> None:
    node = SAMPLES[name]
    axis = 0 if layout == "rows" else -1
    for chosen in subsets(node):
        if layout == "rows":
            mapping = {part: part.change(shape=sympy.Tuple(M, *part.shape)) for part in chosen}
        else:
            mapping = {part: part.change(shape=sympy.Tuple(*part.shape, M)) for part in chosen}
        result = batched(node, mapping, sympy.Integer(M), layout)
        shape = (M, *node.shape) if layout == "rows" else (*node.shape, M)
        assert result.shape == shape, [part.name for part in chosen]
        shared = {part.name: values_of(part, 0) for part in variables(node) if part not in chosen}
        examples = [{part.name: values_of(part, 1 + k) for part in chosen} for k in range(M)]
        together = {part.name: np.stack([example[part.name] for example in examples], axis) for part in chosen}
        whole = elements(result, {**shared, **together})
        for k, example in enumerate(examples):
            alone = elements(node, {**shared, **example})
            assert np.array_equal(np.take(whole, k, axis), alone), ([part.name for part in chosen], k)


def test_every_kind_of_node_has_a_row_and_a_sample() -> None:
    sampled = {type(part) for node in SAMPLES.values() for part in walk(node)} | {nodes.Scalar, nodes.Fill}
    for kind in nodes.NODE_KINDS:
        assert kind in BATCH, f"the batch table has no row for {kind.__name__}"
        if issubclass(kind, nodes.Decomposition):
            continue  # refused where the matrix differs from example to example
        assert kind in sampled, f"no sample has a {kind.__name__}"


def test_what_does_not_depend_on_the_batch_stays() -> None:
    assert batched(A @ v, {u: u.change(shape=sympy.Tuple(M, 3))}, sympy.Integer(M), "rows") == A @ v


def test_rows_and_columns_of_a_layer_are_tidy() -> None:
    W, b = variable("W", (3, 4)), variable("b", (3,))
    X, Y = v.change(shape=sympy.Tuple(BATCH_SIZE, 4)), v.change(shape=sympy.Tuple(4, BATCH_SIZE))
    assert batched(W @ v + b, {v: X}, BATCH_SIZE, "rows") == X @ W.T + b
    assert batched(W @ v + b, {v: Y}, BATCH_SIZE, "columns") == W @ Y + nodes.Expand(b, 1)
    W2 = variable("W", (4, 3))
    assert batched(W2.T @ v, {v: X}, BATCH_SIZE, "rows") == X @ W2  # no transpose of a transpose


def test_scatter_by_a_matrix_of_ids_for_each_example_is_refused() -> None:
    values = variable("V", (2, 2, 3))
    with pytest.raises(ShapeError, match="a vector of ids"):
        scatter = nodes.ScatterAdd(values, id2, 5)
        batched(scatter, {id2: id2.change(shape=sympy.Tuple(M, 2, 2))}, sympy.Integer(M), "rows")


@pytest.mark.parametrize("kind", [nodes.Inverse, nodes.Determinant, nodes.LogDeterminant, nodes.PseudoInverse])
def test_a_matrix_to_invert_for_each_example_is_refused(kind: type[nodes.Node]) -> None:
    with pytest.raises(ShapeError, match="differs from example to example"):
        batched(kind(S), {S: S.change(shape=sympy.Tuple(M, 3, 3))}, sympy.Integer(M), "rows")


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (nodes.Sum(u * w), lambda ms: sum(sum(a * b for a, b in zip(*e, strict=True)) for e in ms) / Rational(2)),
        (
            nodes.Multiply(nodes.Scalar(3), nodes.Power(nodes.Sum(u * w), 2)) + c + nodes.Sum(u),
            lambda ms: (
                sum(3 * sum(a * b for a, b in zip(*e, strict=True)) ** 2 + sum(e[0]) for e in ms) / Rational(2)
                + values_of(c, 0)[()]
            ),
        ),
        (
            nodes.Multiply(nodes.Scalar(3), c, nodes.Sum(u)),
            lambda ms: sum(3 * values_of(c, 0)[()] * sum(e[0]) for e in ms) / Rational(2),
        ),
    ],
)
def test_mean(loss: nodes.Node, expected) -> None:  # type: ignore[no-untyped-def]
    mapping = {part: part.change(shape=sympy.Tuple(M, 3)) for part in (u, w)}
    result = mean(batched(loss, mapping, sympy.Integer(M), "rows"), sympy.Integer(M))
    examples = [{part.name: values_of(part, 1 + k) for part in (u, w)} for k in range(M)]
    together = {name: np.stack([example[name] for example in examples]) for name in ("u", "w")}
    value = elements(result, {**together, "c": values_of(c, 0)})[()]
    assert value == expected([(example["u"], example["w"]) for example in examples])


def test_system_moves_facts_and_keeps_names() -> None:
    W, p, L = variable("W", (3, 4)), variable("p", (3,)), variable("L")
    x, y = variable("x", (4,)), variable("y", (3,), (Fact("sums to 1", 0), Fact("nonnegative")))
    system = System(
        (
            Equation(p, nodes.Softmax(W @ x)),
            Equation(L, nodes.negative(nodes.Sum(y * FUNCTIONS["log"](p))) + nodes.Sum(nodes.Power(W, 2))),
        ),
        (x,),
        (y,),
        (W,),
        p,
        L,
        p,
    )
    for layout, axis in (("rows", 1), ("columns", 0)):
        batch = batched_system(system, layout)
        assert [equation.name for equation in batch.equations] == ["p", "L"]
        assert batch.targets[0].facts == (Fact("sums to 1", axis), Fact("nonnegative"))
        assert batch.output == batch.prediction == next(batch.equations).target
        assert batch.loss == L and batch.parameters == (W,) and batch.batch == BATCH_SIZE and batch.layout == layout
        loss = list(batch.equations)[-1].expression
        assert loss.operands[1] == nodes.Sum(nodes.Power(W, 2))  # a penalty is outside the mean
        assert BATCH_SIZE in loss.operands[0].free_symbols
