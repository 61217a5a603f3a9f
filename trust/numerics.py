"""How many bits are wrong: each function, activation and loss, at numbers of all magnitudes, against 50 digits.

A row says what is asked and what is true: value and slope by mpmath, each written by hand in a form that loses nothing,
so that no rule and no evaluation of symprop's is in it. Points are bit-uniform: every float is as probable as any
other, so that all magnitudes are met, the subnormal ones too. What fails is a NaN or an infinity where the truth is a
number that the type has, and an error of more than `BITS` bits of the larger of the truth and the scale that the row
states. The figures say how many bits of the truth itself are wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from mpmath import mp, mpf

import symprop
from symprop.codegen.loading import loaded
from trust.measures import Measure, Outcome

DIGITS = 60
"""Ten more than are asked for: a truth is a few operations."""
BITS = 7
"""So many bits may be wrong, of what a row states: 128 units in the last place, those of a few dozen functions."""
BELOW = 10
"""What is below so many powers of two times the smallest normal number is judged as that: digits end there."""
DTYPES = ("float64", "float32")
SPECIAL = (
    *(0.0, 0.25, 0.5, 1.0, 1.4616321449683623, 1.5, 1.5707963267948966, 2.0, 3.0, 3.141592653589793, 5.0, 9.99, 20.0),
    *(50.0, 87.0, 88.75, 100.0, 709.5, 745.0, 1000.0),
)
"""Where functions turn, have zeros, saturate and overflow."""
FEWEST = 60
"""So many points of a row, at least: with fewer, only some rows are asked."""

Truth = Callable[..., Any]


@dataclass(frozen=True)
class Row:
    """A function of one number or two: how it is typed, its value and its slope by the first, and where it is asked.

    An error is one of the truth, or where that is larger of `size(t)` for the value and of `steepness(t)` for the
    slope: what cancels or saturates there is stated in docs/trust.md.
    """

    text: str
    value: Truth
    slope: Truth
    where: Truth = lambda *t: True
    size: Truth = lambda *t: 0
    steepness: Truth = lambda *t: 0
    others: tuple[float, ...] = ()  # what the second number may be
    reach: float = 1  # up to this share of the largest number, beyond which twice a number is none


def one(*_: Any) -> int:
    """Return the scale of what saturates."""
    return 1


def magnitude(t: Any, *_: Any) -> Any:
    """Return the scale of what is a difference of such."""
    return abs(t)


def sigmoid(t: Any) -> Any:
    """Return `1 / (1 + exp(-t))`."""
    return 1 / (1 + mp.exp(-t))


def softplus(t: Any) -> Any:
    """Return `log(1 + exp(t))`."""
    return max(t, 0) + mp.log1p(mp.exp(-abs(t)))


def log_cosh(t: Any) -> Any:
    """Return `log(cosh(t))`: near 0 that of `1 + 2 sinh(t / 2)**2`."""
    return mp.log1p(2 * mp.sinh(t / 2) ** 2) if abs(t) < 1 else abs(t) + mp.log1p(mp.exp(-2 * abs(t))) - mp.log(2)


def normal(t: Any) -> Any:
    """Return the distribution function of the normal distribution; beyond 1000 it is 0 or 1 to 200,000 digits."""
    return step(t) if abs(t) > 1000 else mp.erfc(-t / mp.sqrt(2)) / 2


def density(t: Any) -> Any:
    """Return the density of the normal distribution."""
    return mp.exp(-t * t / 2) / mp.sqrt(2 * mp.pi)


def inner(t: Any) -> Any:
    """Return twice what GELU's approximation is the tanh of."""
    return 2 * mp.sqrt(2 / mp.pi) * (t + mpf("0.044715") * t**3)


def gelu_tanh(t: Any) -> Any:
    """Return the approximation of GELU by a tanh."""
    return t * sigmoid(inner(t))


def gelu_tanh_slope(t: Any) -> Any:
    """Return its slope."""
    rate = 2 * mp.sqrt(2 / mp.pi) * (1 + 3 * mpf("0.044715") * t * t)
    return sigmoid(inner(t)) + t * rate * sigmoid(inner(t)) * sigmoid(-inner(t))


def sigmoid_slope(t: Any) -> Any:
    """Return the slope of the sigmoid."""
    return sigmoid(t) * sigmoid(-t)


def silu_slope(t: Any) -> Any:
    """Return the slope of `t sigmoid(t)`."""
    return sigmoid(t) + t * sigmoid_slope(t)


