"""The named rules of simplification as a page: the identity, what the library makes of an example, and its proof.

The example is rewritten by the rule itself. The proof writes both sides out by elements at small sizes, with the
declared facts put in (a vector that sums to 1 has a last element that the others give), and lets SymPy compare.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from extension.markup import Row, equations
from rule_proofs import DIGITS, EXACT, SIMPLIFIED, proof

import symprop
from symprop.algebra.declarations import read_declarations
from symprop.algebra.elements import Reader, elements
from symprop.algebra.equations import Equation
from symprop.algebra.formula import Formula, formula_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import replace
from symprop.calculus.context import Context
from symprop.calculus.known_forms import KNOWN_FORMS
from symprop.calculus.rules import RULES
from symprop.calculus.tidy import tidy
from symprop.finishing.touches import TOUCHES
from symprop.notation.latex import latex
from trust.equalities import equal


@dataclass(frozen=True)
class Shown:
    """What a rule is tried on: a formula, its declarations, small sizes for the proof.

    `known` is the name of an equation that the rule may use, `meaning` its right side where that is not the formula;
    `then` are more of them.
    `positive_determinant` puts the determinant of A as a symbol d above 0, which is where its logarithm has a value.
    """

    formula: str
    where: str
    sizes: Mapping[str, int] = field(default_factory=lambda: {"n": 2, "m": 2})
    known: str = ""
    meaning: str = ""
    positive_determinant: bool = False
    then: tuple[tuple[str, str], ...] = ()
    as_typed: bool = False

    def read(self, text: str) -> Formula:
        """Return a formula over the arrays, of which it may leave some to another one."""
        return formula_of(text, read_declarations(self.where))

    @property
    def node(self) -> Node:
        """The formula as the rules see it, in tidy form; or as typed, where one touch makes room for another."""
        node = self.read(self.formula).node
        return node if self.as_typed else tidy(node)

    @property
    def context(self) -> Context:
        """What the rule may use: nothing but the equation that is known."""
        if not self.known:
            return Context()
        by_value, by_name = {}, {}
        for name, meaning in ((self.known, self.meaning or self.formula), *self.then):
            held = tidy(self.read(meaning).node)
            target = symprop.variable(name, held.shape)
            by_value[held] = by_name[target] = Equation(target, held)
        return Context(by_value, by_name)

    def at(self, node: Node) -> Node:
        """Return a formula with numbers for its sizes."""
        symbols = {symbol.name: symbol for symbol in node.free_symbols if not isinstance(symbol, Variable)}
        found: Node = node.xreplace({symbols[k]: sympy.Integer(v) for k, v in self.sizes.items() if k in symbols})
        return found


RULE_EXAMPLES: dict[str, Shown] = {
    "pad(x, (0, k)) + pad(y, (n, 0)) = concatenate([x, y])": Shown("pad(x, (0, m)) + pad(y, (n, 0))", "x: n, y: m"),
    "concatenate([x, 0]) + concatenate([0, y]) = concatenate([x, y])": Shown(
        "concatenate([x, zeros(m)]) + concatenate([zeros(n), y])", "x: n, y: m"
    ),
    "pad(c, (k, n - k - 1)) = c * e_k for one number c, and for a row c: e_k c'": Shown(
        "pad(c, (1, n - 2))", "c: 1, x: n"
    ),
    "scatter_add(c, y, n) = c * e_y for one id y, and for a row c: e_y c'": Shown(
        "scatter_add(c, y, n)", "c: m, y: index n, x: n"
    ),
    "x * e_k = x[k] * e_k": Shown("x * one_hot(1, n)", "x: n"),
    "x @ e_k = x[k], and e_k @ y likewise": Shown("x @ one_hot(1, n)", "x: n"),
    "x * (e_k + c) = x[k] * e_k + x * c": Shown("x * (one_hot(1, n) + c)", "x: n, c:"),
    "c * e_k + d * e_k = (c + d) * e_k": Shown("a * one_hot(1, n) + b * one_hot(1, n)", "a:, b:, x: n", {"n": 3}),
    "sum(A[:, :, None] * B[:, None, :], axis=0) = A.T @ B": Shown(
        "sum(A[:, :, None] * B[:, None, :], axis=0)", "A: m n, B: m n"
    ),
    "diag(e_k) = e_k e_k'": Shown("diag(one_hot(1, n))", "x: n"),
    "sum(y) = 1": Shown("sum(y)", "y: n sums-to-1", {"n": 3}),
    "sum(c * x) = c * sum(x)": Shown("sum(A * x[:, None], axis=1)", "A: m n, x: m"),
    "sum(P * (A @ B), axis=-1) = sum(A * (P @ B.T), axis=-1) where both products are known": Shown(
        "sum(P * D, axis=1)",
        "P: m n, D: m n, A: m 3, B: 3 n",
        known="O",
        meaning="P @ B.T",
        then=(("D", "A @ B"),),
    ),
    "sum(x + y) = sum(x) + sum(y)": Shown("sum(x + y)", "x: n, y: n sums-to-1", {"n": 3}),
    "sum(x * (y - sum(x * y))) = 0 where sum(x) = 1, and sum(x - mean(x)) = 0": Shown(
        "sum(softmax(x) * (y - sum(softmax(x) * y)))", "x: n, y: n"
    ),
    "sum(x) = 0 where x = y - mean(y) by an equation": Shown(
        "sum(x)", "x: n, y: n", known="x", meaning="y - sum(y) / n"
    ),
    "sum(A @ B, axis=0) = sum(A, axis=0) @ B": Shown(
        "sum(A @ B, axis=0)", "A: m n columns-sum-to-1, B: n n", {"n": 2, "m": 2}
    ),
    "sum(A @ B, axis=1) = A @ sum(B, axis=1) = 0 where the rows of B sum to 0": Shown(
        "sum(A @ B, axis=1)", "A: m n, B: n n, C: n n", known="B", meaning="C - sum(C, axis=1)[:, None] / n"
    ),
    "sum(x) = sum(A @ B) where x = A @ B is known, and this is 0": Shown(
        "sum(X, axis=1)",
        "X: m n, A: m n, B: n n, C: n n",
        known="B",
        meaning="C - sum(C, axis=1)[:, None] / n",
        then=(("X", "A @ B"),),
    ),
    "sum(A * eye(n)) = trace(A), and sum(A * diag(x), axis=1) = diagonal(A) * x": Shown("sum(A * eye(n))", "A: n n"),
    "tril(diag(x)) = diag(x), and tril(diag(x), -1) = 0": Shown("tril(diag(x))", "x: n"),
    "diagonal(tril(A)) = diagonal(A), and diagonal(tril(A, -1)) = 0": Shown("diagonal(tril(A))", "A: n n"),
    "diagonal(A @ diag(x) @ B) = (A * B.T) @ x": Shown("diagonal(A @ diag(x) @ B)", "A: m n, x: n, B: n m"),
    "S.T = S, and f(S).T = f(S)": Shown("exp(S).T", "S: n n symmetric"),
    "sum(S, axis=0) = sum(S, axis=1)": Shown("sum(S, axis=0)", "S: n n symmetric"),
    "Q.T @ Q = Q @ Q.T = I": Shown("Q.T @ Q", "Q: n n orthogonal"),
    "abs(x) = x and sign(x) = 1 where x is above 0": Shown("abs(x)", "x: n positive"),
    "y * y = y where each element of y is 0 or 1": Shown("y**2", "y: n one-hot", {"n": 3}),
    "y * y = 1 where each element of y is -1 or 1": Shown("y**2", "y: n signs"),
    "the right side of an equation is its left side": Shown("tanh(z)", "z: n", known="a"),
    "x**(c * k) = y**k where y = x**c is known": Shown(
        "1 / sqrt(v)**3", "v: n positive", known="r", meaning="1 / sqrt(v)"
    ),
    "x / x = 1 where x is not 0": Shown("x * y / x", "x: n positive, y: n"),
    "x * (y + z / x) = x * y + z where x is not 0": Shown("x * (y + z / x)", "x: n positive, y: n, z: n"),
    "x * (1 - y) + x * y = x": Shown("x * (1 - y) + x * y", "x: n, y: n"),
    "where(c, x, 0) * y = where(c, x * y, 0) where y has no value outside c": Shown(
        "where(z > 0, x, 0) * log(z)", "z: n positive, x: n"
    ),
    "where(c, x, 0) * y + where(c, 0, x) * z = x * where(c, y, z)": Shown(
        "where(c > 0, x, 0) * y + where(c > 0, 0, x) * z", "c: n, x: n, y: n, z: n"
    ),
    "where(c, x, where(c, y, z)) = where(c, x, z)": Shown(
        "where(z > 0, x, where(z > 0, y, w))", "z: n, x: n, y: n, w: n"
    ),
    "where(c, x, y) * where(c, u, v) = where(c, x * u, y * v)": Shown(
        "where(c > 0, x, y) * where(c > 0, u, v)", "c: n, x: n, y: n, u: n, v: n"
    ),
    "(x > y) * (x >= y) = (x > y), and (x > y) * (x < y) = 0": Shown(
        "where(x > 0, 1, 0) * where(x >= 0, 1, 0)", "x: n"
    ),
    "(maximum(x, 1) < 2) = (x < 2), a number and a larger number": Shown("where(maximum(x, 1) < 2, 1, 0)", "x: n"),
    "abs(x) * sign(x) = x, x * sign(x) = abs(x), and abs(x)**2 = x**2": Shown("abs(x) * sign(x)", "x: n"),
    "sign(x)**2 * (abs(x) > c) = (abs(x) > c) where c is not negative": Shown(
        "sign(x)**2 * where(abs(x) - c > 0, 1, 0)", "x: n, c: nonnegative"
    ),
    "relu(x) * (x > 0) = relu(x)": Shown("relu(x) * where(x > 0, 1, 0)", "x: n"),
    "x * r**k = h * r**(k - 1) where h = x * r is known, r a root": Shown(
        "x * r**2 * y",
        "x: n, y: n, v: n positive, r: n",
        known="r",
        meaning="1 / sqrt(v)",
        then=(("h", "x * r"),),
    ),
    "reshape(x) + reshape(y) = reshape(x + y)": Shown("reshape(x, (2, 2)) + reshape(y, (2, 2))", "x: 4, y: 4", {}),
    "x * y + x * z + w = x * (y + z) + w": Shown(
        "x * y - x * z", "x: n, y: n, z: n, w: n", known="a", meaning="tanh(w)"
    ),
    "exp(x) / sum(exp(x)) = softmax(x)": Shown("exp(x) / sum(exp(x))", "x: n"),
    "log(sum(exp(x))) = logsumexp(x)": Shown("log(sum(exp(x)))", "x: n"),
    "softmax(logsumexp(x, axis=1))[:, None] * softmax(x, axis=1) = exp(x - logsumexp(x))": Shown(
        "softmax(logsumexp(x, axis=1))[:, None] * softmax(x, axis=1)", "x: m n"
    ),
    "exp(z) * sigmoid(-logsumexp(z)) = softmax(z) * sigmoid(logsumexp(z))": Shown(
        "exp(z) * sigmoid(-logsumexp(z))", "z: n"
    ),
    "softmax(x + c) = softmax(x)": Shown("softmax(x + c)", "x: n, c: "),
    "logsumexp(x + c) = logsumexp(x) + c": Shown("logsumexp(x + c)", "x: n, c: "),
    "log(det(A)) = log(abs(det(A))) = logdet(A)": Shown("log(det(A))", "A: n n", positive_determinant=True),
    "a**b / a = a**(b - 1)": Shown("x**y / x", "x: n positive, y: n"),
    "log(softmax(x)) = x - logsumexp(x), and so for selected elements": Shown("log(softmax(x))", "x: n"),
    "log(p[i]) = log(p)[i], where p is above 0": Shown(
        "log(sum(one_hot(y, 3) * P, axis=1))", "P: 2 3 positive, y: 2 index 3"
    ),
    "expm1(t) + 1 = exp(t)": Shown("expm1(t) + 1", "t: n"),
    "log(1 + exp(t)) = softplus(t)": Shown("log(1 + exp(t))", "t: n"),
    "log(sigmoid(t)) = -softplus(-t), log(1 - sigmoid(t)) = -softplus(t)": Shown("log(sigmoid(t))", "t: n"),
    "(c * x > (c - 1) * x) = (x > 0)": Shown("3 * x > 2 * x", "x: n"),
    "softplus(t) - softplus(-t) = t": Shown("softplus(t) - softplus(-t)", "t: n"),
    "1 / (1 + exp(-t)) = sigmoid(t)": Shown("1 / (1 + exp(-t))", "t: n"),
    "exp(t) * sigmoid(-t) = sigmoid(t)": Shown("exp(t) * sigmoid(-t)", "t: n"),
    "exp(t) + exp(-t) = 2 cosh(t), exp(t) - exp(-t) = 2 sinh(t)": Shown("exp(t) + exp(-t)", "t: n"),
    "log(exp(s) + exp(t)) = softplus(s - t) + t": Shown("log(exp(s) + exp(t))", "s: n, t: n"),
    "exp(s) / (exp(s) + exp(t)) = sigmoid(s - t)": Shown("exp(s) / (exp(s) + exp(t))", "s: n, t: n"),
    "(1 - exp(-t)) * sigmoid(t) = tanh(t / 2)": Shown("(1 - exp(-t)) * sigmoid(t)", "t: n"),
    "sinh(t) / cosh(t) = tanh(t)": Shown("sinh(t) / cosh(t)", "t: n"),
}
"""An example of each rule, by the identity that it states. A rule without one stops the build."""

TOUCH_EXAMPLES: dict[str, Shown] = {
    "inner product": Shown("sum(x * y)", "x: n, y: n"),
    "trace of a product": Shown("sum(A * B.T)", "A: m n, B: n m"),
    "quadratic form": Shown("sum(outer(x, y) * A)", "x: m, y: n, A: m n"),
    "diagonal of a transpose": Shown("diagonal(A.T @ B.T)", "A: m n, B: n m"),
    "sum of a transpose": Shown("sum(A.T, axis=0)", "A: m n"),
    "cyclic trace": Shown("trace(inv(A) @ B @ inv(A))", "A: n n, B: n n"),
    "inner product of products": Shown("(S @ x) @ (inv(S) @ y)", "S: n n symmetric, x: n, y: n"),
    "square of a norm": Shown("(A @ x) @ (A @ x)", "A: m n, x: n"),
    "common vector": Shown("outer(u, x) + outer(v, x)", "u: m, v: m, x: n"),
    "matrix that is repeated": Shown("A @ exp(B @ C) - exp(B @ C)", "A: n n, B: n m, C: m n"),
    "one sign": Shown("tanh(x - y) - tanh(y - x)", "x: n, y: n"),
    "Kronecker product with a vector": Shown("kron(eye(n), x[:, None]) @ A", "x: m, A: n n"),
    "common Kronecker factor": Shown("kron(A, C) + kron(B, C)", "A: n n, B: n n, C: m m"),
    "common commutation": Shown("A @ commutation(2, 2) + B @ commutation(2, 2)", "A: 2 4, B: 2 4"),
    "common number": Shown("x / (2 * n) - y / n", "x: n, y: n"),
    "a number as a matrix": Shown("A + eye(n) + 2", "A: n n"),
    "rows and columns": Shown("u[:, None] * x", "u: m, x: n"),
    "one diagonal": Shown("diag(x) + diag(y)", "x: n, y: n"),
    "common factor of products": Shown("A @ X + A @ Y", "A: m n, X: n n, Y: n n"),
    "a sign enters a sum": Shown("-(A @ (-B + C))", "A: m n, B: n n, C: n n", as_typed=True),
    "what is added first": Shown("-x + y", "x: n, y: n", as_typed=True),
    "all factors but one": Shown("A @ M @ B + A @ N @ B + C", "A: m n, M: n n, N: n n, B: n n, C: m n"),
    "opposite sigmoid": Shown("y * sigmoid(-t) - (1 - y) * sigmoid(t)", "y: n, t: n"),
    "one choice": Shown("where(c > 0, x, 0) * y + where(c > 0, 0, x) * z", "c: n, x: n, y: n, z: n"),
    "common factor": Shown("x * y + x * z", "x: n, y: n, z: n"),
    "a scalar before a product": Shown("(c * A) @ B", "c:, A: m n, B: n m", as_typed=True),
    "one element each": Shown("3 * a * one_hot(1, n) + x - b * one_hot(1, n)", "a:, b:, x: n", {"n": 3}),
    "a number enters the block": Shown("2 * kron(eye(n), C)", "C: n n"),
    "transpose of a sum": Shown("A.T - B @ C.T", "A: m n, B: n m, C: m m"),
    "order of factors": Shown("tanh(y) * x", "x: n, y: n"),
    "order of terms": Shown("A.T + A", "A: n n"),
}


@dataclass(frozen=True)
class Proved:
    """A rule on its example, and how both sides are known to be equal."""

    name: str
    identity: str
    shown: Shown
    before: Node
    after: Node
    facts: tuple[str, ...]
    how: str
    cases: int
    sides: tuple[Node, Node] | None = None

    @property
    def for_every_size(self) -> bool:
        """Whether the algebra of elements has a proof for every size."""
        return self.sides is not None and equal(*self.sides, self.shown.positive_determinant)


def simplifications() -> Iterator[Proved]:
    """Yield every named rule on its example.

    Raises:
        LookupError: a rule does nothing to its example.
    """
    for rule in RULES:
        shown = RULE_EXAMPLES[rule.identity]
        applied = rule.apply(shown.node, shown.context)
        if applied is None:
            raise LookupError(f"the rule {rule.name!r} does nothing to {shown.formula}")
        facts = tuple(fact if isinstance(fact, str) else f"{fact.pretty()} is known" for fact in applied.facts)
        meaning = {equation.target: equation.expression for equation in shown.context.by_name.values()}
        left, right = (shown.node, applied.result)
        for target, expression in reversed(meaning.items()) if shown.meaning else ():  # the later read the earlier
            left, right = (replace(part, {target: expression}) for part in (left, right))
        how, cases = (EXACT, 0) if shown.known and not shown.meaning else compared(shown, left, right)
        yield Proved(rule.name, rule.identity, shown, shown.node, applied.result, facts, how, cases, (left, right))


def touches() -> Iterator[Proved]:
    """Yield every finishing touch on its example."""
    for touch in TOUCHES:
        shown = TOUCH_EXAMPLES[touch.name]
        changed = touch.apply(shown.node)
        if changed is None or changed == shown.node:
            raise LookupError(f"the touch {touch.name!r} does nothing to {shown.formula}")
        how, cases = compared(shown, shown.node, changed)
        yield Proved(touch.name, touch.identity, shown, shown.node, changed, (), how, cases, (shown.node, changed))


def compared(shown: Shown, before: Node, after: Node) -> tuple[str, int]:
    """Return how both sides are known to be equal at small sizes, and in how many cases of the declared facts."""
    before, after = shown.at(before), shown.at(after)
    reader = Reader()
    left = elements(before, reader=reader)
    right = np.broadcast_to(elements(after, reader=reader), left.shape)
    variables = [shown.at(variable) for variable in shown.read(shown.formula).variables]
    found = []
    for values in [_with_determinant(variables[0])] if shown.positive_determinant else cases(variables):
        pairs = [
            (sympy.sympify(a).xreplace(values), sympy.sympify(b).xreplace(values))
            for a, b in zip(left.ravel(), right.ravel(), strict=True)
        ]
        found.append(proof(pairs))
    return max(found, key=(EXACT, SIMPLIFIED, DIGITS).index), len(found)


def cases(variables: list[Any]) -> Iterator[dict[Any, Any]]:
    """Yield what the declared facts say of the elements: each dictionary is one case, together they are all of them."""
    for chosen in itertools.product(*(list(_cases_of(variable)) for variable in variables)):
        yield {symbol: value for part in chosen for symbol, value in part.items()}


def _with_determinant(variable: Variable) -> dict[Any, Any]:
    """Return the first element of a matrix of two rows as its determinant d, above 0, and the others give it."""
    (a, b), (c, d) = elements(variable)
    return {a: (sympy.Symbol("d", positive=True) + b * c) / d}


def _cases_of(variable: Variable) -> Iterator[dict[Any, Any]]:
    symbols = elements(variable)
    kinds = set(variable.facts_by_kind)
    if "one-hot" in kinds:
        for place in range(symbols.size):
            yield {symbol: sympy.Integer(k == place) for k, symbol in enumerate(symbols.ravel())}
    elif isinstance(variable.facts_by_kind.get("index"), sympy.Integer):
        for places in itertools.product(range(int(variable.facts_by_kind["index"])), repeat=symbols.size):
            yield {symbol: sympy.Integer(place) for symbol, place in zip(symbols.ravel(), places, strict=True)}
    elif "signs" in kinds:
        for signs in itertools.product((1, -1), repeat=symbols.size):
            yield {symbol: sympy.Integer(sign) for symbol, sign in zip(symbols.ravel(), signs, strict=True)}
    elif "orthogonal" in kinds:  # every orthogonal matrix of two rows is a rotation or a reflection
        t = sympy.Symbol("t", real=True)
        for sign in (1, -1):
            turned = [sympy.cos(t), -sign * sympy.sin(t), sympy.sin(t), sign * sympy.cos(t)]
            yield dict(zip(symbols.ravel(), turned, strict=True))
    elif "symmetric" in kinds:
        yield {symbols[i, j]: symbols[j, i] for i, j in np.ndindex(symbols.shape) if i > j}
    elif "sums to 1" in kinds:
        moved = np.moveaxis(symbols, int(variable.facts_by_kind["sums to 1"]), -1)
        yield {row[-1]: 1 - sum(row[:-1]) for row in moved.reshape(-1, moved.shape[-1])}
    elif "positive" in kinds:
        yield {symbol: sympy.Symbol(symbol.name, positive=True) for symbol in symbols.ravel()}
    else:
        yield {}


# ---------------------------------------------------------------- the page


def markdown() -> str:
    """Return the named rules, in the order in which they are tried, those that know a written-out form last."""
    found = list(simplifications())
    known = {form.identity for form in KNOWN_FORMS}
    plain = [each for each in found if each.identity not in known]
    forms = [each for each in found if each.identity in known]
    return "\n\n".join(
        [
            "### Sums, facts and products",
            *map(_entry, plain),
            "### Known forms",
            "A function that is written out is recognised, before it is differentiated and in what comes out.",
            *map(_entry, forms),
        ]
    )


def touches_markdown() -> str:
    """Return the touches that only change how an answer is written."""
    return "\n\n".join(map(_entry, touches()))


def _entry(each: Proved) -> str:
    shown = each.shown
    declared = f" with `{shown.where.strip(' ,')}`" if any(map(_fact, shown.where.split(","))) else ""
    example = f" For example `{shown.formula}`{declared}:" if declared or shown.formula not in each.identity else ""
    table = equations([Row(latex(each.before), latex(tidy(each.after)), _how(each))])
    used = f"\n\nUsed: {', '.join(each.facts)}." if each.facts else ""
    return f'<div class="rule-example">\n\n**{each.name}**: `{each.identity}`.{example}\n\n{table}{used}\n\n</div>'


def _fact(declaration: str) -> bool:
    return "-" in declaration or any(
        word in declaration.split() for word in ("symmetric", "orthogonal", "positive", "signs")
    )


def _how(each: Proved) -> str:
    """Say how the two sides are known to be equal."""
    if not each.cases:
        return "it is the equation itself"
    sizes = ", ".join(f"{name} = {size}" for name, size in each.shown.sizes.items() if _occurs(each, name))
    where = f"{sizes}, the determinant above 0" if each.shown.positive_determinant else sizes
    said = {
        EXACT: "the difference, expanded, is 0",
        SIMPLIFIED: "the difference, simplified, is 0",
        DIGITS: "equal in 50 digits at three points",
    }
    proved = "for every size, by indices; " if each.for_every_size else ""
    return f"{proved}at {where}{f' in {each.cases} cases' if each.cases > 1 else ''}: {said[each.how]}"


def _occurs(each: Proved, name: str) -> bool:
    return any(symbol.name == name for symbol in each.before.free_symbols if not isinstance(symbol, Variable))
