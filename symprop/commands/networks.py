"""The commands that make and check a network's code: generate, check."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from typing import Any

from symprop import verify
from symprop.codegen import gallery
from symprop.codegen.case import GRADIENTS, QUESTIONS, Case
from symprop.codegen.gate import admitted
from symprop.codegen.targets import LIBRARIES, form_of
from symprop.codegen.targets.fast.listings import passes_listing, plan_listing
from symprop.codegen.targets.target import DTYPES
from symprop.commands.arguments import (
    DISAGREES,
    OPTIMISER_HELP,
    Enter,
    limit_argument,
    network_argument,
    output_argument,
    parse_sizes,
    read_network,
)
from symprop.commands.outcome import STANDARD, Outcome
from symprop.commands.proofs import certificate_fields, proof
from symprop.commands.table import PROGRAM
from symprop.errors import OutputError, SpecError, shown
from symprop.files import read_text, write_whole


def enter(command: Enter) -> None:
    """Enter the commands of this module."""
    generate = command("generate", _generate)
    network_argument(generate, optional=True)
    output_argument(generate)
    generate.add_argument("--dtype", choices=DTYPES, default="float64")
    generate.add_argument(
        "--optimizer", metavar="OPTIMISER", help=f"put the optimiser's step into the module: {OPTIMISER_HELP}"
    )
    generate.add_argument("--target", choices=LIBRARIES, default="numpy", help="numba: loops, for small networks")
    generate.add_argument("--fast", action="store_true", help="the module to run, with planned memory")
    generate.add_argument("--threads", type=int, choices=(1, 2), default=1, help="for half of a large batch each")
    generate.add_argument(
        "--question", choices=QUESTIONS, default=GRADIENTS, help="what it computes beside the loss and its gradients"
    )
    generate.add_argument("--plan", action="store_true", help="print the memory plan of a step in place of the module")
    generate.add_argument(
        "--batch", type=int, default=32, metavar="M", help="the rows for which --plan says bytes (32)"
    )
    generate.add_apart("--show-passes", action="store_true", help="print what each pass changes in place of the module")
    generate.add_apart("--check", action="store_true", help="is generated/ what the generator makes today?")
    generate.add_apart("--write", action="store_true", help="make generated/ anew")

    check = command("check", _check)
    network_argument(check)
    check.add_argument(
        "--target",
        choices=(*LIBRARIES, verify.ALL),
        default="numpy",
        help="whose module; all: each that runs here",
    )
    check.add_argument("--full", action="store_true", help="print every row, not one for each oracle and the worst")
    check.add_argument("--curvature", action="store_true", help="check second derivatives too")
    limit_argument(check)


def _generate(options: argparse.Namespace) -> Outcome:
    if options.check or options.write:
        return _gallery(options)
    if options.network is None:
        raise SpecError(f"generate needs a network\ntry: {PROGRAM} generate --help")
    case = Case(
        read_network(options.network, options.sizes),
        dtype=options.dtype,
        optimizer=options.optimizer,
        target=form_of(options.target, options.fast),
        threads=options.threads,
        question=options.question,
    )
    source, output = case.source, options.output
    admitted(source)
    listings = "\n\n".join(_listings(case, options))
    to_file = output not in (None, STANDARD)
    if to_file and os.path.isfile(output) and not options.force:
        if read_text(output) == source:
            return Outcome(listings, lambda: _fields(case, source))
        raise OutputError(
            f"{shown(output, 200)} holds something else, perhaps edited by hand; nothing was written\n"
            "allowed: --force to replace it, or another -o"
        )
    if not listings:
        text = source.rstrip("\n")
        return Outcome(text, lambda: _fields(case, source), output=output, admitted=admitted, own=_never)
    if to_file:
        write_whole(output, source, admitted)
    return Outcome(listings, lambda: _fields(case, source), written=(output,) if to_file else ())


def _never(before: bytes) -> bool:
    """Whether a file is ours whatever it holds: what differs may have been edited, and has been refused."""
    return False


def _fields(case: Case, source: str) -> dict[str, Any]:
    shapes = [{"name": each.name, "shape": each.variable.shape} for each in case.network.parameters]
    options = {name: vars(case)[name] for name in ("target", "dtype", "question")}
    return {
        "network": case.network.text,
        **options,
        "parameters": shapes,
        "source": source,
        "files": [],
        "disagreements": [],
    }


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


def _gallery(options: argparse.Namespace) -> Outcome:
    if options.network is not None:
        raise SpecError("generate --check and --write take no network: they are about the folder generated/")
    files = [os.path.relpath(path) for path in gallery.write()] if options.write else []
    disagreements = [] if options.write else gallery.check()
    said = [*(f"wrote {path}" for path in files), *disagreements]
    if options.write:
        said.append(f"{len(files)} of {gallery.count()} files written, the others are as the generator makes them")
    elif not disagreements:
        said.append(f"all {gallery.count()} files are as the generator makes them")
    none: dict[str, Any] = {**dict.fromkeys(("network", "target", "dtype", "question", "source")), "parameters": []}
    fields = {**none, "files": files, "disagreements": disagreements}
    return Outcome("\n".join(said), lambda: fields, DISAGREES if disagreements else 0)


def _check(options: argparse.Namespace) -> Outcome:
    network, sizes = read_network(options.network), parse_sizes(options.sizes)
    asked = {"target": options.target, "limit": options.limit, "curvature": options.curvature}
    certificate = verify.check(network, sizes=sizes, **asked)
    text = proof(certificate, options.full)
    return Outcome(text, lambda: certificate_fields(certificate), 0 if certificate.ok else DISAGREES)