def bell(t: Any) -> Any:
    """Return the scale of `exp(-t**2)`: that of its argument, whose error is one of so many digits."""
    return (1 + t * t) * mp.exp(-t * t)


def moment(t: Any) -> Any:
    """Return the scale of `t exp(-t**2)`."""
    return abs(t) * bell(t)


def step(t: Any, low: Any = 0) -> Any:
    """Return 1 above 0, else `low`."""
    return mpf(1) if t > 0 else mpf(low)


def inside(t: Any) -> bool:
    """Say whether a number is one that arcsin takes."""
    return bool(abs(t) < 1)


def positive(t: Any, *_: Any) -> bool:
    """Say whether a number is above 0."""
    return bool(t > 0)


BOTH = {  # functions of the language that are layers too
    "sigmoid": Row("sigmoid(x)", sigmoid, sigmoid_slope, steepness=one),
    "tanh": Row("tanh(x)", mp.tanh, lambda t: mp.sech(t) ** 2, steepness=one),
    "relu": Row("relu(x)", lambda t: max(t, 0), step),
    "leaky": Row("leaky_relu(x)", lambda t: t if t > 0 else t / 100, lambda t: step(t, mpf(1) / 100)),
    "elu": Row("elu(x)", lambda t: t if t > 0 else mp.expm1(t), lambda t: mp.exp(min(t, 0)), steepness=one),
    "gelu": Row(
        "gelu(x)", lambda t: t * normal(t), lambda t: normal(t) + t * density(t), size=magnitude, steepness=one
    ),
    "gelu_tanh": Row("gelu_tanh(x)", gelu_tanh, gelu_tanh_slope, size=magnitude, steepness=one),
    "silu": Row("silu(x)", lambda t: t * sigmoid(t), silu_slope, steepness=one),
    "softplus": Row("softplus(x)", softplus, sigmoid),
}
FUNCTIONS = (
    Row("exp(x)", mp.exp, mp.exp),
    Row("log(x)", mp.log, lambda t: 1 / t, where=positive),
    Row("log1p(x)", mp.log1p, lambda t: 1 / (1 + t), where=lambda t: t > -1),
    Row("expm1(x)", mp.expm1, mp.exp),
    Row("sqrt(x)", mp.sqrt, lambda t: 1 / (2 * mp.sqrt(t)), where=positive),
    Row("abs(x)", abs, mp.sign),
    Row("sign(x)", mp.sign, lambda t: mpf(0)),
    Row("sin(x)", mp.sin, mp.cos),
    Row("cos(x)", mp.cos, lambda t: -mp.sin(t)),
    Row("tan(x)", mp.tan, lambda t: mp.sec(t) ** 2),
    Row("arcsin(x)", mp.asin, lambda t: 1 / mp.sqrt((1 - t) * (1 + t)), where=inside),
    Row("arccos(x)", mp.acos, lambda t: -1 / mp.sqrt((1 - t) * (1 + t)), where=inside),
    Row("arctan(x)", mp.atan, lambda t: 1 / (1 + t * t)),
    Row("sinh(x)", mp.sinh, mp.cosh),
    Row("cosh(x)", mp.cosh, mp.sinh),
    Row("erf(x)", mp.erf, lambda t: 2 / mp.sqrt(mp.pi) * mp.exp(-t * t), steepness=bell),
    Row("maximum(x, 1/2)", lambda t: max(t, mpf(1) / 2), lambda t: step(t - mpf(1) / 2)),
    Row("minimum(x, 1/2)", lambda t: min(t, mpf(1) / 2), lambda t: step(mpf(1) / 2 - t)),
    Row("x**3", lambda t: t**3, lambda t: 3 * t * t),
    Row("2.5**x", lambda t: mpf(2.5) ** t, lambda t: mpf(2.5) ** t * mp.log(2.5)),
    Row("power(x, 2.5)", lambda t: t ** mpf(2.5), lambda t: mpf(2.5) * t ** mpf(1.5), where=positive),
    *BOTH.values(),
)
GAMMAS = (
    Row("gammaln(x)", mp.loggamma, lambda t: mp.psi(0, t), where=lambda t: t > 1e-300, size=one, steepness=one),
    Row("digamma(x)", lambda t: mp.psi(0, t), lambda t: mp.psi(1, t), where=positive, size=one),
    Row("polygamma(2, x)", lambda t: mp.psi(2, t), lambda t: mp.psi(3, t), where=positive),
)


