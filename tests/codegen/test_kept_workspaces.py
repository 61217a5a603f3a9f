"""Calls without a workspace work in one that is kept between them: what a call returned, no later one changes."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

import symprop
from symprop.codegen.case import QUESTIONS, Case
from symprop.verify.points import called, random_point, target_kinds

TEXTS = (
    "Input(3) >> Dense(4) >> Tanh() >> Dense(3) >> SoftmaxCrossEntropy()",
    "Input(3, name='u') >> BatchNorm() >> Dropout(0.5) >> Dense(1) >> MeanSquaredError()",
    "Input(4, 3) >> GRU(3) >> Dense(2) >> MeanSquaredError()",
    "Input(3) >> Dense(3) >> Tanh() >> Dense(3, tied='W1') >> Dense(2) >> MeanSquaredError()",
    "Input(4) >> Embedding(5, 3) >> Flatten() >> Dense(2) >> SoftmaxCrossEntropy()",
    "Input(4, 4, 2) >> Conv2D(3, 3) >> ReLU() >> Flatten() >> Dense(2) >> SoftmaxCrossEntropy()",
    "Input(4, 4) >> Attention(2) >> At(0) >> Dense(2) >> MeanSquaredError()",
    "Input(3) >> Residual(Dense(3) >> GELU()) >> LayerNorm() >> Dense(1) >> BinaryCrossEntropy(from_logits=True)",
)
OF_EXAMPLES = ("per_example_norms", "clipped_grads")
CASES = [
    (text, question)
    for text in TEXTS
    for question in QUESTIONS
    if question != "tangent_kernel"  # whose module has no workspace
    and not (
        question in ("per_example_norms", "clipped_grads") and "BatchNorm" in text
    )  # whose examples have no gradients of their own
]


def arrays(found: Any) -> Iterator[np.ndarray]:
    """Yield all arrays in what a function returned, or in a workspace."""
    if isinstance(found, np.ndarray):
        yield found
    elif isinstance(found, Mapping):
        for each in found.values():
            yield from arrays(each)
    elif isinstance(found, (tuple, list)):
        for each in found:
            yield from arrays(each)


@pytest.mark.parametrize(("text", "question"), CASES)
def test_what_a_call_returned_stays_after_the_next(text: str, question: str) -> None:
    case = Case(text.replace("'", '"'), target="fast", question=question)
    module, system, random = case.module, case.example.system, np.random.default_rng(7)
    kept, function = vars(module)["KEPT"], vars(module)[question]
    kind = target_kinds(system)[0]
    points = [random_point(system, random, kind, count) for count in (3, 3, 2, 3)]
    extra = [{"v": random_point(system, random, kind, 1).parameters} if "vp" in question else {} for _ in points]
    extra = [{"max_norm": 0.1} for _ in points] if question == "clipped_grads" else extra
    results = [called(function, point, **more) for point, more in zip(points, extra, strict=True)]
    copies = pickle.loads(pickle.dumps(results[:-1]))
    assert list(kept) == [3]
    inside = [*arrays(vars(kept[3]))]
    assert inside and not any(np.shares_memory(one, other) for one in arrays(results) for other in inside)
    again = [called(function, point, **more) for point, more in zip(points[:-1], extra, strict=False)]
    for before, copy, same in zip(results, copies, again, strict=False):
        for one, two, three in zip(arrays(before), arrays(copy), arrays(same), strict=True):
            assert np.array_equal(one, two, equal_nan=True) and np.array_equal(one, three, equal_nan=True)


def test_a_large_workspace_is_not_kept_and_a_refused_call_loses_nothing() -> None:
    module = symprop.compile("Input(3) >> Dense(4) >> Tanh() >> Dense(2) >> MeanSquaredError()")
    params, kept = module.init_params(0), module.KEPT
    module.loss_and_grads(params, np.ones((3, 3)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="y has shape"):
        module.loss_and_grads(params, np.ones((3, 3)), np.ones((3, 1)))
    module.MOST_KEPT = 10
    module.loss_and_grads(params, np.ones((3, 3)), np.ones((3, 2)))
    assert kept == {}


def test_a_function_of_another_question_is_made_once() -> None:
    module = symprop.compile("Input(3) >> Dense(2) >> MeanSquaredError()")
    assert module.hvp is vars(module)["hvp"]
