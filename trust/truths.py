"""What is true of functions, activations and losses: value and slope by mpmath, in forms that lose nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mpmath import mp, mpf

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
