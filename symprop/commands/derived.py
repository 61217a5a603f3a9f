"""The command `derive`: the derivation of a network or a formula."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

from symprop import notation
from symprop.algebra.formula import Formula, formula_with
from symprop.algebra.inference.infer import SCALAR
from symprop.algebra.latex.formulas import latex_formula_of
from symprop.algebra.latex.tokens import is_latex
from symprop.analysis.derivation import Derivation, derive
from symprop.commands.arguments import (
    Enter,
    in_options,
    network_argument,
    network_of,
    output_argument,
    parse_sizes,
    sized,
    text_of,
    where_argument,
)
from symprop.commands.outcome import Outcome
from symprop.commands.page_files import PAGE_FILES, page_outcome
from symprop.commands.report_options import NOTATION, PAGE, report_arguments, sheet_of
from symprop.errors import SpecError
from symprop.networks.network import LAYOUTS, Network
from symprop.networks.spec import is_formula_text
from symprop.notation.sheet import PLAIN_SHEET, Sheet

CURVATURE: dict[str, tuple[str, Callable[[Derivation], Derivation]]] = {
    "hvp": ("with the product of the Hessian and a direction v", Derivation.hvp),
    "gauss_newton": ("with that of the Gauss-Newton matrix", Derivation.gauss_newton),
    "fisher": ("with that of the Fisher matrix", Derivation.fisher),
    "per_example": (
        "with the norm of each example's own gradient, and the mean of the clipped ones",
        Derivation.per_example,
    ),
    "kfac": ("with K-FAC's factors of the Fisher matrix", Derivation.kfac),
    "kfac_reduce": ("with those that sum over the places of a weight", partial(Derivation.kfac, sharing="reduce")),
    "tangent_kernel": ("with the tangent kernel", Derivation.tangent_kernel),
}
"""What may be asked of second derivatives, by its option."""

OPTIONS = {"fisher(empirical=True)": "--fisher --empirical", "gauss_newton()": "--gauss-newton"}
"""How a call that an error allows is typed as options."""

WRITERS: dict[str, Callable[[Derivation, Sheet], str]] = {
    "pretty": lambda derivation, sheet: derivation.pretty(),
    "text": lambda derivation, sheet: derivation.text(),
    "latex": lambda derivation, sheet: notation.document(derivation, sheet=sheet),
    "html": lambda derivation, sheet: notation.html(derivation, sheet=sheet),
}


def enter(command: Enter) -> None:
    """Enter the command of this module."""
    derived = command("derive", _derive)
    network_argument(derived, what="a formula, ")
    where_argument(derived)
    derived.add_argument("--format", choices=WRITERS, help="latex and html are whole documents")
    derived.add_argument("--layout", choices=LAYOUTS, help="one example, or a batch in rows or columns")
    derived.add_argument("--steps", metavar="NAME", help="print the named steps that led to one gradient, such as W1")
    derived.add_argument(
        "--readings",
        metavar="NAME",
        help="print a convolution, such as z1, as a sum of shifts, by patches and as correlations (--steps: of dx)",
    )
    derived.add_argument(
        "--through-time",
        action="store_true",
        help="print what a gradient is multiplied by from moment to moment in recurrent layers, and its bound",
    )
    curvature = derived.add_mutually_exclusive_group()
    for name, (what, _) in CURVATURE.items():
        curvature.add_argument(f"--{name.replace('_', '-')}", action="store_true", help=what)
    derived.add_argument("--empirical", action="store_true", help="of --fisher: for the targets of the data")
    output_argument(derived, told=PAGE_FILES)
    report_arguments(derived, "of a page in a file", only=(*PAGE, "columns", *NOTATION))


def _derive(options: argparse.Namespace) -> Outcome:
    derivation = _with_curvature(derive(_subject(options), layout=options.layout), options)
    return page_outcome(lambda form: _written(derivation, options, form), lambda: equation_fields(derivation), options)


def _with_curvature(derivation: Derivation, options: argparse.Namespace) -> Derivation:
    """Return the derivation with what is asked of its second derivatives.

    Raises:
        SpecError: a question that the network does not answer, or beside a page of something else.
    """
    asked = next((name for name in CURVATURE if vars(options)[name]), None)
    if options.empirical and asked != "fisher":
        raise SpecError("--empirical is of the Fisher matrix\nallowed: --fisher --empirical")
    if asked is None:
        return derivation
    other = next((name for name in ("readings", "through_time") if vars(options)[name]), None)
    if other is not None:
        told = f"--{asked} and --{other} are of two pages".replace("_", "-")
        raise SpecError(f"{told}\nallowed: one of them")
    try:
        return derivation.fisher(empirical=True) if options.empirical else CURVATURE[asked][1](derivation)
    except SpecError as error:
        raise in_options(error, OPTIONS) from None


def _written(derivation: Derivation, options: argparse.Namespace, form: str) -> str:
    sheet = sheet_of(options, lambda: _symbols(derivation))
    if sheet != PLAIN_SHEET and (options.readings is not None or options.steps is not None):
        raise SpecError(
            "a page of steps has no title and no paper of its own\nallowed: the whole page, or symprop report"
        )
    above = _readings(derivation, form)
    if options.through_time:
        return _through_time(derivation, form)
    if options.readings is not None:
        found = derivation.readings(options.readings)
        if options.steps is not None:
            return notation.STEPS(found, options.steps, form)
        return notation.readings(found, "document" if form == "latex" else form)
    if options.steps is not None:
        derivation.steps(options.steps)  # refuses a name that has none, and says which have
        return above + notation.steps(derivation, options.steps, form)
    return above + WRITERS[form](derivation, sheet)


def _symbols(derivation: Derivation) -> tuple[dict[str, str], set[str]]:
    from symprop.reports.symbols import names_of, signs_of  # here, so that a page is printed without reports

    known = names_of(derivation)
    return known, signs_of(derivation, known)


def _through_time(derivation: Derivation, format: str) -> str:
    if format not in ("pretty", "text"):
        raise SpecError(f"--through-time prints no {format}\nallowed: --format pretty, text; a report has it as LaTeX")
    found = derivation.through_time()
    return found.text() if format == "text" else found.pretty()


def _subject(options: argparse.Namespace) -> Network | Formula:
    """Return the network, or the formula, that is to be derived."""
    text = text_of(options.network) if options.network.strip() else ""
    latex = is_latex(text)
    if not latex and not is_formula_text(text):
        if options.where.strip():
            raise SpecError("--where declares the arrays of a formula\nallowed: a network without it")
        return sized(network_of(text), options.sizes)
    read = (latex_formula_of if latex else formula_with)(text, options.where, {}, SCALAR)
    return read.with_sizes(parse_sizes(options.sizes))


def _readings(derivation: Derivation, format: str) -> str:
    """The shapes that were inferred of a formula, in a line above its derivation; documents list them anyway."""
    if not isinstance(derivation.network, Formula) or format not in ("pretty", "text"):
        return ""
    before = "# " if format == "text" else ""
    return "".join(f"{before}{'or ' * (place > 0)}{each}\n" for place, each in enumerate(derivation.network.readings))


def equation_fields(derivation: Derivation) -> dict[str, Any]:
    equations = [
        {
            "name": each.name,
            "number": derivation.numbers[each.name],
            "numpy": each.expression.text(),
            "latex": each.latex(),
            "pretty": each.pretty(),
            "shape": each.target.shape,
        }
        for each in derivation.equations
    ]
    said = {"source": derivation.source, "layout": derivation.system.layout}
    return {**said, "equations": equations, "remarks": derivation.remarks}
