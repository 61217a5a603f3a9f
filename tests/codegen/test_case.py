"""A case works out each thing once, for all who ask: the certificate, the report, the module."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

import symprop
from symprop.algebra.equations import System
from symprop.analysis import derivation
from symprop.codegen import case as cases
from symprop.codegen.case import Case, case_of
from symprop.codegen.targets.fast.listings import passes_listing, plan_listing
from symprop.codegen.targets.target import Options, Target
from symprop.networks import parse_network

PLAIN = "Input(64) >> Dense(128) >> ReLU() >> Dense(10) >> SoftmaxCrossEntropy()"
DIGITS = (
    "Input(64) >> Dense(128) >> ReLU() >> Residual(Dense(128) >> ReLU()) >> Dense(10)"
    " >> SoftmaxCrossEntropy() + L2(0.0001)"
)
REPEATED = "Input(n) >> Repeat(Residual(Dense(n) >> Tanh()), L) >> Dense(3) >> SoftmaxCrossEntropy()"


@pytest.fixture
def derived(monkeypatch: pytest.MonkeyPatch) -> Counter[Any]:
    """Counts derivations, by layout, equations and shapes."""
    counted: Counter[Any] = Counter()
    right = derivation.derive_system

    def counting(system: System) -> Any:
        equations = tuple((equation.text(), equation.target.shape) for equation in system.equations)
        counted[system.layout, equations] += 1
        return right(system)

    monkeypatch.setattr(derivation, "derive_system", counting)
    return counted


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Counter[Any]:
    """Counts generated modules, by target, network and options."""
    counted: Counter[Any] = Counter()
    right = cases.target_of

    def counting(name: str) -> Target:
        target = right(name)

        def source(made: Any, program: Any, options: Options) -> str:
            counted[name, made.source, options] += 1
            return target.source(made, program, options)

        return replace(target, source=source)

    monkeypatch.setattr(cases, "target_of", counting)
    return counted


@pytest.mark.parametrize("text", [pytest.param(PLAIN, marks=pytest.mark.slow), DIGITS])
def test_a_certificate_derives_each_network_and_layout_once(
    text: str, derived: Counter[Any], written: Counter[Any]
) -> None:
    assert symprop.check(text).ok
    assert set(derived.values()) == {1}
    assert Counter(layout for layout, _ in derived) == {"example": 3, "rows": 2, "columns": 1}  # real, reduced, tiny
    assert set(written.values()) == {1}
    kinds = Counter((name, network == text, options.dtype) for name, network, options in written)
    assert kinds == {  # those that run: real; reduced, in both precisions; and the one to read
        ("fast", True, "float64"): 1,
        ("fast", False, "float64"): 1,
        ("fast", False, "float32"): 1,
        ("numpy", True, "float64"): 1,
    }


def test_a_certificate_of_a_recurrence_derives_once_too(derived: Counter[Any], written: Counter[Any]) -> None:
    assert symprop.check(REPEATED, sizes={"n": 4}).ok
    assert set(derived.values()) == set(written.values()) == {1}


@pytest.mark.parametrize("layout", ["example", pytest.param("rows", marks=pytest.mark.slow)])
def test_a_report_shares_what_its_certificate_has(layout: str, derived: Counter[Any], written: Counter[Any]) -> None:
    case = Case(parse_network(DIGITS))
    report = symprop.report(case, layout=layout)
    assert report.sections
    assert case.derivation is case.at(dtype="float32").derivation
    assert report.certificate.ok
    assert set(derived.values()) == set(written.values()) == {1}
    assert len(derived) == 7  # those of the certificate, and the one with names for its widths, for the cost
    symprop.check(case)
    symprop.generate(case)
    symprop.diff(case, case)
    assert set(derived.values()) == set(written.values()) == {1}


def test_relations_of_a_case() -> None:
    case = Case(parse_network(REPEATED), layout="rows")
    assert case.names == ["L", "n"]
    sized = case.with_sizes({"n": 4, "L": 2})
    assert sized.network.text == REPEATED.replace("(n)", "(4)").replace(", L)", ", 2)")
    assert (sized.layout, sized.example.layout, sized.names) == ("rows", "example", [])
    assert case.with_sizes({}) is case
    assert sized.at(dtype="float32", layout="example").rows == sized.at(dtype="float32")
    again = case.of(parse_network(sized.network.text))
    assert again == sized
    assert again.derivation is sized.derivation  # equal networks are one in a family
    assert sized.module is again.module is not sized.at(dtype="float32").module
    assert sized.program is sized.at(dtype="float32").program


def test_a_derivation_is_taken_as_it_is(derived: Counter[Any]) -> None:
    made = symprop.derive(PLAIN, layout="rows")
    assert case_of(made).rows.derivation is made
    assert symprop.generate(made) == symprop.generate(PLAIN)
    symprop.compile(made, dtype="float32")
    assert sum(derived.values()) == 2  # by hand, and for the text


def test_listings_of_a_case_derive_nothing_again(derived: Counter[Any]) -> None:
    case = Case(parse_network(PLAIN))
    assert "def loss_and_grads" in case.source
    assert "as lowered:" in passes_listing(case)
    assert "memory of a step, float64" in plan_listing(case)
    assert set(derived.values()) == {1}


def test_a_case_holds_all_there_is_and_frees_it() -> None:
    case = Case(parse_network(PLAIN))
    held = weakref.ref(case.derivation), weakref.ref(case.module)
    assert all(each() is not None for each in held)
    del case
    gc.collect()
    assert [each() for each in held] == [None, None]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "diagonal"}, "unknown layout 'diagonal'\nallowed: example, rows, columns"),
        ({"target": "abacus"}, "unknown target 'abacus'\nallowed: fast, "),
        ({"dtype": "int8"}, "unknown dtype 'int8'\nallowed: float64, float32"),
        ({"optimizer": "adamm"}, "unknown optimizer 'adamm'"),
        ({"threads": True}, "threads is 'True'\nallowed: 1, 2"),
    ],
)
def test_unknown_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(symprop.SpecError) as raised:
        case_of(PLAIN, **options)
    assert str(raised.value).startswith(message)
