"""How to scale random weights so that the signal keeps its size: He's initialisation, derived for any activation.

A neuron `Y = beta + sum_i W_i H_i` with `H = phi(X)` keeps the variance of `X` where
`n_in sigma_w**2 E[phi(Z)**2] = 1`, and the backward pass, which goes through the transposed matrix and `phi'`, keeps
that of the gradient where `n_out sigma_w**2 E[phi'(Z)**2] = 1`. A rectangular matrix cannot do both: compromises are
the average of the two variances, and the variance at the average of the two conditions (Glorot and Bengio's
`2 / (n_in + n_out)`).

Sources: He, Zhang, Ren and Sun, *Delving deep into rectifiers* (2015); Glorot and Bengio, *Understanding the difficulty
of training deep feedforward neural networks* (2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Integer, Symbol

from symprop.algebra.defined import T
from symprop.algebra.functions import FUNCTIONS, ElementwiseFunction
from symprop.analysis.gaussian import expectation, pieces
from symprop.analysis.slopes import slope_of
from symprop.errors import FormulaError, SpecError, shown
from symprop.networks.activations import Elementwise, Identity
from symprop.networks.own_activations import Activation
from symprop.networks.sizes import Size, checked_size, size_node

E = sympy.Function("E")
"""The expectation, not yet worked out."""
P = sympy.Function("P")
"""The probability, not yet worked out."""
INDEX, OTHER = sympy.symbols("i j", integer=True, positive=True)
SIGMA_W, SIGMA_X, SIGMA_Y = sympy.symbols("sigma_w sigma_x sigma_y", positive=True)
W, H, X = (sympy.IndexedBase(letter) for letter in "WHX")

MEAN_ZERO = "E[W_i] = 0"
INDEPENDENT = "the weights are independent of each other and of the inputs"
NO_BIAS = "the bias starts at 0"
SYMMETRIC = "X is symmetric about 0"
NORMAL = "X is normal with mean 0"
UNIT = "X has variance 1"


class Given(sympy.Function):
    """The expectation of the first argument where the second holds, not yet worked out."""

    nargs = 2

    def _sympystr(self, printer: Any) -> str:
        return f"E({printer._print(self.args[0])} | {printer._print(self.args[1])})"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return rf"E{{\left({printer._print(self.args[0])} \mid {printer._print(self.args[1])}\right)}}"


@dataclass(frozen=True)
class SignalStep:
    """One step: `before` equals `after`, by `rule` and the facts used."""

    rule: str
    before: Expr
    after: Expr
    facts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Initialisation:
    """Weight variances for one activation. Gains are exact where `exact`, else numbers with 30 digits.

    `homogeneous` says that `phi(c x) = c phi(x)` for `c > 0`, so that the result holds for inputs of every variance;
    otherwise it holds for inputs of variance 1.
    """

    name: str
    forward_gain: Expr
    backward_gain: Expr
    exact: bool
    homogeneous: bool
    inputs: Expr
    outputs: Expr
    steps: tuple[SignalStep, ...]

    @property
    def forward(self) -> Expr:
        """The variance of the weights that keeps the size of the signal."""
        return _factored(1 / (self.inputs * self.forward_gain))

    @property
    def backward(self) -> Expr:
        """The variance of the weights that keeps the size of the gradient."""
        return _factored(1 / (self.outputs * self.backward_gain))

    @property
    def average(self) -> Expr:
        """The average of the two variances."""
        return _factored((self.forward + self.backward) / 2)

    @property
    def harmonic(self) -> Expr:
        """The variance at which the two gains average to 1: the harmonic mean of the two variances."""
        return 2 / sympy.factor_terms(self.inputs * self.forward_gain + self.outputs * self.backward_gain)

    @property
    def facts(self) -> tuple[str, ...]:
        """Everything the steps assume, each once."""
        return tuple(dict.fromkeys(fact for step in self.steps for fact in step.facts))

    def _results(self) -> tuple[tuple[str, Expr], ...]:
        return (
            ("forward", self.forward),
            ("backward", self.backward),
            ("average", self.average),
            ("harmonic", self.harmonic),
        )

    def text(self) -> str:
        """Return the derivation step by step, and the results, as plain text."""
        lines = [f"{step.before} = {step.after}   ({'; '.join((step.rule, *step.facts))})" for step in self.steps]
        return "\n".join([*lines, *(f"{name:9} sigma_w**2 = {value}" for name, value in self._results())])

    def latex(self) -> str:
        """Return the steps and the results as a LaTeX `aligned` block."""
        rules = [step.rule.replace("_", r"\_") for step in self.steps]
        lines = [
            rf"{sympy.latex(step.before)} &= {sympy.latex(step.after)} && \text{{{rule}}}"
            for step, rule in zip(self.steps, rules, strict=True)
        ]
        lines += [rf"\sigma_w^2 &= {sympy.latex(value)} && \text{{{name}}}" for name, value in self._results()]
        return r"\begin{aligned} " + r" \\ ".join(lines) + r" \end{aligned}"


def initialisation(
    activation: Elementwise | Identity | ElementwiseFunction | str, inputs: Size = "n_in", outputs: Size = "n_out"
) -> Initialisation:
    """Derive the weight variances that keep signal and gradient at their size behind an activation.

    The activation is a layer, a function, or text in NumPy notation; `inputs` and `outputs` are numbers or names.

    >>> from symprop import ReLU
    >>> he = initialisation(ReLU())
    >>> he.forward, he.backward, he.harmonic
    (2/n_in, 2/n_out, 4/(n_in + n_out))
    >>> initialisation("maximum(x, 0)", inputs=64, outputs="k").average
    (k + 64)/(64*k)

    Raises:
        SpecError: no activation, or no size.
        FormulaError: text outside the grammar, or a gain that is zero or not finite.
    """
    function = _function(activation)
    n_in, n_out = (
        size_node(checked_size(size, f"initialisation: {what}"))
        for what, size in (("inputs", inputs), ("outputs", outputs))
    )
    forward, backward = expectation(function.body**2), expectation(slope_of(function) ** 2)
    if forward.value == 0 or backward.value == 0:
        raise FormulaError(f"no scale keeps the signal behind {shown(function.name)}: it is flat or zero everywhere")
    homogeneous = is_homogeneous(function.body)
    moment = _second_moment(W, H, n_in)
    energy = _gain_steps(function, forward.value, homogeneous)
    output = _inside(moment[-1].after, {E(H[INDEX] ** 2): energy[-1].after}).doit()
    steps = (
        *_mean_steps(n_in),
        *moment,
        *energy,
        SignalStep("variance of the output", SIGMA_Y**2, output),
        *_solved(output, SIGMA_X if homogeneous else Integer(1), SIGMA_W, "keep the variance of the signal"),
        *_backward_steps(n_out, backward.value, (SYMMETRIC,) if homogeneous else (NORMAL, UNIT)),
    )
    return Initialisation(
        function.name, forward.value, backward.value, forward.exact and backward.exact, homogeneous, n_in, n_out, steps
    )


def _function(activation: Any) -> ElementwiseFunction:
    """The scalar function that an activation applies; text that is the name or the body of a known one is that one."""
    if isinstance(activation, Identity):
        return ElementwiseFunction("identity", (T,), T)
    if isinstance(activation, Elementwise):
        return activation.function
    if isinstance(activation, ElementwiseFunction) and len(activation.parameters) == 1:
        return activation
    if not isinstance(activation, (str, Activation)):
        allowed = 'allowed: an activation such as ReLU(), or its formula in NumPy notation such as "tanh(x)"'
        raise SpecError(f"initialisation: {shown(activation)} is no activation\n{allowed}")
    if activation in FUNCTIONS:
        return _function(FUNCTIONS[activation])
    typed = (Activation(activation) if isinstance(activation, str) else activation).function
    if typed is None:
        raise SpecError(f"initialisation: {shown(activation)} is no elementwise function\nallowed: tanh(x)")
    return next((known for known in FUNCTIONS.values() if known.args[1:] == typed.args[1:]), typed)


def is_homogeneous(body: Expr) -> bool:
    """Whether `body(c t) = c body(t)` for every `c > 0`: a straight line through 0 on either side of 0.

    >>> from symprop.algebra.functions import FUNCTIONS
    >>> is_homogeneous(FUNCTIONS["leaky_relu"].body), is_homogeneous(FUNCTIONS["tanh"].body)
    (True, False)
    """
    try:
        parts = pieces(body)
    except FormulaError:
        return False
    return len(parts) <= 2 and all(
        not (part.body / T).cancel().has(T) and {part.low, part.high} <= {Integer(0), -sympy.oo, sympy.oo}
        for part in parts
    )


def _mean_steps(count: Expr) -> tuple[SignalStep, ...]:
    """`E[Y] = 0` for `Y = beta + sum_i W_i H_i`."""
    beta = Symbol("beta", real=True)
    total = beta + sympy.Sum(W[INDEX] * H[INDEX], (INDEX, 1, count))
    linear = _linear(total).xreplace({E(beta): Integer(0)})
    split = _inside(linear, {E(W[INDEX] * H[INDEX]): E(W[INDEX]) * E(H[INDEX])})
    return (
        SignalStep("linearity of the expectation", E(total), linear, (NO_BIAS,)),
        SignalStep("expectation of a product of independent factors", linear, split, (INDEPENDENT,)),
        SignalStep("weights of mean 0", split, _inside(split, {E(W[INDEX]): Integer(0)}).doit(), (MEAN_ZERO,)),
    )


def _linear(total: Expr) -> Expr:
    """`E` of a sum of terms, some under a `Sum`, term by term."""
    terms = sympy.Add.make_args(total)
    return sympy.Add(*(sympy.Sum(E(t.function), *t.limits) if isinstance(t, sympy.Sum) else E(t) for t in terms))


def _inside(total: Expr, mapping: dict[Expr, Expr]) -> Expr:
    """Return the sum with the parts of its summand replaced."""
    return sympy.Sum(total.function.xreplace(mapping), *total.limits)


def _second_moment(weights: sympy.IndexedBase, others: sympy.IndexedBase, count: Expr) -> tuple[SignalStep, ...]:
    """`E[(sum_i W_i H_i)**2] = sigma_w**2 sum_i E[H_i**2]`."""
    once = sympy.Sum(weights[INDEX] * others[INDEX], (INDEX, 1, count))
    limits = ((INDEX, 1, count), (OTHER, 1, count))
    double = sympy.Sum(E(weights[INDEX] * weights[OTHER] * others[INDEX] * others[OTHER]), *limits)
    split = sympy.Sum(E(weights[INDEX] * weights[OTHER]) * E(others[INDEX] * others[OTHER]), *limits)
    covariance = _inside(split, {E(weights[INDEX] * weights[OTHER]): SIGMA_W**2 * sympy.KroneckerDelta(INDEX, OTHER)})
    inner = covariance.function.subs(OTHER, INDEX)  # only i = j is left of the inner sum
    return (
        SignalStep("linearity of the expectation, the square written out", E(once**2), double),
        SignalStep("expectation of a product of independent factors", double, split, (INDEPENDENT,)),
        SignalStep(
            "E[W_i W_j] = 0 but for i = j", split, sympy.Sum(inner, (INDEX, 1, count)), (INDEPENDENT, MEAN_ZERO)
        ),
    )


def _gain_steps(function: ElementwiseFunction, gain: Expr, homogeneous: bool) -> tuple[SignalStep, ...]:
    """`E[phi(X)**2]` in the variance of X."""
    energy = E(H[INDEX] ** 2)
    if not homogeneous:
        return (SignalStep(f"E[{function.name}(Z)**2] for Z standard normal", energy, gain, (NORMAL, UNIT)),)
    parts = pieces(function.body)
    slopes = [sympy.cancel(part.body / T) for part in (parts if len(parts) == 2 else parts * 2)]
    sides = X[INDEX] < 0, X[INDEX] > 0
    terms = [slope**2 * Given(X[INDEX] ** 2, side) * P(side) for slope, side in zip(slopes, sides, strict=True)]
    total = sympy.Add(*terms)
    halves = {P(side): sympy.Rational(1, 2) for side in sides} | {
        Given(X[INDEX] ** 2, side): SIGMA_X**2 for side in sides
    }
    return (
        SignalStep("law of total expectation", energy, total),
        SignalStep("both sides alike", total, sympy.expand(total.xreplace(halves)), (SYMMETRIC,)),
    )


def _solved(output: Expr, wanted: Expr, unknown: Symbol, rule: str) -> tuple[SignalStep, ...]:
    solution = wanted**2 * unknown**2 / output  # the output is linear in the unknown's square
    return (SignalStep(rule, unknown**2, _factored(solution)),)


def _factored(value: Expr) -> Expr:
    """Return an exact value factored; one with rounded numbers as it is, so that no digit is lost."""
    return value if value.has(sympy.Float) else sympy.factor(value)


def _backward_steps(count: Expr, gain: Expr, facts: tuple[str, ...]) -> tuple[SignalStep, ...]:
    """The same for the gradient, `D = phi'(X) sum_j W_j G_j`, through the transposed matrix."""
    gradient = sympy.IndexedBase("G")
    sigma_g = Symbol("sigma_g", positive=True)
    slope = Symbol("phi'", real=True)
    total = sympy.Sum(W[INDEX] * gradient[INDEX], (INDEX, 1, count))
    energy = _inside(_second_moment(W, gradient, count)[-1].after, {E(gradient[INDEX] ** 2): sigma_g**2}).doit()
    split = E(slope**2) * E(total**2)
    after = energy * gain
    return (
        SignalStep("expectation of a product of independent factors", E(slope**2 * total**2), split, (INDEPENDENT,)),
        SignalStep("the same second moment, for the transposed matrix", split, after, (MEAN_ZERO, *facts)),
        *_solved(after, sigma_g, SIGMA_W, "keep the variance of the gradient"),
    )
