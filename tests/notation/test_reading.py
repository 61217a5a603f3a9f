"""A formula reads one way: where two formulas have the same text, they have the same value."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
import sympy

from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node
from symprop.notation import latex, pretty
from tests.rounding_of_formulas import assert_same_value

a, y, p, z = (variable(name, (3,)) for name in ("a", "y", "p", "z1"))
s = variable("s")
A, B = variable("A", (2, 3)), variable("B", (3, 3))
exp = FUNCTIONS["exp"]
HALF = sympy.Rational(1, 2)


def where(relation: str, left: Node, right: Node | int, yes: Node | int, no: Node | int) -> Node:
    return n.Where(n.Compare(relation, left, n.as_node(right)), n.as_node(yes), n.as_node(no))


CASES = [
    (where(">", a, 0, where("<", a, 1, a, a * a), 0 * a), "(a if a < 1, else a ⊙ a) if a > 0, else 0 a"),
    (where(">", a, y, where("<", a, 0, a, 1), 0), "(a if a < 0, else 1) if a > y, else 0"),
    (where("<", a, 0, a, where(">", a, y, 1, 0)), "a if a < 0, else 1 if a > y, else 0"),
    (FUNCTIONS["maximum"](where(">", a, 0, a, y), y), "max((a if a > 0, else y), y)"),
    (n.Sum(z * y * n.Sum(exp(z))), "Σᵢ z₁,ᵢ yᵢ Σⱼ exp(z₁,ⱼ)"),
    (n.Sum(y * n.Sum(p * n.Sum(exp(a)))), "Σᵢ yᵢ Σⱼ pⱼ Σₖ exp(aₖ)"),
    (n.Sum(variable("i") * exp(y)), "Σⱼ i exp(yⱼ)"),
    (n.Sum(p * y / p), "Σᵢ pᵢ yᵢ / pᵢ"),
    (n.Sum(p * y) / s, "(Σᵢ pᵢ yᵢ) / s"),
    ((s**HALF) ** 2, "(√(s))²"),
    (n.Sum(a**2) ** 2, "(‖a‖²)²"),
    (A**HALF, "A⊙^½"),
    (a**HALF, "√(a)"),
    (n.Sum(y, None, True) * n.Fill(1, (3,)), "(𝟏ᵀ y) 𝟏"),
    (n.Fill(1, (3,)) / y**HALF, "𝟏 ⊘ √(y)"),
    (a**2 / 2, "½ a ⊙ a"),
]


@pytest.mark.parametrize(("node", "written"), CASES, ids=[written for _, written in CASES])
def test_cases(node: Node, written: str) -> None:
    assert pretty(node) == written


def test_words_in_latex_are_upright() -> None:
    assert latex(n.Softmax(variable("A", (2, 3)), 0)) == r"\operatorname{softmax}(A, \text{axis }0)"


LEAVES = {(): (s, n.Scalar(2)), (3,): (a, y, n.Fill(1, (3,))), (3, 3): (B, variable("C", (3, 3)))}


def _tree(draw: random.Random, shape: tuple[int, ...], depth: int) -> Node:
    """A random formula over few names, so that two often look alike."""
    if depth == 0 or draw.random() < 0.15:
        return draw.choice(LEAVES[shape])

    def of(other: tuple[int, ...] = shape) -> Node:
        return _tree(draw, other, depth - 1)

    kinds: list[Callable[[], Node]] = [
        lambda: of() + of(),
        lambda: of() - of(),
        lambda: n.Multiply(of(), of(), of()),
        lambda: of() * of(draw.choice(((), shape))),
        lambda: of() / of(draw.choice(((), shape))),
        lambda: n.Power(of(), draw.choice((2, 3, -1, -2, HALF, -HALF))),
        lambda: FUNCTIONS[draw.choice(("exp", "abs", "relu"))](of()),
        lambda: FUNCTIONS["maximum"](of(), of()),
        lambda: n.Where(n.Compare(draw.choice("<>"), of(), of()), of(), of()),
        lambda: n.Where(n.Compare(draw.choice("<>"), of(), of()), of(), of()),
        lambda: n.Where(of(), of(), of()),
        lambda: n.Compare(">", of(), of()),
    ]
    kinds += {
        (): [lambda: n.Sum(of((3,))), lambda: n.Sum(of((3, 3))), lambda: of((3,)) @ of((3,))],
        (3,): [
            lambda: of((3, 3)) @ of((3,)),
            lambda: of((3,)) @ of((3, 3)),
            lambda: n.Sum(of((3, 3)), draw.choice((0, 1))),
            lambda: n.Diagonal(of((3, 3))),
            lambda: n.Softmax(of()),
            lambda: of() * n.Sum(of(), None, True),
        ],
        (3, 3): [
            lambda: of().T,
            lambda: of() @ of(),
            lambda: n.Outer(of((3,)), of((3,))),
            lambda: n.Diag(of((3,))),
            lambda: of() + n.Expand(of((3,)), draw.choice((0, 1))),
            lambda: of() * of((3,)),
        ],
    }[shape]
    return draw.choice(kinds)()


@pytest.mark.parametrize("write", [pretty, latex], ids=["pretty", "latex"])
@pytest.mark.parametrize("shape", [(), (3,), (3, 3)], ids=str)
def test_formulas_that_look_alike_are_equal(shape: tuple[int, ...], write: Callable[[Node], str]) -> None:
    draw = random.Random(5)
    alike: dict[str, dict[Node, None]] = {}
    for _ in range(4000):
        node = _tree(draw, shape, draw.choice((1, 2, 2, 3)))
        alike.setdefault(write(node), {})[node] = None
    numbers = np.random.default_rng(5)
    names = {"s": (), "a": (3,), "y": (3,), "B": (3, 3), "C": (3, 3)}
    values = {name: numbers.uniform(0.3, 1.2, size) for name, size in names.items()}
    assert sum(len(nodes) > 1 for nodes in alike.values()) > 5
    for nodes in alike.values():
        if len(nodes) > 1:
            with np.errstate(all="ignore"):
                for other in list(nodes)[1:]:
                    assert_same_value(next(iter(nodes)), other, values)


def test_numbers_side_by_side_are_not_one_number() -> None:
    product = n.Multiply(n.Scalar(2), n.Power(n.Scalar(2), 2), a)
    assert pretty(product) == "2 (2²) a"
    assert latex(product) == r"2 \left(2^{2}\right) a"