def layer(text: str, of: str) -> Row:
    """Return the row of a layer that is a function of the language."""
    row = BOTH[of]
    return Row(text, row.value, row.slope, size=row.size, steepness=row.steepness)


def own(text: str, value: Truth, slope: Truth, **more: Any) -> Row:
    """Return the row of a formula of one's own."""
    return Row(f'Activation("{text}")', value, slope, reach=1 / 16, **more)


ACTIVATIONS = (
    layer("Sigmoid()", "sigmoid"),
    layer("Tanh()", "tanh"),
    layer("ReLU()", "relu"),
    layer("LeakyReLU()", "leaky"),
    layer("ELU()", "elu"),
    layer("GELU()", "gelu"),
    layer('GELU("tanh")', "gelu_tanh"),
    layer("SiLU()", "silu"),
    layer("Softplus()", "softplus"),
    own("log(1 + x**2)", lambda t: mp.log1p(t * t), lambda t: 2 * t / (1 + t * t)),
    own("log(3 + 2 * x**4)", lambda t: mp.log(3 + 2 * t**4), lambda t: 8 * t**3 / (3 + 2 * t**4)),
    own("sqrt(1 + x**2)", lambda t: mp.sqrt(1 + t * t), lambda t: t / mp.sqrt(1 + t * t)),
    own("x / sqrt(1 + x**2)", lambda t: t / mp.sqrt(1 + t * t), lambda t: (1 + t * t) ** mpf(-1.5), steepness=one),
    own("x**2 / (1 + x**2)", lambda t: t * t / (1 + t * t), lambda t: 2 * t / (1 + t * t) ** 2, steepness=one),
    own("x / (1 + abs(x))", lambda t: t / (1 + abs(t)), lambda t: 1 / (1 + abs(t)) ** 2, steepness=one),
    own("log(cosh(x))", log_cosh, mp.tanh, size=magnitude),
    own("log(1 + exp(x))", softplus, sigmoid),
    own("x / (1 + exp(-x))", lambda t: t * sigmoid(t), silu_slope, steepness=one),
    own("1 / cosh(x)", mp.sech, lambda t: -mp.sech(t) * mp.tanh(t)),
    own("exp(-x**2)", lambda t: mp.exp(-t * t), lambda t: -2 * t * mp.exp(-t * t), size=bell, steepness=moment),
)


def error(t: Any, y: Any) -> Any:
    """Return the scale of an error."""
    return max(abs(t), abs(y))


LOSSES = (
    Row("MeanSquaredError()", lambda t, y: (t - y) ** 2 / 2, lambda t, y: t - y, others=(0.0, 1.0, -2.5)),
    Row("MeanAbsoluteError()", lambda t, y: abs(t - y), lambda t, y: mp.sign(t - y), others=(0.0, 1.0, -2.5)),
    Row(
        "Huber()",
        lambda t, y: (t - y) ** 2 / 2 if abs(t - y) <= 1 else abs(t - y) - mpf(1) / 2,
        lambda t, y: max(min(t - y, 1), -1),
        others=(0.0, 1.0, -2.5),
    ),
    Row("Hinge()", lambda t, y: max(1 - y * t, 0), lambda t, y: -y * step(1 - y * t), others=(1.0, -1.0)),
    Row(
        "SquaredHinge()",
        lambda t, y: max(1 - y * t, 0) ** 2,
        lambda t, y: -2 * y * max(1 - y * t, 0),
        others=(1.0, -1.0),
    ),
    Row(
        "BinaryCrossEntropy()",
        lambda t, y: y * softplus(-t) + (1 - y) * softplus(t),
        lambda t, y: (1 - y) * sigmoid(t) - y * sigmoid(-t),
        size=magnitude,
        steepness=one,
        others=(0.0, 1.0, 0.25),
    ),
    Row(
        "Sigmoid() >> BinaryCrossEntropy()",
        lambda t, y: y * softplus(-t) + (1 - y) * softplus(t),
        lambda t, y: (1 - y) * sigmoid(t) - y * sigmoid(-t),
        size=magnitude,
        steepness=one,
        others=(0.0, 1.0, 0.25),
    ),
    Row(
        "SoftmaxCrossEntropy()",
        lambda t, y: y * softplus(-t) + (1 - y) * softplus(t),
        lambda t, y: (1 - y) * sigmoid(t) - y * sigmoid(-t),
        size=one,
        steepness=one,
        others=(0.0, 1.0, 0.25),
    ),
    Row(
        "KLDivergence()",
        lambda t, y: y * softplus(-t) + (1 - y) * softplus(t) + sum(p and p * mp.log(p) for p in (y, 1 - y)),
        lambda t, y: (1 - y) * sigmoid(t) - y * sigmoid(-t),
        size=lambda t, y: max(abs(t), 1),
        steepness=one,
        others=(0.0, 1.0, 0.25),
    ),
)


