"""Tests of the tests, on networks: wrong rules, recurrences and lines of modules; `check` must name the row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from toy_layers import TOYS

from symprop.codegen import case
from symprop.networks import spec
from symprop.verify import Certificate, check
from tests.wrong_modules import SOURCES, changed
from tests.wrong_rules import LOOPS, STEPS, TO_READ, VARIANTS, Variant
from trust.measures import Measure, Outcome
from trust.proofs import drawn
from trust.seeding import forget


@dataclass(frozen=True)
class Wrong:
    """What is wrong in a network, how it is put there, and what is amiss in its certificate, if anything."""

    name: str
    network: str
    patch: Callable[[pytest.MonkeyPatch], None]
    amiss: Callable[[Certificate], str]
    float32: bool = False


def wrongs() -> Iterator[Wrong]:
    """Yield everything that is put into networks."""
    for variant in (*VARIANTS, *LOOPS):
        yield Wrong(variant.name, variant.network, variant.patch, _of_rule(variant))
    for variant in TO_READ:
        yield Wrong(variant.name, variant.network, variant.patch, _to_read(variant))
    for network, old, new, row in SOURCES:
        yield Wrong(f"{new} for {old} in {network}", network, _source(old, new), _of_source(row), float32=True)


def _of_rule(variant: Variant) -> Callable[[Certificate], str]:
    def amiss(certificate: Certificate) -> str:
        strong = {row.name for row in certificate.failures if row.oracle.startswith("complex step")}
        failed = strong | {row.name for row in certificate.failures if row.name in ("L", "derivation")}
        steps = [row for row in certificate.failures if row.oracle == STEPS]
        if missed := set(variant.fails) - failed:
            return f"{', '.join(sorted(missed))} did not fail"
        if bool(steps) != variant.step or not all(row.note for row in steps):
            return "no step is named" if variant.step else "a step is named"
        return ""

    return amiss


def _to_read(variant: Variant) -> Callable[[Certificate], str]:
    def amiss(certificate: Certificate) -> str:
        oracles = {row.oracle for row in certificate.failures}
        if oracles != {"the module to read = the module that runs"}:
            return f"what failed are {', '.join(sorted(oracles))}"
        missed = set(variant.fails) - {row.name for row in certificate.failures}
        return f"{', '.join(sorted(missed))} did not fail" if missed else ""

    return amiss


def _source(old: str, new: str) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda monkeypatch: monkeypatch.setattr(case, "loaded", changed(old, new))


def _of_source(row: str) -> Callable[[Certificate], str]:
    return lambda certificate: "" if row in {each.name for each in certificate.failures} else f"{row} did not fail"


def missed(wrong: Wrong) -> str:
    """Return what is amiss where something wrong stands in a network; empty where the certificate tells it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, kind in TOYS.items():
            monkeypatch.setitem(spec.LAYERS, name, kind)
        forget()
        wrong.patch(monkeypatch)
        found = wrong.amiss(check(wrong.network, float32=wrong.float32))
    forget()
    return f"{wrong.name}: {found}" if found else ""


def right(network: str) -> str:
    """Return what fails where nothing is wrong."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, kind in TOYS.items():
            monkeypatch.setitem(spec.LAYERS, name, kind)
        certificate = check(network)
    return "" if certificate.ok else f"{network} fails without anything wrong"


def ask(cases: int, seed: int) -> Outcome:
    """Put what is wrong into networks, and check these without it too."""
    asked = drawn(list(wrongs()), cases, seed)
    networks = dict.fromkeys(each.network for each in asked)
    told = [*map(missed, asked), *map(right, networks)]
    return Outcome(len(told), tuple(filter(None, told)), {"wrong": len(asked), "right": len(networks)})


MEASURES = (
    Measure(
        "networks made wrong",
        "A wrong rule, recurrence or line of a module is seen by the certificate of a network.",
        ask,
        short=1,
        usual=1000,
        long=1000,
    ),
)
