"""Schedules and weight decay: rates by the formulas of the papers, steps in NumPy by hand and in PyTorch, bad texts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy

import symprop
from symprop.algebra.elements import elements
from symprop.errors import SpecError, SympropError
from symprop.networks.optimiser_text import as_optimiser, as_schedule
from symprop.networks.optimisers import KINDS, OPTIMISERS, Optimiser
from symprop.networks.schedules import STEP, Schedule

NETWORK = "Input(4) >> Embedding(5, 3) >> Dense(3) >> Tanh() >> Dense(2, bias=False) >> SoftmaxCrossEntropy()"
LR, WARMUP, HORIZON, FINAL, DECAY = 0.05, 4, 9, 0.002, 0.3


def linear(t: int) -> float:
    return LR * min(t, WARMUP) / WARMUP


def cosine(t: int, final: float = 0.0) -> float:
    t = min(max(t, 0), HORIZON)
    return final + (LR - final) * math.cos(math.pi * t / (2 * HORIZON)) ** 2  # (1 + cos a) / 2 is cos(a / 2)²


RATES: dict[str, Callable[[int], float]] = {
    "Constant()": lambda t: LR,
    "Warmup(4)": linear,
    "Warmup(4) >> Constant()": linear,
    "Cosine(9)": cosine,
    "Cosine(9, final=0.002)": lambda t: cosine(t, FINAL),
    "Warmup(4) >> Cosine(9)": lambda t: linear(t) if t <= WARMUP else cosine(t - WARMUP),
    "Warmup(4) >> Cosine(9, final=0.002)": lambda t: linear(t) if t <= WARMUP else cosine(t - WARMUP, FINAL),
}
NUMBERS = {"lr": LR, "warmup": float(WARMUP), "horizon": float(HORIZON), "final": FINAL}
CLOSE = 1e-12
"""A rate has a dozen roundings of numbers up to 1; a state of 16 steps has fewer than a thousand of numbers up to 9."""


@pytest.mark.parametrize("text", RATES)
def test_rates_are_those_of_the_papers(text: str) -> None:
    schedule = as_schedule(text)
    assert schedule.text == text and as_schedule(schedule) == schedule
    for t in range(1, 17):
        value = elements(schedule.expression.xreplace({STEP: sympy.Integer(t)}), NUMBERS)
        assert abs(float(value.item()) - RATES[text](t)) < CLOSE


def test_a_stage_ends_at_the_rate_to_which_it_leads() -> None:
    assert [linear(t) for t in (1, WARMUP)] == [LR / WARMUP, LR] and cosine(HORIZON) < CLOSE


# ---------------------------------------------------------------- steps in every module

OWN = {"SGD": {}, "Momentum": {"momentum": 0.8}, "Adam": {"beta1": 0.8, "beta2": 0.95}, "AdamW": {"beta1": 0.7}}


def optimiser(kind: str, schedule: str, decay: float) -> Optimiser:
    given: dict[str, Any] = {"lr": LR, "schedule": as_schedule(schedule), "weight_decay": decay, **OWN[kind]}
    return KINDS[kind](**given)


def by_hand(kind: str, rate: Callable[[int], float], decay: float, w: Any, gradients: list[Any]) -> Any:
    """The algorithms of the papers on one array; `decay` is 0 for what does not decay."""
    own = {"momentum": 0.9, "beta1": 0.9, "beta2": 0.999, **OWN[kind]}
    v, s = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        eta = rate(t)
        if kind == "SGD":
            step = g
        elif kind == "Momentum":
            step = v = own["momentum"] * v + g
        else:
            v = own["beta1"] * v + (1 - own["beta1"]) * g
            s = own["beta2"] * s + (1 - own["beta2"]) * g**2
            step = v / (1 - own["beta1"] ** t) / (np.sqrt(s / (1 - own["beta2"] ** t)) + 1e-8)
        w = w - eta * (step + decay * w)  # as Loshchilov and Hutter write it: both from the old w
    return w


def start_and_gradients(module: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    random = np.random.default_rng(3)
    shapes = module.PARAMETERS
    start = {name: random.normal(size=shape) for name, shape in shapes.items()}
    return start, [{name: random.normal(size=shape) for name, shape in shapes.items()} for _ in range(16)]


def after_steps(module: Any, start: dict[str, Any], gradients: list[dict[str, Any]], pure: bool) -> dict[str, Any]:
    params, state = {name: value.copy() for name, value in start.items()}, module.init_state(start)
    for each in gradients:
        if pure:
            params, state = module.update(params, each, state)
        else:
            module.update(params, dict(each), state)
    return {name: np.asarray(value) for name, value in params.items()}


FORMS: dict[str, dict[str, Any]] = {
    "fast": {"fast": True},
    "fast, two threads": {"fast": True, "threads": 2},
    "to read": {"fast": False},
    "numba": {"target": "numba"},
    "jax": {"target": "jax"},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("schedule", ["Constant()", "Warmup(4)", "Cosine(9, final=0.002)", "Warmup(4) >> Cosine(9)"])
def test_steps_of_every_module_are_those_of_the_papers(form: str, kind: str, schedule: str) -> None:
    if form in ("numba", "jax"):
        pytest.importorskip(form)
    module = symprop.compile(NETWORK, optimizer=optimiser(kind, schedule, DECAY), **FORMS[form])
    start, gradients = start_and_gradients(module)
    found = after_steps(module, start, gradients, pure=form == "jax")
    assert list(start) == ["E1", "W1", "b1", "W2"]
    for name, w in start.items():
        decay = DECAY if name in ("W1", "W2") else 0.0  # weights alone: no table, no bias
        expected = by_hand(kind, RATES[schedule], decay, w, [each[name] for each in gradients])
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=CLOSE, err_msg=name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("fast", [False, True])
def test_a_step_keeps_the_precision(dtype: str, fast: bool) -> None:
    chosen = "AdamW(schedule=Warmup(2) >> Cosine(final=1e-5))"
    module = symprop.compile(NETWORK, dtype=dtype, optimizer=chosen, fast=fast)
    state = module.init_state(module.init_params(0))
    for _ in range(4):
        module.train_step(state, np.array([[0, 1, 2, 3], [4, 0, 1, 2]]), [0, 1], horizon=8)
    assert all(value.dtype == dtype for value in state["params"].values())
    with pytest.raises(TypeError, match="horizon"):  # how long the run is, nobody else can know
        module.train_step(state, np.array([[0, 1, 2, 3]]), [0])


@pytest.mark.parametrize("kind", ["SGD", "Momentum", "AdamW"])
@pytest.mark.parametrize("schedule", ["Constant()", "Cosine(9, final=0.002)", "Warmup(4) >> Cosine(9)"])
def test_steps_are_those_of_pytorch(kind: str, schedule: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.set_num_threads(1)
    module = symprop.compile(NETWORK, optimizer=optimiser(kind, schedule, DECAY))
    start, gradients = start_and_gradients(module)
    theirs = {name: torch.nn.Parameter(torch.tensor(value)) for name, value in start.items()}
    weights = [theirs["W1"], theirs["W2"]]
    others = [theirs["E1"], theirs["b1"]]
    if kind == "AdamW":
        groups = [{"params": weights}, {"params": others, "weight_decay": 0.0}]
        stepper = torch.optim.AdamW(groups, lr=LR, betas=(0.7, 0.999), weight_decay=DECAY)
    else:
        stepper = torch.optim.SGD([*weights, *others], lr=LR, momentum=OWN[kind].get("momentum", 0.0))
    rates = torch.optim.lr_scheduler
    if schedule == "Constant()":
        scheduler = rates.ConstantLR(stepper, factor=1.0)
    elif schedule.startswith("Cosine"):
        scheduler = rates.CosineAnnealingLR(stepper, T_max=HORIZON, eta_min=FINAL)
        with pytest.warns(UserWarning, match="lr_scheduler.step"):
            scheduler.step()  # PyTorch counts from 0, our steps from 1
    else:
        rising = rates.LinearLR(stepper, start_factor=1 / WARMUP, total_iters=WARMUP - 1)
        falling = rates.CosineAnnealingLR(stepper, T_max=HORIZON)
        scheduler = rates.SequentialLR(stepper, [rising, falling], milestones=[WARMUP - 1])
    steps = HORIZON if schedule.startswith("Cosine") else WARMUP + HORIZON  # PyTorch's cosine rises again after them
    for each in gradients[:steps]:
        for name, parameter in theirs.items():
            parameter.grad = torch.tensor(each[name])
        if kind != "AdamW":  # PyTorch's SGD has no decoupled decay
            for weight in weights:
                weight.data.mul_(1 - stepper.param_groups[0]["lr"] * DECAY)
        stepper.step()
        scheduler.step()
    found = after_steps(module, start, gradients[:steps], pure=False)
    for name, parameter in theirs.items():
        np.testing.assert_allclose(found[name], parameter.detach().numpy(), rtol=0, atol=CLOSE, err_msg=name)


# ---------------------------------------------------------------- pages


def test_the_page_is_that_of_a_textbook() -> None:
    found = symprop.AdamW(schedule=symprop.Warmup(100) >> symprop.Cosine()).page
    assert [equation.pretty() for equation in found] == [
        "ηₜ = ηₘₐₓ (t/T_w) if t ≤ T_w, else ½ ηₘₐₓ (1 + cos(π (t − T_w) / T)) if t ≤ T_w + T, else 0",
        "w = (1 − ηₜ λ) w",
        "v = β₁ v + (1 − β₁) g",
        "s = β₂ s + (1 − β₂) g ⊙ g",
        "v̂ = (1 / (1 − β₁ᵗ)) v",
        "ŝ = (1 / (1 − β₂ᵗ)) s",
        "w = w − ηₜ (v̂ ⊘ (√(ŝ) + ε))",
    ]
    assert found[0].latex() == (
        r"\eta_t = \begin{cases} \eta_{\mathrm{max}} \frac{t}{T_w} & \text{where } t \le T_w \\ "
        r"\frac{1}{2} \eta_{\mathrm{max}} \left(1 + \cos{\left(\frac{\pi \left(t - T_w\right)}{T}\right)}\right) & "
        r"\text{where } t \le T_w + T \\ 0 & \text{elsewhere} \end{cases}"
    )
    assert [equation.pretty() for equation in symprop.SGD().page] == ["w = w − η g"]


# ---------------------------------------------------------------- texts


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_name_is_the_optimiser_with_its_usual_numbers(name: str) -> None:
    assert as_optimiser(name) == OPTIMISERS[name] == as_optimiser(OPTIMISERS[name].text)
    assert OPTIMISERS[name].name == name and not OPTIMISERS[name].scalars


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("schedule", RATES)
def test_a_text_reads_back_and_means_what_python_means(kind: str, schedule: str) -> None:
    made = optimiser(kind, schedule, DECAY)
    assert as_optimiser(made.text) == made and hash(as_optimiser(made.text)) == hash(made)
    names = {name: getattr(symprop, name) for name in re.findall(r"\b[A-Z]\w+", made.text)}
    assert eval(made.text, names) == made  # our own text; what it accepts, Python accepts
    written = [symprop.generate(NETWORK, optimizer=each, fast=True) for each in (made, made.text)]
    assert written[0] == written[1] and made.schedule == Schedule(made.plan.stages)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("adm", "unknown optimizer 'adm' (did you mean 'adam'?)"),
        ("", "unknown optimizer ''"),
        (3, "unknown optimizer '3'"),
        (None, "unknown optimizer 'None'"),
        ("Adan(lr=1)", "unknown 'Adan' (did you mean 'Adam'?)"),
        ("Adam(0.1)", "Adam: too many positional arguments"),
        ("Adam(rate=0.1)", "Adam has no argument 'rate'"),
        ("Adam(decay=0.1)", "Adam has no argument 'decay'"),
        ("Adam(lr=0)", "Adam: lr is a number above 0, not '0'"),
        ("Adam(lr=-1)", "Adam: lr is a number above 0"),
        ("Adam(lr=n)", "Adam: lr is a number above 0, not 'n'"),
        ("Adam(lr=True)", "Adam: lr is a number above 0, not 'True'"),
        ('Adam(lr="0.1")', "Adam: lr is a number above 0"),
        ("Adam(beta1=1)", "Adam: beta1 is a number from 0 and below 1, not '1'"),
        ("Momentum(momentum=-0.1)", "Momentum: momentum is a number from 0 and below 1"),
        ("SGD(weight_decay=-0.1)", "SGD: weight_decay is a number from 0, not"),
        ("SGD(schedule=3)", "'3' is no schedule"),
        ("SGD(schedule=Step(3))", "unknown 'Step'"),
        ("SGD(schedule=Warmup())", "Warmup: missing a required argument: 'steps'"),
        ("SGD(schedule=Warmup(0))", "Warmup: its steps are a whole number from 1, not '0'"),
        ("SGD(schedule=Warmup(-3))", "Warmup: its steps are a whole number from 1, not '-3'"),
        ("SGD(schedule=Warmup(2.5))", "Warmup: its steps are a whole number from 1, not '2.5'"),
        ("SGD(schedule=Cosine(True))", "Cosine: its steps are a whole number from 1, not 'True'"),
        ("SGD(schedule=Cosine(9, final=-1))", "Cosine: the final rate is a number from 0, not '-1'"),
        ("SGD(lr=0.1, schedule=Cosine(9, final=0.2))", "SGD: the final rate 0.2 is above the learning rate 0.1"),
        ("SGD(schedule=Cosine(9) >> Warmup(3))", "'Cosine(9) >> Warmup(3)' is no schedule"),
        ("SGD(schedule=Warmup(9) >> Warmup(3))", "'Warmup(9) >> Warmup(3)' is no schedule"),
        ("SGD(schedule=Warmup(9) >> Cosine(3) >> Constant())", "is no schedule"),
        ("SGD() >> Adam()", "an optimiser is one call"),
        ("SGD() + Adam()", "'+' adds penalties to losses"),
        ("SGD(", "'(' is never closed"),
        ("(3)", "expected an optimiser, such as Adam(lr=0.01)"),
        ("SGD(lr=0.1) import os", "expected"),
        ("SGD(lr=1e999)", "decimal exponents go to 300"),
    ],
)
def test_what_is_no_optimiser_is_refused(text: Any, message: str) -> None:
    with pytest.raises(SympropError) as raised:
        as_optimiser(text)
    assert message in str(raised.value) and len(str(raised.value).splitlines()) <= 3


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e301, "0.1", None, 1j])
def test_numbers_of_python_are_judged_like_those_of_texts(value: Any) -> None:
    for kind in KINDS.values():
        for name in ("lr", "weight_decay"):
            with pytest.raises(SpecError, match=f"{name} is a number"):
                kind(**{name: value})
    with pytest.raises(SpecError, match="the final rate is a number"):
        symprop.Cosine(final=value)
    for stage in (symprop.Warmup, symprop.Cosine):
        if value is not None:
            with pytest.raises(SpecError, match="a whole number from 1"):
                stage(value)
    with pytest.raises(SpecError, match="is no schedule"):
        symprop.Warmup(3) >> value