def points(count: int, dtype: str, random: np.random.Generator) -> np.ndarray:
    """Return special numbers of both signs, others beside them, and some whose bits are drawn: so many, all finite."""
    info, kind = np.finfo(dtype), {"float64": np.uint64, "float32": np.uint32}[dtype]
    ends = [info.tiny, info.smallest_subnormal, info.max, info.eps, 1 - info.epsneg, 1 + info.eps, info.max / 4]
    special = np.asarray([*SPECIAL, *ends], dtype)
    beside = np.asarray(SPECIAL, dtype) * (1 + np.exp2(random.uniform(-info.nmant, 0, len(SPECIAL)))).astype(dtype)
    drawn = random.integers(0, np.iinfo(kind).max, 2 * count, dtype=kind, endpoint=True).view(dtype)
    given = np.concatenate([special, -special, beside, -beside, 1 / beside[1:]])
    return np.concatenate([given, drawn[np.isfinite(drawn)][: max(count - len(given), len(given))]])


Found = tuple[str, np.ndarray, np.ndarray]
"""A form of code, and the values and slopes that it has at points."""
Ask = Callable[[Row, str, np.ndarray, np.ndarray], Iterator[Found]]


def of_formula(row: Row, dtype: str, t: np.ndarray, y: np.ndarray) -> Iterator[Found]:
    """Yield values and slopes of a function, by the source of answers."""
    value = symprop.gradient(f"sum(g * {row.text})", "g", x="n", g="n")
    slope = symprop.gradient(f"sum({row.text})", "x", x="n")
    sized = {"sizes": {"n": len(t)}}
    found, steep = (vars(loaded(each.numpy(dtype, **sized)))["gradient"](x=t) for each in (value, slope))
    yield "answer", found, np.broadcast_to(steep, t.shape)


def of_activation(row: Row, dtype: str, t: np.ndarray, y: np.ndarray) -> Iterator[Found]:
    """Yield values and slopes of an activation: those of a bias behind a weight of 0."""
    for form, module, params in modules(f'Input(1) >> Dense({len(t)}) >> {row.text} >> Loss("sum(a * y)")', dtype):
        params["b1"][...] = t
        at = np.zeros((1, 1), dtype), np.ones((1, len(t)), dtype)
        values = np.array(module.forward(params, at[0]))
        yield form, values.ravel(), module.loss_and_grads(params, *at)[1]["b1"]


def of_loss(row: Row, dtype: str, t: np.ndarray, y: np.ndarray) -> Iterator[Found]:
    """Yield values and slopes of a loss of one example; one of classes has two, and 0 for the other's logit."""
    pair = row.text in ("SoftmaxCrossEntropy()", "KLDivergence()")
    for form, module, params in modules(f"Input(1) >> Dense({1 + pair}) >> {row.text}", dtype):
        x, values, slopes = np.zeros((1, 1), dtype), np.zeros_like(t), np.zeros_like(t)
        for place, (number, target) in enumerate(zip(t, y, strict=True)):
            params["b1"][0] = number
            given = np.asarray([[target, 1 - target] if pair else [target]], dtype)
            values[place], grads = module.loss_and_grads(params, x, given)
            slopes[place] = grads["b1"][0]
        yield form, values, slopes


def modules(text: str, dtype: str) -> Iterator[tuple[str, ModuleType, dict[str, np.ndarray]]]:
    """Yield the fast module of a network and the one to read, with parameters that are 0."""
    derivation = symprop.derive(text, layout="rows")
    for form, fast in (("fast", True), ("read", False)):
        module = symprop.compile(derivation, dtype=dtype, fast=fast)
        yield form, module, {name: np.zeros(shape, dtype) for name, shape in module.PARAMETERS.items()}


