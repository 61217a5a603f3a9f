"""Two formulas side by side, as trees: equal up to names, or with the terms and factors marked that came or went.

Names of the two networks that stand for the same thing are of one *class*, so that a renumbered formula is equal to the
old one. Sums and elementwise products are compared as bags, products of matrices as sequences; what has no counterpart
is marked whole. Nothing here reads a printed formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.differences.marks import FACTOR, TERM, WHOLE, marked
from symprop.notation.precedence import split

MOST_PAIRS = 64
"""So many pairs of unmatched terms are tried; more are marked whole."""
LOOSEST = 0.85
"""Above this share of both formulas, what changed is told better by marking them whole."""

DEEPEST = 2
"""So many adjoints are written out inside each other; in a deep network each names the next."""

_OPEN_KINDS = (
    n.Add, n.Multiply, n.MatMul, n.Outer, n.Transpose, n.Diag, n.Map, n.Expand, n.Reshape, n.Take, n.ScatterAdd, n.Sum,
)  # fmt: skip
"""Kinds inside which a mark may stand. Others print their operands in forms that depend on what they are."""
_SIZED = (n.Identity, n.Reshape, n.ScatterAdd, n.OneHot)
"""Kinds whose own arguments are sizes alone: another width is no other formula."""


class Classes:
    """Which names of network A (side 0) and of network B (side 1) stand for the same thing."""

    def __init__(self) -> None:
        self.parents: dict[tuple[int, str], tuple[int, str]] = {}

    def of(self, side: int, name: str) -> tuple[int, str]:
        """Return the representative of a name's class."""
        found = (side, name)
        while (above := self.parents.get(found, found)) != found:
            self.parents[found] = self.parents.get(above, above)
            found = above
        return found

    def join(self, first: str, second: str) -> None:
        """Say that a name of A and one of B stand for the same thing."""
        a, b = self.of(0, first), self.of(1, second)
        if a != b:
            self.parents[b] = a


@dataclass(frozen=True)
class Edit:
    """What makes `before` into `after`: its cost in nodes, and both with their marks."""

    cost: float
    before: Node
    after: Node


