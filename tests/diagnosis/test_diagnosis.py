"""Slips of backward passes written by hand are found and called what a person would call them.

`benchmarks/diagnoses.py` measures all of them; here stand those that are found soon.
"""

from __future__ import annotations

import ast

import numpy as np
import pytest

import symprop
from symprop.diagnosis import Diagnosis, diagnose
from tests.diagnosis.mutants import Program
from tests.diagnosis.named import diagnosed, is_named
from tests.diagnosis.slips_of_formulas import FORMULAS
from tests.diagnosis.slips_of_networks import CONVOLUTION, DENSE, EMBEDDING, NETWORKS, PENALTY, Subject

CLEARLY = 0.9
"""The part of all slips that must be named; `benchmarks/diagnoses.py` says how many are."""


@pytest.mark.parametrize("subject", [DENSE, CONVOLUTION, EMBEDDING, PENALTY, *FORMULAS], ids=lambda each: each.text)
def test_slips_are_caught_and_named(subject: Subject) -> None:
    assert diagnosed(subject, "") is None
    found = [(slip, diagnosed(subject, slip.name)) for slip in subject.slips]
    assert all(each is not None for _, each in found)
    missed = [slip.name for slip, each in found if each is not None and not is_named(slip, each)]
    assert len(missed) <= (1 - CLEARLY) * len(found) or len(missed) <= 1 < len(found), missed


def test_a_sentence_names_gradient_equation_and_what_follows() -> None:
    found = diagnosed(DENSE, "slope in z")
    assert found is not None and found.explanations[0].number == 7
    assert (found.gradient, found.variable, found.kind) == ("delta1", "z1", "variable")
    assert found.message.startswith(
        "delta1 reads z1 in place of a1 (equation 7): delta1 = (delta2 @ W2) * (1 - a1 * a1); dW1 and db1 follow"
    )


def test_what_no_change_explains_is_told_by_terms() -> None:
    def backward(p: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"x": p["g"] * (p["A"] @ p["x"] + 0.37 * p["A"].T @ p["x"] + np.sin(7 * p["x"]))}

    found = diagnose(symprop.formula("x @ A @ x", x="n", A="n n"), backward, ["x"])
    assert isinstance(found, Diagnosis) and found.explanations == () and found.wrong == ("x",)
    assert "no change of one step explains it" in found.message and "is something else" in found.message


def test_a_search_that_runs_out_of_time_says_so() -> None:
    formula = symprop.formula("softmax(Q @ K.T) @ V", Q="n d", K="m d", V="m p")
    found = diagnose(formula, lambda p: {"Q": np.cos(p["Q"])}, ["Q"], limit=0.05)
    assert found is not None and found.message.endswith("the search ended after 0.05 s")


def test_a_loss_may_have_a_cotangent() -> None:
    def backward(x, y, W1, b1, g):  # type: ignore[no-untyped-def]
        delta = (x @ W1.T + b1 - y) / len(x)
        return {"W1": g * delta.T @ x, "b1": delta.sum(axis=0)}

    found = symprop.certify("Input(3) >> Dense(2) >> MeanSquaredError()", backward)
    assert found.diagnosis is not None and found.diagnosis.kind == "factor"
    assert found.diagnosis.message.startswith("db1 lacks the factor g"), found.diagnosis.message


