"""Proofs of the rules of differentiation: by indices, for every size, where SymPy can do it; by elements at numbers.

Nothing here knows a derivative. The definition is the index meaning of a node, and `sympy.diff` differentiates it; the
machinery is that of `tests/calculus/test_rules_are_theorems.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import mpmath
import numpy as np
import sympy
from extension.markup import Row
from index_proofs import BY, OUT, letters, named, sums_over, worked, written
from rule_examples import EXAMPLES, Example
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.elements import Reader, elements
from symprop.algebra.nodes import NODE_KINDS, Node, Variable
from symprop.algebra.trees import variables
from symprop.calculus.pullbacks import PULLBACK
from symprop.calculus.pushforwards import PUSHFORWARD
from symprop.calculus.tidy import tidy
from symprop.errors import SympropError
from symprop.notation.latex import latex
from symprop.verify.element_checks import ScalarNumbers
from symprop.verify.evaluate import precise_value
from tests.calculus.test_rules_are_theorems import jacobian, point_for, summed

EXACT, SIMPLIFIED, DIGITS = "expand", "simplify", "50 digits"
"""How two lists of elements are known to be equal, the best first."""

SLOPE, SUM, RULE = "derivative of an element", "derivatives summed with {}", "the rule"
"""What is said of the lines of a proof."""


@dataclass(frozen=True)
class Rule:
    """One operand of an example: the rows of both tables for it, and how each is known to be right."""

    operand: Variable
    pullback: Node
    pushforward: Node
    constant: bool
    general: tuple[Row, ...]
    small: tuple[Row, ...]
    counts: tuple[int, int]
    proofs: tuple[str, str]


def rules(example: Example) -> Iterator[Rule]:
    """Yield what the tables say of each operand of an example, proved."""
    node = example.node
    for position, operand in enumerate(node.operands):
        if not isinstance(operand, Variable):
            continue  # the condition of a choice: nothing flows to it
        cotangent = Variable("G" if node.rank > 1 else "g", (), node.shape)
        tangent = Variable(f"dot_{operand.name}", (), operand.shape)
        back, forward = PULLBACK(node, position, cotangent), PUSHFORWARD(node, position, tangent)
        integer = "index" in operand.facts_by_kind
        constant = all(isinstance(tidy(flow), (n.Fill, n.Scalar)) for flow in (back, forward))
        proved = [] if integer else [_back(example, node, operand, back, cotangent)]
        proved += [] if integer else [_forward(example, node, operand, forward, tangent)]
        yield Rule(
            operand,
            tidy(back),
            tidy(forward),
            constant,
            () if constant else general_proof(node, operand, back, cotangent),
            () if constant else small_proof(example, node, operand, back, cotangent),
            tuple(count for count, _ in proved) or (0, 0),  # type: ignore[arg-type]
            tuple(how for _, how in proved) or (EXACT, EXACT),  # type: ignore[arg-type]
        )


def compared(example: Example) -> Iterator[tuple[Variable, Node, Node]]:
    """Yield each operand of an example with its rows, each compared with differences of values at a random point.

    Raises:
        ValueError: a row is wrong.
    """
    node = example.node
    for position, operand in enumerate(node.operands):
        if not isinstance(operand, Variable):
            raise ValueError(f"{operand} of {example.formula} is no variable")
        g, u = Variable("G" if node.rank > 1 else "g", (), node.shape), Variable("E_u", (), operand.shape)
        back, forward = tidy(PULLBACK(node, position, g)), tidy(PUSHFORWARD(node, position, u))
        for row, unfinished in ((back, n.Pullback(g, node, operand)), (forward, n.Pushforward(node, operand, u))):
            (found, true), _ = at_numbers(example, row, unfinished)
            random = np.random.default_rng(1)
            given = {each.name: random.uniform(0.1, 1, tuple(map(int, each.shape))) for each in variables(true)}
            given["A"] = given["A"] @ given["A"].T + np.eye(2) if given["A"].shape == (2, 2) else given["A"]
            off = precise_value(found, given) - precise_value(true, given)
            if not all(abs(each) < mpmath.mpf("1e-50") for each in np.ravel(off)):
                raise ValueError(f"the rows of {example.formula} are not its derivative with respect to {operand.name}")
        yield operand, back, forward


# ---------------------------------------------------------------- proofs at small sizes


def at_numbers(example: Example, *nodes: Node) -> tuple[list[Any], Reader]:
    """Return formulas with the example's numbers for their sizes, and a reader that knows its integers."""
    return [example.small(each) for each in nodes], Reader(example.ids)


