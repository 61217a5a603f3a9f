"""What `compare` proves for every size, of pairs that are equal and of pairs that differ: random points contradict it.

Of each pair that is equal one side has a kind of node that the other has not, so that a wrong row for it takes the
proof away, or gives one for the other side times a number, turned, or without a term.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from symprop.algebra.nodes import Node
from symprop.formulas.compare.given import formulas_of
from symprop.formulas.compare.inverses.proof import same_words
from symprop.formulas.compare.sums.elements import same_sums
from tests.needed import needed_of
from trust.changes import NODES
from trust.mutant_questions import Question, same_numbers
from trust.sum_values import random_values, sizes_of, value

WHERE = "A: n n, B: n n, C: k k, U: n k, V: k n, E: k d, x: n, y: n, a:, i: m index k, p: n sums-to-1"
POINTS = 4
"""At how many random points two formulas are the same that are said to be."""
SUMS = """
x + x == 2 * x
x * x == x**2
x**2 * x == x**3
eye(n) @ x == x
ones(n) * a == a + 0 * x
A @ x == sum(A * x, axis=1)
A @ B == (B.T @ A.T).T
x @ A @ y == sum(outer(x, y) * A)
outer(x, y) == x[:, None] * y
A.T @ x == x @ A
diag(x) @ y == x * y
trace(A @ B) == sum(A * B.T)
sum(A, axis=1) == A @ ones(n)
sum(p) == 1
one_hot(1, n) @ x == x[1]
E[i] == one_hot(i, k) @ E
softmax(x) == exp(x) / sum(exp(x))
logsumexp(x) == log(sum(exp(x)))
logdet(A) == log(abs(det(A)))
matrix_power(A, 3) == A @ A @ A
inv(A.T) == inv(A).T
det(A.T) == det(A)
x > y == 1 - (x <= y)
where(x > y, x, y) == x * (x > y) + y * (x <= y)
tanh(x) == 2 * sigmoid(2 * x) - 1
sin(x)**2 + cos(x)**2 == ones(n)
log(1 + exp(x)) == softplus(x)
exp(x) * exp(y) == exp(x + y)
"""
"""Pairs that are one sum of products of elements."""
WORDS = """
A @ inv(A) == eye(n)
inv(A @ B) == inv(B) @ inv(A)
inv(A) + inv(A) == 2 * inv(A)
matrix_power(A, -1) == inv(A)
matrix_power(A, 2) @ inv(A) == A
inv(A.T) == inv(A).T
sum(inv(A), axis=0) == ones(n) @ inv(A)
trace(inv(A) @ A) == n
(A.T @ x) @ inv(B) == x @ A @ inv(B)
x * (x @ inv(A) @ x) == outer(x, x) @ inv(A) @ x
inv(a * A) == inv(A) / a
(x @ inv(A) @ x)**2 == (x @ inv(A) @ x) * (x @ inv(A) @ x)
inv(eye(n) + A) @ A == eye(n) - inv(eye(n) + A)
det(A @ B) == det(A) * det(B)
det(inv(A)) == 1 / det(A)
det(2 * eye(k) + V @ U) == 2**k * det(eye(n) + U @ V / 2)
logdet(A @ B) == logdet(A) + logdet(B)
inv(A + U @ C @ V) == inv(A) - inv(A) @ U @ inv(inv(C) + V @ inv(A) @ U) @ V @ inv(A)
inv(A + outer(x, y)) == inv(A) - outer(inv(A) @ x, y @ inv(A)) / (1 + y @ inv(A) @ x)
"""
"""Pairs that are one sum of products of matrices, with inverses and determinants."""


def _others(node: Node) -> Iterator[Node]:
    """Yield a side of a pair, and what it could wrongly be taken for."""
    yield node
    yield from (other for other in (change(node) for change in NODES.values()) if other is not None)


def _point(one: Node, other: Node, seed: int) -> tuple[dict[str, Any], dict[Any, int]]:
    """Return random values and sizes of the variables of two formulas."""
    sizes = sizes_of(one, other)
    values = random_values(sizes, seed, one, other)
    return {name: each / each.sum() if name == "p" else each for name, each in values.items()}, sizes


def _same_at(one: Node, other: Node, point: tuple[dict[str, Any], dict[Any, int]]) -> bool:
    return same_numbers(value(other, *point), value(one, *point))


def proofs(pairs: str, prove: Callable[[Node, Node], bool]) -> Callable[[], Iterator[Question]]:
    """Return what yields which of several formulas are proved to be equal to the first side of a pair."""

    def questions() -> Iterator[Question]:
        for line in pairs.strip().splitlines():
            first, _, second = line.partition(" == ")
            one, other = (each.node for each in formulas_of(first, second, needed_of(WHERE, first, second), {})[:2])
            points = [*map(partial(_point, one, other), range(POINTS))]
            both = [
                (each, all(same_numbers(value(each, *at), value(one, *at)) for at in points)) for each in _others(other)
            ]

            def ask(one: Node = one, both: list[tuple[Node, bool]] = both) -> list[bool]:
                return [prove(one, each) for each, _ in both]

            def seen(told: list[bool], both: list[tuple[Node, bool]] = both) -> bool:
                return told != [is_equal for _, is_equal in both]

            yield Question(line, ask, seen)

    return questions


of_sums = proofs(SUMS, same_sums)
of_words = proofs(WORDS, same_words)