def bits(found: float, true: Any, size: Any, info: np.finfo) -> float:
    """Return how many of the last bits of a number are wrong: its error in units in the last place of the truth.

    Where `size` is larger, it is in units in the last place of that. All bits are wrong of what is no number, unless
    the truth is not far from the largest that there is. A truth below the smallest normal number may be 0.
    """
    if not np.isfinite(found):
        near_the_end = abs(true) > float(info.max) / 8 and (found > 0) == (true > 0)
        return 0.0 if near_the_end and not np.isnan(found) else np.inf
    if found == 0 and abs(true) < float(info.tiny):
        return 0.0
    exponent = max(int(mp.frexp(max(abs(true), size))[1]) - 1, int(info.minexp) + BELOW)
    off = abs(mpf(found) - true) / mp.ldexp(1, exponent - info.nmant)
    return min(float(mp.log1p(off) / mp.log(2)), info.nmant + 1)


def wrong_bits(row: Row, dtype: str, t: np.ndarray, y: np.ndarray, ask: Ask) -> dict[str, np.ndarray]:
    """Return how many bits are wrong at each point, of values and slopes, of the truth and of what the row states."""
    info, pairs = np.finfo(dtype), [(mpf(float(a)), mpf(float(b))) for a, b in zip(t, y, strict=True)]
    given = pairs if row.others else [pair[:1] for pair in pairs]
    truths = [(row.value(*at), row.slope(*at), row.size(*at), row.steepness(*at)) for at in given]
    found: dict[str, list[float]] = {"value": [], "slope": [], "stated value": [], "stated slope": []}
    for _, values, slopes in ask(row, dtype, t, y):
        assert slopes.dtype == values.dtype == dtype, f"{row.text} is of {values.dtype}, its slope of {slopes.dtype}"
        for (value, slope, size, steepness), a, b in zip(truths, map(float, values), map(float, slopes), strict=True):
            found["value"].append(bits(a, value, 0, info))
            found["slope"].append(bits(b, slope, 0, info))
            found["stated value"].append(bits(a, value, size, info))
            found["stated slope"].append(bits(b, slope, steepness, info))
    return {what: np.asarray(each) for what, each in found.items()}


def asked(rows: Sequence[Row], ask: Ask) -> Callable[[int, int], Outcome]:
    """Return what asks rows in both types, so many points in all."""

    def run(cases: int, seed: int) -> Outcome:
        random = np.random.default_rng(seed)
        questions = [(row, dtype) for row in rows for dtype in DTYPES]
        if len(questions) * FEWEST > cases:
            chosen = random.choice(len(questions), max(1, cases // FEWEST), replace=False)
            questions = [questions[place] for place in sorted(chosen)]
        failures: list[str] = []
        table, total = [HEAD], 0
        for row, dtype in questions:
            t = points(cases // len(questions), dtype, random)
            t = t[[abs(each) <= np.finfo(dtype).max * row.reach and row.where(mpf(float(each))) for each in t]]
            y = random.choice(row.others or (0.0,), len(t)).astype(dtype)
            with mp.workdps(DIGITS), np.errstate(all="ignore"):
                off = wrong_bits(row, dtype, t, y, ask)
            total += len(off["value"])
            for what in ("value", "slope"):
                stated = off[f"stated {what}"]
                worst = int(stated.argmax())
                if not stated[worst] <= BITS:
                    at = f"{t[worst % len(t)]!r}" + f", y = {y[worst % len(t)]}" * bool(row.others)
                    failures.append(f"{row.text}, {dtype}: the {what} at {at}: {stated[worst]:.0f} bits are wrong")
            numbers = (each for what in ("value", "slope") for each in (off[what].max(), off[what].mean()))
            table.append((row.text, dtype, *(f"{each:.1f}" for each in numbers)))
        return Outcome(total, tuple(failures), table=tuple(table))

    return run


HEAD = ("function", "type", "value, worst", "mean", "slope, worst", "mean")
MEASURES = tuple(
    Measure(
        f"numerics of {name}",
        f"No {each} is a false NaN or infinity, or off by more than {BITS} bits of what is stated, "
        "in value or slope, at any magnitude.",
        asked(rows, ask),
        short=short,
        usual=2 * len(rows) * 2_000,
        long=2 * len(rows) * 8_000,
        needs=needs,
    )
    for name, each, rows, ask, short, needs in (
        ("functions", "function of the language", FUNCTIONS, of_formula, 480, ()),
        ("gamma functions", "gamma function", GAMMAS, of_formula, 60, ("scipy",)),
        ("activations", "activation", ACTIVATIONS, of_activation, 240, ()),
        ("losses", "loss", LOSSES, of_loss, 180, ()),
    )
)
