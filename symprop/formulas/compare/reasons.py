"""How two formulas differ: guesses, each tried in many digits at every case, the plainest first.

`REASONS` has a row for each guess. A row looks at a `Pair` and says how the two differ, or nothing; a guess is never
believed that fails at one case.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import mpmath
import numpy as np
from sympy import Expr, Float, Integer, prod

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import same, shape_text
from symprop.algebra.trees import factors_of, is_ones, multiplied, ones
from symprop.calculus.coefficients import same_shape
from symprop.calculus.tidy import tidy
from symprop.errors import SympropError
from symprop.formulas.compare.cases import DIGITS, Case, close, far_apart, same_everywhere
from symprop.formulas.compare.edits import edits
from symprop.formulas.compare.factors import constant_factor
from symprop.formulas.compare.structure import apart, factors_apart, written
from symprop.formulas.compare.terms import terms
from symprop.verify.arithmetic import Array

MOST_PAIRS = 24
"""How many terms are looked through in pairs."""


@dataclass(frozen=True)
class Pair:
    """Two formulas that differ, and the cases at which both have a value."""

    first: Node
    second: Node
    cases: tuple[Case, ...]
    names: tuple[str, str] = ("the first", "the second")
    definitions: Mapping[Node, Node] = field(default_factory=dict)
    """What names of a derivation stand for. There the second is a line that is judged by the first."""

    @property
    def of_line(self) -> bool:
        """Whether sentences are about the second."""
        return bool(self.definitions)

    @property
    def both_ways(self) -> Iterator[tuple[Node, str, Node, str]]:
        """The two with their names, either one first."""
        (one, other) = self.names
        yield self.first, one, self.second, other
        yield self.second, other, self.first, one

    def same(self, left: Node, right: Node) -> bool:
        """Whether two formulas agree at every case."""
        if not same_shape(left, right) or not all(map(self.cases[0].can_read, (left, right))):
            return False
        if far_apart(self.cases[0], left, right):
            return False
        return same_everywhere(left, right, self.cases)


@dataclass(frozen=True)
class Reason:
    """How two formulas differ: a word for it, and a sentence."""

    kind: str
    sentence: str


Row = Callable[[Pair], Reason | None]


# ---------------------------------------------------------------- other shapes


def _transposed(pair: Pair) -> Reason | None:
    if pair.first.rank == 2 and pair.same(n.Transpose(pair.first), pair.second):
        return Reason("transposed", f"{pair.names[1]} is the transpose of {pair.names[0]}")
    return None


def _same_numbers(pair: Pair) -> Reason | None:
    """`(n, 1)` where the other is `(n,)`, or a matrix where the other is a vector of its elements."""
    if same_shape(pair.first, pair.second) or not same(_count(pair.first), _count(pair.second)):
        return None
    if pair.same(n.Reshape(pair.first, pair.second.shape), pair.second):
        return Reason("shape", "they have the same elements under other shapes")
    return None


def _count(node: Node) -> Expr:
    return prod(node.shape, start=Integer(1))


def _reduced(pair: Pair) -> Reason | None:
    """One is a sum or a mean of the other, over some of its axes, or its trace or diagonal."""
    for large, one, small, other in pair.both_ways:
        for found, kind, what in _reductions(large):
            if pair.same(found, small):
                return Reason(kind, f"{other} is {what.format(one)}")
    return None


def _reductions(node: Node) -> Iterator[tuple[Node, str, str]]:
    for count in range(1, node.rank + 1):
        for axes in itertools.combinations(range(node.rank), count):
            over = "all elements" if count == node.rank else f"axis {' and '.join(map(str, axes))}"
            number = prod((node.shape[axis] for axis in axes), start=Integer(1))
            for keepdims in (False, True):
                total = n.Sum(node, axes, keepdims)
                yield total, "missing sum", f"the sum of {{}} over {over}"
                yield n.Multiply(n.Scalar(1 / number), total), "missing mean", f"the mean of {{}} over {over}"
    if node.rank == 2 and same(*node.shape):
        yield n.Sum(n.Diagonal(node)), "missing sum", "the trace of {}"
        yield n.Diagonal(node), "missing sum", "the diagonal of {}"


def _diagonal_alone(pair: Pair) -> Reason | None:
    """One is the other without the elements beside the diagonal, as the Jacobian of a softmax that is taken for one of
    elements."""
    for large, one, small, other in pair.both_ways:
        if large.rank == 2 and same(*large.shape) and pair.same(n.Diag(n.Diagonal(large)), small):
            return Reason("missing term", f"{other} is the diagonal of {one}, without the other elements")
    return None


def _repeated(pair: Pair) -> Reason | None:
    """One is the other broadcast to a larger shape."""
    for large, one, small, other in pair.both_ways:
        if large.rank > small.rank and pair.same(_spread(small, large.shape), large):
            return Reason("broadcast", f"{one} is {other} repeated to shape {shape_text(large.shape)}")
    return None


def _spread(node: Node, shape: Sequence[Expr]) -> Node:
    try:
        return n.Multiply(node, ones(*shape))
    except SympropError:  # it does not broadcast to this shape
        return node


# ---------------------------------------------------------------- factors and terms


def _factor(pair: Pair) -> Reason | None:
    if not same_shape(pair.first, pair.second):
        return None
    sides = [(pair.first, pair.names[0]), (pair.second, pair.names[1])]
    (left, one), (right, other) = reversed(sides) if pair.of_line else sides
    factor = constant_factor(left, right, pair.cases)
    if factor is None:
        return None
    if factor == -1:
        return Reason("sign", f"{one} is minus {other}")
    return Reason("constant factor", f"{one} is {n.Scalar(factor).text()} times {other}")


def _term(pair: Pair) -> Reason | None:
    """A term more, a term less, or one with another sign or coefficient; then two terms."""
    if not same_shape(pair.first, pair.second):
        return None
    difference = n.Add(pair.first, n.negative(pair.second))
    off = [case.value(difference) for case in pair.cases]
    first, second = pair.names
    sides = [(first, second, term) for term in terms(pair.first)]
    sides += [(second, first, n.negative(term)) for term in terms(pair.second)]
    listed = [(one, other, term, [case.value(term) for case in pair.cases]) for one, other, term in sides]
    for one, other, term, values in listed:
        if _all_close(off, values):
            text = written(_signed(term, one == second))
            more = pair.of_line and one == second
            told = f"{one} has the term {text}, which {other} has not" if more else f"{other} lacks the term {text}"
            return Reason("missing term", told)
    for one, other, term, values in listed:
        doubled = [_added(value, value) for value in values]
        if _all_close(off, doubled):
            opposite = f"{written(_signed(term, one == second))} in {one}"
            return Reason("sign of a term", f"a term has the opposite sign: {opposite}, minus this in {other}")
    for one, _, term, _ in listed:
        factor = constant_factor(difference, term, pair.cases)
        if factor is not None and not factor.has(Float):
            should = _signed(n.Multiply(n.Scalar(1 - factor), term), one == second)
            sentence = f"a term differs by a factor: {written(_signed(term, one == second))} in {one} "
            return Reason("factor of a term", sentence + f"would have to be {written(should)}")
    for left, right in itertools.combinations(listed[:MOST_PAIRS], 2):
        both = [_added(a, b) for a, b in zip(left[3], right[3], strict=True)]
        if left[0] == right[0] and _all_close(off, both):
            two = f"{written(_signed(left[2], left[0] == second))} and {written(_signed(right[2], left[0] == second))}"
            return Reason("missing term", f"{left[1]} lacks the terms {two}")
    return None


def _added(left: Array | None, right: Array | None) -> Array | None:
    with mpmath.workdps(DIGITS):
        return None if left is None or right is None else np.asarray(left + right, dtype=object)


def _part(pair: Pair) -> Reason | None:
    """One factor of a product, one term of a sum, one operand of the same operation."""
    found = apart(tidy(pair.first), tidy(pair.second), pair.same)
    name = None if found is None else found.first
    if found is not None and name is not None and name in pair.definitions and found.second is not None:
        inner = apart(tidy(pair.definitions[name]), tidy(found.second), pair.same)  # the line writes the name out
        written_out = inner is not None and bool(found.second.operands)
        found = replace(inner, within=f", in what {name.text()} is") if inner is not None and written_out else found
    return None if found is None else Reason(f"one {found.what}", found.sentence(*pair.names, pair.of_line))


def _product(pair: Pair) -> Reason | None:
    """One factor of a product that is no sum."""
    alike = same_shape(pair.first, pair.second) and not {type(pair.first), type(pair.second)} & {n.Add}
    return _part(pair) if alike else None


def _factors(pair: Pair) -> Reason | None:
    """Several factors of a product of matrices, or their order."""
    found = factors_apart(tidy(pair.first), tidy(pair.second), pair.same)
    return None if found is None else Reason("several factors", found.sentence(*pair.names, pair.of_line))


def _constant(pair: Pair) -> Reason | None:
    """One is the other plus a number, or an expression in sizes."""
    if not same_shape(pair.first, pair.second):
        return None
    difference = n.Add(pair.first, n.negative(pair.second))
    number = constant_factor(difference, ones(*pair.first.shape), pair.cases)
    if number is None:
        return None
    sign, size = ("minus", -number) if number.could_extract_minus_sign() else ("plus", number)
    return Reason("missing term", f"{pair.names[0]} is {pair.names[1]} {sign} {n.Scalar(size).text()}")


def _signed(term: Node, negated: bool) -> Node:
    """The term as it stands in the formula: those of the second were negated, and all were brought to its shape."""
    signed = tidy(n.negative(term) if negated else term)
    seen = [factor for factor in factors_of(signed) if not is_ones(factor)]
    return multiplied(seen) if seen else signed


def _all_close(left: Sequence[Any], right: Sequence[Any]) -> bool:
    pairs = list(zip(left, right, strict=True))
    known = all(a is not None and b is not None for a, b in pairs)
    return known and all(close(a, b) for a, b in pairs) and any(_nonzero(a) for a, _ in pairs)


def _nonzero(value: Any) -> bool:
    return any(mpmath.fabs(entry) > 0 for entry in value.ravel())


# ---------------------------------------------------------------- slips


def _slip(pair: Pair) -> Reason | None:
    """The two would be equal with one part changed: in the second if that is possible, else in the first."""
    for whole, name, other, _ in reversed(tuple(pair.both_ways)):
        for edit in edits(whole, other.shape):
            if pair.same(edit.node, other):
                sentence = f"they would be equal with {written(edit.new)} in place of {written(edit.old)}"
                return Reason("one part", f"{sentence} in {name}")
    return None


REASONS: tuple[Row, ...] = (
    *(_transposed, _same_numbers, _repeated, _reduced, _diagonal_alone),
    *(_factor, _product, _constant, _term, _part, _slip, _factors),
)
"""The guesses in the order in which they are tried."""


def reason(pair: Pair) -> Reason | None:
    """Return how the two differ by the first guess that holds; None where none does."""
    return next((found for row in REASONS if (found := row(pair)) is not None), None)
