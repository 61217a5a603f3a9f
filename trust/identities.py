"""Both sides of each named rule of simplification and of each finishing touch, to be proved for every size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from simplification_table import RULE_EXAMPLES, TOUCH_EXAMPLES, Shown

from symprop.algebra.nodes import Node
from symprop.algebra.trees import replace
from symprop.calculus.rules import RULES
from symprop.finishing.touches import TOUCHES
from trust.equalities import equal

IN_GENERAL: Mapping[str, Shown] = {
    "common commutation": Shown("A @ commutation(m, n) + B @ commutation(m, n)", "A: r m*n, B: r m*n"),
}
"""Examples with names in the place of numbers."""


@dataclass(frozen=True)
class Identity:
    """What a rule makes of its example, with what equations say put in."""

    name: str
    before: Node
    after: Node
    positive_determinant: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.before.text()} = {self.after.text()}"


def identities() -> Iterator[Identity]:
    """Yield each rule and each touch on its example."""
    for rule in RULES:
        shown = IN_GENERAL.get(rule.name, RULE_EXAMPLES[rule.identity])
        applied = rule.apply(shown.node, shown.context)
        assert applied is not None, rule.name
        meant = {equation.target: equation.expression for equation in shown.context.by_name.values()}
        sides = [shown.node, applied.result]
        for target, expression in reversed(meant.items()):  # the later read the earlier
            sides = [replace(part, {target: expression}) for part in sides]
        yield Identity(rule.name, *sides, shown.positive_determinant)
    for touch in TOUCHES:
        shown = IN_GENERAL.get(touch.name, TOUCH_EXAMPLES[touch.name])
        after = touch.apply(shown.node)
        assert after is not None, touch.name
        yield Identity(touch.name, shown.node, after)


def holds(identity: Identity) -> bool:
    """Whether both sides are equal for every size."""
    return equal(identity.before, identity.after, identity.positive_determinant)