def _back(example: Example, node: Node, operand: Variable, row: Node, cotangent: Variable) -> tuple[int, str]:
    """Return how many elements of a pullback were compared at small sizes, and how they are known to be equal."""
    (small, by, flow, g), reader = at_numbers(example, node, operand, row, cotangent)
    found = summed(elements(flow, reader=reader), tuple(map(int, by.shape)))
    true = (elements(g).ravel()[:, None] * jacobian(small, by, reader)).sum(axis=0)
    return found.size, _proof_in_cases(example, by, found, true)


def _forward(example: Example, node: Node, operand: Variable, row: Node, tangent: Variable) -> tuple[int, str]:
    (small, by, flow, u), reader = at_numbers(example, node, operand, row, tangent)
    found = np.broadcast_to(elements(flow, reader=reader), tuple(map(int, small.shape)))
    true = (jacobian(small, by, reader) * elements(u).ravel()).sum(axis=1)
    return found.size, _proof_in_cases(example, by, found, true)


def _proof_in_cases(example: Example, by: Any, found: Any, true: Any) -> str:
    """Return how both lists are known to be equal, the weakest of the example's cases."""
    symbols, hows = elements(by).ravel(), []
    for values in [dict(zip(symbols, each, strict=True)) for each in example.cases] or [{}]:
        flat = zip(found.ravel(), true.ravel(), strict=True)
        hows.append(proof([tuple(sympy.sympify(side).subs(values).doit() for side in pair) for pair in flat]))
    return max(hows, key=(EXACT, SIMPLIFIED, DIGITS).index)


def proof(pairs: list[tuple[Any, Any]]) -> str:
    """Return how pairs of scalars are known to be equal: their difference is 0 when expanded, simplified, in digits.

    >>> t = sympy.Symbol("t", real=True)
    >>> proof([((t + 1) ** 2, t**2 + 2 * t + 1)]), proof([(sympy.sin(t) ** 2, 1 - sympy.cos(t) ** 2)])
    ('expand', 'simplify')

    Raises:
        AssertionError: they are not equal.
    """
    differences = [sympy.expand(sympy.sympify(left) - right) for left, right in pairs]
    if all(each == 0 for each in differences):
        return EXACT
    if all(each == 0 or _simplifies(each, pair) for each, pair in zip(differences, pairs, strict=True)):
        return SIMPLIFIED
    symbols = {symbol for pair in pairs for part in pair for symbol in sympy.sympify(part).free_symbols}
    with mpmath.workdps(70):
        for trial in range(3):
            numbers = ScalarNumbers(point_for(symbols, f"page {trial}"))
            for left, right in pairs:
                one, other = numbers.of(sympy.sympify(left)), numbers.of(sympy.sympify(right))
                assert abs(one - other) <= mpmath.mpf("1e-50") * max(1, abs(other)), (left, right)
    return DIGITS


def _simplifies(difference: Expr, pair: tuple[Any, Any]) -> bool:
    """Whether SymPy finds two sides equal: their difference is 0, in exponentials too, or `exp` of both is the same."""
    if sympy.simplify(difference) == 0 or sympy.simplify(difference.rewrite(sympy.exp)) == 0:
        return True
    return bool(difference.has(sympy.log) and sympy.simplify(sympy.exp(pair[0]) - sympy.exp(pair[1])) == 0)


