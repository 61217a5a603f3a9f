"""Each pass fires where it should, not where it must not, and never changes what a program computes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import sympy
from test_numpy_source import program_of, run

import symprop
from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.functions import FUNCTIONS, elu
from symprop.algebra.nodes import Node, Variable
from symprop.codegen import compile_network, passes, remat
from symprop.codegen.lowering import lower
from symprop.codegen.program import Names, Program, ProgramError, Statement, checked
from symprop.codegen.targets.code import number
from symprop.codegen.targets.dialect import SOURCE
from symprop.codegen.targets.fast import optimizer_step
from symprop.codegen.targets.fast.memory import plan
from symprop.codegen.targets.fast.shared_rows import shared_rows
from symprop.codegen.targets.numpy import lines as line_passes
from symprop.codegen.targets.numpy.source import NUMPY, numpy_source
from tests.rounding import FUNCTION, UNIT, assert_off, assert_rounded
from tests.rounding_of_formulas import counted

z, t, y = variable("z1", (4, 3)), variable("t1", (4, 3)), variable("y", (4, 3))
W, v = variable("W1", (3, 3)), variable("v1", (3, 4))
exp, log, tanh, sigmoid = (FUNCTIONS[name] for name in ("exp", "log", "tanh", "sigmoid"))
positive = n.Compare(">", z, n.Scalar(0))


def after(change: Callable[[Program], Program], *expressions: Node) -> list[str]:
    program = checked(change(program_of(*expressions)), change.__name__)
    return [f"{s.name} = {numpy_source(s.expression)}" for s in program.statements]


def last(change: Callable[[Program], Program], *expressions: Node) -> str:
    return after(change, *expressions)[-1].partition(" = ")[2]


@pytest.mark.parametrize(
    ("before", "source"),
    [
        (log(sigmoid(z)), "-softplus(-z1)"),
        (log(1 - sigmoid(z)), "-softplus(z1)"),
        (log(1 + exp(z)), "softplus(z1)"),
        (log(1 + z), "np.log1p(z1)"),
        (exp(z) - 1, "np.expm1(z1)"),
        (2 * exp(z) - 2, "2 * np.expm1(z1)"),
        (1 / (1 + exp(-z)), "sigmoid(z1)"),
        (exp(z) / (1 + exp(z)), "sigmoid(z1)"),
        (n.Multiply(n.Scalar(2), t, exp(-z), (1 + exp(-z)) ** -1), "2 * t1 * sigmoid(-z1)"),
        (exp(t) / (1 + exp(z)), "np.exp(t1) * sigmoid(-z1)"),
        (log(z), "np.log(z1)"),
        (log(2 + exp(z)), "softplus(z1 - 0.6931471805599453) + 0.6931471805599453"),
        (t * exp(z) * (2 + exp(z)) ** -1, "t1 * sigmoid(z1 - 0.6931471805599453)"),
        (log(FUNCTIONS["cosh"](z)), "np.abs(z1) + np.log1p(0.5 * np.expm1(-2 * np.abs(z1)))"),
        ((1 - z**2) ** sympy.Rational(-1, 2), "1 / np.sqrt((1 - z1) * (1 + z1))"),
        ((1 - z**2) ** 2, "(1 - z1**2) ** 2"),
        (3 * FUNCTIONS["expm1"](z) + 3, "3 * np.exp(z1)"),
        (3 * FUNCTIONS["expm1"](z) + 2, "3 * np.expm1(z1) + 2"),
        (t / FUNCTIONS["cosh"](z), "2 * t1 * np.exp(-np.abs(z1)) * sigmoid(2 * np.abs(z1))"),
        (exp(z) - 2, "np.exp(z1) - 2"),
        (exp(z) + 1, "np.exp(z1) + 1"),
        (log(1 - tanh(z)), "np.log1p(-np.tanh(z1))"),
        (
            -n.Sum(y * log(sigmoid(z)) + (1 - y) * log(1 - sigmoid(z))),
            "np.sum(y * softplus(-z1) + (1 - y) * softplus(z1))",
        ),
    ],
)
def test_stable_exponentials(before: Node, source: str) -> None:
    assert last(passes.stable_exponentials, before) == source


def test_stable_exponentials_look_through_a_name() -> None:
    p = variable("p", (4, 3))
    statements = (Statement(p, sigmoid(z)), Statement(variable("out", (4, 3)), log(p)))  # type: ignore[arg-type]
    program = Program(statements, (), (), (z,), (), ("out",))  # type: ignore[arg-type]
    done = passes.stable_exponentials(program)
    assert numpy_source(done.forward[-1].expression) == "-softplus(-z1)"


@pytest.mark.parametrize(
    ("before", "source"),
    [
        (n.Where(positive, z, exp(z)), "np.where(z1 > 0, z1, np.exp(np.minimum(z1, 0)))"),
        (n.Where(positive, log(z), z), "np.where(z1 > 0, np.log(z1), z1)"),
        (n.Where(n.Compare("<", z, n.Scalar(2)), exp(z), z), "np.where(z1 < 2, np.exp(np.minimum(z1, 2)), z1)"),
        (n.Where(positive, z, tanh(z)), "np.where(z1 > 0, z1, np.tanh(z1))"),
        (n.Where(positive, z, exp(t)), "np.where(z1 > 0, z1, np.exp(t1))"),
        (n.Where(n.Compare("==", z, n.Scalar(0)), z, exp(z)), "np.where(z1 == 0, z1, np.exp(z1))"),
    ],
)
def test_clamp_branches(before: Node, source: str) -> None:
    assert last(passes.clamp_branches, before) == source


def test_step_around_poles() -> None:
    zero, is_zero = n.Scalar(0), n.Compare("==", z, n.Scalar(0))
    lines = after(passes.step_around_poles, n.Where(is_zero, n.Scalar(1), FUNCTIONS["sin"](z) / z))
    assert lines == ["safe1 = np.where(z1 == 0, 1, z1)", "out0 = np.where(z1 == 0, 1, np.sin(safe1) / safe1)"]
    other = n.Where(n.Compare("!=", z, zero), log(z), z)
    assert last(passes.step_around_poles, other) == "np.where(z1 != 0, np.log(safe1), z1)"
    assert after(passes.step_around_poles, n.Where(positive, log(z), z)) == [
        "safe1 = np.where(z1 > 0, z1, 1)",
        "out0 = np.where(z1 > 0, np.log(safe1), z1)",
    ]
    assert after(passes.step_around_poles, n.Where(positive, t, (-z) ** sympy.Rational(1, 3)))[0] == (
        "safe1 = np.where(z1 > 0, -1, z1)"
    )
    assert last(passes.step_around_poles, n.Where(is_zero, zero, t) / z) == "np.where(z1 == 0, 0, t1 / safe1)"
    harmless = [n.Where(is_zero, z, exp(t)), n.Where(is_zero, log(z), tanh(z)), n.Where(is_zero, t, z**2)]
    for each in (*harmless, n.Where(positive, z, zero) / t, n.Where(positive, z, t) / z):
        assert len(after(passes.step_around_poles, each)) == 1


def test_bound_saturated() -> None:
    slope = n.Multiply(z, 1 - tanh(z**3 + 2 * z) ** 2, 1 + z**2)
    assert after(passes.bound_saturated, tanh(z**3 + 2 * z), slope) == [
        "near1 = np.minimum(np.maximum(z1, -3), 3)",
        "out0 = np.tanh(near1**3 + 2 * near1)",
        "out1 = z1 * (1 - np.tanh(near1**3 + 2 * near1) ** 2) * (1 + near1**2)",
    ]
    for other in (tanh(z**3 - z), tanh(z**2 + z), tanh(z**3 + t), tanh(2 * z), tanh(exp(z) + z**3)):
        assert len(after(passes.bound_saturated, other)) == 1


def test_bound_large_powers() -> None:
    root = n.Power(1 + z**2, sympy.Rational(1, 2))
    assert after(passes.bound_large_powers, root, log(2 + z**2), n.Multiply(t, z, 1 / (1 + z**2))) == [
        "near1 = np.minimum(np.maximum(z1, -1000000000), 1000000000)",
        "far1 = np.maximum(np.abs(z1) / 1000000000, 1)",
        "out0 = np.sqrt(1 + near1**2) * far1",
        "near1_2 = np.minimum(np.maximum(z1, -10000000000.0), 10000000000.0)",
        "far1_2 = np.maximum(np.abs(z1) / 10000000000.0, 1)",
        "out1 = np.log(2 + near1_2**2) + 2 * np.log(far1_2)",
        "out2 = t1 * near1 / (1 + near1**2) / far1",
    ]
    for other in (1 / (1 + z**2), log(1 + z**3), log(z**2 - 1), log(t + z**2), (1 + z**2) ** 2, z * (1 + z**2)):
        assert len(after(passes.bound_large_powers, other)) == 1


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_gelu_and_its_slope_do_not_overflow(dtype: str) -> None:
    module = compile_network('Input(1) >> Dense(1, bias=False) >> GELU("tanh") >> Loss("sum(a)")', dtype)
    for value, slope in ((1e20, 1), (-1e20, 0), (1e38, 1), (7.9, 1), (-7.9, 0), (0, 0.5)):
        with np.errstate(over="raise", invalid="raise"):
            loss, grads = module.loss_and_grads({"W1": [[value]]}, [[1.0]], [[0.0]])
        few = 4 * FUNCTION * UNIT[dtype]  # of numbers of up to 1, which are multiplied by the value
        assert_off(loss, value * slope, few * min(abs(value), 10) + UNIT[dtype] * abs(value * slope), value)
        assert_off(grads["W1"][0, 0], slope, few, value)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "rest",
    ["Activation('where(x == 0, 1, sin(x) / x)') >> Loss('sum(a)')", "Loss('sum(where(a == 0, 1, sin(a) / a))')"],
)
def test_what_is_thrown_away_does_not_warn(rest: str, dtype: str) -> None:
    text = f"Input(1) >> Dense(1, bias=False) >> {rest}"
    module = compile_network(text, dtype)
    for value, true, slope in ((0, 1, 0), (np.pi, 0, -1 / np.pi)):
        with np.errstate(all="raise", under="ignore"):
            loss, grads = module.loss_and_grads({"W1": [[value]]}, [[1.0]], [[0.0]])
        assert_off([loss, grads["W1"][0, 0]], [true, slope], 2 * FUNCTION * UNIT[dtype])  # of numbers of up to 1
        assert grads["W1"].dtype == dtype


def test_elu_does_not_overflow() -> None:
    program = passes.run(program_of(elu(1)(z)), line_passes.PASSES)
    with np.errstate(all="raise"):
        found = run(program, {"z1": np.array([[-1.0, 0.0, 5000.0]] * 4)})
    assert_off(found[0], [np.expm1(-1), 0, 5000], FUNCTION * UNIT["float64"])


def test_shifted_softmax_is_shared_between_loss_and_prediction() -> None:
    lines = after(passes.shifted_softmax, n.Softmax(z), -n.Sum(y * log(n.Softmax(z))))
    assert lines == [
        "top1 = z1.max(axis=1, keepdims=True)",
        "shifted1 = z1 - top1",
        "exps1 = np.exp(shifted1)",
        "total1 = exps1.sum(axis=1, keepdims=True)",
        "out0 = exps1 / total1",
        "out1 = -np.sum(y * (shifted1 - np.log(total1)))",
    ]


def test_shifted_softmax_leaves_other_exponentials_alone() -> None:
    assert after(passes.shifted_softmax, exp(z) / n.Sum(exp(t), 1, True)) == [
        "out0 = np.exp(z1) / np.sum(np.exp(t1), axis=1, keepdims=True)"
    ]


@pytest.mark.parametrize(
    "node", [n.Softmax(z), log(n.Softmax(z)), n.LogSumExp(z), n.LogSumExp(z, 1, True), n.LogSumExp(z, 0)]
)
@pytest.mark.parametrize("scale", [0.0, 1.0, 1000.0])
def test_softmax_is_finite(node: Node, scale: float) -> None:
    program = passes.run(program_of(node), line_passes.PASSES)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = run(program, {"z1": scale * np.array([[1.0, -1.0, 0.5]] * 4)})
    assert np.isfinite(found).all() and found.shape == tuple(map(int, node.shape))


def test_light_scalars_move_to_the_smallest() -> None:
    big, thin = variable("big", (100, 50)), variable("thin", (50, 2))
    assert last(passes.light_scalars, (2 * big) @ thin) == "big @ (2 * thin)"
    assert last(passes.light_scalars, (2 * thin.T) @ thin) == "2 * (thin.T @ thin)"
    assert last(passes.light_scalars, big @ thin) == "big @ thin"


def test_transposes_of_products_go_to_the_operands() -> None:
    assert last(passes.light_scalars, (W @ v).T) == "v1.T @ W1.T"


def test_share_names_work_that_stands_twice() -> None:
    assert after(passes.share, z * sigmoid(z), 1 - sigmoid(z)) == [
        "sigmoid1 = sigmoid(z1)",
        "out0 = z1 * sigmoid1",
        "out1 = 1 - sigmoid1",
    ]


def test_share_reads_a_name_where_its_right_side_stands_again() -> None:
    assert after(passes.share, tanh(z), 1 - tanh(z) ** 2) == ["out0 = np.tanh(z1)", "out1 = 1 - out0**2"]


def test_share_names_the_largest_part_only() -> None:
    assert after(passes.share, tanh(exp(z)) + 1, tanh(exp(z)) * t) == [
        "tanh1 = np.tanh(np.exp(z1))",
        "out0 = tanh1 + 1",
        "out1 = tanh1 * t1",
    ]


def test_share_leaves_cheap_and_single_work_alone() -> None:
    assert after(passes.share, z @ W.T, t @ W.T) == ["out0 = z1 @ W1.T", "out1 = t1 @ W1.T"]
    assert after(passes.share, tanh(z), exp(z)) == ["out0 = np.tanh(z1)", "out1 = np.exp(z1)"]
    assert after(passes.share, tanh(z) - y, -y + z) == ["out0 = np.tanh(z1) - y", "out1 = z1 - y"]


def test_dead_statements_go_and_living_ones_stay() -> None:
    program = program_of(tanh(z), exp(z))
    assert [s.name for s in passes.dead(program.returning("out1")).statements] == ["out1"]
    assert [s.name for s in passes.dead(program).statements] == ["out0", "out1"]


def test_short_lines() -> None:
    long = n.Add(*(n.Multiply(exp(n.Scalar(k) * z), tanh(n.Scalar(k) * t)) for k in range(2, 9)))
    lines = after(line_passes.short_lines, long)
    assert len(lines) > 1 and max(map(len, lines)) <= line_passes.WIDTH
    assert after(line_passes.short_lines, tanh(z) + exp(z)) == ["out0 = np.tanh(z1) + np.exp(z1)"]


def test_write_out_knows_a_function_by_its_body_and_not_by_its_name() -> None:
    from symprop.algebra.defined import T
    from symprop.algebra.functions import ElementwiseFunction

    assert last(passes.write_out, ElementwiseFunction("tanh", (T,), T**3)(z)) == "z1**3"
    assert last(passes.write_out, tanh(z)) == "np.tanh(z1)"
    assert last(passes.write_out, FUNCTIONS["relu"](z)) == "np.maximum(z1, 0)"


FORMULAS = [
    z * sigmoid(z) * (1 - sigmoid(z)),
    FUNCTIONS["gelu"](z) * FUNCTIONS["gelu_tanh"](t) - y,
    n.Softmax(z @ W.T) * log(n.Softmax(z @ W.T)),
    n.LogSumExp(z * t) - n.Sum(log(1 + exp(z)), 1),
    n.Where(n.Compare("==", z, n.Scalar(0)), t, tanh(z) / z),
    z * (1 - tanh(z**3 + 2 * z) ** 2) * (1 + z**2) / FUNCTIONS["cosh"](t),
    n.Where(positive, z, exp(z) - 1) @ (sympy.Rational(1, 3) * W),
]


@pytest.mark.parametrize("without", line_passes.PASSES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("formula", FORMULAS, ids=range(len(FORMULAS)))
def test_no_pass_changes_a_value(formula: Node, without: Callable[[Program], Program]) -> None:
    needed = (passes.write_out, passes.shifted_softmax)  # the NumPy table has no source for what they write out
    chosen = tuple(each for each in line_passes.PASSES if each is not without or each in needed)
    program = program_of(formula)
    rng = np.random.default_rng(3)
    values = {given.name: rng.standard_normal([int(size) for size in given.shape]) for given in program.given}
    found = run(passes.run(program, chosen), values)
    assert_rounded(found, counted(formula, values))


def test_a_broken_program_names_the_pass() -> None:
    with pytest.raises(ProgramError, match="after mine: out1 reads t1"):
        checked(Program((Statement(variable("out1", (4, 3)), tanh(t)),), (), (), (), (), ("out1",)), "mine")  # type: ignore[arg-type]
    with pytest.raises(ProgramError, match="after mine: out1 reads t1"):
        checked(Program((Statement(variable("out1", (4, 3)), z * t),), (), (), (z,), (), ("out1",)), "mine")  # type: ignore[arg-type]
    with pytest.raises(ProgramError, match="after mine: one name stands for arrays of two shapes"):
        checked(Program((), (), (), (z, variable("z1", (3,))), (), ()), "mine")  # type: ignore[arg-type]
    twice = Statement(variable("out1", (4, 3)), tanh(z))  # type: ignore[arg-type]
    with pytest.raises(ProgramError, match="assigned twice"):
        checked(Program((twice, twice), (), (), (z,), (), ("out1",)), "mine")  # type: ignore[arg-type]
    with pytest.raises(ProgramError, match="has shapes"):
        checked(Program((Statement(variable("out1", (3,)), tanh(z)),), (), (), (z,), (), ("out1",)), "mine")  # type: ignore[arg-type]
    with pytest.raises(ProgramError, match="nothing assigns"):
        checked(Program((twice,), (), (), (z,), (), ("out2",)), "mine")  # type: ignore[arg-type]


def test_what_must_not_be_in_a_program_is_an_error() -> None:
    """Mistakes of whoever writes a pass or a kind, which no network makes."""
    with pytest.raises(ProgramError, match="a loss in the layout 'rows', not 'example'"):
        lower(symprop.derive("Input(3) >> Dense(2) >> MeanSquaredError()", layout="example"))
    rows = variable("r", (BATCH_SIZE, 3))
    with pytest.raises(ProgramError, match="rows of a batch meet in Extreme"):
        shared_rows(program_of(n.Extreme(rows, 0)))
    found = plan(program_of(tanh(z)))
    with pytest.raises(ProgramError, match="the new value of w does not lie in the memory of the old one"):
        optimizer_step._lines(found, {found.program.forward[0].target: variable("w", (4, 3))}, {})  # type: ignore[dict-item]
    with pytest.raises(LookupError, match="Diagonal is no slice: it needs a row of its own"):
        SOURCE[n.Structural](n.Diagonal(W), NUMPY)
    with pytest.raises(LookupError, match="no source for the size floor"):
        number(sympy.floor(sympy.Symbol("m", integer=True, positive=True) / 2))


def test_names_are_fresh() -> None:
    sums = Variable("dW1_sum", (), (3,))
    assert remat._apart(sums, [sums]).name not in ("dW1_sum", "") and remat._apart(sums, []) == sums
    names = Names({"exp1"})
    assert names.new("exp", z).name == "exp1_2"
    assert names.new("exp", z).name == "exp1_3"


def test_names_are_not_those_of_helpers() -> None:
    x = variable("x", (4, 3))
    assert after(passes.share, x * sigmoid(x), 1 - sigmoid(x))[0] == "sigmoids = sigmoid(x)"
