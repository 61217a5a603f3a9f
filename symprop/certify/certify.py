"""A backward pass that somebody wrote is called at random places; its gradients are compared with the right ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from symprop.algebra.declarations import check_declared, check_keywords, declarations_text, declared
from symprop.algebra.equations import System
from symprop.algebra.formula import Formula, formula_with
from symprop.algebra.inference.infer import ANYTHING
from symprop.algebra.nodes import Variable
from symprop.algebra.reading.statements import names_read
from symprop.analysis.derivation import Derivation
from symprop.certify.asking import Asked, asked_by, called
from symprop.certify.certification import Certification
from symprop.certify.explaining import SECONDS, explained
from symprop.certify.judging import Line, judged
from symprop.certify.of_formulas import FormulaSubject
from symprop.certify.of_networks import NetworkSubject
from symprop.certify.own_derivatives import is_torch_function, with_own_derivative
from symprop.certify.reasons import other_order, through
from symprop.certify.returned import Given, gradients, order_of
from symprop.certify.running import Ran, Way, libraries_of, run
from symprop.certify.subject import Exact, Place, Subject
from symprop.certify.tracing import traced
from symprop.errors import FormulaError, ShapeError, SpecError, shown
from symprop.formulas.interchange.reading import from_sympy, is_sympy
from symprop.hints import closest, declaration
from symprop.networks.blocks import Chain
from symprop.networks.layers import Layer
from symprop.networks.network import Network
from symprop.networks.spec import as_network, is_network_text
from symprop.verify.arithmetic import Array

_INSTEAD = {"where": 'declarations="x: n, A: n n", or x="n" for each array', "by": 'wrt="x"'}
_INSTEAD |= {each: f"{each}=..." for each in ("backward", "wrt", "declarations", "sizes", "layout", "seed", "limit")}
"""What to type for keywords that certify does not take."""


def _parameters(forward: Any) -> Sequence[str]:
    """The names that declarations may be of."""
    if isinstance(forward, str):
        return () if is_network_text(forward) else names_read(forward)
    return list(inspect.signature(forward).parameters) if inspect.isfunction(forward) else ()


def certify(
    forward: Any,
    backward: Callable[..., Any] | None = None,
    wrt: str | Sequence[str] | None = None,
    declarations: str = "",
    *,
    sizes: Mapping[str, int] | None = None,
    arrays: str | None = None,
    layout: str = "rows",
    seed: int = 0,
    limit: float = SECONDS,
    **shapes: Any,
) -> Certification:
    """Say whether a backward pass gives the right gradients of a forward pass, and where it does not.

    Args:
        forward: a formula, a network, or a function, which is traced; a `torch.autograd.Function` is both passes.
        backward: called by the names of its parameters: variables, sizes, named parts of the forward pass, and the
            cotangent as `g` (or `dout`, `grad_output`, ...). It returns a tuple, one array, or gradients by name.
        wrt: the names of the variables, in the order in which `backward` returns their gradients.
        declarations: those of the formula, as for `formula`; `shapes` likewise.
        sizes: numbers for names of sizes.
        arrays: whose arrays are given, "numpy", "torch" or "jax"; found out where it is None.
        layout: how a network has its batch: "rows", "columns", or one "example".
        seed: of the random places.
        limit: how many seconds the search for a mistake may take, 0 for no search.

    >>> def backward(W, x, g):
    ...     return np.outer(g, x), -W.T @ g
    >>> print(certify("W @ x", backward).message)
    wrong: dx has the wrong sign: dx = W.T @ g (dx[1] is -0.5116, right is 0.5116 at m=2, n=3); dW is right

    Raises:
        SpecError: `backward` cannot be called by names, or returns what can be no gradients.
        FormulaError: no formula, or no such variable.
    """
    names = _names(wrt)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SpecError(f"a seed is a whole number from 0, not {shown(seed)}")
    if isinstance(limit, bool) or not isinstance(limit, (int, float)):
        raise SpecError(f"limit is {shown(limit)}\nallowed: a number of seconds, 0 for no search")
    if backward is None and is_torch_function(forward):
        backward = forward
    if backward is None:
        told = "certify(forward, backward), or a torch.autograd.Function, which has both"
        raise SpecError(f"there is no backward pass\nallowed: {told}")
    check_keywords("certify", shapes, _parameters(forward), _INSTEAD)
    subject = subject_of(forward, declarations, shapes, names, sizes, layout)
    return certified(subject, backward, names, arrays, seed, limit)


def certified(
    subject: Subject,
    backward: Callable[..., Any],
    wrt: Sequence[str] | None = None,
    arrays: str | None = None,
    seed: int = 0,
    limit: float = SECONDS,
) -> Certification:
    """Judge a backward pass of a subject; errors are those of `certify`."""
    backward = with_own_derivative(backward)
    asked = asked_by(backward, subject)
    libraries = libraries_of(backward, arrays)
    places = subject.places(seed)
    if not places:
        raise SpecError(f"no place was found where {shown(subject.title)} has a finite value and derivative")
    kinds = (False, True) if places[0].alternatives else (False,)
    ways = [Way(*each) for each in product(libraries, kinds, (False, True))]
    ways.sort(key=lambda way: way.single)
    return _judged(subject, backward, asked, places, ways, wrt, seed, limit)


def _judged(
    subject: Subject,
    backward: Callable[..., Any],
    asked: Asked,
    places: Sequence[Place],
    ways: Sequence[Way],
    wrt: Sequence[str] | None,
    seed: int,
    limit: float,
) -> Certification:
    """Call the backward pass at each place, and compare."""
    random = np.random.default_rng((seed, 1))
    name, order, changed, orders = called(backward), list[str](), dict[str, None](), list[list[str]]()
    lines: dict[str, list[Line]] = {}
    for place in places:
        cotangent = random.standard_normal(place.shape) if asked.cotangent else np.ones(place.shape)
        found, ways = _first_that_runs(backward, asked, place, cotangent, ways)
        if found.kind:
            where = f" at {place.told}" if place.told else ""
            return Certification(subject.title, name, (), 0, f"{found.failed}{where}", _remarks(subject, ways[0]))
        changed.update(dict.fromkeys(found.changed))
        order = order or order_of(found.returned, backward, subject, asked, wrt)
        right, given = place.right(order, cotangent), gradients(found.returned, order, subject)
        orders.append(other_order(given, right))
        _check_reading(subject, given, right)
        for each in order:
            line = judged(each, given[each], right[each], place.told, ways[0].single)
            lines.setdefault(each, []).append(line)

    def pulled(place: Place, cotangent: Array) -> Mapping[str, Given]:
        found = _first_that_runs(backward, asked, place, cotangent, ways)[0]
        return {} if found.kind else gradients(found.returned, order, subject)

    shown = [_shown(lines[each]) for each in order]
    told = tuple(through(shown, places[0], partial(pulled, places[0]), ways[0].single))
    swapped = tuple(orders[0]) if all(each == orders[0] for each in orders) else ()
    remarks = _remarks(subject, ways[0], changed)
    judged_so = Certification(subject.title, name, told, len(places), "", remarks, swapped)
    if swapped or limit <= 0 or not any(line.is_mistaken for line in told):
        return judged_so
    more = (*places, *subject.places(seed + 1))
    why = explained(subject, order, more, pulled, asked.cotangent, limit, seed)
    return replace(judged_so, diagnosis=why)


def _check_reading(subject: Subject, given: Mapping[str, Given], right: Mapping[str, Exact]) -> None:
    """Raise where a gradient has more axes than an array whose shape nobody declared: then another shape was meant.

    Raises:
        ShapeError: the first such gradient, with what was read.
    """
    for name, found in given.items():
        if subject.inferred and found.array is not None and found.array.ndim > np.ndim(right[name].value):
            sizes = " ".join("mnkp"[-found.array.ndim - 2 : -2] or "m")
            raise ShapeError(
                f"the gradient with respect to {name} has shape {found.array.shape}, and its shape was not declared: "
                f"{subject.inferred} was read\n"
                f"allowed: all shapes declared, {declaration(name, sizes)} too"
            )


def _shown(lines: Sequence[Line]) -> Line:
    """Return the line of the first place at which a gradient is wrong, or of that at which it is farthest off."""
    return next((line for line in lines if not line.ok), None) or max(lines, key=lambda line: line.badness)


def _first_that_runs(
    backward: Callable[..., Any], asked: Asked, place: Place, cotangent: Array, ways: Sequence[Way]
) -> tuple[Ran, Sequence[Way]]:
    """Return what a call gave in the first way in which it runs, and that way; else how the first failed."""
    first: Ran | None = None
    for way in ways:
        given = {**place.values, **(place.alternatives if way.ids else {}), "": cotangent}
        found = run(backward, asked, given, way)
        if not found.kind:
            return found, (way,)
        first = first or found
    return first or Ran(), ways


def _of_system(system: System) -> Formula:
    """Return a system of equations as a formula: the last is its value, the others are names for parts.

    Raises:
        SpecError: it has a loop, or no equation.
    """
    if system.loops or not system.items:
        raise SpecError("a system that is certified has equations alone, and one at least\nallowed: the network itself")
    *named, last = system.equations
    variables = (*system.parameters, *system.inputs, *system.targets)
    found = Formula("", last.expression, variables, tuple(named), last.name)
    return replace(found, source=found.text())


def _remarks(subject: Subject, way: Way, changed: Mapping[str, None] | None = None) -> tuple[str, ...]:
    found = list(subject.remarks)
    if way.library != "numpy":
        found.append(f"called with arrays of {way.library}")
    if way.single:
        found.append("called with numbers in float32")
    if way.ids:
        found.append("targets are given as numbers of classes")
    if changed:
        found.append(f"it writes into its arguments: {', '.join(changed)}")
    return tuple(found)


def _names(wrt: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return names that were given as a text or one by one."""
    if wrt is None:
        return None
    parts = wrt.replace(",", " ").split() if isinstance(wrt, str) else wrt if isinstance(wrt, Sequence) else ()
    names = tuple(each.name if isinstance(each, Variable) else each for each in parts)
    if not names or not all(isinstance(each, str) for each in names):
        raise SpecError(f"wrt is {shown(wrt)}\nallowed: names of variables, such as \"Q K V\" or ['Q', 'K', 'V']")
    if len({*names}) < len(names):
        raise SpecError(f"wrt is {shown(' '.join(names))}\nallowed: each variable once")
    return names


