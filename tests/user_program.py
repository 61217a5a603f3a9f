"""A program as a user writes one: every public name in use, with the types that a checker sees.

`make lint` checks it with mypy --strict; `tests/test_user_program.py` runs it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, assert_type

import numpy as np

import symprop
from symprop import Dense, Input, MeanSquaredError, Network, Tanh


def formulas() -> list[str]:
    """Ask about formulas."""
    f = assert_type(symprop.formula("x @ A @ x", x="n", A="n n"), symprop.Formula)
    g = assert_type(symprop.gradient(f, "x"), symprop.Answer)
    every = assert_type(symprop.gradient("x @ A @ x"), symprop.Answers)
    assert_type(symprop.jacobian("A @ x", "x", A="m n", x="n"), symprop.Answer)
    assert_type(symprop.hessian(f, "x", vec="columns"), symprop.Answer)
    products = [symprop.vjp(f, "x"), symprop.jvp(f, "x", "h"), symprop.hvp(f, "x")]
    value = g(x=np.ones(2), A=np.eye(2))
    same = assert_type(symprop.compare(g, "(A + A.T) @ x", A="n n", x="n"), symprop.Comparison)
    right = assert_type(symprop.certify(f, lambda A, x: A @ x + A.T @ x, wrt="x"), symprop.Certification)
    homework = assert_type(symprop.report(g, sizes={"n": 2}, without=["certificate"]), symprop.Report)
    tex = assert_type(symprop.latex_formula(r"\log\det X", X="n n"), symprop.Formula)
    W, x = symprop.variable("W1", (2, 3)), symprop.variable("x", (3,))
    node: symprop.Node = symprop.read_latex("W_1 x", [W, x])
    variable: symprop.Variable = x
    said = [g.text(), every["A"].latex(), *(each.pretty() for each in products), str(value.shape), same.message]
    return [
        *said,
        homework.title,
        right.message,
        tex.source,
        node.text(),
        variable.name,
        *(step.rule for step in g.steps()),
    ]


def derivations() -> list[str]:
    """Derive, print, check, generate and report."""
    net = assert_type(symprop.parse_network("Input(n) >> Dense(2) >> Tanh() >> MeanSquaredError()"), Network)
    sizes = {"n": 3}
    d = assert_type(symprop.derive(net, sizes=sizes), symprop.Derivation)
    system: symprop.System = d.system
    equations: list[symprop.Equation] = list(d.equations)
    step: symprop.Step = d.steps("W1")[0]
    loops: tuple[symprop.Loop, ...] = system.loops
    source = assert_type(symprop.generate(net, sizes=sizes), str)
    module = assert_type(symprop.compile(net, sizes=sizes), ModuleType)
    certificate = assert_type(symprop.check(net, sizes=sizes, limit=20), symprop.Certificate)
    report = assert_type(symprop.report(net, sizes=sizes, without=["certificate"]), symprop.Report)
    case = symprop.Case(net).with_sizes(sizes)
    change = assert_type(symprop.diff(net, case), symprop.NetworkDifference)
    start = symprop.initialisation(Tanh())
    said = [
        d.delta(1).text(),
        *symprop.norms_over_time("Input(3, 2) >> RNN(2) >> MeanSquaredError()", examples=1),
        str(len(equations)),
        step.rule,
        str(len(loops)),
        source[:20],
        module.__name__,
        str(start),
    ]
    more = [certificate.summary, report.title, str(bool(change)), symprop.diagram(d)[:4], case.network.text]
    return [*said, *more]


def layers() -> list[str]:
    """Name every layer."""
    swish = symprop.Activation("x * sigmoid(x)", name="swish")
    own = symprop.Loss("sum((a - y)**2)")
    each: list[Any] = [symprop.ELU(), symprop.GELU(), symprop.LeakyReLU(), symprop.PReLU(), symprop.ReLU(), swish]
    each += [symprop.Sigmoid(), symprop.SiLU(), symprop.Softmax(), symprop.Softplus(), symprop.Identity(), Tanh()]
    each += [symprop.GLU(4), symprop.SwiGLU(4), symprop.Highway(Dense(3) >> Tanh()), symprop.Dropout(0.5)]
    each += [symprop.LayerNorm(), symprop.RMSNorm(), symprop.BatchNorm(), symprop.GroupNorm(1), symprop.Flatten()]
    each += [symprop.Conv1D(2, 3), symprop.Conv2D(2, 3), symprop.ConvTranspose2D(2, 2), symprop.UpSample2D(2)]
    each += [symprop.MaxPool1D(2), symprop.MaxPool2D(2), symprop.AveragePool1D(2), symprop.AveragePool2D(2)]
    each += [symprop.GlobalAveragePool(), symprop.Attention(heads=2), symprop.Positions(), symprop.At(0)]
    each += [symprop.Bidirectional(symprop.LSTM(2))]
    each += [symprop.SinusoidalPositions(), symprop.ClassToken(), symprop.Embedding(5, 3)]
    each += [symprop.Residual(Dense(3)), symprop.Repeat(symprop.Residual(Dense(3)), 2)]
    each += [kind(Dense(3), Dense(3)) for kind in (symprop.Sum, symprop.Multiply, symprop.Concatenate)]
    each += [symprop.RNN(4), symprop.GRU(4), symprop.LSTM(4), symprop.Scan("h = tanh(W @ x + R @ h_prev)", h=4)]
    losses: list[Any] = [MeanSquaredError(), symprop.MeanAbsoluteError(), symprop.Huber(), symprop.Hinge(), own]
    losses += [symprop.SquaredHinge(), symprop.BinaryCrossEntropy(), symprop.SoftmaxCrossEntropy()]
    losses += [symprop.KLDivergence()]
    penalised = Input(2) >> Dense(1) >> MeanSquaredError() + symprop.L2(0.1) + symprop.L1(0.1)
    optimisers = [symprop.SGD(), symprop.Momentum(schedule=symprop.Constant()), symprop.AdamW()]
    scheduled = symprop.Adam(lr=0.01, schedule=symprop.Warmup(10) >> symprop.Cosine(100))
    return [str(part) for part in (*each, *losses, penalised, *optimisers, scheduled)]


def files(folder: Path) -> str:
    """Load weights; the errors that may come have one base."""
    kinds: tuple[type[symprop.SympropError], ...] = (
        *(symprop.DataError, symprop.FormulaError, symprop.LimitError, symprop.OutputError, symprop.ReadingError),
        *(symprop.ShapeError, symprop.SpecError, symprop.SymbolNameError),
    )
    warning: type[UserWarning] = symprop.SympropWarning
    model: symprop.Model
    try:
        model = symprop.load_weights(folder / "none.npz")
    except symprop.SympropError as problem:
        return f"{type(problem).__name__} is one of {len(kinds)}, {problem.exit_code}, {warning.__name__}"
    return model.network.text


def imported(module: Any) -> symprop.Imported:
    """Read a model of PyTorch."""
    return symprop.from_torch(module)


PARTS: tuple[Callable[[], list[str]], ...] = (formulas, derivations, layers)