@dataclass
class Comparing:
    """One comparison of two networks: the classes of their names, and adjoints that only one of them has by name.

    `named` holds, for each side, the formula of such an adjoint: the other network has it written in place.
    """

    classes: Classes
    named: tuple[Mapping[str, Node], Mapping[str, Node]] = field(default_factory=lambda: ({}, {}))
    codes: dict[Any, int] = field(default_factory=dict)
    keys: tuple[dict[Node, int], dict[Node, int]] = field(default_factory=lambda: ({}, {}))
    edits: dict[tuple[Node, Node, int], Edit] = field(default_factory=dict)
    inside: int = 0  # how many adjoints stand written out around what is compared now

    def name(self, before: Mapping[str, Node], after: Mapping[str, Node]) -> None:
        """Say which adjoints only one network names; what was compared before did not know them."""
        self.named = (before, after)
        self.edits.clear()

    def key(self, node: Node, side: int) -> int:
        """Return a number that two formulas share where they are equal up to names, sizes and the order of terms."""
        known = self.keys[side].get(node)
        if known is None:
            below: Sequence[int] = [self.key(operand, side) for operand in node.operands]
            if isinstance(node, (n.Add, n.Multiply)):
                below = sorted(below)
            meaning = (type(node).__name__, self._own(node, side), *below)
            known = self.keys[side][node] = self.codes.setdefault(meaning, len(self.codes))
        return known

    def _own(self, node: Node, side: int) -> Any:
        """What a node says besides its operands, sizes left out."""
        if isinstance(node, Variable):
            return self.classes.of(side, node.name)
        if node.constant is not None:
            return node.constant
        if isinstance(node, _SIZED):
            return node.rank
        if isinstance(node, n.BlockSum):
            return None
        return tuple(part for part in node.args if not isinstance(part, Node))

    def equal(self, before: Node, after: Node) -> bool:
        """Whether the formulas say the same, adjoints that only one network names written out."""
        return self.edit(before, after).cost == 0

    def edit(self, before: Node, after: Node) -> Edit:
        """Return the cheapest way from one formula to the other."""
        question = (before, after, self.inside)
        if question not in self.edits:
            self.edits[question] = self._edit(before, after)
        return self.edits[question]

    def _edit(self, before: Node, after: Node) -> Edit:
        if self.key(before, 0) == self.key(after, 1):
            return Edit(0, before, after)
        weight = before.weight + after.weight
        role = WHOLE if _is_negative(before) == _is_negative(after) else TERM  # a term is marked with its sign
        options = [Edit(weight, marked(before, role), marked(after, role))]
        options += self._written_out(before, after)
        if options[-1].cost == 0:
            return options[-1]
        for kind, align in ((n.Add, self._bags), (n.Multiply, self._bags), (n.MatMul, self._rows)):
            if (isinstance(before, kind) or isinstance(after, kind)) and (kind is n.Add or role is WHOLE):
                options += align(kind, before, after)
        if type(before) is type(after) and isinstance(before, _OPEN_KINDS):
            options += self._operands(before, after)
        best = min(options, key=lambda option: option.cost)
        return best if best.cost <= LOOSEST * weight else options[0]

    def _written_out(self, before: Node, after: Node) -> list[Edit]:
        """Compare with the formula of an adjoint that only one side names; where it is equal the name may stand."""
        found: list[Edit] = []
        for side, node in ((0, before), (1, after)):
            if not isinstance(node, Variable) or node.name not in self.named[side] or self.inside >= DEEPEST:
                continue
            formula = self.named[side][node.name]
            self.inside += 1
            edit = self.edit(formula, after) if side == 0 else self.edit(before, formula)
            self.inside -= 1
            if edit.cost == 0:
                return [Edit(0, before, after)]
            if node.is_gradient:  # a delta is a step of the recurrence, which keeps its name
                found.append(edit)
        return found

    def _operands(self, before: Node, after: Node) -> list[Edit]:
        """Compare operand by operand where the nodes say the same besides."""
        same = len(before.operands) == len(after.operands) and self._own(before, 0) == self._own(after, 1)
        if not same or isinstance(before, (n.Add, n.Multiply, n.MatMul)):
            return []
        if isinstance(before, n.Sum) and not before.rank:
            return []  # printed by its elements, where a mark has no place
        edits = [self.edit(a, b) for a, b in zip(before.operands, after.operands, strict=True)]
        return [
            Edit(
                sum(edit.cost for edit in edits),
                before.with_operands(edit.before for edit in edits),
                after.with_operands(edit.after for edit in edits),
            )
        ]

    def _bags(self, kind: type[Node], before: Node, after: Node) -> list[Edit]:
        """Compare the terms of sums, or the factors of elementwise products, in any order."""
        first, second = _parts(kind, before), _parts(kind, after)
        waiting: dict[int, list[int]] = {}
        for place, part in enumerate(second):
            waiting.setdefault(self.key(part, 1), []).append(place)
        pairs: dict[int, int] = {}
        for place, part in enumerate(first):
            places = waiting.get(self.key(part, 0))
            if places:
                pairs[place] = places.pop(0)
        alone = [place for place in range(len(first)) if place not in pairs]
        taken = set(pairs.values())
        other = [place for place in range(len(second)) if place not in taken]
        if len(alone) * len(other) <= MOST_PAIRS:
            tried = sorted(
                (self._looseness(first[i], second[j]), i, j)
                for i in alone
                for j in other
                if self._goes(first[i], second[j])
            )
            for _, i, j in tried:
                if i not in pairs and j not in taken:
                    pairs[i] = j
                    taken.add(j)
        return [self._assembled(kind, (before, first), (after, second), pairs, TERM if kind is n.Add else FACTOR)]

    def _looseness(self, before: Node, after: Node) -> float:
        """The cost of an edit as a share of both formulas: 1 where nothing stays."""
        return self.edit(before, after).cost / (before.weight + after.weight)

    def _goes(self, before: Node, after: Node) -> bool:
        """Whether one part may stand for the other: a scale does not for an array, nor `- u` for `+ u`."""
        return before.rank == after.rank and _is_negative(before) == _is_negative(after)

    def _rows(self, kind: type[Node], before: Node, after: Node) -> list[Edit]:
        """Compare products of matrices factor by factor, in order; also as one factor of the longer product."""
        found = []
        for first in dict.fromkeys(((before,), _parts(kind, before))):
            for second in dict.fromkeys(((after,), _parts(kind, after))):
                if len(first) > 1 or len(second) > 1:
                    pairs = self._in_order(first, second)
                    found.append(self._assembled(kind, (before, first), (after, second), pairs, FACTOR))
        return found

    def _in_order(self, first: Sequence[Node], second: Sequence[Node]) -> dict[int, int]:
        """Pair factors in order at the lowest total cost."""
        rows, columns = len(first), len(second)
        cost = [[0.0] * (columns + 1) for _ in range(rows + 1)]
        choice: dict[tuple[int, int], str] = {}
        for i in range(rows + 1):
            for j in range(columns + 1):
                options = []
                if i and j and self._goes(first[i - 1], second[j - 1]):
                    options.append((cost[i - 1][j - 1] + self.edit(first[i - 1], second[j - 1]).cost, "pair"))
                if i:
                    options.append((cost[i - 1][j] + first[i - 1].weight, "gone"))
                if j:
                    options.append((cost[i][j - 1] + second[j - 1].weight, "new"))
                if options:
                    cost[i][j], choice[i, j] = min(options, key=lambda option: option[0])
        pairs: dict[int, int] = {}
        i, j = rows, columns
        while i or j:
            step = choice[i, j]
            i, j = i - (step != "new"), j - (step != "gone")
            if step == "pair":
                pairs[i] = j
        return pairs

    def _assembled(
        self,
        kind: type[Node],
        before: tuple[Node, Sequence[Node]],
        after: tuple[Node, Sequence[Node]],
        pairs: Mapping[int, int],
        role: str,
    ) -> Edit:
        """Put both sides together again from their parts: pairs with their own marks, the rest marked whole."""
        (_, first), (_, second) = before, after
        edits = {i: self.edit(first[i], second[j]) for i, j in pairs.items()}
        back = {j: i for i, j in pairs.items()}
        left = [edits[i].before if i in edits else marked(part, role) for i, part in enumerate(first)]
        right = [edits[back[j]].after if j in back else marked(part, role) for j, part in enumerate(second)]
        cost = sum(edit.cost for edit in edits.values())
        cost += sum(part.weight for i, part in enumerate(first) if i not in edits)
        cost += sum(part.weight for j, part in enumerate(second) if j not in back)
        if not pairs:
            cost += before[0].weight + after[0].weight  # nothing stays: marked whole
        return Edit(cost, _rebuilt(kind, before[0], left), _rebuilt(kind, after[0], right))


def _is_negative(node: Node) -> bool:
    """Whether a printer begins with a minus sign."""
    return split(node).negative


def _parts(kind: type[Node], node: Node) -> tuple[Node, ...]:
    """The terms of a sum or the factors of a product, a product inside a product opened; else the node alone."""
    if not isinstance(node, kind):
        return (node,)
    if kind is n.Add:
        return node.operands
    return tuple(part for operand in node.operands for part in _parts(kind, operand))


def _rebuilt(kind: type[Node], node: Node, parts: Sequence[Node]) -> Node:
    """Return `node` with `parts` in the place of its own, brackets as they were."""
    if len(parts) == 1:
        return parts[0]
    if kind is n.Add:
        return node.with_operands(parts)
    new = iter(parts)

    def put(inner: Node) -> Node:
        return inner.with_operands(map(put, inner.operands)) if isinstance(inner, kind) else next(new)

    return put(node)
