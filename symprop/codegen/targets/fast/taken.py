"""What a fast module takes: its inputs and targets, how they are unpacked and checked, and what is said of them."""

from __future__ import annotations

from symprop.algebra.declarations import LENGTHS, takes_class_ids, takes_lengths
from symprop.algebra.equations import System
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import TARGET
from symprop.algebra.shapes import shape_text
from symprop.codegen.targets.layout import COLUMNS, INDENT, laid_out
from symprop.codegen.targets.numpy.fact_checks import fact_checks, functions, rows_in_words


def taken(system: System) -> dict[str, object]:
    """What a module takes: its inputs, of which `x` is the first, how they are unpacked, and its targets."""
    names = [variable.name for variable in system.inputs]
    return {
        "inputs": [given(variable) for variable in system.inputs],
        "several": len(system.inputs) > 1,
        "x": given(system.inputs[0]),
        "taking": _unpacked(names, "_check_x(x)"),
        "giving": _unpacked(names, "given"),
        "unpacking": _unpacked(names, "(x[name] for name in INPUTS)"),
        "returning": laid_out("return (", names),
        "y": given(system.targets[0]),
    }


def made_into_rows(targets: tuple[Variable, ...]) -> tuple[Variable, ...]:
    """Return the targets for which a workspace has memory: rows are made from class ids, or sums taken there."""
    return tuple(target for target in targets if given(target)["takes_rows"])


def _unpacked(names: list[str], value: str) -> list[str]:
    """Return the lines that give the items of a value these names."""
    line = f"{', '.join(names)} = {value}"
    return [line] if len(line) + INDENT <= COLUMNS else laid_out("(", names, f") = {value}")


def given(variable: Variable) -> dict[str, object]:
    """What the checks and docstrings need to know of an input, a target or a result."""
    ids = variable.facts_by_kind.get("index")
    kind = "ids" if ids is not None else "classes" if takes_class_ids(variable) else "numbers"
    room = "rows" if variable.role == TARGET else "None"
    checks = [check.line(variable.name, room) for check in fact_checks(variable)] if ids is None else []
    return {
        "name": variable.name,
        "kind": kind,
        "rank": variable.rank,
        "shape": shape_text(variable.shape),
        "row": shape_text(variable.shape[1:]),
        "before": shape_text(variable.shape[:-1]),
        "takes_before": kind == "classes" or _is_column(variable),
        "size": str(variable.shape[-1]),
        "count": str(variable.shape[-1] if ids is None else ids),
        "positions": takes_lengths(variable),
        "says": _said(variable, kind),
        "rows": rows_in_words(variable),
        "checks": checks,
        "takes_eps": any("eps" in line for line in checks),
        "takes_rows": kind == "classes" or any("rows" in line for line in checks),
    }


def _said(variable: Variable, kind: str) -> str:
    """Return what may be given for a variable, in the words of a docstring."""
    shape, before = shape_text(variable.shape), shape_text(variable.shape[:-1])
    if kind == "ids":
        return f"{shape}, ids from 0 to {variable.facts_by_kind['index'] - 1}"
    if kind == "classes":
        return f"{before} class ids, or {shape} {rows_in_words(variable)}"
    one = f" or {before}" if _is_column(variable) else ""
    words = [*(check.words for check in fact_checks(variable)), *[LENGTHS] * takes_lengths(variable)]
    return ", ".join([f"{shape}{one}", *words])


def _is_column(variable: Variable) -> bool:
    """Whether a target has one number for an example or a position, so that it may be given without the last axis."""
    return variable.role == TARGET and variable.rank > 1 and variable.shape[-1] == 1


def fact_functions(given: tuple[Variable, ...]) -> list[str]:
    """Return the names of the functions that check the facts of inputs and targets."""
    found = functions([check for each in given for check in fact_checks(each)])
    return [*(["_eps"] if "_rounding" in found else []), *found]


__all__ = ["fact_functions", "given", "made_into_rows", "taken"]
