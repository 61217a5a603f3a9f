"""What is told beside answers, confirmed by numbers: costs, bounds of norms, variances of initialisations."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy
from network_reference import Network
from random_networks import SIZES, network, point

import symprop
from symprop.errors import FormulaError, LimitError, SpecError
from tests.drawn_calls import numpy_words
from trust.measures import Measure, Outcome
from trust.remarks import ROUNDING, numbered

Array = Any


# ---------------------------------------------------------------- costs


class Tally:
    """A number that counts the operations it takes part in: a power by repeated squaring, a sign for nothing."""

    counts: Counter[str] = Counter()

    def _multiplied(self, other: Any) -> Tally:
        Tally.counts["multiplications"] += not (type(other) is int and other in (1, -1))
        return self

    def _added(self, other: Any) -> Tally:
        Tally.counts["additions"] += 1
        return self

    def _compared(self, other: Any) -> Tally:
        Tally.counts["functions"] += 1
        return self

    def __pow__(self, exponent: Any) -> Tally:
        binary = bin(int(exponent))[2:]
        Tally.counts["multiplications"] += len(binary) + binary.count("1") - 2
        return self

    def __neg__(self) -> Tally:
        return self

    def conjugate(self) -> Tally:
        return self

    __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _multiplied
    __add__ = __radd__ = __sub__ = __rsub__ = _added
    __gt__ = __lt__ = __ge__ = __le__ = _compared


def _function(*arrays: Any) -> Array:
    """Evaluate a function of each element."""
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    Tally.counts["functions"] += int(np.prod(shape))
    return np.full(shape, Tally(), dtype=object)


COUNTED: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(
        ("tanh", "sigmoid", "relu", "exp", "log", "softplus", "silu", "gelu", "sin", "abs", "elu"), _function
    ),
    **{"where": _function, "maximum": _function, "sum": np.sum, "outer": np.outer, "transpose": np.transpose},
}
"""The functions that may stand in an equation whose operations are counted."""
LAYERS_COUNTED = (
    *("Dense({})", "Dense({})", "Dense({}, bias=False)", "Tanh()", "Sigmoid()", "ReLU()", "Softplus()", "ELU()"),
    *("Residual(Dense({0}) >> Tanh() >> Dense({0}))", "Sum(Dense({0}), Dense({0}) >> Sigmoid())", "SiLU()"),
    *("GLU({})", "Multiply(Dense({0}), Dense({0}) >> ReLU())", "Highway(Dense({0}) >> Tanh())"),
)
LOSSES_COUNTED = ("MeanSquaredError()", 'Loss("sum((a - y)**4) / 4")', "MeanSquaredError() + L2(0.1)")


def counted_network(random: np.random.Generator) -> str:
    """Return a network whose equations NumPy can run on counting numbers."""
    width = int(random.integers(2, 6))
    layers = [f"Input({'5, ' * int(random.integers(2))}{width})"]
    for _ in range(int(random.integers(1, 5))):
        layer = str(random.choice(LAYERS_COUNTED))
        keeps = layer.startswith(("Residual", "Highway"))
        width = width if keeps or "{" not in layer else int(random.integers(2, 6))
        layers.append(layer.format(width))
    return " >> ".join([*layers, f"Dense({width})", str(random.choice(LOSSES_COUNTED))])


def costs(cases: int, seed: int) -> Outcome:
    """Run the equations of random networks on numbers that count, and compare with the polynomials."""
    failures, told = [], Counter[str]()
    for number in range(cases):
        random = np.random.default_rng([seed, number])
        text = counted_network(random)
        layout = ("example", "rows", "columns")[number % 3]
        derivation = symprop.derive(text, layout=layout)
        m = {size: 3 for row in derivation.cost().rows for size in row.operations.total.free_symbols}
        numbers = {str(size): count for size, count in m.items()}
        for row, equation in zip(derivation.cost().rows, derivation.equations, strict=True):
            assert row.name == equation.name
            written = equation.expression.text()
            if not _is_counted(written):
                told["equations left out"] += 1
                continue
            shapes = {
                each.name: tuple(int(size.subs(m)) for size in each.shape)
                for each in equation.expression.atoms(symprop.Variable)
            }
            arrays = {name: np.full(shape, Tally(), dtype=object) for name, shape in shapes.items()}
            Tally.counts = Counter()
            eval(written, {**COUNTED, **numbers, "ones": np.ones, **arrays})  # what symprop printed
            counts = row.operations
            wanted = [int(sympy.sympify(getattr(counts, part)).subs(m)) for part in PARTS]
            told["equations"] += 1
            if wanted != [Tally.counts[part] for part in PARTS]:
                found = [Tally.counts[part] for part in PARTS]
                failures.append(f"{text} in {layout}: {equation.name} = {written}: {found} run, {wanted} counted")
    return Outcome(cases, tuple(failures), dict(told))


PARTS = ("multiplications", "additions", "functions")


def _is_counted(written: str) -> bool:
    """Whether only counted functions stand in a text, and nothing in it stands twice or is a matrix of ones."""
    tree = ast.parse(written, mode="eval").body
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    if any(not isinstance(call.func, ast.Name) or call.func.id not in COUNTED for call in calls):
        return False
    worked = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, (ast.BinOp, ast.Call)) and any(isinstance(part, ast.Name) for part in ast.walk(node))
    ]
    return len(worked) == len(set(worked))


# ---------------------------------------------------------------- bounds and variances


def bounds(cases: int, seed: int) -> Outcome:
    """Compare bounds of Jacobians of random networks with the norms that are measured."""
    failures, told, number, tightest = [], 0, 0, 0.0
    while told < cases:
        random = np.random.default_rng([seed, number])
        number += 1
        text = network(random)
        read_again = Network(text, SIZES)
        if (
            len(read_again.inputs) > 1
            or read_again.ids
            or read_again.masks
            or read_again.ends[0].keywords
            or "BatchNorm" in text
        ):
            continue
        try:
            derivation = symprop.derive(numbered(text))
            bound = derivation.bound(derivation.system.output.name, derivation.system.inputs[0].name)
        except (SpecError, FormulaError, LimitError):
            continue  # no bound is known, which symprop says
        measured_once = False
        for scale in (1.0, 3.0):
            params, x, _ = point(read_again, random)
            params = {name: scale * value for name, value in params.items()}
            norms = {each: float(np.linalg.norm(params[str(each).strip("|")], 2)) for each in bound.free_symbols}
            largest = float(bound.subs(norms))
            jacobian = _jacobian(read_again, params, x)
            if not np.isfinite(jacobian).all():
                continue  # the second reader's exp overflows so far out
            measured_once, measured = True, float(np.linalg.norm(jacobian, 2))
            tightest = max(tightest, measured / largest if largest else 0)
            if not measured <= largest * (1 + ROUNDING):
                failures.append(f"{text}: the norm {measured:.3g} is above {bound} = {largest:.3g}")
        told += measured_once
    return Outcome(told, tuple(failures), {"nearest to its bound": f"{tightest:.2f}"})


def _jacobian(net: Network, params: dict[str, Array], x: dict[str, Array]) -> Array:
    """Return the Jacobian of the output with respect to the first example, by the complex step of the second reader."""
    ((name, batch),) = x.items()
    columns = []
    for place in np.ndindex(batch.shape[1:]):
        moved = batch[:1].astype(complex)
        moved[(0, *place)] += 1e-30j
        columns.append(np.imag(net.output({**params, f"input {name}": moved}, moved)).ravel() / 1e-30)
    return np.stack(columns, axis=1)


ACTIVATIONS = (
    *("tanh(x)", "maximum(x, 0)", "sigmoid(x)", "x * sigmoid(x)", "softplus(x)", "sin(x)", "arctan(x)", "x"),
    *("where(x > 0, x, {0} * x)", "{0} * tanh({1} * x) + {1} * x", "where(x > 0, x, {0} * (exp(x) - 1))", "erf(x)"),
    *("{0} * maximum(x, 0) - {1} * maximum(-x, 0)", "exp(-x**2 / 2) * x", "abs(x) + {0} * x", "gelu(x)"),
)
DRAWS, INPUTS, OUTPUTS, DEVIATIONS = 20_000, 12, 7, 6.0
"""A sample's mean may be off by so many of its own standard deviations: by chance once in 10**9."""


