"""A backward pass that somebody wrote is called at random places; its gradients are compared with the right ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symprop.algebra.formula import Formula, formula, inferred_formula
from symprop.algebra.inference.infer import ANYTHING
from symprop.algebra.nodes import Variable
from symprop.certify.asking import Asked, asked_by, called
from symprop.certify.certification import Certification
from symprop.certify.judging import Line, judged
from symprop.certify.of_formulas import FormulaSubject
from symprop.certify.returned import gradients, order_of
from symprop.certify.running import Ran, libraries_of, run
from symprop.certify.subject import Place, Subject
from symprop.errors import SpecError, shown


def certify(
    forward: Any,
    backward: Callable[..., Any] | None = None,
    wrt: str | Sequence[str] | None = None,
    declarations: str = "",
    *,
    sizes: Mapping[str, int] | None = None,
    arrays: str | None = None,
    seed: int = 0,
    **shapes: Any,
) -> Certification:
    """Say whether a backward pass gives the right gradients of a forward pass, and where it does not.

    `forward` is a formula, text or read, with names of its own where it has some. `backward` is called by the names of
    its parameters: variables, sizes and named parts of the forward pass, and the cotangent as `g` (or `dout`,
    `grad_output`, ...). It returns its gradients in the order of `wrt`, as a tuple or one array, or by name.

    >>> def backward(W, x, g):
    ...     return np.outer(g, x), W @ g
    >>> print(certify("W @ x", backward, "W x", "W: n n, x: n").message)
    wrong: dx is off by 123 % of its largest entry: dx[0] is 0.1425, right is -0.615 at n=2; dW is right

    Raises:
        SpecError: `backward` cannot be called by names, or returns what can be no gradients.
        FormulaError: no formula, or no such variable.
    """
    names = _names(wrt)
    subject = FormulaSubject(_formula(forward, declarations, shapes, names), names or (), sizes)
    if backward is None:
        raise SpecError("there is no backward pass\nallowed: certify(forward, backward)")
    asked = asked_by(backward, subject)
    random = np.random.default_rng((seed, 1))
    places = subject.places(seed)
    if not places:
        raise SpecError(f"no place was found where {shown(subject.title)} has a finite value and derivative")
    return _judged(subject, backward, asked, places, libraries_of(backward, arrays), names, random)


def _judged(
    subject: Subject,
    backward: Callable[..., Any],
    asked: Asked,
    places: Sequence[Place],
    libraries: Sequence[str],
    wrt: Sequence[str] | None,
    random: np.random.Generator,
) -> Certification:
    """Call the backward pass at each place, and compare."""
    name, order, lines, changed = called(backward), list[str](), list[Line](), dict[str, None]()
    for place in places:
        cotangent = random.standard_normal(place.shape) if asked.cotangent else np.ones(place.shape)
        values = {**place.values, "": cotangent}
        found, libraries = _first_that_runs(backward, asked, values, libraries)
        if found.kind:
            where = f" at {place.told}" if place.told else ""
            return Certification(subject.title, name, (), 0, f"{found.failed}{where}", _remarks(subject, libraries))
        changed.update(dict.fromkeys(found.changed))
        order = order or order_of(found.returned, backward, subject, asked, wrt)
        right = place.right(order, cotangent)
        given = gradients(found.returned, order, subject)
        lines += [judged(each, given[each], right[each], place.told) for each in order]
    remarks = _remarks(subject, libraries, changed)
    worst = [_worst([line for line in lines if line.name == each]) for each in order]
    return Certification(subject.title, name, tuple(worst), len(places), "", remarks)


def _first_that_runs(
    backward: Callable[..., Any], asked: Asked, values: Mapping[str, Any], libraries: Sequence[str]
) -> tuple[Ran, Sequence[str]]:
    """Return what a call gave with the arrays of the first library with which it runs, and that library."""
    first: Ran | None = None
    for library in libraries:
        found = run(backward, asked, values, library)
        if not found.kind:
            return found, (library,)
        first = first or found
    return first or Ran(), libraries[:1]


def _worst(lines: Sequence[Line]) -> Line:
    """Return the line that is farthest off what is allowed; one that has no numbers first."""
    return max(lines, key=lambda line: (not line.ok, np.isnan(line.off), line.off / (line.limit or 1)))


def _remarks(subject: Subject, libraries: Sequence[str], changed: Mapping[str, None] | None = None) -> tuple[str, ...]:
    found = list(subject.remarks)
    if libraries[0] != "numpy":
        found.append(f"called with arrays of {libraries[0]}")
    if changed:
        found.append(f"it writes into its arguments: {', '.join(changed)}")
    return tuple(found)


def _names(wrt: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return names that were given as a text or one by one."""
    if wrt is None:
        return None
    parts = wrt.replace(",", " ").split() if isinstance(wrt, str) else list(wrt)
    names = tuple(each.name if isinstance(each, Variable) else each for each in parts)
    if not names or not all(isinstance(each, str) for each in names):
        raise SpecError(f"wrt is {shown(wrt)}\nallowed: names of variables, such as \"Q K V\" or ['Q', 'K', 'V']")
    return names


def _formula(forward: Any, declarations: str, shapes: dict[str, Any], asked: Sequence[str] | None) -> Formula:
    if isinstance(forward, Formula):
        return forward
    if isinstance(forward, str):
        if declarations.strip() or shapes:
            return formula(forward, declarations, **shapes)
        return inferred_formula(forward, ANYTHING, asked or ())
    raise SpecError(f"a forward pass is a formula or a network, not {shown(type(forward).__name__)}")
