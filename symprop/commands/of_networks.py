"""What `gradient` answers where a network is given: its derivation, or the equations that one gradient needs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace

from symprop import notation
from symprop.algebra.equations import Equation, equations_in
from symprop.algebra.trees import variables
from symprop.analysis.derivation import Derivation, derive
from symprop.codegen import generate
from symprop.commands.arguments import DISAGREES, network_of, sized
from symprop.commands.derived import WRITERS, equation_fields
from symprop.commands.outcome import Outcome
from symprop.commands.proofs import proof
from symprop.commands.report_options import choices, refuse_choices, written
from symprop.errors import SpecError
from symprop.networks.network import Network
from symprop.notation.sheet import PLAIN_SHEET
from symprop.reports.report import report
from symprop.verify import check


def of_network(text: str, names: Sequence[str], is_page: bool, options: argparse.Namespace) -> Outcome:
    """Answer `gradient` of a network: its derivation, or the equations that one gradient needs; a report to a file.

    Raises:
        SympropError: the text is no network, or there is no such gradient.
    """
    network = sized(network_of(text), options.sizes)
    if is_page and options.format is None:
        return _reported(network, names, options)
    refuse_choices(options)
    if "dtype" in options and options.format != "numpy":
        raise SpecError("--dtype is of code\nallowed: --format numpy, or a report, -o FILE.pdf")
    derivation = derive(network, layout=vars(options).get("layout"))
    every = [each.name for each in derivation.parameters]
    for name in names:
        derivation.steps(name)  # refuses a name that has none, and says which have
    shown = _needed(derivation, names) if names else derivation
    writers: dict[str, Callable[[], str]] = {
        "steps": lambda: "\n\n".join(notation.steps(derivation, name, "pretty") for name in names or every),
        "numpy": lambda: generate(network, dtype=vars(options).get("dtype", "float64")).rstrip("\n"),
    }
    format = options.format or "pretty"
    printed = writers[format]() if format in writers else WRITERS[format](shown, PLAIN_SHEET)
    if not options.check:
        return Outcome(printed, lambda: equation_fields(shown), output=options.output)
    certificate = check(network, limit=options.limit)
    printed = f"{printed}\n\n{proof(certificate, full=False)}"
    return Outcome(printed, lambda: equation_fields(shown), 0 if certificate.ok else DISAGREES, options.output)


def _reported(network: Network, names: Sequence[str], options: argparse.Namespace) -> Outcome:
    if names or options.check:
        told = "a report on a network has all gradients, and its certificate"
        raise SpecError(f"{told}\nallowed: no {'--wrt' if names else '--check'}")
    made = report(network, **choices(options))
    return written(made, options, lambda: equation_fields(made.derivation))


def _needed(derivation: Derivation, names: Sequence[str]) -> Derivation:
    """Return a derivation with those equations of the backward pass alone that some gradients need."""
    wanted = {f"d{name}" for name in names}
    for item in reversed(derivation.backward):
        for equation in equations_in((item,)):
            if equation.name in wanted or not isinstance(item, Equation):
                wanted.update(each.name for each in variables(equation.expression))
    kept = tuple(each for each in derivation.backward if not isinstance(each, Equation) or each.name in wanted)
    return replace(derivation, backward=kept)
