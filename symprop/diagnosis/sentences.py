"""What is said of the mistakes that were found, in a sentence; and of gradients that no change explains."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from sympy import Expr, Integer, Mul, Rational, sqrt

from symprop.algebra.equations import Equation
from symprop.algebra.named_numbers import named_numbers
from symprop.algebra.trees import factors_of, terms_of, variables
from symprop.diagnosis.accounts import Account
from symprop.diagnosis.diagnosis import Explanation
from symprop.diagnosis.parts import factor_text, shortened
from symprop.diagnosis.search import SAME, Case, Found
from symprop.diagnosis.steps import Step, numberless
from symprop.diagnosis.worlds import real

VARYING = "is off by a number that varies from point to point"


def is_vague(found: Found, case: Case) -> bool:
    """Whether a number is missing that has no name."""
    return bool(found.times) and _times(found, case)[1] == VARYING


def explained(found: Found, case: Case) -> Explanation:
    """Return what is said of changes that explain all wrong gradients."""
    first = found.steps[0]
    said, kinds = list[str](), list[str]()
    for number, step in enumerate(found.steps):
        if not step.wrong.said:
            continue
        how = [(each.wrong.kind, *numberless(f"{each.name} {each.wrong.said}")) for each in found.steps[: number + 1]]
        same = any(each.wrong.said == step.wrong.said for each in found.steps[:number]) or how[-1] in how[:-1]
        said.append(f"{step.name} likewise" if same else _of_step(found.account, step, step.wrong.said))
        kinds.append(step.wrong.kind)
    if found.times:
        kind, text = _times(found, case)
        kinds.append(kind)
        said.append(f"beside that it {text}" if said else _of_step(found.account, first, text))
    touched = {_variable_name(found.account, step.name) for step in found.steps}
    following = [f"d{name}" for name in sorted(case.wrong - touched)]
    if following:
        said.append(f"{_listed(following)} follow{'s' * (len(following) == 1)} from it")
    gradient, equation = first.name, found.account.by_name[first.name].text()
    number_on_page = found.account.numbers.get(first.name)
    kind = " and ".join(dict.fromkeys(kinds))
    return Explanation(
        "; ".join(said), kind, gradient, _variable_name(found.account, gradient), equation, number_on_page
    )


def _of_step(account: Account, step: Step, said: str) -> str:
    number = account.numbers.get(step.name)
    place = f" (equation {number})" if number else ""
    equation = account.by_name[step.name]
    term = f" in the term {step.term}" if step.term and said == step.wrong.said and "term" not in said else ""
    return f"{step.name} {said}{term}{place}: {equation.text()}{_where(account, equation)}"


def _where(account: Account, equation: Equation) -> str:
    """Say what the names in an equation are that the author of a formula did not give."""
    read = {equation.name, *(each.name for each in variables(equation.expression))}
    primal = {name.removeprefix("d") for name in read if name not in account.forward_names}
    told = [each for each in account.equations if each.name in (read | primal) & account.made and each != equation]
    return f", where {_listed([each.text() for each in told])}" if told else ""


def _variable_name(account: Account, name: str) -> str:
    """Return what the left side of an equation is the derivative by; of the forward pass it is itself."""
    held = {each.name: by for by, each in account.gradients.items()}
    if name in held:
        return held[name]
    target = account.by_name[name].target
    return name.removeprefix("d") if target.is_gradient else re.sub(r"^delta", "z", name)


def _times(found: Found, case: Case) -> tuple[str, str]:
    """Return the kind of a number that is missing in a gradient, and how that is said."""
    expression = found.account.by_name[found.steps[0].name].expression
    numbers = [each.number for each in factors_of(expression) if each.number is not None]
    parts = [part for number in numbers for part in Mul.make_args(number) if part not in (1, -1)]
    for lost in (*parts, *([Mul(*parts)] if len(parts) > 1 else [])):
        for sign, more in ((1, ""), (-1, " and has the wrong sign")):
            if _is(sign / lost, found, case):
                return "factor and sign" if more else "factor", f"lacks the factor {factor_text(lost)}{more}"
    if _is(Integer(-1), found, case):
        return "sign", "has the wrong sign"
    for number in _numbers(found.account, case):
        if _is(number, found, case):
            return "factor", f"has the factor {factor_text(number)} too many"
    for name in _scalars(found.account):
        values = [real(case.world(found.account, number).evaluator.values[name]) for number in range(len(found.times))]
        if all(abs(times * value - 1) <= 10 * SAME for times, value in zip(found.times, values, strict=True)):
            return "factor", f"lacks the factor {name}"
    if max(found.times) - min(found.times) <= SAME * abs(found.times[0]):
        return "factor", f"is {found.times[0]:.6g} times what it should be"
    return "factor", VARYING


def _scalars(account: Account) -> list[str]:
    """Return the names of the numbers that the forward and the backward pass are given."""
    read = (each for equation in account.equations for each in variables(equation.expression))
    return [each.name for each in dict.fromkeys(read) if not each.rank and each.name not in account.by_name]


def _is(number: Expr, found: Found, case: Case) -> bool:
    """Whether an expression in sizes is the missing number at all points."""
    for times, sizes in zip(found.times, case.sizes, strict=True):
        value = complex(number.subs(sizes) if number.free_symbols else number).real
        if abs(times - value) > 10 * SAME * abs(value):
            return False
    return True


def _numbers(account: Account, case: Case) -> Iterator[Expr]:
    """Yield numbers that a person may have put in or forgotten, likely ones first."""
    symbols = dict.fromkeys(
        size for each in account.equations for size in each.target.shape if size != 1 and size in case.sizes[0]
    )
    sizes = list(symbols) + [each for each in case.sizes[0] if each not in symbols]
    named = named_numbers(tuple(each.expression for each in account.equations))
    bases = [Integer(2), Integer(3), Integer(4), *sizes, *named]
    singles = [power for base in bases for power in (base, 1 / base)]
    singles += [power for base in [Integer(2), *sizes] for power in (sqrt(base), 1 / sqrt(base), base - 1)]
    products = [one * Rational(two) for one in singles for two in ("2", "1/2")]
    pairs = [one * other for number, one in enumerate(singles) for other in singles[:number]]
    for number in dict.fromkeys((*singles, *products, *pairs)):
        yield number
        yield -number


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def message(explanations: Sequence[Explanation], case: Case, account: Account, note: str) -> str:
    """Return the sentence of a diagnosis."""
    if not explanations:
        said = "; ".join(remaining(account, by, case) for by in account.order if by in case.wrong)
        return f"no change of one step explains it: {said}{note}"
    first, *others = explanations
    more = f"; or {others[0].message}" if others else ""
    return first.message + more


def not_finite(account: Account, by: str, case: Case) -> Explanation | None:
    """Say where a given gradient has no finite values; None where it has everywhere.

    No change of a step is looked for then: what became of it is lost.
    """
    points = [number for number, given in enumerate(case.given) if not np.all(np.isfinite(given[by]))]
    if not points:
        return None
    given, right = case.given[points[0]][by], case.world(account, points[0]).right(by)
    bad = ~np.isfinite(given)
    what = "nan" if np.isnan(given[bad]).all() else "infinite" if np.isinf(given[bad]).all() else "nan or infinite"
    places = [str(list(map(int, place))) for place in np.argwhere(bad)]
    told = _listed([*places[:MOST_PLACES], *([f"{len(places) - MOST_PLACES} more"] if places[MOST_PLACES:] else [])])
    where = f" at {len(places)} of {bad.size} places: {told}" if not bad.all() else f" at all {bad.size} places"
    some = f" at {len(points)} of {len(case.given)} points," if len(points) < len(case.given) else ""
    said = f"d{by} is {what}{some}{where if bad.ndim else ''}".rstrip(",")
    if given.shape == right.shape and not bad.all():
        same = np.allclose(given[~bad], right[~bad], rtol=SAME, atol=SAME * float(np.max(np.abs(right), initial=0.0)))
        said += f"; at the others it is {'right' if same else 'wrong'}"
    equation = account.by_name[account.gradients[by].name].text()
    return Explanation(said, "not finite", f"d{by}", by, equation, account.numbers.get(f"d{by}"))


MOST_PLACES = 3
"""So many places of an array are told."""


def remaining(account: Account, by: str, case: Case) -> str:
    """Say which terms of the right sum a gradient has, and what remains, by least squares."""
    world = case.world(account, 0)
    given, right = world.given[by], world.right(by)
    if given.shape != right.shape:
        return f"d{by} has shape {given.shape}, not {right.shape}"
    equation = account.by_name[account.gradients[by].name]
    terms = terms_of(equation.expression)
    values = np.stack([np.broadcast_to(real(world.value(term)), right.shape).ravel() for term in terms], axis=1)
    found = [float(each) for each in np.linalg.lstsq(values, given.ravel(), rcond=None)[0]]
    rest = given.ravel() - values @ np.asarray(found)
    share = float(np.linalg.norm(rest) / max(float(np.linalg.norm(given)), 1e-300))
    pairs = list(zip(map(shortened, terms), found, strict=True))
    present = [text for text, each in pairs if abs(each - 1) < SAME]
    absent = [text for text, each in pairs if abs(each) < SAME]
    scaled = [f"{each:.3g} times {text}" for text, each in pairs if min(abs(each - 1), abs(each)) >= SAME]
    said = [f"{verb} {_listed(what)}" for verb, what in (("has", present), ("lacks", absent), ("has", scaled)) if what]
    if share > SAME:
        said.append(f"and {100 * share:.3g} % of it is something else")
    return f"d{by} {', '.join(said)}{_where(account, equation)}"
