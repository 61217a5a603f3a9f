"""Ids in a formula: what selects rows or classes must be declared as an index that reaches no further than they do."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.sizes import whole
from symprop.algebra.trees import is_whole, variables, walk
from symprop.errors import FormulaError, shown


def check_ids(node: Node) -> None:
    """Refuse a selection by an array that holds no ids, or ids beyond what they select from.

    Raises:
        FormulaError: with what the array is to be declared as.
    """
    for part in walk(node):
        if not isinstance(part, (n.Take, n.ScatterAdd, n.OneHot)):
            continue
        count = part.operands[0].shape[0] if isinstance(part, n.Take) else part.size
        ids = part.operands[0] if isinstance(part, n.OneHot) else part.operands[1]
        if ids.number is not None:
            place = whole(ids.number, "an id")
            if place.is_negative or (place - count).is_nonnegative:
                raise FormulaError(f"no id {place} among {count} entries\nallowed: 0 to {count - 1}")
        for each in variables(ids):
            bound = each.facts_by_kind.get("index")
            sizes = " ".join(str(size).replace(" ", "") for size in each.shape)
            allowed = f'allowed: {each.name}="{sizes}{" " if sizes else ""}index {count}"'
            if bound is None:
                raise FormulaError(f"{shown(each.name)} selects, and is not declared as an index\n{allowed}")
            if not is_whole(ids):
                raise FormulaError(f"ids are whole numbers, and {ids.text()} may be others\n{allowed}")
            if each == ids and (bound - count).is_positive:
                raise FormulaError(f"{shown(each.name)} is an index below {bound}, for {count} entries\n{allowed}")
