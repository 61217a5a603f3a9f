"""Numbers with a name: one mechanism for the hyperparameters of every layer."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import sympy
from sympy import Rational
from toy_layers import toys

from symprop import check, compile, derive, generate
from symprop.algebra.named_numbers import NamedNumber, named_numbers, unnamed
from symprop.algebra.names import variable
from symprop.errors import SpecError
from symprop.networks.spec import parse_network

__all__ = ["toys"]
pytestmark = pytest.mark.usefixtures("toys")

EPS = NamedNumber("eps", Rational(1, 10**5))
TEXT = "Input(4) >> Dense(3) >> Norm() >> Tanh() >> Norm(eps=0.001) >> Dense(2) >> Norm() >> MeanSquaredError()"


def test_a_named_number_is_a_constant_of_sympy() -> None:
    t = sympy.Symbol("t", real=True)
    assert sympy.diff(EPS * t**2, t) == 2 * EPS * t
    assert sympy.sqrt(EPS) ** 2 == EPS and abs(-EPS) == EPS
    assert not EPS.free_symbols and EPS.is_number
    assert sympy.N(EPS, 60) == sympy.N(Rational(1, 10**5), 60)


def test_it_is_known_by_name_value_and_mark() -> None:
    assert NamedNumber("eps", Rational(1, 10**5)) == EPS == pickle.loads(pickle.dumps(EPS)) == copy.deepcopy(EPS)
    assert len({EPS, NamedNumber("eps", Rational(1, 10**3)), NamedNumber("eps", Rational(1, 10**5), 2)}) == 3
    assert Rational(1, 10**5) != EPS and unnamed(EPS) == Rational(1, 10**5)


def test_what_digits_cannot_tell_is_told_by_values() -> None:
    d = NamedNumber("d", Rational(3, 2))
    assert unnamed(2 * d) <= 3 and not unnamed(2 * d) < 3


def test_named_numbers_stand_in_exponents_and_bodies() -> None:
    d, x = NamedNumber("d", Rational(3, 2)), variable("x", (3,))
    assert set(named_numbers([x**d + EPS, x * d])) == {d, EPS}


def test_one_value_is_one_number_and_another_gets_a_mark() -> None:
    system = parse_network(TEXT).system()
    assert [each.name for each in system.hyperparameters] == ["eps", "eps_2", "momentum"]
    assert "ε′" in str(derive(TEXT)) and r"\varepsilon^{\prime}" in derive(TEXT).latex()


def test_pages_say_each_value_once() -> None:
    page = str(derive(TEXT))
    assert page.count("ε = 10⁻⁵") == page.count("ε′ = 0.001") == page.count("momentum = 0.1") == 1
    assert "√(ν₁ + ε)" in page and "√(ν₂ + ε′)" in page and "√(ν₃ + ε)" in page


@pytest.mark.parametrize("options", [{}, {"fast": True}, {"target": "numba"}, {"target": "jax"}, {"target": "torch"}])
def test_code_has_them_as_named_constants(options: dict[str, object]) -> None:
    source = generate(TEXT, **options)
    assert source.count("eps = 1e-05\n") == source.count("eps_2 = 0.001\n") == source.count("momentum = 0.1\n") == 1
    assert "nu1 + eps" in source or "nu1, eps" in source or "nu1[" in source


def test_a_module_takes_the_value_from_the_constant() -> None:
    module = compile(TEXT)
    params = module.init_params(1)
    x = np.random.default_rng(0).normal(size=(5, 4))
    before = module.forward(params, x)
    vars(module)["eps"] = 10.0
    assert np.max(np.abs(module.forward(params, x) - before)) > 0.1


def test_the_certificate_holds() -> None:
    assert check(TEXT).ok


def test_a_size_or_an_input_of_the_same_name_is_refused() -> None:
    with pytest.raises(SpecError, match="hyperparameter 'eps' has the name of a size"):
        parse_network("Input(eps) >> Dense(3) >> Norm() >> MeanSquaredError()")
