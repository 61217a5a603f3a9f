"""Loops: what is derived for a general step is the derivative of the same equations written out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
import sympy
from sympy import Symbol

from symprop.algebra import nodes as n
from symprop.algebra import roles
from symprop.algebra.batching import batched_system
from symprop.algebra.equations import Carry, Equation, Item, Loop, Rows, System, equations_in
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.indices import RowIndex
from symprop.algebra.names import gradient_of, size_symbol
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables
from symprop.algebra.unrolling import unrolled, written_out
from symprop.calculus.walk import derive_system
from symprop.networks.spec import parse_network
from symprop.verify.arithmetic import Complex
from symprop.verify.evaluate import Evaluator, stacked, unstacked

STEP = 2.0**-333
ROUNDING = 1e-11
"""Of the largest slope: some hundred sums and products of float64 numbers of size one, each rounded by 1e-16."""

tanh, sigmoid = FUNCTIONS["tanh"], FUNCTIONS["sigmoid"]
t, T = (Symbol(name, integer=True, positive=True) for name in "tT")
i, U = (Symbol(name, integer=True, positive=True) for name in "iU")
width, inputs = size_symbol("n"), size_symbol("d")


def checked(system: System, numbers: dict[Symbol, int], seed: int = 0) -> None:
    """Compare the derived backward pass, written out, with the complex step of the forward pass, written out."""
    backward, _ = derive_system(system)
    assert not free_indices(backward, {loop.index for loop in system.loops})
    sizes = {width: 3, inputs: 2, Symbol("m", integer=True, positive=True): 4, **numbers}
    rng = np.random.default_rng(seed)
    plain = unrolled(system, numbers)

    def drawn(variable: Variable) -> np.ndarray:
        return rng.normal(size=tuple(int(size.subs(sizes)) for size in variable.shape))

    given = (*plain.parameters, *plain.inputs, *plain.targets)
    values = {variable.name: drawn(variable) for variable in given}
    assert plain.loss is not None and len(values) == len(given)

    def loss(moved: dict[str, np.ndarray]) -> complex:
        run = Evaluator(Complex(), stacked(moved, Complex()), sizes)
        run.run(plain.equations)
        assert plain.loss is not None
        return complex(unstacked(run.values[plain.loss.name]))

    run = Evaluator(Complex(), stacked(values, Complex()), sizes)
    run.run([*plain.equations, *written_out(backward, {s: sympy.Integer(k) for s, k in numbers.items()})])
    for parameter in plain.parameters or plain.inputs:
        found = unstacked(run.values[gradient_of(parameter).name]).real
        true = np.zeros_like(values[parameter.name])
        for place in np.ndindex(true.shape):
            moved = values[parameter.name].astype(complex)
            moved[place] += 1j * STEP
            true[place] = loss({**values, parameter.name: moved}).imag / STEP
        np.testing.assert_allclose(found, true, rtol=0, atol=ROUNDING * max(1.0, np.abs(true).max()))


def free_indices(items: Iterable[Item], indices: set[Symbol], bound: frozenset[Symbol] = frozenset()) -> set[Symbol]:
    """The indices of loops in equations that no loop or series around them binds."""
    free: set[Symbol] = set()
    for item in items:
        if isinstance(item, Loop):
            free |= free_indices(item.base, indices, bound) | free_indices(item.items, indices, bound | {item.index})
        else:
            found = _symbols(item.target, frozenset()) | _symbols(item.expression, frozenset())
            free |= (found & indices) - bound
    return free


def _symbols(node: Node, bound: frozenset[Symbol]) -> set[Symbol]:
    if isinstance(node, n.BlockSum):
        bound = bound | {node.index}
    found = {symbol for symbol in node.free_symbols if isinstance(symbol, Symbol)} if not node.operands else set()
    for operand in node.operands:
        found |= _symbols(operand, bound)
    return found - bound


def pre(letter: str, index: tuple[object, ...]) -> Variable:
    return Variable(letter, index, (width,), (), 1, roles.PRE_ACTIVATION)


def act(letter: str, index: tuple[object, ...]) -> Variable:
    return Variable(letter, index, (width,), (), 1, roles.ACTIVATION)


X = Variable("x", (), (T, inputs), (), 1, roles.INPUT)
Y = Variable("y", (), (T, width), (), 1, roles.TARGET)
H = Variable("h", (1,), (T, width), (), 1, roles.ACTIVATION)
y = Variable("y", (), (width,), (), 1, roles.TARGET)


def parameter(letter: str, *shape: object) -> Variable:
    return Variable(letter, (1,), shape, (), 1, roles.PARAMETER)


W, R, b = parameter("W", width, inputs), parameter("R", width, width), parameter("b", width)
x_t = Variable("x", (RowIndex(t),), (inputs,), (), 1, roles.INPUT)
L = Variable("L", (), (), (), 1, roles.LOSS)


def half_square(a: Node, b: Node) -> Node:
    return n.Multiply(n.Scalar(sympy.Rational(1, 2)), n.Sum(n.Power(a - b, 2)))


def recurrent(sequence: bool) -> System:
    """A plain recurrent layer: rows read, one carry, shared parameters; all outputs, or the last."""
    z, h, before = pre("z", (1, t)), act("h", (1, t)), act("h", (1, t - 1))
    step = (Equation(z, W @ x_t + R @ before + b), Equation(h, tanh(z)))
    writes = (Rows(h, H),) if sequence else ()
    loop = Loop(t, T, step, (Carry(before, h),), (Rows(x_t, X),), writes)
    start = Equation(act("h", (1, 0)), n.Fill(0, (width,)))
    output, target = (H, Y) if sequence else (act("h", (1, T)), y)
    items = (start, loop, Equation(L, half_square(output, target)))
    return System(items, (X,), (target,), (W, R, b), output, L)


def gated() -> System:
    """Two carries, as in an LSTM: the gates from rows and the state, the cell, the output, all of them read."""
    gates = {letter: (pre(f"z{letter}", (1, t)), act(letter, (1, t))) for letter in "ifgo"}
    weights = {letter: tuple(parameter(f"{kind}{letter}", width, size) for kind, size in (("W", inputs), ("R", width)))
               for letter in "ifgo"}  # fmt: skip
    h, c = act("h", (1, t)), act("c", (1, t))
    h0, c0 = act("h", (1, t - 1)), act("c", (1, t - 1))
    step: list[Equation] = []
    for letter, (z, a) in gates.items():
        z = z.change(role=roles.ACTIVATION)  # one delta for each index is what names allow
        w, r = weights[letter]
        step += [Equation(z, w @ x_t + r @ h0), Equation(a, (tanh if letter == "g" else sigmoid)(z))]
    a = {letter: pair[1] for letter, pair in gates.items()}
    step += [Equation(c, a["f"] * c0 + a["i"] * a["g"]), Equation(h, a["o"] * tanh(c))]
    loop = Loop(t, T, tuple(step), (Carry(h0, h), Carry(c0, c)), (Rows(x_t, X),), (Rows(h, H),))
    learned = parameter("c", width)
    starts = (Equation(act("h", (1, 0)), n.Fill(0, (width,))), Equation(act("c", (1, 0)), 1 * learned))
    items = (*starts, loop, Equation(L, half_square(H, Y)))
    return System(items, (X,), (Y,), (*(each for pair in weights.values() for each in pair), learned), H, L)


def stacked_layers() -> System:
    """A recurrent layer on a recurrent layer: rows that one loop makes are rows that the next one reads."""
    first = recurrent(True)
    W2, R2 = W.change(index=(2,), shape=(width, width)), R.change(index=(2,))
    z, h, before = pre("z", (2, t)), act("h", (2, t)), act("h", (2, t - 1))
    row, whole = act("h", (1, t)), H.change(index=(2,))
    step = (Equation(z, W2 @ row + R2 @ before), Equation(h, tanh(z)))
    loop = Loop(t, T, step, (Carry(before, h),), (Rows(row, H),), (Rows(h, whole),))
    start = Equation(act("h", (2, 0)), n.Fill(0, (width,)))
    more = (start, loop, Equation(L, half_square(whole + H, Y)))  # and H is read beside it
    return System((*first.items[:-1], *more), (X,), (Y,), (W, R, b, W2, R2), whole, L)


def scanned(parameters: tuple[Variable, ...], output: Node) -> System:
    """Sums of rows without weights, `h[t] = tanh(h[t - 1] + x[t])`, and a loss of some output."""
    whole, row = X.change(shape=(T, width)), x_t.change(shape=(width,))
    h, before = act("h", (1, t)), act("h", (1, t - 1))
    loop = Loop(t, T, (Equation(h, tanh(before + row)),), (Carry(before, h),), (Rows(row, whole),), (Rows(h, H),))
    start = Equation(act("h", (1, 0)), n.Fill(0, (width,)))
    return System((start, loop, Equation(L, half_square(output, Y))), (whole,), (Y,), parameters, H, L)


SYSTEMS = {
    "all outputs": recurrent(True),
    "the last output": recurrent(False),
    "two carries": gated(),
    "a layer on a layer": stacked_layers(),
    "an input that is read behind the loop": scanned((), H + X.change(shape=(T, width))),
    "a loop that nothing reads": scanned((b,), b * X.change(shape=(T, width))),
}


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("name", SYSTEMS)
def test_time_is_a_loop(name: str, steps: int) -> None:
    checked(SYSTEMS[name], {T: steps})


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("name", SYSTEMS)
def test_time_in_batches(name: str, layout: str) -> None:
    checked(batched_system(SYSTEMS[name], layout), {T: 2})


def test_the_recurrence_in_time_reads_as_in_a_textbook() -> None:
    backward, _ = derive_system(recurrent(True))
    found = {equation.name: equation.expression.text() for equation in equations_in(backward)}
    assert found == {
        "dh1": "h1 - y",
        "delta1[T]": "dh1[T] * (1 - h1[T] * h1[T])",
        "delta1[t]": "(dh1[t] + R1.T @ delta1[t + 1]) * (1 - h1[t] * h1[t])",
        "dW1": "sum([outer(delta1[t], x[t]) for t in range(1, T + 1)], axis=0)",
        "dR1": "sum([outer(delta1[t], h1[t - 1]) for t in range(1, T + 1)], axis=0)",
        "db1": "sum([delta1[t] for t in range(1, T + 1)], axis=0)",
    }


def test_what_flows_to_an_input_from_a_loop_and_beside_it_is_added() -> None:
    backward, _ = derive_system(SYSTEMS["an input that is read behind the loop"])
    found = {equation.name: equation.expression.text() for equation in equations_in(backward)}
    assert found["dx_2[t]"] == "dh1[t] * (1 - h1[t] * h1[t])"
    assert found["dx"] == "dx_2 + h1 + x - y"


def test_a_loop_that_nothing_reads_has_no_backward_pass() -> None:
    backward, _ = derive_system(SYSTEMS["a loop that nothing reads"])
    assert [equation.text() for equation in equations_in(backward)] == ["db1 = sum((b1 * x - y) * x, axis=0)"]


N, K = (Symbol(name, integer=True, positive=True) for name in "NK")
NETWORKS = {
    "Repeat(Dense(n) >> Tanh(), N, tied=True)": {N: 3},
    "Repeat(Repeat(Dense(n) >> Tanh(), K) >> Dense(n), N)": {N: 2, K: 3},
    "Repeat(Residual(Repeat(Dense(n) >> Tanh(), K, tied=True)), N)": {N: 2, K: 3},
    "Repeat(Repeat(Residual(Dense(n) >> Tanh()), K), N, tied=True) >> Dense(n)": {N: 2, K: 3},
    "Repeat(Repeat(Dense(n) >> Tanh(), K, tied=True), N, tied=True)": {N: 3, K: 2},
    'Dense(n) >> Repeat(Dense(n, tied="W1") >> Tanh(), N)': {N: 3},
    "Repeat(Residual(Residual(Dense(n) >> Tanh()) >> Dense(n)), N)": {N: 3},
    "Repeat(Residual(Repeat(Residual(Dense(n) >> Tanh()), K) >> Dense(n)), N)": {N: 3, K: 2},
}


@pytest.mark.parametrize("layout", ["example", "rows"])
@pytest.mark.parametrize("penalty", ["", " + L2(0.1)"])
@pytest.mark.parametrize("block", NETWORKS)
def test_blocks_are_loops(block: str, penalty: str, layout: str) -> None:
    network = parse_network(f"Input(n) >> {block} >> MeanSquaredError(){penalty}")
    checked(network.system(layout), NETWORKS[block])


def test_an_adjoint_that_a_loop_inside_a_block_makes_is_a_part_of_that_of_the_block() -> None:
    network = parse_network("Input(T, n) >> Repeat(Residual(RNN(n)), N) >> MeanSquaredError()")
    made = list(equations_in(derive_system(network.system())[0]))
    assert not [each.name for each in made if each.target in variables(each.expression)]
    assert any(each.target.mark > 2 and each.name.startswith("da") for each in made)  # one part: the other passes by
