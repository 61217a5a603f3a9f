"""What is said of answers, confirmed by numbers: remarks, costs, bounds of norms, variances of initialisations."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy
from network_reference import Network
from random_networks import SIZES, network, point

import symprop
from symprop.algebra.formula import Formula
from symprop.errors import FormulaError, LimitError, SpecError
from symprop.formulas.checks.checks import chosen_points
from symprop.formulas.checks.oracles import SECOND_ORDER, first_order, second_order
from symprop.formulas.checks.points import FormulaPoint
from symprop.formulas.result import Result
from tests.random_losses import LEAVES, WAYS, Draw, read
from trust.formulas import ASKED, drawn, numpy_words
from trust.measures import Measure, Outcome

Array = Any
ROUNDING = 1e-9
"""Of the largest element: what some thousand roundings can leave where nothing should be."""

CONVEX = (
    *("logsumexp((<m n>) @ v)", "sum(softplus((<m n>) @ v))", "sum(((<m n>) @ v - (<m>))**2) / 2", "v @ M @ v"),
    *("norm((<m n>) @ v)**2 / 2 + sum(v**2)", "-sum(log(1 + exp((<m n>) @ v)))", "sum((<n>) * v)**2", "sum(exp(v))"),
    *("sum(log(1 + exp(-y * ((<m n>) @ v))))", "((<n>) @ v)**2 / 2", "v @ S @ v", "-(v @ v)", "sum((<m>)) * sum(v)"),
)
"""Losses whose Hessian by v often has a sign; `<m n>` is a random matrix."""
OF_MATRICES = (
    "sum(((<m n>) @ C)**2)",
    "norm((C @ (<n n>)))**2",
    "sum((C @ v - w)**2)",
    "trace(C.T @ S @ C)",
    "logdet(M)",
)


# ---------------------------------------------------------------- remarks


def remarked(number: int, seed: int) -> tuple[str, str, str]:
    """Return what is asked, a random formula, and the variable, or none: any of the formula."""
    random = np.random.default_rng((seed, number))
    draw = Draw(random, WAYS, {shape: tuple(names) for shape, names in LEAVES.items()})
    kind = ("convex", "convex", "hessian", "jacobian", "gradient", "matrix")[number % 6]
    if kind == "convex":
        return "hessian", draw.filled(draw.one(CONVEX), "", 2), "v"
    if kind == "matrix":
        return "hessian", draw.filled(draw.one(OF_MATRICES), "", 1), ""
    return kind, drawn(kind, random), ""


def true_at(result: Result, at: FormulaPoint) -> Array:
    """Return the right answer at a point, which no rule has made."""
    if result.kind in SECOND_ORDER:
        return np.asarray(second_order(result, at), dtype=float)
    return np.asarray(first_order(result, at))


def _scale(matrix: Array) -> float:
    return ROUNDING * max(1e-6, float(np.max(np.abs(matrix), initial=0)))


def _off_blocks(matrix: Array, result: Result, at: FormulaPoint, remark: str) -> Array:
    """Return what is left of a matrix that is said to be copies of a block beside each other, or interleaved."""
    count = eval(re.split(": | copies", remark)[1], {str(size): number for size, number in at.sizes.items()})
    rows, columns = (length // count for length in matrix.shape)
    if remark.startswith("block"):
        return matrix - np.kron(np.eye(count), matrix[:rows, :columns])
    return matrix - np.kron(matrix[::count, ::count], np.eye(count))


def _left(remark: str, matrix: Array, result: Result, at: FormulaPoint) -> Array | None:
    """Return what must be 0, but for rounding, where a remark holds; None of a remark that says another thing."""
    sign = re.match(r"(positive|negative) (semi)?definite$", remark)
    if sign:
        values = np.linalg.eigvalsh((matrix + matrix.T) / 2)
        return np.minimum(values if sign[1] == "positive" else -values, 0)
    if remark == "symmetric":
        return matrix - matrix.T
    if remark == "diagonal":
        return matrix - np.diag(np.diag(matrix))
    if remark == "rank one":
        return np.linalg.svd(matrix, compute_uv=False)[1:]
    if remark.startswith("zero, because"):
        return matrix
    if remark.startswith(("block diagonal: ", "interleaved: ")):
        return _off_blocks(matrix, result, at, remark)
    return None


def _moved(result: Result, at: FormulaPoint, name: str) -> Array:
    """Return how the right answer changes where a variable takes another value."""
    for other in chosen_points(result, 77, wanted=3):
        if other.sizes == at.sizes and np.shape(other.values[name]) == np.shape(at.values[name]):
            both = FormulaPoint(
                at.sizes,
                {**at.values, name: other.values[name]},
                {**at.precise, name: other.precise[name]},
            )
            return true_at(result, both) - true_at(result, at)
    return np.zeros(1)


def on_formulas(cases: int, seed: int) -> Outcome:
    """Ask the remarks on random formulas at random points, of the derivative that no rule has made."""
    told: Counter[str] = Counter()
    failures = []
    for number in range(cases):
        kind, text, name = remarked(number, seed)
        f: Formula = read(text)
        names = [each.name for each in f.variables if "index" not in each.facts_by_kind]
        name = name if name in names else names[number % len(names)]
        result = ASKED[kind](f, name)
        for remark in symprop.Answer(result).remarks:
            for at in chosen_points(result, seed, wanted=2):
                matrix = true_at(result, at)
                if remark.startswith("does not depend on "):
                    left: Array | None = np.concatenate(
                        [_moved(result, at, each).ravel() for each in remark[19:].split(", ")]
                    )
                else:
                    left = _left(remark, matrix, result, at)
                if left is None:
                    continue
                told[re.split("[:,]| on ", remark)[0]] += 1
                if not np.max(np.abs(left), initial=0) <= _scale(matrix):
                    failures.append(f"{kind} of {text} by {name}: {remark}")
                    break
    return Outcome(cases, tuple(failures), dict(sorted(told.items())))


def on_networks(cases: int, seed: int) -> Outcome:
    """Ask the remark that a gradient is zero of random networks, by the second reader."""
    failures, told = [], 0
    for number in range(cases):
        random = np.random.default_rng([seed, number])
        text = _with_idle(network(random, places=number % 2 == 1), random)
        net, read_again = _numbered(text), Network(text, SIZES)
        said = " ".join(each for each in symprop.derive(net).remarks if " is zero" in each)
        params, x, y = point(read_again, random)
        for name in re.findall(r"\bd(\w+)(?= is zero|[,;. ]|$)", said):
            if name not in params:
                continue
            told += 1
            along = {other: np.zeros(np.shape(held)) for other, held in params.items()}
            along[name] = random.normal(size=np.shape(params[name]))
            if not abs(read_again.derivative(params, x, y, along)) <= ROUNDING:
                failures.append(f"{text}: d{name} is not zero")
    return Outcome(cases, tuple(failures), {"gradients said to be zero": told})


def _with_idle(text: str, random: np.random.Generator) -> str:
    """Return a network with something in it that receives no gradient, more often than not."""
    before = random.choice(["Dense(4) >> BatchNorm() >> ", "Dense(3) >> LayerNorm() >> Dense(3) >> ", ""])
    *layers, last = text.split(" >> ")
    return " >> ".join([layers[0], *layers[1:], *([before + last] if _keeps_width(last) else [last])])


def _keeps_width(loss: str) -> bool:
    return not any(word in loss for word in ("weights=", "mask=", "Binary", "ignore=", "class", "tied"))


def _numbered(text: str) -> symprop.Network:
    """Return a network with numbers for its names."""
    names = symprop.parse_network(text)
    counted = names.with_sizes({name: SIZES[name] for name in names.sizes if name in SIZES})
    return counted.with_sizes({name: SIZES[name] for name in counted.sizes})


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
            derivation = symprop.derive(_numbered(text))
            bound = derivation.bound(derivation.system.output.name, derivation.system.inputs[0].name)
        except (SpecError, FormulaError, LimitError):
            continue  # no bound is known, which symprop says
        told += 1
        for scale in (1.0, 3.0):
            params, x, _ = point(read_again, random)
            params = {name: scale * value for name, value in params.items()}
            norms = {each: float(np.linalg.norm(params[str(each).strip("|")], 2)) for each in bound.free_symbols}
            largest = float(bound.subs(norms))
            measured = float(np.linalg.norm(_jacobian(read_again, params, x), 2))
            tightest = max(tightest, measured / largest if largest else 0)
            if not measured <= largest * (1 + ROUNDING):
                failures.append(f"{text}: the norm {measured:.3g} is above {bound} = {largest:.3g}")
    return Outcome(told, tuple(failures), {"nearest to its bound": f"{tightest:.2f}"})


def _jacobian(net: Network, params: dict[str, Array], x: dict[str, Array]) -> Array:
    """Return the Jacobian of the output by the first example, by the complex step of the second reader."""
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
        "remarks on formulas",
        "What is remarked on an answer (symmetric, semidefinite, rank one, zero) holds at random points.",
        on_formulas,
        short=12,
        usual=900,
        long=10_000,
    ),
    Measure(
        "remarks on networks",
        "A gradient that is said to be zero is zero at a random point.",
        on_networks,
        short=4,
        usual=300,
        long=5000,
    ),
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
