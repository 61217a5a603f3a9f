"""Known forms: functions that have a node or a name of their own, recognised where they are written out.

A softmax written `exp(x) / sum(exp(x))` has a derivative of several terms that overflow; the softmax itself a short one
that is finite. So the written-out form is replaced before it is differentiated, and again in what comes out. The
stable evaluation of each is Blanchard, Higham and Higham, *Accurately computing the log-sum-exp and softmax
functions* (2021), and Maechler, *Accurately computing log(1 - exp(-|a|))* (2012).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node
from symprop.calculus.tidy import tidy


@dataclass(frozen=True)
class KnownForm:
    """A written-out form and what it is. `apply` takes a tidy node and returns the known form of it, or None."""

    name: str
    identity: str
    apply: Callable[[Node], Node | None]


def is_map(node: Node, name: str) -> bool:
    """Whether `node` is the known elementwise function `name`.

    >>> from symprop.algebra import variable
    >>> is_map(FUNCTIONS["exp"](variable("x", (3,))), "exp")
    True
    """
    return isinstance(node, n.Map) and node.function == FUNCTIONS[name]


def minus_one(node: Node) -> Node | None:
    """Return `t` where `node` is written `1 + t`, else None."""
    if not isinstance(node, n.Add) or n.Scalar(1) not in node.operands:
        return None
    rest = list(node.operands)
    rest.remove(n.Scalar(1))
    return n.Add(*rest) if len(rest) > 1 else rest[0]


def as_softmax(node: Node) -> Node | None:
    """Return a product that holds `exp(x) / sum(exp(x))` with a softmax in its place, else None."""
    if not isinstance(node, n.Multiply):
        return None
    for factor in node.operands:
        total = factor.operands[0] if isinstance(factor, n.Power) and factor.exponent == -1 else None
        if isinstance(total, n.Sum) and total.operands[0] in node.operands and _broadcasts_back(total):
            exponent = _summed_exponent(total)
            if exponent is not None:
                rest = [other for other in node.operands if other not in (factor, total.operands[0])]
                return _product(*rest, n.Softmax(exponent, total.axes[0]))
    return None


def as_logsumexp(node: Node) -> Node | None:
    """Return `log(sum(exp(x)))` as a log-sum-exp, else None."""
    total = node.operands[0] if is_map(node, "log") else None
    exponent = _summed_exponent(total) if isinstance(total, n.Sum) else None
    return n.LogSumExp(exponent, total.axes[0], total.keepdims) if isinstance(total, n.Sum) and exponent else None


def _summed_exponent(total: n.Sum) -> Node | None:
    """Return `x` where `total` is `sum(exp(x))` over one axis."""
    inside = total.operands[0]
    return inside.operands[0] if len(total.axes) == 1 and is_map(inside, "exp") else None


def _broadcasts_back(total: n.Sum) -> bool:
    """Whether a sum over one axis lines up again with what was summed, when the two are multiplied."""
    return total.keepdims or total.operands[0].rank == 1 or total.axes == (0,)


def as_softplus(node: Node) -> Node | None:
    """Return `log(1 + exp(t))` as `softplus(t)`, else None."""
    inside = minus_one(node.operands[0]) if is_map(node, "log") else node.operands[0] if is_map(node, "log1p") else None
    return FUNCTIONS["softplus"](inside.operands[0]) if inside is not None and is_map(inside, "exp") else None


def as_sigmoid(node: Node) -> Node | None:
    """Return `1 / (1 + exp(-t))`, alone or in a product with `exp(-t)`, as a sigmoid, else None."""
    factors = list(node.operands) if isinstance(node, n.Multiply) else [node]
    for factor in factors:
        inside = minus_one(factor.operands[0]) if isinstance(factor, n.Power) and factor.exponent == -1 else None
        if inside is not None and is_map(inside, "exp"):
            factors.remove(factor)
            t = inside.operands[0]
            if inside in factors:  # exp(t) / (1 + exp(t)) = sigmoid(t)
                factors[factors.index(inside)] = FUNCTIONS["sigmoid"](t)
            else:
                factors.append(FUNCTIONS["sigmoid"](tidy(n.negative(t))))
            return _product(*factors)
    return None


def _product(*factors: Node) -> Node:
    return factors[0] if len(factors) == 1 else n.Multiply(*factors)


KNOWN_FORMS: tuple[KnownForm, ...] = (
    KnownForm("softmax", "exp(x) / sum(exp(x)) = softmax(x)", as_softmax),
    KnownForm("log-sum-exp", "log(sum(exp(x))) = logsumexp(x)", as_logsumexp),
    KnownForm("softplus", "log(1 + exp(x)) = softplus(x)", as_softplus),
    KnownForm("sigmoid", "1 / (1 + exp(-x)) = sigmoid(x)", as_sigmoid),
)