OPTIONS = ("wrt", "declarations", "sizes", "arrays", "layout", "seed", "limit")
"""The keywords of `certify` that are no declarations."""


def _beside(shapes: Mapping[str, Any]) -> str:
    first = next(iter(shapes), None)
    return "" if first is None else f", and takes no {shown(first)}{closest(first, OPTIONS)}"


def subject_of(
    forward: Any,
    declarations: str = "",
    shapes: Mapping[str, Any] | None = None,
    wrt: Sequence[str] | None = None,
    sizes: Mapping[str, int] | None = None,
    layout: str = "rows",
) -> Subject:
    """Return what stands for a forward pass.

    Raises:
        SpecError: it is none, or a network with declarations beside it.
    """
    shapes = shapes or {}
    if isinstance(forward, Derivation):
        forward, layout = forward.network, forward.system.layout
    if isinstance(forward, (Network, Layer, Chain)) or (isinstance(forward, str) and is_network_text(forward)):
        if declarations.strip() or shapes:
            raise SpecError(f"a network knows its shapes{_beside(shapes)}\nallowed: no declarations beside it")
        return NetworkSubject(as_network(forward), wrt or (), sizes, layout)
    if is_sympy(forward):
        forward = from_sympy(forward)
    if isinstance(forward, (Formula, System)) and (declarations.strip() or shapes):
        raise FormulaError(f"a formula knows its arrays{_beside(shapes)}\nallowed: no declarations beside it")
    if isinstance(forward, Formula):
        read = forward
    elif isinstance(forward, System):
        read = _of_system(forward)
    elif isinstance(forward, str):
        check_declared(shapes, names_read(forward), OPTIONS)
        read = formula_with(forward, declarations, shapes, ANYTHING, wrt or ())
    elif callable(forward):
        read = traced(forward, declarations or declarations_text(declared(name, what) for name, what in shapes.items()))
    else:
        raise SpecError(f"a forward pass is a formula or a network, not {shown(type(forward).__name__)}")
    return FormulaSubject(read, wrt or (), sizes)