def small_proof(example: Example, node: Node, operand: Variable, row: Node, cotangent: Variable) -> tuple[Row, ...]:
    """Return the first element of a pullback at small sizes: the definition beside the rule."""
    (small, by, flow, g), reader = at_numbers(example, node, operand, row, cotangent)
    outputs, inputs = elements(small, reader=reader).ravel(), elements(by).ravel()
    slopes = jacobian(small, by, reader)
    place = next(column for column in range(inputs.size) if any(slopes[:, column] != 0))
    seen = next(line for line in range(outputs.size) if slopes[line, place] != 0)
    true = sympy.Add(*(a * b for a, b in zip(elements(g).ravel(), slopes[:, place], strict=True)))
    found = summed(elements(flow, reader=reader), tuple(map(int, by.shape))).ravel()[place]
    shape = tuple(map(int, small.shape))
    _, whole = _definition(node, written(inputs[place]), cotangent)
    indices = "".join(map(str, np.unravel_index(place, tuple(map(int, by.shape))))) if by.rank else ""
    output = "".join(map(str, np.unravel_index(seen, shape))) if shape else ""
    if example.cases:  # the last of them is the one in which the element counts
        values = dict(zip(inputs, example.cases[-1], strict=True))
        true, found = (sympy.sympify(side).subs(values).doit() for side in (true, found))
    return (
        Row(element_of(name_of(node), output), written(outputs[seen]), "an element"),
        Row(whole, written(true), SUM.format(cotangent.name)),
        Row(element_of(latex(tidy(row)), indices), written(sympy.sympify(found)), RULE),
    )


def _definition(node: Node, by: str, cotangent: Variable) -> tuple[str, str]:
    """Return LaTeX of the derivative of an element by another, and of its sum with the cotangent."""
    indices = " ".join(map(str, letters(OUT, node.rank)))
    slope = rf"\frac{{\partial {element_of(name_of(node), indices)}}}{{\partial {by}}}"
    sign = rf"\sum_{{{indices}}} " if indices else ""
    return slope, f"{sign}{element_of(cotangent.name, indices)} {slope}"


def name_of(node: Node) -> str:
    """Return what a formula is called: a capital where it is a matrix."""
    return "F" if node.rank > 1 else "f"


def element_of(formula: str, indices: str) -> str:
    """Return LaTeX of one element of what LaTeX says."""
    if not indices:
        return formula
    simple = len(formula) == 1
    return f"{formula}_{{{indices}}}" if simple else rf"\left({formula}\right)_{{{indices}}}"


# ---------------------------------------------------------------- proofs for every size


def general_proof(node: Node, operand: Variable, row: Node, cotangent: Variable) -> tuple[Row, ...]:
    """Return the proof of a pullback by indices, for every size; nothing where SymPy cannot do it.

    The last two rows are the same function when it returns any.
    """
    out, by = letters(OUT, node.rank), letters(BY, operand.rank)
    reader = Reader()
    try:
        element, rule = reader(node, out), reader(row, by)
        place, g = reader(operand, by), reader(cotangent, out)
    except SympropError:
        return ()  # a determinant, an extreme: elements at numbers only
    slope = named(worked(sympy.diff(element, place)))
    true = named(worked(sums_over(g * slope, out, node.shape)))
    found = named(worked(rule))
    if true.has(sympy.Derivative, sympy.floor, sympy.Mod) or not _same(true, found):
        return ()
    slope_line, sum_line = _definition(node, written(place), cotangent)
    return (
        Row(slope_line, written(slope), SLOPE),
        Row(sum_line, written(true), SUM.format(cotangent.name)),
        Row(element_of(latex(tidy(row)), " ".join(map(str, by))), written(found), RULE),
    )


def _same(one: Expr, other: Expr) -> bool:
    difference = sympy.expand(one - other)
    return bool(difference == 0 or (not difference.has(sympy.Sum) and sympy.simplify(difference) == 0))


@cache
def proved() -> tuple[tuple[type[Node], Example, tuple[Rule, ...]], ...]:
    """Return every example with its rules, each proved."""
    return tuple((kind, each, tuple(rules(each))) for kind in NODE_KINDS for each in EXAMPLES.get(kind, ()))