def variances(cases: int, seed: int) -> Outcome:
    """Draw weights with the variances that are derived, and measure what becomes of signal and gradient."""
    failures, worst = [], 0.0
    for number in range(cases):
        random = np.random.default_rng([seed, number])
        text = ACTIVATIONS[number % len(ACTIVATIONS)].format(*np.round(random.uniform(0.1, 1.5, 2), 3))
        found = symprop.initialisation(text, inputs=INPUTS, outputs=OUTPUTS)

        def phi(x: Array, text: str = text) -> Array:
            return np.asarray(eval(text, {**numpy_words(), "x": x}))  # a text of this module

        x = random.normal(size=(DRAWS, INPUTS))
        forward = (random.normal(size=x.shape) * float(found.forward) ** 0.5 * phi(x)).sum(axis=1) ** 2
        z, step = random.normal(size=DRAWS), 1e-6
        slope = (phi(z + step) - phi(z - step)) / (2 * step)
        arriving = random.normal(size=(DRAWS, OUTPUTS)) * random.normal(size=(DRAWS, OUTPUTS))
        backward = (slope * arriving.sum(axis=1) * float(found.backward) ** 0.5) ** 2
        for what, squares in (("signal", forward), ("gradient", backward)):
            off = abs(squares.mean() - 1) / (squares.std() / DRAWS**0.5)
            worst = max(worst, off)
            if not off <= DEVIATIONS:
                failures.append(f"{text}: the {what} has the variance {squares.mean():.3f}")
    return Outcome(cases, tuple(failures), {"worst, in standard deviations": round(worst, 1)})


MEASURES = (
    Measure(
        "costs",
        "Each equation takes as many operations as its polynomial says, where NumPy runs it on numbers that count.",
        costs,
        short=6,
        usual=400,
        long=5000,
    ),
    Measure(
        "bounds of norms",
        "The norm of a Jacobian is never above its bound.",
        bounds,
        short=4,
        usual=300,
        long=5000,
    ),
    Measure(
        "variances of starts",
        "Weights of the derived variance keep the size of signal and gradient, within the error of the sample.",
        variances,
        short=16,
        usual=400,
        long=4000,
    ),
)
