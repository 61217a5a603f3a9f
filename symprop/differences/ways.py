"""What a difference does to the ways of the gradient: what each passes in one network, a skip avoids in the other.

The Jacobians of the units of a network stand in one chain, so that every way of the gradient passes each of them. Where
the Jacobian of a unit has the term I, one way through it is the identity (He et al., 2016, *Identity mappings in deep
residual networks*; Xiong et al., 2020, *On layer normalization in the transformer architecture*).
"""

from __future__ import annotations

from collections.abc import Iterator

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.differences.changes import ADDED, CHANGED, REMOVED
from symprop.differences.compared import Compared
from symprop.notation.words import Words


def ways(difference: Compared) -> Iterator[Words]:
    """Say which Jacobians every way of the gradient passes in one network, where the other has them beside a skip."""
    alone = {name: _alone(difference, kind) for name, kind in (("A", REMOVED), ("B", ADDED))}
    skips = [
        (change.before, change.after)
        for change in difference.jacobians
        if change.kind == CHANGED and change.before is not None and change.after is not None
        if _has_skip(change.before.right) and _has_skip(change.after.right)
    ]
    for name, other in (("A", "B"), ("B", "A")):
        if skips and alone[name] and not alone[other]:
            beside = [pair[other == "B"].left for pair in skips]
            yield (
                f"in {name} every way of the gradient, a skip's too, is multiplied by ",
                *_and(alone[name]),
                f"; in {other} the term I of ",
                *_and(beside),
                " passes it on as it is",
            )


def _alone(difference: Compared, kind: str) -> list[Node]:
    """The left sides of Jacobians without a term I that only one network has."""
    found = ((change.before or change.after) for change in difference.jacobians if change.kind == kind)
    return [side.left for side in found if side is not None and not _has_skip(side.right)]


def _has_skip(jacobian: Node) -> bool:
    return isinstance(jacobian, n.Add) and any(isinstance(term, n.Identity) for term in jacobian.operands)


def _and(nodes: list[Node]) -> Words:
    return tuple(part for node in nodes for part in (", ", node))[1:]