def test_blocks_of_a_symbolic_number_are_written_out() -> None:
    def backward(p: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        z = [p["x"]]
        for number in (1, 2, 3):
            z.append(np.tanh(z[-1] @ p[f"W{number}"].T + p[f"b{number}"]))
        delta, found = (z[3] - p["y"]) / len(p["x"]), dict[str, np.ndarray]()
        for number in (3, 2, 1):
            delta = delta * (1 - z[number] ** 2)
            found |= {f"W{number}": delta.T @ z[number - 1], f"b{number}": delta.sum(axis=0)}
            delta = delta @ (p[f"W{number}"].T if number == 2 else p[f"W{number}"])
        return found

    network = symprop.parse_network("Input(n) >> Repeat(Dense(n) >> Tanh(), N) >> MeanSquaredError()")
    found = diagnose(network, backward, sizes={"N": 3})
    assert found is not None and (found.kind, found.gradient) == ("transposed", "delta1"), found
    with pytest.raises(symprop.SpecError, match="the count N has no number"):
        diagnose(network, backward)


def test_sums_are_told_by_what_their_axes_are() -> None:
    attention = next(each for each in NETWORKS if "kv_heads" in each.text)
    found = diagnosed(attention, "last head of a group")
    assert found is not None and "the 2 heads of a group" in found.message, found.message


def test_the_same_seed_gives_the_same_sentence() -> None:
    first, second = diagnosed(PENALTY, "twice"), diagnosed(PENALTY, "twice")
    assert first is not None and first == second


def test_groups_that_are_tiled_where_they_are_repeated_are_named_throughout() -> None:
    def backward(Q, K, V, g):  # type: ignore[no-untyped-def]
        h, r = Q.shape[:2]
        k, v = (np.tile(each, (r, 1, 1)).reshape(h, r, *each.shape[1:]) for each in (K, V))
        E = np.exp(Q @ K[:, None].swapaxes(2, 3))
        P = E / E.sum(axis=3, keepdims=True)
        dP = g @ v.swapaxes(2, 3)
        dS = P * (dP - (P * dP).sum(axis=3, keepdims=True))
        dk, dv = dS.swapaxes(2, 3) @ Q, P.swapaxes(2, 3) @ g
        dK, dV = (each.reshape(r, h, *each.shape[2:]).sum(axis=0) for each in (dk, dv))
        return dS @ k, dK, dV

    formula = "softmax(Q @ transpose(K[:, None], (0, 1, 3, 2))) @ V[:, None]"
    found = symprop.certify(formula, backward, "Q K V", "Q: h r t d, K: h s d, V: h s d").diagnosis
    assert found is not None and found.kind == "place" and "np.tile" in found.message
    assert all(f"d{each}" in found.message for each in "PQKV")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("delta1 = fold", "delta1 does not flip the kernel W2: windows go back in reverse"),
        ("dW2 = ", "dW2 flips the kernel: reads windows of a1 in reverse"),
    ],
)
def test_flips_of_kernels_are_named(line: str, words: str) -> None:
    program = Program("Input(5, 4, 1) >> Conv2D(2, 2) >> Tanh() >> Conv2D(2, 2, padding='same') >> MeanSquaredError()")
    right = next(text for each in program.lines.values() if (text := ast.unparse(each)).startswith(line))
    wrong = right.replace("W2.", "W2[:, ::-1, ::-1].") if line != "dW2 = " else f"{right}[:, ::-1, ::-1]"
    found = symprop.certify(program.text, program.run({right.partition(" = ")[0]: wrong}))
    assert words in found.message, found.message


def test_what_is_not_finite_is_told_with_its_places() -> None:
    def backward(W, x, g):  # type: ignore[no-untyped-def]
        dW = np.outer(g, x)
        dW[1, 0] = np.nan
        return dW, 0 * g @ W / 0

    with np.errstate(all="ignore"):
        found = symprop.certify("W @ x", backward, "W x", sizes={"m": 2, "n": 3}, W="m n", x="n")
    assert found.diagnosis is not None and found.diagnosis.kind == "not finite"
    assert "dW is nan at 1 of 6 places: [1, 0]; at the others it is right" in found.message
    assert "dx is nan at all 3 places" in found.message and "zero" not in found.message


def test_what_remains_says_what_its_names_stand_for() -> None:
    def backward(p: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        e = np.exp(p["z"]) / np.sum(np.exp(p["z"]))
        return {"z": e * p["g"] - e * e * np.sum(p["g"])}

    found = diagnose(symprop.formula("softmax(z)", z="n"), backward, ["z"])
    assert isinstance(found, Diagnosis) and "f * (g - L)" in found.message
    assert "where f = softmax(z) and L = sum(f * g)" in found.message
