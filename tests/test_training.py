"""Training: rows held out to stop by, the weights that are kept, what is said and drawn of it, and bad options."""

from __future__ import annotations

import json
import math
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_layers import toys

import symprop
from symprop.checkpoints import Checkpoint, kept
from symprop.cli import main
from symprop.errors import DataError, SpecError
from symprop.history import MOST_EPOCHS, thinned
from symprop.reports.curves import axis_of
from symprop.reports.loss_plot import plot
from symprop.training import Epoch, best_of, mean_loss, train
from symprop.weights import load_notes, save_weights

__all__ = ["toys"]

NETWORK = "Input(3) >> Dense(16) >> Tanh() >> Dense(1) >> MeanSquaredError()"
NORMED = "Input(3) >> Dense(16) >> Norm() >> Tanh() >> Dense(1) >> MeanSquaredError()"


def noisy(rows: int, seed: int) -> tuple[Any, Any]:
    """A line with so much noise that a network of 16 units learns the noise in the end."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 3))
    return x, x[:, :1] + random.normal(size=(rows, 1))


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize("network", [NETWORK, NORMED])
def test_the_weights_are_those_of_the_best_epoch(network: str) -> None:
    module = symprop.compile(network, optimizer="Adam(lr=0.03, weight_decay=0.001)")
    (x, y), held_out = noisy(24, 1), noisy(40, 2)
    options: dict[str, Any] = {"batch": 8, "seed": 5, "held_out": held_out}
    found = train(module, x, y, epochs=200, patience=15, **options)
    best, last = found.best.number, found.epochs[-1].number
    assert best > 1 and last == best + 15 < 200
    losses = [epoch.held_out for epoch in found.epochs]
    assert found.best.held_out == min(losses) and losses.index(min(losses)) == best - 1
    assert mean_loss(module, found.params, *held_out, found.running) == found.best.held_out
    again = train(module, x, y, epochs=best, batch=8, seed=5)  # without looking at other rows, and no longer
    for mine, theirs in ((found.params, again.params), (found.running, again.running)):
        assert list(mine) == list(theirs)
        assert all(np.array_equal(mine[name], theirs[name]) for name in mine)
    patient = train(module, x, y, epochs=last, **options)
    assert patient.epochs == found.epochs and patient.best == found.best


RUNNING = "Input(3) >> Dense(16) >> BatchNorm() >> Dropout(0.4) >> Dense(1) >> MeanSquaredError()"


@pytest.mark.parametrize("patience", [None, 4])
@pytest.mark.parametrize("broken", [1, 5, 11])
def test_a_run_that_goes_on_is_the_run_without_a_break(broken: int, patience: int | None, tmp_path: Path) -> None:
    module = symprop.compile(RUNNING, optimizer="AdamW(schedule=Warmup(3) >> Cosine())", dtype="float32")
    x, y = (part.astype(np.float32) for part in noisy(24, 1))
    held_out = tuple(part.astype(np.float32) for part in noisy(40, 2))
    options: dict[str, Any] = {"epochs": 12, "batch": 5, "seed": 5, "held_out": held_out, "patience": patience}
    whole = train(module, x, y, **options)
    file = Checkpoint(str(tmp_path / "w.unfinished.npz"), {"validation": 0.5}, {"network": RUNNING})

    def stop_after(epoch: Epoch) -> None:
        if epoch.number == min(broken, len(whole.epochs)):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(module, x, y, **options, keep=file.keep, after_epoch=stop_after)
    file.write()
    usable = symprop.load_weights(file.path)
    assert usable.predict(x[:2].astype(float)).shape == (2,)
    found = train(module, x, y, **options, since=file.read(module))
    assert found.epochs == whole.epochs and found.best == whole.best
    for mine, theirs in ((found.params, whole.params), (found.running, whole.running)):
        assert list(mine) == list(theirs) and all(np.array_equal(mine[name], theirs[name]) for name in mine)


def test_a_file_of_another_run_or_of_none_is_refused(tmp_path: Path) -> None:
    module = symprop.compile(NETWORK, optimizer="adam")
    x, y = noisy(24, 1)
    file = Checkpoint(str(tmp_path / "w.unfinished.npz"), {"batch": 8, "validation": None}, {"network": NETWORK})
    with pytest.raises(SpecError, match="to go on with"):
        file.check(resume=True)
    train(module, x, y, epochs=2, batch=8, keep=file.keep)
    file.write()
    file.check(resume=True)
    with pytest.raises(SpecError, match="allowed: --resume"):
        file.check(resume=False)
    with pytest.raises(SpecError, match="batch is '8' there, '9' here"):
        Checkpoint(file.path, {"batch": 9}, {}).read(module)
    notes = load_notes(file.path)
    for damage in ({"numbers": {}}, {"order": {"bit_generator": "PCG64"}}, {"epochs": True}, {"epochs": 3}):
        with np.load(file.path) as saved:
            arrays = {name: saved[name] for name in saved.files if name != "__meta__"}
        damaged = tmp_path / "damaged.npz"
        save_weights(damaged, arrays, {**notes, "unfinished": {**notes["unfinished"], **damage}})
        with pytest.raises(DataError):
            Checkpoint(str(damaged), file.run, {}).read(module)


def test_patience_is_the_number_of_epochs_that_are_no_better() -> None:
    module = symprop.compile(NETWORK, optimizer="sgd")
    (x, y), held_out = noisy(24, 1), noisy(40, 2)
    params = module.init_params(0)
    params["W1"][...] = params["W2"][...] = 0  # the gradient of all but b2 is 0
    params["b2"][...] = y.mean()
    held_out = held_out[0], np.full_like(held_out[1], float(y.mean()))  # the start is best, and each epoch as good
    found = train(module, x, y, epochs=9, batch=24, params=params, held_out=held_out, patience=3, rate=1e-300)
    assert [epoch.number for epoch in found.epochs] == [1, 2, 3, 4] and found.best.number == 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"patience": 3}, SpecError, "patience is for rows that are held out"),
        ({"patience": 0}, SpecError, "patience is at least 1, not 0"),
        ({"held_out": noisy(0, 1)}, DataError, "0 rows of features and 0 targets"),
        ({"held_out": (noisy(3, 1)[0], noisy(4, 1)[1])}, DataError, "3 rows of features and 4 targets"),
        ({"epochs": 3}, SpecError, "the warm-up takes 9 steps, the whole run has 9"),
        ({"epochs": 2}, SpecError, "the warm-up takes 9 steps, the whole run has 6"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], error: type, message: str) -> None:
    module = symprop.compile(NETWORK, optimizer="SGD(schedule=Warmup(9) >> Cosine())")
    with pytest.raises(error, match=message):
        train(module, *noisy(24, 1), batch=8, **{"epochs": 4, **options})


def test_a_rate_below_the_final_one_is_refused() -> None:
    module = symprop.compile(NETWORK, optimizer="SGD(lr=0.1, schedule=Cosine(final=0.01))")
    with pytest.raises(SpecError, match=r"the final rate 0.01 is above the learning rate 0.001"):
        train(module, *noisy(24, 1), rate=0.001)


def test_held_out_rows_whose_loss_is_not_finite_are_told() -> None:
    module = symprop.compile(NETWORK, optimizer="sgd")
    x, y = noisy(24, 1)
    with pytest.raises(DataError, match="the loss of held-out rows is inf in epoch 1"):
        train(module, x, y, epochs=2, held_out=(x, np.full_like(y, 1e200)))


def test_a_cosine_without_steps_ends_where_the_run_ends() -> None:
    x, y = noisy(20, 1)
    open_ended, given = (
        symprop.compile(NETWORK, optimizer=f"SGD(schedule=Warmup(2) >> Cosine({steps}))") for steps in ("", "10")
    )
    found, expected = (train(module, x, y, epochs=4, batch=8) for module in (open_ended, given))
    assert all(np.array_equal(found.params[name], expected.params[name]) for name in found.params)  # 4 * 3 - 2 steps


# ---------------------------------------------------------------- the command


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    x, y = noisy(100, 3)
    path = tmp_path / "t.csv"
    rows = "".join(f"{a},{b},{c},{d}\n" for (a, b, c), (d,) in zip(x, y, strict=True))
    path.write_text("a,b,c,y\n" + rows)
    monkeypatch.chdir(tmp_path)
    return path


def command(*options: str) -> list[str]:
    return ["train", NETWORK, "--data", "t.csv", "--target", "y", "--epochs", "80", "--batch", "8", *options]


STOPPED = ("--optimizer", "AdamW(lr=0.03)", "--validation", "0.25", "--patience", "5")


def test_what_is_held_out_is_said_and_the_best_weights_are_saved(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(*STOPPED, "--schedule", "Warmup(5) >> Cosine()", "-o", "w.npz")) == 0
    said = capsys.readouterr().out
    assert "60 rows to train on, 20 held out to choose the epoch by, 20 held out for the result (seed 0); " in said
    stopped = re.search(r"stopped after epoch (\d+) of 80; the weights are those after epoch (\d+), with the", said)
    assert stopped and int(stopped[1]) == int(stopped[2]) + 5
    judged = re.search(r"validation rows: loss ([\d.e+-]+), ", said)
    model = symprop.load_weights("w.npz")
    history = model.history
    assert history is not None and judged and f"{history.best.held_out:.4g}" == judged[1]
    assert history.optimiser.text == "AdamW(lr=0.03, schedule=Warmup(5) >> Cosine())"
    assert (history.rows, history.steps, history.best.number) == ((60, 20, 20), 640, int(stopped[2]))
    before = Path("w.npz").read_bytes()
    assert main(command(*STOPPED, "--schedule", "Warmup(5) >> Cosine()", "-o", "w.npz")) == 0
    assert Path("w.npz").read_bytes() == before
    assert main(command(*STOPPED, "--schedule", "Warmup(5) >> Cosine()", "--seed", "1", "-o", "w.npz")) == 0
    assert Path("w.npz").read_bytes() != before and "(seed 1)" in capsys.readouterr().out


def test_options_beside_an_optimiser_are_its_numbers(data: Path) -> None:
    assert main(command("--lr", "0.02", "--weight-decay", "0.1", "--schedule", "Cosine()", "-o", "a.npz")) == 0
    text = "Adam(lr=0.02, weight_decay=0.1, schedule=Cosine())"
    assert main(command("--optimizer", text, "-o", "b.npz")) == 0
    assert Path("a.npz").read_bytes() == Path("b.npz").read_bytes()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--patience", "3"), 2, "--patience is for rows that are held out"),
        (("--validation", "0.2", "--patience", "0"), 2, "patience is at least 1, not 0"),
        (("--validation", "0"), 2, "a validation fraction is above 0 and below 1"),
        (("--validation", "1"), 2, "a validation fraction is at least 0 and below 1, not 1.0"),
        (("--validation", "-0.1"), 2, "a validation fraction is at least 0 and below 1"),
        (("--validation", "nan"), 2, "a validation fraction is at least 0 and below 1, not nan"),
        (("--validation", "0.001"), 2, "80 rows are too few to hold out a fraction of 0.001"),
        (("--validation", "0.999"), 2, "80 rows are too few to hold out a fraction of 0.999"),
        (("--schedule", "Warmup(800)"), 2, "the warm-up takes 800 steps, the whole run has 800"),
        (("--schedule", "Warmup(-1)"), 2, "Warmup: its steps are a whole number from 1"),
        (("--schedule", "Warmup(nan)"), 2, "Warmup: its steps are a whole number from 1"),
        (("--schedule", ""), 2, "'' is no schedule"),
        (("--schedule", "Adam()"), 2, "unknown 'Adam'"),
        (("--schedule", "Cosine(final=0.1)"), 2, "Adam: the final rate 0.1 is above the learning rate 0.001"),
        (("--weight-decay", "nan"), 2, "Adam: weight_decay is a number from 0, not 'nan'"),
        (("--weight-decay", "-1"), 2, "Adam: weight_decay is a number from 0"),
        (("--optimizer", "Adam(decay=1)"), 2, "Adam has no argument 'decay'"),
        (("--plot", "loss.png"), 2, "a plot is written as .svg, .html, .tex, .pdf, not to 'loss.png'"),
        (("--plot", "no/loss.svg"), 4, "the folder does not exist"),
    ],
)
def test_bad_options_are_refused_before_training(
    options: tuple[str, ...], code: int, message: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(*options, "-o", "w.npz")) == code
    complaint = capsys.readouterr().err
    assert message in complaint and len(complaint.splitlines()) <= 4
    assert [path.name for path in data.parent.iterdir()] == ["t.csv"]


# ---------------------------------------------------------------- the figure and the report


def test_the_loss_is_drawn_beside_the_equations(data: Path) -> None:
    for ending in ("svg", "tex", "html"):
        assert main(command(*STOPPED, "-o", "w.npz", "--plot", f"loss.{ending}")) == 0
    history = symprop.load_weights("w.npz").history
    assert history is not None
    drawn = ET.fromstring(Path("loss.svg").read_text())
    texts = ["".join(each.itertext()) for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"epoch", "rows that train", "rows held out", f"weights kept, epoch {history.best.number}"} <= set(texts)
    tex = Path("loss.tex").read_text()
    assert r"w &= \left(1 - \eta \lambda\right) w" in tex and r"\addlegendentry{rows held out}" in tex
    for epoch in (history.epochs[0], history.epochs[-1]):
        assert f"({epoch.number},{epoch.loss:.8g})" in tex and f"({epoch.number},{epoch.held_out:.8g})" in tex
    assert r"\texttt{weight\_" in tex and "60 rows trained, 20 were held out" in tex
    page = Path("loss.html").read_text()
    assert "<title>Loss by epoch</title>" in page and "Certificate" not in page


def test_a_report_on_weights_says_how_they_were_trained(data: Path) -> None:
    assert main(command(*STOPPED, "-o", "w.npz")) == 0
    model = symprop.load_weights("w.npz")
    titles = [section.title for section in symprop.report(model, without=["certificate"]).sections]
    assert titles[titles.index("Training") :] == ["Training", "Generated code", "References"]
    assert "Training" not in [each.title for each in symprop.report(NETWORK, without=["certificate", "code"]).sections]
    without = [f"--without={name}" for name in ("certificate", "code", "derivation")]
    assert main(["report", "w.npz", "-o", "r.tex", *without]) == 0
    assert r"\section{Training}" in Path("r.tex").read_text()
    assert main(["report", "w.npz", "--sizes", "n=3"]) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": "Adan()"},
        {"optimizer": None},
        {"epochs": []},
        {"epochs": [[1, math.nan, None]]},
        {"epochs": [[1, 1.0]]},
        {"epochs": [[2, 1.0, None], [1, 1.0, None]]},
        {"epochs": [[1, 1.0, None], [2, 1.0, 2.0]]},
        {"epochs": [[True, 1.0, None]]},
        {"epochs": {"a": 1}},
        {"rows": [1, 2]},
        {"rows": [1, 2, "3"]},
        {"batch": 0},
        {"seed": -1},
        {"steps": 1.5},
        {"clip": "1"},
        {"epochs": [[1, 10**400, None]]},
    ],
)
def test_notes_that_cannot_be_a_training_are_refused(change: dict[str, Any], data: Path) -> None:
    assert main(command("--epochs", "2", "-o", "w.npz")) == 0
    model, notes = symprop.load_weights("w.npz"), load_notes("w.npz")
    save_weights("x.npz", model.params, {**notes, "training": {**notes["training"], **change}})
    with pytest.raises(DataError, match="the notes on the training cannot be used"):
        symprop.load_weights("x.npz")
    save_weights("x.npz", model.params, {**notes, "training": json.loads("[1]")})
    with pytest.raises(DataError, match="the notes on the training cannot be used"):
        symprop.load_weights("x.npz")
    del notes["training"]  # weights of before
    save_weights("x.npz", model.params, notes)
    assert symprop.load_weights("x.npz").history is None


def test_long_histories_keep_their_ends_and_the_best() -> None:
    epochs = [Epoch(k, 1 / k, abs(k - 7777) + 0.5) for k in range(1, 10_001)]
    found = thinned(epochs, MOST_EPOCHS)
    assert len(found) <= MOST_EPOCHS and best_of(found) == epochs[7776]
    assert (found[0], found[-1]) == (epochs[0], epochs[-1]) and list(found) == sorted(found, key=lambda e: e.number)


@pytest.mark.parametrize(
    "values",
    [
        [1.0, 1.0], [0.0, 0.0], [-3.0, 5.0], [0.2, 1.5], [0.02, 1.5], [0.001, 3.6], [1e-12, 1e5], [1e-300, 1e300],
        [5.1, 5.3], [1e-320, 2e-320], [1e308, 1.5e308], [1.23456789, 1.2345679], [-1e-9, 0.0],
    ],
)  # fmt: skip
def test_an_axis_holds_its_values_with_few_marks(values: list[float]) -> None:
    axis = axis_of(values)
    room = 1e-8 * (axis.high - axis.low)  # far less than a pixel
    assert axis.low - room <= min(values) and max(values) <= axis.high + room and axis.low < axis.high
    assert 2 <= len(axis.marks) <= 10 and axis.low <= axis.marks[0] and axis.marks[-1] <= axis.high
    assert len({word for word, _ in axis.words}) == len(axis.marks)
    assert axis.is_logarithmic == (min(values) > 1e-310 and max(values) >= 10 * min(values))
    _, svg = plot([Epoch(k, value) for k, value in enumerate(values, start=1)])
    ET.fromstring(svg)


def test_nothing_is_kept_beside_a_pipe(tmp_path: Path) -> None:
    data, pipe = tmp_path / "d.csv", tmp_path / "pipe.npz"
    data.write_text("a,y\n" + "".join(f"{k},{k % 3}\n" for k in range(20)))
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        net = "Input(1) >> Dense(1) >> MeanSquaredError()"
        assert main(["train", net, "--data", str(data), "--target", "y", "--epochs", "1", "-o", str(pipe)]) == 0
        assert os.read(reader, 2) == b"PK"
    finally:
        os.close(reader)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["d.csv", "pipe.npz"]
    with pytest.raises(SpecError, match="--resume goes on"), kept(str(pipe), {}, {}, math, True):
        pass
