"""The rules of differentiation as a page: each kind of node with its meaning, its rows and their proof."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

import numpy as np
import sympy
from extension.markup import Row, equations, folded
from extension.mathematics import inline
from index_proofs import OUT, letters, named, worked, written
from rule_examples import BY_ALGORITHM, EXAMPLES, LEAVES, Example
from rule_proofs import DIGITS, EXACT, SIMPLIFIED, Rule, at_numbers, compared, element_of, name_of, proved
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.called import CALLED
from symprop.algebra.elements import Reader, elements
from symprop.algebra.nodes import NODE_KINDS, Node, Variable
from symprop.algebra.trees import added
from symprop.calculus.tidy import tidy
from symprop.errors import SympropError
from symprop.notation.latex import latex
from symprop.notation.pretty import pretty_shape
from trust.equalities import LEAST
from trust.index_algebra import supposing
from trust.theorems import ELEMENT, EQUATION, INDUCTION, THEOREM, rows_hold


def element_row(example: Example) -> Row | None:
    """Return an element of the example in general indices, or None where it has none for sizes with names."""
    node = example.node
    out = letters(OUT, node.rank)
    try:
        meaning: Expr = named(worked(Reader()(node, out)))
    except SympropError:
        return None
    if meaning.has(sympy.floor, sympy.Mod):
        return None
    name = name_of(node)
    return Row(element_of(name, " ".join(map(str, out))), written(meaning), "by elements")


def small_element_rows(example: Example) -> list[Row]:
    """Return the first elements of the example at its small sizes."""
    (node,), reader = at_numbers(example, example.node)
    values = elements(node, reader=reader)
    name = name_of(node)
    places = list(np.ndindex(values.shape))[:2]
    said = f"at {_sizes(example)}" if example.sizes else ""
    return [
        Row(element_of(name, "".join(map(str, place))), written(sympy.sympify(values[place])), said) for place in places
    ]


def _sizes(example: Example) -> str:
    return ", ".join(f"{name} = {size}" for name, size in example.sizes.items())


def markdown() -> str:
    """Return the section of the page: a heading for each kind, its examples, and a table of those without operands."""
    pages = [_kind(kind) for kind in NODE_KINDS if kind in EXAMPLES]
    return "\n\n".join([*pages, *_by_algorithms(), _leaves()])


def _by_algorithms() -> Iterator[str]:
    """Yield a heading for each kind of which no element has a formula, and its rows, compared with differences."""
    for kind, examples in BY_ALGORITHM.items():
        yield f"### {CALLED[kind][0].upper() + CALLED[kind][1:]}"
        yield _said(kind)
        for example in examples:
            node, name = example.node, name_of(example.node)
            rows = [Row(name, latex(node), pretty_shape(node.shape))]
            for operand, back, forward in compared(example):
                rows.append(Row(_barred(operand), latex(back), "pullback"))
                rows.append(Row(rf"\dot{{{name}}}", latex(forward), f"pushforward of {operand.name}"))
            said = f"Compared with differences of values in 120 digits at {_sizes(example)}, off by less than 1e-50."
            yield f'<div class="rule-example">\n\n`{node.text()}`\n\n{equations(rows)}\n\n{said}\n</div>'


def _kind(kind: type[Node]) -> str:
    title = CALLED[kind][0].upper() + CALLED[kind][1:]
    parts = [f"### {title}", f"{_said(kind)}"]
    for found, example, its_rules in proved():
        if found is kind:
            parts.append(_example(example, its_rules))
    return "\n\n".join(parts)


def _said(kind: type[Node]) -> str:
    return inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def _example(example: Example, its_rules: tuple[Rule, ...]) -> str:
    node = example.node
    name = name_of(node)
    rows = [Row(name, latex(node), pretty_shape(node.shape))]
    meaning = element_row(example)
    rows += [meaning] if meaning is not None else small_element_rows(example)
    flowing = [rule for rule in its_rules if not rule.constant]
    for rule in flowing:
        rows.append(Row(_barred(rule.operand), latex(rule.pullback), "pullback"))
    if flowing:  # what each operand's change brings, added up
        rows.append(Row(rf"\dot{{{name}}}", latex(tidy(added([rule.pushforward for rule in flowing]))), "pushforward"))
    still = [rule.operand.name for rule in its_rules if rule.constant]
    said = f"`{example.formula}`" if example.made is None else "Repeated:"
    note = f" {example.note}" if example.note else ""
    constant = f" Nothing flows to {' or '.join(map(_code, still))}: the derivative is 0." if still else ""
    box = equations(rows) + "".join(_proof(example, flowing))
    return f'<div class="rule-example">\n\n{said}{note}{constant}\n\n{box}\n</div>'


def _code(name: str) -> str:
    return f"`{name}`"


def _barred(operand: Variable) -> str:
    return rf"\bar{{{latex(operand)}}}"


def _proof(example: Example, flowing: list[Rule]) -> Iterator[str]:
    if not flowing:
        return
    whole = all(rule.general for rule in flowing)
    inside = ""
    for rule in flowing:
        inside += f'<p class="to">To {inline(latex(rule.operand))}:</p>' if len(flowing) > 1 else ""
        inside += equations(rule.general or rule.small)
    inside += f"<p>{_verdict(example, flowing)}</p>"
    shown = "Proof for every size" if whole or _way(example) else "Proof"
    yield folded(shown if whole else f"{shown}, shown at {_sizes(example)}", inside)


WAYS = {
    ELEMENT: "the sums of products of elements on both sides are the same",
    EQUATION: "the change of the equations that define it is 0, and the pullback is the adjoint of the pushforward",
    INDUCTION: "from one power to the next, by induction, and the pullback is the adjoint of the pushforward",
    THEOREM: "the sums on both sides are the same, where Laplace's expansion gives the derivative of a determinant",
}
"""What is said of a proof for every size."""


def _way(example: Example) -> str:
    """Return how both rows of an example are proved for every size, nothing where they are not."""
    ways = set()
    for position, operand in enumerate(example.node.operands):
        if isinstance(operand, Variable) and "index" not in operand.facts_by_kind:
            with supposing(least=LEAST):
                how, *right = rows_hold(example.node, position)
            ways.add(how if all(right) else "")
    return WAYS[how] if len(ways) == 1 and (how := ways.pop()) else ""


HOW: dict[str, Callable[[int], str]] = {
    EXACT: lambda count: f"expanded by SymPy, the difference is 0 for each of the {count} elements",
    SIMPLIFIED: lambda count: f"simplified by SymPy, the difference is 0 for each of the {count} elements",
    DIGITS: lambda count: (
        f"SymPy does not simplify the difference to 0; it is below 1e-50 at three random points "
        f"for each of the {count} elements"
    ),
}


def _verdict(example: Example, flowing: list[Rule]) -> str:
    """Say what is shown above and what else was compared."""
    general = [rule for rule in flowing if rule.general]
    parts = []
    if len(general) == len(flowing):
        parts.append("The last two lines are equal, whatever the sizes.")
    elif general:
        parts.append("Where indices are letters, the last two lines are equal, whatever the sizes.")
    else:
        parts.append("The last two lines are equal.")
    worst = max((how for rule in flowing for how in rule.proofs), key=(EXACT, SIMPLIFIED, DIGITS).index)
    count = sum(sum(rule.counts) for rule in flowing)
    if example.cases:
        parts.append(f"{example.said}.")
    parts.append(f"Written out at {_sizes(example)}, pullback and pushforward together: {HOW[worst](count)}.")
    if way := _way(example):
        parts.append(f"For every size, pullback and pushforward: {way}.")
    return " ".join(parts)


def _leaves() -> str:
    rows = []
    for kind in (n.Fill, n.Identity):
        example = LEAVES[kind]
        meaning = element_row(example)
        assert meaning is not None
        indices = " ".join(map(str, letters(OUT, example.node.rank)))
        rows.append(Row(element_of(latex(example.node), indices), meaning.right, example.formula))
    commutation = LEAVES[n.Commutation]
    (small,), _ = at_numbers(commutation, commutation.node)
    matrix = sympy.Matrix(elements(small).tolist())
    return "\n\n".join(
        [
            "### Without operands",
            "Variables, numbers and these constants end every tree: there is nothing inside them to pull back to.",
            equations(rows),
            f"{_said(n.Commutation)} At {_sizes(commutation)}:",
            equations([Row(latex(commutation.node), sympy.latex(matrix), commutation.formula)]),
        ]
    )
