"""The commands about a network: derive, generate, check."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator

from symprop import notation, verify
from symprop.algebra.formula import Formula, formula, inferred_formula
from symprop.algebra.inference.infer import SCALAR
from symprop.analysis.derivation import Derivation, derive
from symprop.codegen import gallery
from symprop.codegen.case import Case
from symprop.codegen.targets import LIBRARIES, form_of
from symprop.codegen.targets.fast.listings import passes_listing, plan_listing
from symprop.codegen.targets.target import DTYPES
from symprop.commands.arguments import (
    DISAGREES,
    OPTIMISER_HELP,
    PROGRAM,
    Enter,
    limit_argument,
    network_argument,
    output_argument,
    parse_sizes,
    put,
    read_network,
    text_of,
    where_argument,
)
from symprop.errors import OutputError, SpecError, shown
from symprop.files import check_writable, read_text
from symprop.networks.network import LAYOUTS, Network
from symprop.networks.spec import is_formula_text

WRITERS: dict[str, Callable[[Derivation], str]] = {
    "pretty": Derivation.pretty,
    "text": Derivation.text,
    "latex": notation.document,
    "html": notation.html,
}


def enter(command: Enter) -> None:
    """Enter the commands of this module."""
    derived = command("derive", _derive, "print the forward pass, the delta recurrence and the gradients")
    network_argument(derived, what="a formula, ")
    where_argument(derived)
    derived.add_argument("--format", choices=WRITERS, default="pretty", help="latex and html are whole documents")
    derived.add_argument("--layout", choices=LAYOUTS, help="one example, or a batch in rows or columns")
    derived.add_argument("--steps", metavar="NAME", help="print the named steps that led to one gradient, such as W1")
    derived.add_argument(
        "--readings",
        metavar="NAME",
        help="print a convolution, such as z1, as a sum of shifts, by patches and as correlations (--steps: of dx)",
    )
    output_argument(derived)

    generate = command("generate", _generate, "write a stand-alone module: forward, loss, backward")
    network_argument(generate, optional=True)
    output_argument(generate)
    generate.add_argument(
        "--force", action="store_true", help="replace a file that differs, such as one edited by hand"
    )
    generate.add_argument("--dtype", choices=DTYPES, default="float64")
    generate.add_argument(
        "--optimizer", metavar="OPTIMISER", help=f"put the optimiser's step into the module: {OPTIMISER_HELP}"
    )
    generate.add_argument("--target", choices=LIBRARIES, default="numpy", help="numba: loops, for small networks")
    generate.add_argument("--fast", action="store_true", help="the module to run, with planned memory")
    generate.add_argument("--threads", type=int, choices=(1, 2), default=1, help="for half of a large batch each")
    generate.add_argument("--plan", action="store_true", help="print the memory plan of a step in place of the module")
    generate.add_argument(
        "--batch", type=int, default=32, metavar="M", help="the rows for which --plan says bytes (32)"
    )
    generate.add_argument(
        "--show-passes", action="store_true", help="print what each pass changes in place of the module"
    )
    generate.add_argument("--check", action="store_true", help="is generated/ what the generator makes today?")
    generate.add_argument("--write", action="store_true", help="make generated/ anew")

    check = command("check", _check, "check every equation and gradient by independent oracles")
    network_argument(check)
    check.add_argument(
        "--target",
        choices=(*LIBRARIES, verify.ALL),
        default="numpy",
        help="whose module; all: each that runs here",
    )
    limit_argument(check)


def _derive(options: argparse.Namespace) -> int:
    if options.output is not None:
        check_writable(options.output)
    derivation = derive(_subject(options), layout=options.layout)
    above = _readings(derivation, options.format)
    if options.readings is not None:
        found = derivation.readings(options.readings)
        if options.steps is not None:
            put(notation.STEPS(found, options.steps, options.format), options.output)
            return 0
        format = "document" if options.format == "latex" else options.format
        put(notation.readings(found, format), options.output)
        return 0
    if options.steps is not None:
        derivation.steps(options.steps)  # refuses a name that has none, and says which have
        put(above + notation.steps(derivation, options.steps, options.format), options.output)
        return 0
    put(above + WRITERS[options.format](derivation), options.output)
    return 0


def _subject(options: argparse.Namespace) -> Network | Formula:
    """Return the network, or the formula, that is to be derived."""
    text = text_of(options.network) if options.network.strip() else ""
    if not is_formula_text(text):
        if options.where.strip():
            raise SpecError("--where declares the arrays of a formula\nallowed: a network without it")
        return read_network(options.network, options.sizes)
    if options.sizes.strip():
        raise SpecError('--sizes are those of a network\nallowed: numbers in --where, such as --where "x: 3"')
    return formula(text, options.where) if options.where.strip() else inferred_formula(text, SCALAR)


def _readings(derivation: Derivation, format: str) -> str:
    """The shapes that were inferred of a formula, in a line above its derivation; documents list them anyway."""
    if not isinstance(derivation.network, Formula) or format not in ("pretty", "text"):
        return ""
    before = "# " if format == "text" else ""
    return "".join(f"{before}{'or ' * (place > 0)}{each}\n" for place, each in enumerate(derivation.network.readings))


def _generate(options: argparse.Namespace) -> int:
    if options.check or options.write:
        return _gallery(options)
    if options.network is None:
        raise SpecError(f"generate needs a network\ntry: {PROGRAM} generate --help")
    if options.output is not None:
        check_writable(options.output)
    case = Case(
        read_network(options.network, options.sizes),
        dtype=options.dtype,
        optimizer=options.optimizer,
        target=form_of(options.target, options.fast),
        threads=options.threads,
    )
    source = case.source
    listings = list(_listings(case, options))
    print("\n\n".join(listings), end="\n" if listings else "")
    if listings and options.output is None:
        return 0
    if options.output is not None and os.path.exists(options.output) and not options.force:
        if read_text(options.output) == source:
            return 0
        raise OutputError(
            f"{shown(options.output, 200)} holds something else, perhaps edited by hand; nothing was written\n"
            "allowed: --force to replace it, or another -o"
        )
    put(source.rstrip("\n"), options.output)
    return 0


def _listings(case: Case, options: argparse.Namespace) -> Iterator[str]:
    """Yield what is printed of the generator's work."""
    if not (options.plan or options.show_passes):
        return
    if options.batch < 1:
        raise SpecError(f"--batch is at least 1, not {options.batch}")
    if options.show_passes:
        yield passes_listing(case)
    if options.plan:
        yield plan_listing(case, options.batch)


def _gallery(options: argparse.Namespace) -> int:
    if options.network is not None:
        raise SpecError("generate --check and --write take no network: they are about the folder generated/")
    if options.write:
        written = gallery.write()
        for path in written:
            print(f"wrote {os.path.relpath(path)}")
        print(f"{len(written)} of {gallery.count()} files written, the others are as the generator makes them")
        return 0
    disagreements = gallery.check()
    for disagreement in disagreements:
        print(disagreement)
    if disagreements:
        return DISAGREES
    print(f"all {gallery.count()} files are as the generator makes them")
    return 0


def _check(options: argparse.Namespace) -> int:
    network, sizes = read_network(options.network), parse_sizes(options.sizes)
    certificate = verify.check(network, sizes=sizes, target=options.target, limit=options.limit)
    print(certificate.table())
    return 0 if certificate.ok else DISAGREES
