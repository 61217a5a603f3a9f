"""The named rules of simplification: those that need a fact, or that a reader wants to see by name.

A rule looks at one tidy node and returns the node that it becomes, with the facts it used, or None. The rewriter
(`rewriting.py`) applies them inside whole formulas and records the steps; every step is checked numerically by the
certificate. Facts come from `Fact`s declared on variables and from what defines a variable (a softmax is positive).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import sympy

from symprop.algebra import nodes as n
from symprop.algebra import trees
from symprop.algebra.equations import Equation, System
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import is_zero, multiplied, ones, walk
from symprop.calculus.coefficients import coefficient_and_rest, scaled
from symprop.calculus.known_forms import KNOWN_FORMS, KnownForm
from symprop.calculus.tidy import tidy

KnownFact = str | Equation


@dataclass(frozen=True)
class Context:
    """What a derivation may use: the equations so far, by right side and by name."""

    by_value: Mapping[Node, Equation] = field(default_factory=dict)
    by_name: Mapping[Variable, Equation] = field(default_factory=dict)

    def definition(self, node: Node) -> Node:
        """Return what defines `node` when it is a variable of an equation, else `node`."""
        equation = self.by_name.get(node) if isinstance(node, Variable) else None
        return equation.expression if equation else node


def context(system: System) -> Context:
    """Return what the rules may use of a system: every equation, by right side and by name.

    Inside a loop the equations are known for the block `l`, the one after it, and the last.
    """
    known: list[Equation] = []
    for item in system.items:
        if isinstance(item, Equation):
            known.append(item)
        else:
            for shift in (item.index, item.index + 1, item.count):
                known.extend(_moved(equation, item.index, shift) for equation in item.equations)
    by_value = {tidy(equation.expression): equation for equation in reversed(known) if equation.expression.operands}
    return Context(by_value, {equation.target: equation for equation in known})


def _moved(equation: Equation, index: sympy.Symbol, to: sympy.Expr) -> Equation:
    if to == index:
        return equation
    return Equation(variable_at(equation.target, index, to), node_at(equation.expression, index, to))


def node_at(node: Node, index: sympy.Symbol, to: sympy.Expr) -> Node:
    moved: Node = node.xreplace({index: to})
    return moved


def variable_at(variable: Variable, index: sympy.Symbol, to: sympy.Expr) -> Variable:
    moved: Variable = variable.xreplace({index: to})
    return moved


@dataclass(frozen=True)
class Applied:
    """What a rule made of a node, and the facts that allowed it."""

    result: Node
    facts: tuple[KnownFact, ...] = ()


@dataclass(frozen=True)
class Rule:
    """A named identity. `identity` says it in one line of NumPy notation."""

    name: str
    identity: str
    apply: Callable[[Node, Context], Applied | None]


RULES: list[Rule] = []


def rule(name: str, identity: str) -> Callable[[Callable[[Node, Context], Applied | None]], None]:
    """Enter the decorated function as a rule; rules are tried in the order of this file."""

    def enter(apply: Callable[[Node, Context], Applied | None]) -> None:
        RULES.append(Rule(name, identity, apply))

    return enter


# ---------------------------------------------------------------- facts


def _kind(node: Node, context: Context) -> str:
    """ "softmax", or the name of the function that defines `node`, or nothing."""
    meaning = context.definition(node)
    if isinstance(meaning, n.Softmax):
        return "softmax"
    return meaning.function.name if isinstance(meaning, n.Map) else ""


def _said(node: Node, what: str, kind: str) -> str:
    """Say that a node is `what`, because it is a softmax, an exponential or a sigmoid."""
    article = "an" if kind == "exp" else "a"
    return f"{node.name} {what}, as every {kind}" if isinstance(node, Variable) else f"{article} {kind} {what}"


def positive(node: Node, context: Context) -> KnownFact | None:
    """Return the reason why every element of `node` is above 0, or None."""
    kind = _kind(node, context)
    return _said(node, "is above 0", kind) if kind in ("softmax", "exp", "sigmoid") else None


def below_one(node: Node, context: Context) -> KnownFact | None:
    """Return the reason why every element of `node` is below 1, or None."""
    return _said(node, "is below 1", "sigmoid") if _kind(node, context) == "sigmoid" else None


def nonzero(node: Node, context: Context) -> KnownFact | None:
    """Return the reason why no element of `node` is 0, or None."""
    if isinstance(node, n.Add) and len(node.operands) == 2 and node.operands[0] == n.Scalar(1):
        coefficient, rest = coefficient_and_rest(node.operands[1])
        if coefficient == -1 and rest is not None:
            return below_one(rest, context)  # 1 - p
    return positive(node, context)


def sums_to_one(node: Node, axes: tuple[int, ...], context: Context) -> tuple[int, KnownFact] | None:
    """Return the axis among `axes` along which `node` sums to 1, with the reason, or None."""
    if isinstance(node, Variable):
        for fact in node.facts:
            if fact.kind == "sums to 1" and int(fact.value) in axes:
                return int(fact.value), "the targets sum to 1" if node.letter == "y" else f"{node.name} sums to 1"
    meaning = context.definition(node)
    if isinstance(meaning, n.Softmax) and meaning.axis in axes:
        return meaning.axis, _said(node, "sums to 1", "softmax")
    return None


# ---------------------------------------------------------------- rules


@rule("sums to one", "sum(y) = 1")
def _(node: Node, context: Context) -> Applied | None:
    if not isinstance(node, n.Sum):
        return None
    found = sums_to_one(node.operands[0], node.axes, context)
    if found is None:
        return None
    axis, reason = found
    shape = node.operands[0].shape
    inner = ones(*shape[:axis], 1, *shape[axis + 1 :])
    return Applied(tidy(n.Sum(inner, node.axes, node.keepdims)), (reason,))


@rule("known value", "the right side of an equation is its left side")
def _(node: Node, context: Context) -> Applied | None:
    equation = context.by_value.get(node)
    return Applied(equation.target, (equation,)) if equation else None


@rule("a constant leaves the sum", "sum(c * x) = c * sum(x)")
def _(node: Node, context: Context) -> Applied | None:
    if not (isinstance(node, n.Sum) and isinstance(node.operands[0], n.Multiply)):
        return None
    product = node.operands[0]
    constant = [factor for factor in product.operands if all(_size(factor, product, axis) == 1 for axis in node.axes)]
    varying = [factor for factor in product.operands if factor not in constant]
    if not constant or not varying or not (node.keepdims or all(factor.rank == 0 for factor in constant)):
        return None
    total = n.Sum(n.Multiply(*varying) if len(varying) > 1 else varying[0], node.axes, node.keepdims)
    return Applied(n.Multiply(*constant, total))


def _size(factor: Node, product: Node, axis: int) -> object:
    position = axis - product.rank
    return factor.shape[position] if -position <= factor.rank else 1


@rule("sum of a sum", "sum(x + y) = sum(x) + sum(y)")
def _(node: Node, context: Context) -> Applied | None:
    if not (isinstance(node, n.Sum) and isinstance(node.operands[0], n.Add)):
        return None
    inner = node.operands[0]
    parts = [coefficient_and_rest(term) for term in inner.operands]
    if not any(rest is not None and sums_to_one(rest, node.axes, context) for _, rest in parts):
        return None
    full = [n.Multiply(term, ones(*inner.shape)) for term in inner.operands]
    return Applied(n.Add(*(n.Sum(term, node.axes, node.keepdims) for term in full)))


@rule("cancel", "x / x = 1 where x is not 0")
def _(node: Node, context: Context) -> Applied | None:
    if not isinstance(node, n.Multiply):
        return None
    below = [factor for factor in node.operands if isinstance(factor, n.Power) and factor.exponent.is_negative]
    for factor in below:
        base = factor.operands[0]
        above = next((other for other in node.operands if _is_power_of(other, base)), None)
        reason = nonzero(base, context) if above is not None else None
        if above is not None and reason is not None:
            exponent = factor.exponent + (above.exponent if isinstance(above, n.Power) and above != base else 1)
            rest = [other for other in node.operands if other is not factor and other is not above]
            return Applied(n.Multiply(*rest, n.Power(base, exponent)), (reason,))
    return None


def _is_power_of(node: Node, base: Node) -> bool:
    if node == base:
        return True
    return isinstance(node, n.Power) and node.operands[0] == base and bool(node.exponent.is_positive)


@rule("distribute", "x * (y + z / x) = x * y + z where x is not 0")
def _(node: Node, context: Context) -> Applied | None:
    if not isinstance(node, n.Multiply):
        return None
    for factor in node.operands:
        if isinstance(factor, n.Add):
            others = [other for other in node.operands if other is not factor]
            bases = {base for term in factor.operands for base in _below(term)}
            if any(nonzero(other, context) and other in bases for other in others):
                return Applied(n.Add(*(n.Multiply(*others, term) for term in factor.operands)))
    return None


def _below(term: Node) -> list[Node]:
    factors = term.operands if isinstance(term, n.Multiply) else (term,)
    return [factor.operands[0] for factor in factors if isinstance(factor, n.Power) and factor.exponent.is_negative]


@rule("expand and collect", "x * (1 - y) + x * y = x")
def _(node: Node, context: Context) -> Applied | None:
    if not isinstance(node, n.Add):
        return None
    expanded = tidy(n.Add(*(part for term in node.operands for part in _expanded(term))))
    _, rest = coefficient_and_rest(expanded)
    terms = len(rest.operands) if isinstance(rest, n.Add) else 1
    return (
        Applied(expanded)
        if terms < len(node.operands) or (terms == len(node.operands) and _depth(expanded) < _depth(node))
        else None
    )


def _depth(node: Node) -> int:
    return sum(1 for _ in trees.walk(node))


def _expanded(term: Node) -> list[Node]:
    """The terms of a product of sums, multiplied out; at most 32, else the term itself."""
    coefficient, rest = coefficient_and_rest(term)
    if not isinstance(rest, n.Multiply):
        if isinstance(rest, n.Add):
            return [scaled(coefficient, part) for part in rest.operands]
        return [term]
    products: list[list[Node]] = [[n.Scalar(coefficient)]]
    for factor in rest.operands:
        choices = factor.operands if isinstance(factor, n.Add) else (factor,)
        products = [[*product, choice] for product in products for choice in choices]
        if len(products) > 32:
            return [term]
    return [tidy(n.Multiply(*product)) for product in products]


def _enter(form: KnownForm) -> None:
    @rule(form.name, form.identity)
    def _(node: Node, context: Context) -> Applied | None:
        found = form.apply(node)
        return None if found is None else Applied(found)


for _form in KNOWN_FORMS:
    _enter(_form)


@rule("a factor enters the choice", "where(c, x, 0) * y = where(c, x * y, 0) where y has no value outside c")
def _(node: Node, context: Context) -> Applied | None:
    if not isinstance(node, n.Multiply):
        return None
    choice = next((factor for factor in node.operands if isinstance(factor, n.Where) and _one_sided(factor)), None)
    others = [factor for factor in node.operands if factor is not choice and not isinstance(factor, n.Scalar)]
    partial = [factor for factor in others if _is_partial(factor)]
    if choice is None or not partial:
        return None
    condition, yes, no = choice.operands
    rest = [factor for factor in node.operands if factor is not choice and factor not in partial]
    branches = (n.Multiply(branch, *partial) if not is_zero(branch) else n.Scalar(0) for branch in (yes, no))
    return Applied(multiplied([*rest, n.Where(condition, *branches)]))


def _one_sided(choice: n.Where) -> bool:
    return any(is_zero(branch) for branch in choice.operands[1:])


def _is_partial(factor: Node) -> bool:
    """Whether a factor has no value somewhere: a root, a reciprocal or a logarithm."""
    return any(
        (isinstance(part, n.Power) and not (part.exponent.is_Integer and part.exponent.is_positive))
        or (isinstance(part, n.Map) and part.function.name in ("log", "log1p"))
        for part in walk(factor)
    )
