"""Single operations, faster forms and their calls: each computes what the node means, in memory that is there."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples import IDS
from test_numpy_source import HELPER_MODULES, NODES, program_of, values_of

from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import walk
from symprop.calculus.tidy import tidy
from symprop.codegen import faster, matrix_passes, passes
from symprop.codegen.kinds import Copy, Inner
from symprop.codegen.operations import is_view, single_operations
from symprop.codegen.program import HELPERS, Program, Statement, checked
from symprop.codegen.targets.fast.memory import Plan
from symprop.codegen.targets.fast.step import planned, result_lines, step_lines, workspace_lines
from symprop.codegen.targets.layout import laid_out
from symprop.codegen.targets.numpy.source import numpy_source
from symprop.codegen.views import is_by_parts
from tests.rounding import assert_rounded
from tests.rounding_of_formulas import counted

x, y, W, b = variable("x1", (4, 3)), variable("y", (4, 3)), variable("W1", (5, 3)), variable("b1", (5,))
stack, ids = variable("s1", (4, 2, 3)), IDS
exp, tanh = FUNCTIONS["exp"], FUNCTIONS["tanh"]
ZERO = n.Scalar(0)


def after(change: Callable[[Program], Program], *expressions: Node) -> list[str]:
    program = checked(change(program_of(*expressions)), change.__name__)
    return [f"{s.name} = {numpy_source(s.expression)}" for s in program.statements]


def last(change: Callable[[Program], Program], *expressions: Node) -> str:
    return after(change, *expressions)[-1].partition(" = ")[2]


# ---------------------------------------------------------------- faster forms


@pytest.mark.parametrize(
    ("change", "before", "source"),
    [
        (matrix_passes.inner_products, n.Sum(x * y), "np.vdot(x1, y)"),
        (matrix_passes.inner_products, n.Sum(x**2), "np.vdot(x1, x1)"),
        (matrix_passes.inner_products, n.Sum(tidy(2 * x * y)), "2 * np.vdot(x1, y)"),
        (matrix_passes.inner_products, n.Sum(x), "x1.sum()"),
        (matrix_passes.inner_products, n.Sum(x * n.Sum(y, 0)), "np.sum(x1 * y.sum(axis=0))"),
        (matrix_passes.inner_products, n.Sum(x * y, 0), "np.sum(x1 * y, axis=0)"),
        (matrix_passes.inner_products, n.Sum(x * n.Compare(">", y, ZERO)), "np.vdot(x1, (y > 0).astype(DTYPE))"),
        (matrix_passes.cheapest_order, (W @ x.T) @ variable("v", (4,)), "W1 @ (x1.T @ v)"),
        (matrix_passes.cheapest_order, x @ W.T, "x1 @ W1.T"),
        (faster.sums_as_products, n.Sum(x, 0), "np.ones((4,), DTYPE) @ x1"),
        (faster.sums_as_products, n.Sum(stack, (0, 1)), "np.ones((8,), DTYPE) @ s1.reshape(8, 3)"),
        (faster.sums_as_products, n.Sum(x, 1), "x1 @ np.ones((3,), DTYPE)"),
        (faster.sums_as_products, n.Sum(x, 1, True), "x1 @ np.ones((3, 1), DTYPE)"),
        (faster.sums_as_products, n.Sum(stack, 1), "(np.ones((1, 2), DTYPE) @ s1).reshape(4, 3)"),
        (faster.sums_as_products, n.Sum(n.Compare(">", x, ZERO), 0), "np.sum((x1 > 0).astype(DTYPE), axis=0)"),
        (faster.products_of_rows, stack @ W.T, "(s1.reshape(8, 3) @ W1.T).reshape(4, 2, 5)"),
        (faster.products_of_rows, x @ W.T, "x1 @ W1.T"),
        (faster.maxima_over_columns, n.Extreme(x, 1, True), "np.max(np.array(x1.T, DTYPE), axis=0).reshape(4, 1)"),
        (faster.maxima_over_columns, n.Extreme(x, 0, True), "x1.max(axis=0, keepdims=True)"),
        (faster.maxima_over_columns, n.Extreme(variable("w", (2, 99)), 1, True), "w.max(axis=1, keepdims=True)"),
    ],
)
def test_a_faster_form_where_it_is_one_and_nowhere_else(
    change: Callable[[Program], Program], before: Node, source: str
) -> None:
    assert last(change, before) == source


def test_scatters_into_small_tables_are_products() -> None:
    rows = variable("k", (4,)).change(facts=[n.Fact("index", 7)])
    assert last(faster.scatters_as_products, n.ScatterAdd(x, rows, 7)) == "np.eye(7, dtype=DTYPE)[k.reshape(4)].T @ x1"
    assert last(faster.scatters_as_products, n.ScatterAdd(x, rows, 700)) == "scatter_add(x1, k, 700)"


@pytest.mark.parametrize(
    ("no", "asked"),
    [
        *((ZERO, "out"), (tidy(x / 100), "out"), (FUNCTIONS["expm1"](FUNCTIONS["minimum"](x, ZERO)), "out")),
        *((tidy(-x), "x1"), (n.Scalar(1), "x1"), (x + 1, "x1"), (exp(x), "x1")),
    ],
)
def test_the_sign_of_a_rectifier_is_that_of_its_output(no: Node, asked: str) -> None:
    positive = n.Compare(">", x, ZERO)
    out = Variable("out", (), (4, 3))
    statements = (Statement(out, n.Where(positive, x, no)), Statement(Variable("d", (), (4, 3)), y * positive))
    done = faster.slopes_from_outputs(Program(statements, (), (), (x, y), (), ("out", "d")))
    assert numpy_source(done.forward[1].expression) == f"y * ({asked} > 0)"
    assert done.forward[0] == statements[0]


# ---------------------------------------------------------------- single operations


def is_single(node: Node) -> bool:
    """Whether an operation reads nothing but views, scalars, and views below a minus sign or a division bar; one that
    is written by parts has operations in it."""
    if is_by_parts(node):
        return all(map(is_single, node.operands))
    inner = [part for part in node.operands if part.rank and not is_view(part)]
    kinds = (n.Multiply, n.Power, n.Pad, n.ScatterAdd)
    return all(
        isinstance(part, kinds) and all(is_view(each) or not each.rank for each in part.operands) for part in inner
    )


def executed(found: Plan, values: dict[str, Any], dtype: str) -> Any:
    """Run the lines of a planned program, from memory full of NaN."""
    module = HELPER_MODULES[dtype]
    work = types.SimpleNamespace()
    helpers = {name: getattr(module, name) for name in HELPERS if hasattr(module, name)}
    scope = {"np": np, "DTYPE": module.DTYPE, "work": work, **helpers, **values}
    exec("\n".join((*result_lines(found), *workspace_lines(found))), scope)
    for name, array in vars(work).items():
        if array.dtype == dtype and not name.startswith(("ones", "identity", "constant")):
            array.fill(np.nan)
    exec("\n".join(step_lines(found, found.program.statements)), scope)
    return scope[found.program.returns[-1]]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("reuse", [True, False], ids=["reuse", "no reuse"])
@pytest.mark.parametrize("node", NODES, ids=[f"{type(node).__name__}-{k}" for k, node in enumerate(NODES)])
def test_operations_in_place_compute_the_node(node: Node, reuse: bool, dtype: str) -> None:
    program = program_of(node)
    found = planned(passes.run(program, passes.FORMS), (), reuse)
    for statement in found.program.statements:
        if statement.target.rank and not any(isinstance(part, n.BlockSum) for part in walk(statement.expression)):
            assert is_single(statement.expression), numpy_source(statement.expression)
    values = values_of(program, dtype)
    kept = {name: value.copy() for name, value in values.items()}
    result = np.asarray(executed(found, values, dtype))
    exact = {name: value.astype(float) if name not in IDS else value for name, value in values.items()}
    expected = counted(node, exact)
    assert_rounded(np.broadcast_to(result, expected.shape), expected, dtype)
    for name, value in kept.items():
        assert np.array_equal(values[name], value), f"{name} was written over"


@pytest.mark.parametrize(
    ("node", "lines"),
    [
        (x @ W.T + b, ["out = x1.dot(W1.T, out=work.out)", "out += b1"]),
        (
            1 - tanh(x) ** 2,
            ["out = np.tanh(x1, out=work.out)", "np.square(out, out=out)", "np.subtract(1, out, out=out)"],
        ),
        (x**3, ["out = np.square(x1, out=work.out)", "out *= x1"]),
        (
            n.Where(n.Compare(">", x, ZERO), x, tidy(x / 100)),
            ["out = np.divide(x1, 100, out=work.out)", "np.maximum(x1, out, out=out)"],
        ),
        (tidy(-x * y / 4), ["out = np.multiply(x1, y, out=work.out)", "out /= -4"]),
    ],
)
def test_lines_read_as_a_person_would_write_them(node: Node, lines: list[str]) -> None:
    found = planned(program_of(node))
    printed = step_lines(found, found.program.statements)
    assert [line.replace("out0", "out") for line in printed] == lines


def test_long_calls_break_as_ruff_breaks_them() -> None:
    assert laid_out("z = np.dot(", ("a", "b")) == ["z = np.dot(a, b)"]
    long = ("a" * 30, "b" * 30)
    assert laid_out("z = " + "z" * 20 + "np.dot(", long)[1] == f"    {long[0]}, {long[1]}"
    longer = ("a" * 50, "b" * 50)
    assert laid_out("z = np.dot(", longer)[1:3] == [f"    {longer[0]},", f"    {longer[1]},"]


def test_what_is_only_a_view_is_copied_where_it_is_returned() -> None:
    program = checked(single_operations(program_of(x.T)))
    assert isinstance(program.forward[-1].expression, Copy)
    assert not isinstance(checked(single_operations(program_of(Inner(x, y)))).forward[-1].expression, Copy)
