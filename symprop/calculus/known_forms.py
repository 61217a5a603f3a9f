"""Known forms: functions that have a node or a name of their own, recognised where they are written out.

A softmax written `exp(x) / sum(exp(x))` has a derivative of several terms that overflow; the softmax itself a short one
that is finite. So the written-out form is replaced before it is differentiated, and again in what comes out. The
stable evaluation of each is Blanchard, Higham and Higham, *Accurately computing the log-sum-exp and softmax
functions* (2021), and Maechler, *Accurately computing log(1 - exp(-|a|))* (2012).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds, kinds_of
from symprop.algebra.trees import added, multiplied, terms_of
from symprop.calculus.coefficients import base_and_exponent, same_shape
from symprop.calculus.exponentials import (
    argument,
    as_exponential,
    as_hyperbolic,
    as_log_sigmoid,
    as_logit,
    as_opposite_sigmoid,
    as_sigmoid,
    as_softplus,
    as_tanh,
    as_tanh_of_half,
    is_map,
)
from symprop.calculus.known_facts import has_fact
from symprop.calculus.sums_of_exponentials import (
    as_log_difference,
    as_logsumexp,
    as_opposite_softmax,
    as_sigmoid_of_difference,
    as_softmax,
    as_softmax_of_all,
)
from symprop.calculus.tidy import tidy


@dataclass(frozen=True)
class KnownForm:
    """A written-out form and what it is. `apply` takes a tidy node and returns the known form of it, or None."""

    name: str
    identity: str
    apply: Callable[[Node], Node | None]

    @cached_property
    def kinds(self) -> tuple[type, ...]:
        """The kinds of node that may be the form."""
        return kinds_of(self.apply)


def recogniser(forms: Sequence[KnownForm]) -> Callable[[Node], tuple[KnownForm, Node] | None]:
    """Return a function that finds the first of `forms` that a tidy node is written out as, and what the node is then.

    >>> from symprop.algebra.formula import formula
    >>> found = recogniser(KNOWN_FORMS)(formula("log(sum(exp(x)))", x="n").node)
    >>> found[0].name, found[1].text()
    ('log-sum-exp', 'logsumexp(x)')
    """

    of_kind: dict[type, list[KnownForm]] = {}

    def recognise(node: Node) -> tuple[KnownForm, Node] | None:
        kind = type(node)
        if kind not in of_kind:
            of_kind[kind] = [form for form in forms if issubclass(kind, form.kinds)]
        for form in of_kind[kind]:
            known = form.apply(node)
            if known is not None:
                return form, known
        return None

    return recognise


def with_known_forms(node: Node) -> tuple[Node, tuple[str, ...]]:
    """Return a formula with every written-out form as what it is, from the leaves up, and the names of the forms.

    >>> from symprop.algebra.formula import formula
    >>> found, names = with_known_forms(formula("outer(exp(x) / sum(exp(x)), y)", x="n", y="m").node)
    >>> found.text(), names
    ('outer(softmax(x), y)', ('softmax',))
    """
    names: dict[str, None] = {}

    def visit(part: Node) -> Node:
        operands = tuple(visit(operand) for operand in part.operands)
        part = part if operands == part.operands else part.with_operands(operands)
        found = known_form(tidy(part))
        if found is None:
            return part
        form, known = found
        names[form.name] = None
        return visit(known) if known != part else part

    return visit(node), tuple(names)


@for_kinds(n.Map)
def as_log_softmax(node: Node) -> Node | None:
    """Return `log(softmax(x))` as `x - logsumexp(x)`, else None."""
    inside = argument(node, "log")
    sliced = isinstance(inside, n.Sum) and isinstance(inside.operands[0], n.Slice)
    if inside is not None and (sliced or isinstance(inside, (n.Take, n.Slice, n.Diagonal))):
        chosen = as_log_softmax(FUNCTIONS["log"](inside.operands[0]))  # the log of what is selected
        place = isinstance(inside, n.Sum) and inside.operands[0].shape[inside.axes[0]] != 1
        return None if chosen is None or place else tidy(inside.with_operands([chosen, *inside.operands[1:]]))
    match inside:
        case n.Sum(operands=(n.Multiply() as product,)) if (found := _chosen(product, inside.axes)) is not None:
            chosen = as_log_softmax(FUNCTIONS["log"](found[1]))
            return None if chosen is None else tidy(n.Sum(found[0] * chosen, inside.axes, inside.keepdims))
        case n.Softmax(operands=(x,)):
            return tidy(x - n.LogSumExp(x, inside.axis, True))
    return None


def _chosen(product: n.Multiply, axes: tuple[int, ...]) -> tuple[Node, Node] | None:
    """Return one-hot rows and what they choose from, where the sum of their product over its last axis is asked for."""
    match product.operands:
        case (n.OneHot() as chooses, array) | (array, n.OneHot() as chooses) if axes == (product.rank - 1,):
            return chooses, array
    return None


@for_kinds(n.Map)
def as_log_of_chosen(node: Node) -> Node | None:
    """Return the log of elements of `p` that are chosen, all being above 0, as elements of `log(p)`, else None."""
    match argument(node, "log"):
        case n.Sum(operands=(n.Multiply() as product,)) as total:
            found = _chosen(product, total.axes)
            if found is not None and has_fact(found[1], "positive"):
                return n.Sum(found[0] * FUNCTIONS["log"](found[1]), total.axes, total.keepdims)
    return None


@for_kinds(n.Map)
def as_log_determinant(node: Node) -> Node | None:
    """Return `log(det(A)**k)` as `k logdet(A)`: where the logarithm has a value, it is that of the absolute value."""
    inside = argument(node, "log") or node
    base, exponent = base_and_exponent(argument(inside, "abs") or inside)
    found = isinstance(base, n.Determinant) and inside is not node
    return tidy(n.Scalar(exponent) * n.LogDeterminant(*base.operands)) if found else None


@for_kinds(n.Multiply)
def as_power(node: n.Multiply) -> Node | None:
    """Return a product that holds `a**b / a` with `a**(b - 1)` in its place, else None."""
    factors = list(node.operands)
    for place, factor in enumerate(factors):
        if is_map(factor, "power") and n.Power(factor.operands[0], -1) in factors:
            base, exponent = factor.operands
            factors[place] = FUNCTIONS["power"](base, tidy(exponent - 1))
            factors.remove(n.Power(base, -1))
            return tidy(multiplied(factors))
    return None


@for_kinds(n.Softmax)
def as_shifted_softmax(node: n.Softmax) -> Node | None:
    """Return `softmax(x + c)` as `softmax(x)`, where `c` is the same along the axis, else None."""
    kept, constant = _along(node.operands[0], node.axis)
    x = added(kept) if kept and constant else None
    return n.Softmax(x, node.axis) if x and same_shape(x, node) else None


@for_kinds(n.LogSumExp)
def as_shifted_logsumexp(node: n.LogSumExp) -> Node | None:
    """Return `logsumexp(x + c)` as `logsumexp(x) + c`, where `c` is the same along the axis, else None."""
    inside, axis = node.operands[0], node.axis
    kept, constant = _along(inside, axis)
    if not kept or not constant:
        return None
    if not node.keepdims:  # a constant has an axis of length 1 there, which goes, or none
        constant = [n.Sum(part, axis - inside.rank) if inside.rank - axis <= part.rank else part for part in constant]
    found = tidy(n.Add(n.LogSumExp(added(kept), axis - inside.rank, node.keepdims), *constant))
    return found if same_shape(found, node) else None


def _along(node: Node, axis: int) -> tuple[list[Node], list[Node]]:
    """Return the terms of a sum that vary along an axis, and those that do not."""
    place, terms = axis - node.rank, terms_of(node)
    constant = [part for part in terms if part.rank < -place or part.shape[place] == 1]
    return [part for part in terms if part not in constant], constant


KNOWN_FORMS: tuple[KnownForm, ...] = (
    KnownForm("softmax", "exp(x) / sum(exp(x)) = softmax(x)", as_softmax),
    KnownForm(
        "softmax of all elements",
        "softmax(logsumexp(x, axis=1))[:, None] * softmax(x, axis=1) = exp(x - logsumexp(x))",
        as_softmax_of_all,
    ),
    KnownForm("log-sum-exp", "log(sum(exp(x))) = logsumexp(x)", as_logsumexp),
    KnownForm("shift of a softmax", "softmax(x + c) = softmax(x)", as_shifted_softmax),
    KnownForm("shift of a log-sum-exp", "logsumexp(x + c) = logsumexp(x) + c", as_shifted_logsumexp),
    KnownForm("log-determinant", "log(det(A)) = log(abs(det(A))) = logdet(A)", as_log_determinant),
    KnownForm("power", "a**b / a = a**(b - 1)", as_power),
    KnownForm("log-softmax", "log(softmax(x)) = x - logsumexp(x), and so for selected elements", as_log_softmax),
    KnownForm("log of elements", "log(p[i]) = log(p)[i], where p is above 0", as_log_of_chosen),
    KnownForm("softplus", "log(1 + exp(t)) = softplus(t)", as_softplus),
    KnownForm("softplus", "log(sigmoid(t)) = -softplus(-t), log(1 - sigmoid(t)) = -softplus(t)", as_log_sigmoid),
    KnownForm("logit", "softplus(t) - softplus(-t) = t", as_logit),
    KnownForm("sigmoid", "1 / (1 + exp(-t)) = sigmoid(t)", as_sigmoid),
    KnownForm("sigmoid", "exp(t) * sigmoid(-t) = sigmoid(t)", as_opposite_sigmoid),
    KnownForm("exponential", "expm1(t) + 1 = exp(t)", as_exponential),
    KnownForm("hyperbolic", "exp(t) + exp(-t) = 2 cosh(t), exp(t) - exp(-t) = 2 sinh(t)", as_hyperbolic),
    KnownForm("softplus", "log(exp(s) + exp(t)) = softplus(s - t) + t", as_log_difference),
    KnownForm("sigmoid", "exp(s) / (exp(s) + exp(t)) = sigmoid(s - t)", as_sigmoid_of_difference),
    KnownForm("softmax", "exp(z) * sigmoid(-logsumexp(z)) = softmax(z) * sigmoid(logsumexp(z))", as_opposite_softmax),
    KnownForm("tanh", "(1 - exp(-t)) * sigmoid(t) = tanh(t / 2)", as_tanh_of_half),
    KnownForm("tanh", "sinh(t) / cosh(t) = tanh(t)", as_tanh),
)


known_form = recogniser(KNOWN_FORMS)

__all__ = ["KNOWN_FORMS", "KnownForm", "argument", "is_map", "known_form", "recogniser", "with_known_forms"]
