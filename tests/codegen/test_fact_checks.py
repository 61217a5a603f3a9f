"""What is declared of an array is checked when code is called: each fact, at each rank, within rounding and no more."""

from __future__ import annotations

import functools
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symprop
from symprop.algebra.declarations import DECLARED
from symprop.algebra.nodes import Fact, Multiply, Node, Scalar, Sum, Variable
from symprop.codegen import compile_network, generate
from symprop.codegen.targets.numpy.fact_checks import FACT_CHECKS
from symprop.commands.train_run import run
from symprop.errors import DataError
from symprop.networks import Dense, Embedding, Input
from symprop.networks.builder import Builder
from symprop.networks.losses import LossLayer
from symprop.training import accuracy, train
from symprop.verify import check
from symprop.verify.points import random_point, target_kinds

Array = np.ndarray[Any, Any]
Draw = Callable[[np.random.Generator, int], Array]


def one_hot(random: np.random.Generator, *shape: int) -> Array:
    return np.asarray(np.eye(shape[-1])[random.integers(0, shape[-1], shape[:-1])])


def semidefinite(random: np.random.Generator, n: int) -> Array:
    factor = random.normal(size=(n, max(1, n // 2))) * np.exp(3 * random.normal(size=(n, 1)))
    return np.asarray(factor @ factor.T)


def normalised(values: Array, axis: int) -> Array:
    return np.asarray(values / values.sum(axis=axis, keepdims=True))


def softmax_by_logs(random: np.random.Generator, n: int) -> Array:
    z = 20 * random.normal(size=(n, n))
    return np.asarray(np.exp(z - np.log(np.exp(z).sum(axis=1, keepdims=True))))


HELD: list[tuple[str, Draw]] = [
    ("n n symmetric", lambda r, n: (a := r.normal(size=(n, 9))) * np.arange(1, 10) @ a.T),
    ("n n symmetric", lambda r, n: np.zeros((n, n))),
    ("n n positive-definite", lambda r, n: (a := r.normal(size=(n, 2 * n))) @ a.T),
    ("n n positive-definite", lambda r, n: 1e200 * np.eye(n)),
    ("n n positive-semidefinite", semidefinite),
    ("n n positive-semidefinite", lambda r, n: np.zeros((n, n))),
    ("n n orthogonal", lambda r, n: np.linalg.qr(r.normal(size=(n, n)))[0]),
    ("n n signs orthogonal", lambda r, n: np.ones((1, 1))),
    ("n n n positive", lambda r, n: r.uniform(1e-300, 1, (n, n, n))),
    (" positive", lambda r, n: np.asarray(r.uniform(1, 2))),
    ("n nonnegative", lambda r, n: np.maximum(r.normal(size=n), 0)),
    ("n n between-0-and-1", lambda r, n: r.integers(0, 2, (n, n)).astype(float)),
    ("n n n signs", lambda r, n: r.choice([-1.0, 1.0], (n, n, n))),
    ("n n bits", lambda r, n: r.integers(0, 2, (n, n)).astype(float)),
    ("n sums-to-1", lambda r, n: normalised(r.uniform(size=n), 0)),
    ("n sums-to-1", lambda r, n: np.append(100 * r.normal(size=n - 1), 0) if n > 1 else np.ones(1)),
    ("n n rows-sum-to-1", lambda r, n: normalised(r.exponential(size=(n, n)), 1)),
    ("n n rows-sum-to-1 positive", softmax_by_logs),
    ("n n columns-sum-to-1 nonnegative", lambda r, n: normalised(r.exponential(size=(n, n)), 0)),
    ("n n rows-sum-to-1 columns-sum-to-1", lambda r, n: r.permutation(np.eye(n))),
    ("n n n one-hot", lambda r, n: one_hot(r, n, n, n)),
    ("n one-hot", lambda r, n: one_hot(r, n)),
]


def asked(declaration: str) -> symprop.Answer:
    """Return an answer that reads an array A with this declaration, whatever its rank."""
    return symprop.gradient("s * sum(tanh(A))", "s", A=declaration, s="")


@pytest.mark.parametrize(("declaration", "draw"), HELD, ids=[declaration for declaration, _ in HELD])
def test_what_holds_up_to_rounding_is_taken(declaration: str, draw: Draw, random: np.random.Generator) -> None:
    answer = asked(declaration)
    single: dict[str, Any] = {}
    exec(compile(answer.numpy("float32"), "<float32>", "exec"), single)
    for n in (1, 2, 7, 40):
        value = draw(random, n)
        if declaration == "n sums-to-1" and np.abs(value).max() > 2:
            value[-1] = 1 - value.sum()  # terms of a hundred that cancel
        assert answer(A=value, s=1) == pytest.approx(
            np.tanh(value).sum(), rel=1e-12
        )  # a sum of 64,000 terms of one sign
        if np.abs(value).max() < 1e30 and not 0 < np.abs(value).min() < 1e-30:  # else no float32 has the fact
            near = value.astype(np.float32)
            assert np.isfinite(answer(A=near, s=1)) and np.isfinite(single["gradient"](A=near, s=1))
            assert np.isfinite(single["gradient"](A=value, s=1))


def changed(value: Array, place: tuple[int, ...], new: float) -> Array:
    value = np.array(value, dtype=float)
    value[place] = new
    return value


I3 = np.eye(3)
REFUSED: list[tuple[str, Any, str]] = [
    ("n n symmetric", [[1, 2], [3, 4]], "A[0, 1] is 2.0, but A[1, 0] is 3.0; A must be symmetric"),
    ("n n symmetric", [[1, 1e9], [1e9 + 1, 1]], "A must be symmetric"),
    ("n n symmetric", [[1, 1e308], [-1e308, 1]], "A must be symmetric"),
    ("n n positive-definite", changed(I3, (1, 1), -2), "A[:2, :2] has the eigenvalue -2; A must be positive definite"),
    ("n n positive-definite", np.ones((2, 2)), "A[:2, :2] has the eigenvalue 0; A must be positive definite"),
    ("n n positive-definite", np.zeros((3, 3)), "A[:1, :1] has the eigenvalue 0; A must be positive definite"),
    ("n n positive-definite", [[2, 1], [0, 2]], "A[0, 1] is 1.0, but A[1, 0] is 0.0; A must be symmetric"),
    ("n n positive-semidefinite", [[1, 2], [2, 1]], "A[:2, :2] has the eigenvalue -1; A must be positive semidefinite"),
    ("n n positive-semidefinite", [[0, 1e-9], [1e-9, 0]], "has the eigenvalue -1e-09; A must be positive semidefinite"),
    ("n n orthogonal", changed(I3, (0, 2), 0.5), "A[:, 0] @ A[:, 2] is 0.5; A must be orthogonal"),
    ("n n orthogonal", (1 + 1e-9) * I3, "A must be orthogonal"),
    ("n n orthogonal", 1e200 * I3, "A[:, 0] @ A[:, 0] is inf; A must be orthogonal"),
    ("n positive", [1, 0, 2], "A[1] is 0.0; it must be positive"),
    ("n positive", [1, np.nan], "A[1] is nan; it must be a finite number"),
    (" positive", -2, "A is -2.0; it must be positive"),
    (
        "n n n nonnegative",
        changed(np.ones((2, 2, 2)), (1, 0, 1), -1e-300),
        "A[1, 0, 1] is -1e-300; it must be nonnegative",
    ),
    ("n between-0-and-1", [0, 1 + 1e-15], "A[1] is 1.000000000000001; it must be between 0 and 1"),
    ("n between-0-and-1", [0, -0.5], "A[1] is -0.5; it must be between 0 and 1"),
    ("n n signs", [[1, -1], [0, 1]], "A[1, 0] is 0.0; it must be one of the signs -1 and 1"),
    ("n n bits", [[1, 0], [0.5, 1]], "A[1, 0] is 0.5; it must be 0 or 1"),
    ("n sums-to-1", [0.5, 0.4], "A sums to 0.9; it must sum to 1"),
    ("n sums-to-1", [0.5, 0.5 + 1e-9], "it must sum to 1"),
    ("n sums-to-1", [1e308, 1e308], "A sums to inf; it must sum to 1"),
    ("n sums-to-1", [1e300, -1e300], "A sums to 0.0; it must sum to 1"),
    ("m n rows-sum-to-1", [[0.5, 0.5], [0.5, 0.75]], "A[1] sums to 1.25; it must sum to 1"),
    ("m n columns-sum-to-1", [[0.5, 0.5], [0.5, 0.75]], "A[:, 1] sums to 1.25; it must sum to 1"),
    ("n n rows-sum-to-1 columns-sum-to-1", [[0, 1], [0, 1]], "A[:, 0] sums to 0.0; it must sum to 1"),
    ("n one-hot", [0, 0.5, 0.5], "A[1] is 0.5; it must be 0 or 1, to be one-hot"),
    ("n one-hot", [1, 1], "A sums to 2.0; it must be one-hot"),
    ("b m n one-hot", changed(np.tile(I3, (2, 1, 1)), (1, 2, 2), 0), "A[1, 2] sums to 0.0; it must be one-hot"),
    ("n one-hot", [1e200, 0], "A[0] is 1e+200; it must be 0 or 1, to be one-hot"),
    ("n n one-hot", ["a", "b"], "A must hold real numbers, not <U1 values"),
    ("n n one-hot", [1, 0], "A has shape (2,); it must be (n, n)"),
]


@pytest.mark.parametrize(("declaration", "value", "message"), REFUSED, ids=[str(case) for case in range(len(REFUSED))])
def test_what_does_not_hold_is_refused_with_its_place(declaration: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        asked(declaration)(A=value, s=1)
    assert message in str(caught.value)


def test_every_fact_that_can_be_declared_has_a_check() -> None:
    shapes = [symprop.formula("A", A=shape).shape for shape in ("", "n", "n n", "n n n")]
    kinds = {fact.kind for row in DECLARED.values() for shape in shapes if row.fits(shape) for fact in row.facts(shape)}
    of_masks = {"one above 0", "first above 0"}  # which layers declare, and nobody types
    assert kinds | of_masks == set(FACT_CHECKS)


def test_an_array_that_the_answer_does_not_read_is_checked_too() -> None:
    answer = symprop.hessian("-sum(y * log(softmax(z)))", "z", y="k sums-to-1", z="k")
    assert "y" not in answer.text()
    with pytest.raises(ValueError, match=r"y sums to 3\.0; it must sum to 1"):
        answer(z=[1, 2], y=[1, 2])
    shape_only = symprop.gradient("sum(A)", "A", A="n n positive-definite")
    with pytest.raises(ValueError, match=r"A\[:2, :2\] has the eigenvalue -1"):
        shape_only(A=[[1, 2], [2, 1]])


@pytest.mark.parametrize("question", ["gradient", "jacobian", "hessian", "vjp", "jvp", "hvp"])
def test_every_question_checks_what_is_declared(question: str) -> None:
    text = "A @ x" if question in ("jacobian", "vjp", "jvp") else "x @ A @ x"
    along = [] if question in ("gradient", "jacobian", "hessian") else ["v"]
    answer = getattr(symprop, question)(symprop.formula(text, A="n n symmetric", x="n"), "x", *along)
    arrays = {"A": np.array([[1.0, 2.0], [2.0, 1.0]]), "x": np.ones(2), **{name: np.ones(2) for name in along}}
    assert np.all(np.isfinite(answer(**arrays)))
    with pytest.raises(ValueError, match="A must be symmetric"):
        answer(**{**arrays, "A": [[1, 2], [0, 1]]})


def test_numbers_of_float32_have_the_rounding_of_float32(random: np.random.Generator) -> None:
    answer = asked("n sums-to-1")
    value = normalised(random.uniform(size=1000).astype(np.float32), 0)
    assert abs(value.astype(float).sum() - 1) > 1e-12  # no float64 would be let off so far
    answer(A=value, s=1)
    with pytest.raises(ValueError, match="must sum to 1"):
        answer(A=value.astype(float), s=1)


def test_sources_with_facts_are_as_ruff_would_have_them(tmp_path: Path) -> None:
    facts = {"symmetric", "orthogonal", "positive-semidefinite", "rows-sum-to-1", "columns-sum-to-1", "signs"}
    sources = [asked(f"n n {word}").numpy() for word in sorted(facts)]
    sources.append(asked(f"n n {' '.join(sorted(facts))}").numpy())
    sources.append(symprop.hessian("sum(s * u)", "s", s="n", u=f"n {'one-hot signs positive'}").numpy())
    for number, source in enumerate(sources):
        (tmp_path / f"m{number}.py").write_text(source, encoding="utf-8")
    for command in (["format", "--diff"], ["check"]):
        arguments = [sys.executable, "-m", "ruff", *command, "--isolated", str(tmp_path)]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


# ---------------------------------------------------------------- networks

FLAT = "Input(2) >> Embedding(5, 2) >> Dense(3) >> "
DEEP = "Input(2) >> Embedding(5, 2, flatten=False) >> Dense(3) >> "
IDS = np.array([[0, 1], [4, 2], [3, 3]])
TARGETS = ["numpy", pytest.param("numba", marks=pytest.mark.filterwarnings("ignore::Warning"))]


@functools.cache  # numba compiles a module anew for each that is made
def compiled(text: str, target: str = "numpy", **options: Any) -> Any:
    if target == "numba":
        pytest.importorskip("numba", reason="the target needs numba")
    return compile_network(text, target=target, **options)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("classes", [3, 300])
@pytest.mark.parametrize("text", [FLAT, DEEP], ids=["rank 2", "rank 3"])
def test_class_ids_are_their_one_hot_rows(text: str, classes: int, dtype: str, target: str) -> None:
    module = compiled(text.replace("Dense(3)", f"Dense({classes})") + "SoftmaxCrossEntropy()", target, dtype=dtype)
    random, params = np.random.default_rng(0), module.init_params()
    ids = random.integers(0, classes, (3,) if text == FLAT else (3, 2))
    rows = np.eye(classes)[ids]
    work = module.make_workspace(3)
    for given in (ids, ids.tolist(), rows):
        loss, grads = module.loss_and_grads(params, IDS, given, work)
        assert loss == module.loss_and_grads(params, IDS, rows)[0]
        assert module.loss(params, IDS, given) == module.loss(params, IDS, rows)
        for name, value in module.loss_and_grads(params, IDS, rows)[1].items():
            assert np.array_equal(grads[name], value)


THIRD = np.full((3, 2, 3), 1 / 3)
BAD: list[tuple[str, Any, str]] = [
    ("SoftmaxCrossEntropy()", np.full((3, 2, 3), -5.0), "y[0, 0, 0] is -5.0; it must be nonnegative"),
    ("SoftmaxCrossEntropy()", changed(THIRD, (2, 1, 0), 0), "y[2, 1] sums to 0.66666"),
    ("SoftmaxCrossEntropy()", changed(THIRD, (2, 1, 0), 1 / 3 + 1e-9), "; it must sum to 1"),
    ("SoftmaxCrossEntropy() + L2(0.1)", changed(THIRD, (1, 0, 2), -1), "y[1, 0, 2] is -1.0; it must be nonnegative"),
    ("SoftmaxCrossEntropy()", changed(THIRD, (0, 1, 1), np.nan), "y[0, 1, 1] is nan; it must be a finite number"),
    ("SoftmaxCrossEntropy()", [[0, 1], [2, 3], [0, 0]], "y[1, 1] is 3; it must be an integer from 0 to 2"),
    ("SoftmaxCrossEntropy()", [[0, 1], [2, 0], [-1, 0]], "y[2, 0] is -1; it must be an integer from 0 to 2"),
    ("SoftmaxCrossEntropy()", np.ones((3, 2)), "y[0, 0] is 1.0; it must be an integer from 0 to 2, not a float"),
    ("SoftmaxCrossEntropy()", [0, 1, 2], "y has shape (3,); it must be (3, 2) class ids, or (3, 2, 3) rows that sum"),
    ("SoftmaxCrossEntropy()", np.ones((2, 2, 3)) / 3, "y has shape (2, 2, 3); it must be (3, 2) class ids"),
    ("BinaryCrossEntropy()", changed(THIRD, (2, 0, 1), 1.5), "y[2, 0, 1] is 1.5; it must be between 0 and 1"),
    ("BinaryCrossEntropy()", np.ones((3, 3)), "y has shape (3, 3); it must be (m, 2, 3) with m at least 1"),
    ("MeanSquaredError()", changed(THIRD, (2, 0, 1), np.inf), "y[2, 0, 1] is inf; it must be a finite number"),
    ('Loss("sum(a - y)**2")', np.ones((1, 2, 3)), "y has 1 rows, but x has 3"),
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("loss", "y", "message"), BAD, ids=[str(case) for case in range(len(BAD))])
def test_targets_of_any_rank_are_checked_wherever_they_come_in(loss: str, y: Any, message: str, target: str) -> None:
    module = compiled(DEEP + loss, target, optimizer="sgd")
    params = module.init_params()
    y = np.asarray(y)
    calls: list[Callable[[], Any]] = [
        lambda: module.loss(params, IDS, y),
        lambda: module.loss_and_grads(params, IDS, y),
        lambda: module.loss_and_grads(params, IDS, y, module.make_workspace(3)),
        lambda: module.train_step(module.init_state(params), IDS, y),
        *([lambda: train(module, IDS, y, epochs=1, batch=2)] if len(y) == 3 and "shape" not in message else []),
    ]
    for call in calls:
        with pytest.raises(ValueError) as caught:
            call()
        assert message in str(caught.value)


def test_a_single_output_may_be_given_without_its_axis() -> None:
    for text, shape in (("Input(4) >> Dense(1) >> ", (3,)), (DEEP.replace("Dense(3)", "Dense(1)"), (3, 2))):
        x = IDS if "Embedding" in text else np.ones((3, 4))
        for loss in ("MeanSquaredError()", "BinaryCrossEntropy()"):
            module = compile_network(text + loss)
            y = np.linspace(0, 1, 3 * len(shape)).reshape(shape)
            params = module.init_params()
            assert module.loss(params, x, y) == module.loss(params, x, y[..., None])
            words = ", from 0 to 1" if "Binary" in loss else ""
            whole = ", ".join(map(str, ("m", *shape[1:], 1)))
            before = "(m,)" if len(shape) == 1 else "(m, 2)"
            for fast in (False, True):
                assert f"    y: ({whole}) or {before}{words}\n" in generate(text + loss, fast=fast)
            readable = compile_network(text + loss, fast=False)
            assert readable.loss(params, x, y) == readable.loss(params, x, y[..., None])


@pytest.mark.parametrize("fast", [False, True], ids=["to read", "fast"])
def test_docstrings_say_the_shapes_of_targets(fast: bool) -> None:
    for text, says in (
        (FLAT + "SoftmaxCrossEntropy()", "(m,) class ids, or (m, 3) rows that sum to 1"),
        (DEEP + "SoftmaxCrossEntropy()", "(m, 2) class ids, or (m, 2, 3) rows that sum to 1"),
        (DEEP + "BinaryCrossEntropy()", "(m, 2, 3), from 0 to 1"),
    ):
        assert f"    y: {says}\n" in generate(text, fast=fast)


@pytest.mark.parametrize("kind", ["ids", "rows"])
@pytest.mark.parametrize("text", [FLAT, DEEP], ids=["rank 2", "rank 3"])
def test_checking_targets_allocates_nothing(text: str, kind: str) -> None:
    module, m = compile_network(text + "SoftmaxCrossEntropy()"), 4000
    random, params = np.random.default_rng(0), module.init_params()
    x, ids = random.integers(0, 5, (m, 2)), random.integers(0, 3, (m,) if text == FLAT else (m, 2))
    y = ids if kind == "ids" else normalised(random.uniform(size=(*ids.shape, 3)), -1)
    work = module.make_workspace(m)
    module._check_y(y, m, work.y)
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        module._check_y(y, m, work.y)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    buffered = 8 * np.getbufsize() if kind == "rows" and np.lib.NumpyVersion(np.__version__) < "2.3.0" else 0
    assert peak < m + buffered  # bytes: an array with one boolean a row would be larger; older NumPy buffers rows
    assert module.loss_and_grads(params, x, y, work)[0] == module.loss_and_grads(params, x, y)[0]


def test_the_place_in_training_is_that_in_all_rows() -> None:
    module = compile_network(DEEP + "SoftmaxCrossEntropy()", optimizer="sgd")
    x, y = np.zeros((50, 2), int), np.zeros((50, 2), int)
    y[37, 1] = 9
    with pytest.raises(ValueError, match=r"y\[37, 1\] is 9"):
        train(module, x, y, batch=7)


def test_accuracy_takes_ids_and_rows_of_any_rank() -> None:
    for text, shape in ((FLAT, (3,)), (DEEP, (3, 2))):
        module = compile_network(text + "SoftmaxCrossEntropy()")
        params = module.init_params()
        best = module.predict(params, IDS).argmax(axis=-1)
        wrong = (best + (np.arange(best.size).reshape(shape) == 0)) % 3
        assert accuracy(module, params, IDS, best) == accuracy(module, params, IDS, np.eye(3)[best]) == 1
        expected = 1 - 1 / best.size
        assert accuracy(module, params, IDS, wrong) == pytest.approx(expected)
        assert accuracy(module, params, IDS, np.eye(3)[wrong]) == pytest.approx(expected)


def test_a_certificate_gives_class_ids_of_any_rank() -> None:
    certificate = check(DEEP + "SoftmaxCrossEntropy()")
    assert certificate.ok
    assert any("class ids, distribution, one-hot" in row.points for row in certificate.rows)


def test_data_of_one_column_are_refused_for_targets_of_more_axes(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("a,b,class\n0,1,0\n2,3,1\n4,0,2\n", encoding="utf-8")
    for loss in ("SoftmaxCrossEntropy()", "MeanSquaredError()"):
        with pytest.raises(DataError, match="2 x 3 outputs, the target is one column"):
            run(symprop.parse_network(DEEP + loss), data, "class", epochs=1)


class Declared(LossLayer):
    """A loss with any facts about its targets."""

    def __init__(self, *facts: Fact) -> None:
        self.known = facts

    @property
    def text(self) -> str:
        return "Declared()"

    def facts(self, output: Variable) -> tuple[Fact, ...]:
        return self.known

    def value(self, builder: Builder, output: Variable, target: Variable) -> Node:
        return Sum(Multiply(Scalar(2), target * output))


@pytest.mark.parametrize(
    ("word", "draw", "message"),
    [
        ("signs", lambda r: r.choice([-1.0, 1.0], (4, 2, 2)), "y[3, 1, 1] is 7.0; it must be one of the signs"),
        ("bits", lambda r: r.integers(0, 2, (4, 2, 2)).astype(float), "y[3, 1, 1] is 7.0; it must be 0 or 1"),
        ("positive", lambda r: r.uniform(1, 2, (4, 2, 2)), None),
        ("one-hot", lambda r: one_hot(r, 4, 2, 2), "y[3, 1, 1] is 7.0; it must be 0 or 1, to be one-hot"),
        ("columns-sum-to-1", lambda r: normalised(r.uniform(size=(4, 2, 2)), 1), "y[3, :, 1] sums to "),
        ("symmetric", lambda r: (a := r.normal(size=(4, 2, 2))) + a.swapaxes(1, 2), None),
        ("orthogonal", lambda r: np.linalg.qr(r.normal(size=(4, 2, 2)))[0], "y[3, :, 0] @ y[3, :, 1] is "),
        ("positive-definite", lambda r: (a := r.normal(size=(4, 2, 9))) @ a.swapaxes(1, 2), "y[3, 0, 1] is "),
        ("positive-semidefinite", lambda r: (a := r.normal(size=(4, 2, 1))) @ a.swapaxes(1, 2), "y[3, 0, 1] is "),
    ],
)
def test_targets_with_any_fact_are_checked_in_batches(
    word: str, draw: Callable[[np.random.Generator], Array], message: str | None, random: np.random.Generator
) -> None:
    facts = DECLARED[word].facts(symprop.formula("A", A="2 2").shape)
    network = Input(2) >> Embedding(5, 2, flatten=False) >> Dense(2) >> Declared(*facts)
    module: Any = compile_network(network)
    x, y, params = random.integers(0, 5, (4, 2)), draw(random), module.init_params()
    given, work = y.copy(), module.make_workspace(4)
    assert module.loss_and_grads(params, x, y, work)[0] == pytest.approx(module.loss(params, x, y), rel=1e-12)
    assert np.array_equal(y, given)
    for kind in target_kinds(network.system()):  # the certificate's own targets
        point = random_point(network.system(), random, kind, 4)
        module.loss(params, x, *point.given.values())
    wrong = -y if word == "positive" else changed(y, (3, 1, 1), 7)
    if word in ("symmetric", "positive-definite", "positive-semidefinite"):
        wrong = changed(y, (3, 0, 1), y[3, 0, 1] + 1)
    with pytest.raises(ValueError) as caught:
        module.loss_and_grads(params, x, wrong, work)
    assert (message or "must be") in str(caught.value)
