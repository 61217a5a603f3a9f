"""What `initialisation` takes: layers, functions, text; numbers and names for the fans."""

from __future__ import annotations

from typing import Any

import pytest

import symprop
from symprop.algebra.functions import FUNCTIONS
from symprop.analysis.signal import initialisation
from symprop.errors import SympropError


@pytest.mark.parametrize(
    ("activation", "function"),
    [
        (symprop.ReLU(), "relu"),
        (symprop.Tanh(), "tanh"),
        (symprop.LeakyReLU(), "leaky_relu"),
        (symprop.Activation("where(x > 0, x, 0)", name="mine"), "relu"),
        ("tanh(x)", "tanh"),
        ("relu(x)", "relu"),
        ("relu", "relu"),
    ],
)
def test_a_layer_and_a_text_are_the_function_that_they_apply(activation: Any, function: str) -> None:
    found, expected = initialisation(activation), initialisation(FUNCTIONS[function])
    assert (found.forward, found.backward) == (expected.forward, expected.backward)
    if isinstance(activation, str):
        assert found == expected


def test_an_identity_and_an_own_activation() -> None:
    assert initialisation(symprop.Identity()).forward_gain == 1
    assert initialisation(symprop.Activation("x**3")).forward_gain == 15  # E[Z**6]


def test_fans_are_numbers_or_names() -> None:
    found = initialisation(symprop.ReLU(), 64, "k")
    assert (str(found.forward), str(found.backward)) == ("1/32", "2/k")


@pytest.mark.parametrize("wrong", ["relu(", "x + y", "", "os.system(x)", symprop.Softmax(), symprop.Dense(3), 5, None])
def test_what_is_no_activation_is_refused(wrong: Any) -> None:
    with pytest.raises(SympropError):
        initialisation(wrong)


def test_a_function_of_two_arguments_is_no_activation() -> None:
    with pytest.raises(SympropError, match="no activation"):
        initialisation(FUNCTIONS["maximum"])
    with pytest.raises(SympropError, match="no activation"):
        initialisation("maximum")


@pytest.mark.parametrize("size", [0, -1, 2.5, "p q", None])
def test_what_is_no_size_is_refused(size: Any) -> None:
    with pytest.raises(SympropError, match="no size"):
        initialisation(symprop.ReLU(), inputs=size)
