"""The command line: what it prints and writes, and the code it ends with."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import symprop
from symprop import verify
from symprop.cli import main
from symprop.commands import derived
from symprop.commands.arguments import parse_sizes, read_network
from symprop.errors import SpecError, SympropError
from symprop.networks.optimisers import OPTIMISERS
from symprop.weights import load_weights
from tests.patience import PATIENCE, hear_interrupts, until

NETWORK = "Input(2) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()"
NAMED = "Input(n0) >> Dense(n1) >> Tanh() >> Dense(n2) >> SoftmaxCrossEntropy()"
DIGITS = Path(__file__).parents[1] / "examples" / "data" / "digits.csv"
COMMAND = [sys.executable, "-m", "symprop"]


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """Run the command line and return what stands on stdout."""
    assert main(arguments) == code
    return capsys.readouterr().out


def test_derive_prints_forward_recurrence_and_gradients(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "derive", NETWORK, "--format", "text")
    for formula in ("z1 = W1 @ x + b1", "delta2 = p - y", "(W2.T @ delta2) * (1 - a1 * a1)"):
        assert formula in text
    assert "δ₂ = p − y" in printed(capsys, "derive", NETWORK)


def test_derive_takes_layouts_names_and_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    assert "/ m" in printed(capsys, "derive", NAMED, "--layout", "rows", "--format", "text")
    assert "(64," in printed(capsys, "derive", NAMED, "--sizes", "n0=64,n1=32,n2=10").replace(" ", "")


def test_derive_writes_documents(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    latex, html = tmp_path / "report.tex", tmp_path / "report.html"
    printed(capsys, "derive", NETWORK, "--format", "latex", "-o", str(latex))
    printed(capsys, "derive", NETWORK, "--format", "html", "-o", str(html))
    assert latex.read_text().startswith("\\documentclass") and "\\end{document}" in latex.read_text()
    assert "<math" in html.read_text(encoding="utf-8")


def test_steps_are_printed_with_rule_before_and_after(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "derive", NETWORK, "--steps", "W1", "--format", "text").splitlines()
    assert lines[0].endswith("dW1 = outer(delta1, x)")
    assert lines[1].startswith("1. ") and lines[2].startswith("   ") and lines[3].startswith(" = ")
    assert main(["derive", NETWORK, "--steps", "W1", "--format", "html"]) == 2
    assert "allowed: pretty, text, latex" in capsys.readouterr().err
    facts = printed(capsys, "derive", NETWORK, "--steps", "delta2")
    assert "because" in facts and "sum" in facts


def test_a_file_holds_the_same_notation(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "network.txt"
    path.write_text("# a network\n(Input(2) >> Dense(3)\n  >> Tanh() >> Dense(2)\n  >> SoftmaxCrossEntropy())\n")
    assert printed(capsys, "derive", str(path)) == printed(capsys, "derive", NETWORK)
    strange = tmp_path / "net (1).txt"
    strange.write_text(NETWORK)
    assert read_network(str(strange)).text == NETWORK


def test_generate_prints_or_writes_the_module(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    printed(capsys, "generate", NETWORK, "-o", str(path), "--dtype", "float32", "--optimizer", "adam")
    source = path.read_text(encoding="utf-8")
    assert source == symprop.generate(read_network(NETWORK), dtype="float32", optimizer="adam")
    assert printed(capsys, "generate", NETWORK, "--dtype", "float32", "--optimizer", "adam") == source
    numbers = printed(capsys, "generate", NAMED, "--sizes", "n0=2,n1=3,n2=2")
    assert numbers == printed(capsys, "generate", NETWORK)


def test_generate_prints_the_memory_plan_and_the_passes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    plan = printed(capsys, "generate", NETWORK, "--plan", "--dtype", "float32", "--batch", "10")
    assert "memory of a step, float32" in plan and "\npeak:   " in plan and "\nm = 10: " in plan
    module = symprop.compile(read_network(NETWORK), dtype="float32")
    found = re.search(r"m = 10: ([\d,]+) of", plan)
    arrays = [each for each in vars(module.make_workspace(10)).values() if isinstance(each, np.ndarray)]
    owners = {id(owner): owner for owner in (each if each.base is None else each.base for each in arrays)}
    assert found and int(found[1].replace(",", "")) == sum(owner.nbytes for owner in owners.values())
    passes = printed(capsys, "generate", NETWORK, "--show-passes")
    assert passes.startswith("as lowered:\n  z1 = x @ W1.T + b1") and "\nshare: Name work" in passes
    both = printed(capsys, "generate", NETWORK, "--show-passes", "--plan", "-o", str(tmp_path / "module.py"))
    assert both.startswith(passes.rstrip("\n")) and "peak:" in both
    assert (tmp_path / "module.py").read_text(encoding="utf-8") == printed(capsys, "generate", NETWORK)
    printed(capsys, "generate", NETWORK, "--plan", "--batch", "0", code=2)
    assert 'target="numba"' in printed(capsys, "generate", NETWORK, "--target", "numba")


def test_generate_keeps_a_file_edited_by_hand(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    printed(capsys, "generate", NETWORK, "-o", str(path))
    printed(capsys, "generate", NETWORK, "-o", str(path))
    path.write_text(path.read_text() + "# mine\n")
    printed(capsys, "generate", NETWORK, "-o", str(path), code=4)
    assert path.read_text().endswith("# mine\n")
    printed(capsys, "generate", NETWORK, "-o", str(path), "--force")
    assert not path.read_text().endswith("# mine\n")


def test_check_prints_the_certificate_and_ends_with_its_verdict(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    certificate = symprop.check(NETWORK)
    monkeypatch.setattr(verify, "check", lambda network, sizes, target, limit, curvature: certificate)
    table = printed(capsys, "check", NETWORK, "--full")
    assert table == certificate.table() + "\n" and "dW1" in table and "delta1" in table
    short = printed(capsys, "check", NETWORK, "--curvature")
    above, below = short.split("rows nearest to their limits:")
    assert len(above.splitlines()) == 5 + len(certificate.by_oracle) and certificate.worst[0].name in below
    monkeypatch.setenv("COLUMNS", "70")
    narrow = [*printed(capsys, "check", NETWORK, "--full"), *printed(capsys, "check", NETWORK)]
    assert max(map(len, "".join(narrow).splitlines()[1:])) <= 70
    wrong = replace(certificate.rows[0], ok=False, error=1.0)
    certificate = replace(certificate, rows=(*certificate.rows[1:], wrong))
    short = printed(capsys, "check", NETWORK, code=1)
    assert "rows that do not agree:" in short and "1 of 59 checks FAILED" in short
    assert printed(capsys, "check", NETWORK, "--quiet", code=1) == ""


def test_generate_check_ends_with_1_where_the_folder_disagrees(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from symprop.codegen import gallery

    monkeypatch.setattr(gallery, "check", list)
    assert printed(capsys, "generate", "--check") == "all 45 files are as the generator makes them\n"
    monkeypatch.setattr(gallery, "write", lambda: [gallery.FOLDER / "digits" / "digits.py"])
    said = printed(capsys, "generate", "--write")
    assert "digits.py\n1 of 45 files written" in said
    monkeypatch.setattr(gallery, "check", lambda: ["generated/digits/digits.py differs"])
    assert "digits.py differs" in printed(capsys, "generate", "--check", code=1)


def test_train_on_the_digits(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    weights = tmp_path / "w.npz"
    network = "Input(64) >> Dense(32) >> Tanh() >> Residual(Dense(32) >> ReLU()) >> Dense(10) >> SoftmaxCrossEntropy()"
    options = ("--data", str(DIGITS), "--target", "digit", "--epochs", "10", "-o", str(weights))
    text = printed(capsys, "train", network, *options)
    found = re.search(r"held-out rows: loss ([\d.]+), accuracy ([\d.]+)%", text)
    assert found and float(found[2]) > 94
    assert "1438 rows to train on, 359 held out; each feature minus its mean" in text
    net = symprop.parse_network(network)
    shapes = {parameter.name: tuple(map(int, parameter.variable.shape)) for parameter in net.parameters}
    saved = load_weights(weights, shapes)
    assert saved.meta["classes"] == list("0123456789") and saved.meta["network"] == net.text
    before = weights.read_bytes()
    printed(capsys, "train", network, *options)
    assert weights.read_bytes() == before  # the same seed, the same weights


@pytest.mark.parametrize("optimizer", OPTIMISERS)
def test_train_numbers_and_two_classes_with_every_optimizer(
    optimizer: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2, 80))
    data = tmp_path / "t.csv"
    rows = "".join(f"{u},{v},{2 * u - v},{'high' if 2 * u > v else 'low'}\n" for u, v in zip(a, b, strict=True))
    data.write_text("a,b,sum,side\n" + rows)
    numbers = tmp_path / "n.csv"
    numbers.write_text("a,b,sum\n" + "".join(line.rsplit(",", 1)[0] + "\n" for line in rows.splitlines()))
    options = ("--optimizer", optimizer, "--lr", "0.05", "--epochs", "80", "--batch", "8", "--clip", "5")
    text = printed(
        capsys,
        "train",
        "Input(2) >> Dense(1) >> MeanSquaredError()",
        "--data",
        str(numbers),
        "--target",
        "sum",
        *options,
    )
    found = re.search(r"held-out rows: loss .*, root mean square error ([\d.e-]+)", text)
    assert found and float(found[1]) < 0.2
    sides = tmp_path / "s.csv"
    sides.write_text(
        "a,b,side\n" + "".join(f"{u},{v},{'high' if 2 * u > v else 'low'}\n" for u, v in zip(a, b, strict=True))
    )
    for loss in ("BinaryCrossEntropy()", "Sigmoid() >> BinaryCrossEntropy()"):
        network = f"Input(2) >> Dense(1) >> {loss}"
        text = printed(capsys, "train", network, "--data", str(sides), "--target", "side", *options)
        found = re.search(r"held-out rows: loss .*, accuracy ([\d.]+)%", text)
        assert found and float(found[1]) >= 85


def test_train_on_ids(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = tmp_path / "t.csv"
    data.write_text("a,b,y\n" + "".join(f"{k % 5},{k % 3},{'odd' if k % 2 else 'even'}\n" for k in range(40)))
    network = "Input(2) >> Embedding({}, 3) >> Dense(2) >> SoftmaxCrossEntropy()"
    options = ("--data", str(data), "--target", "y", "--epochs", "2")
    assert "features as they are" in printed(capsys, "train", network.format(5), *options)
    assert main(["train", network.format(4), *options]) == 2
    assert "is no id from 0 to 3" in capsys.readouterr().err


def test_a_loss_that_grows_without_bound_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = tmp_path / "t.csv"
    data.write_text("a,y\n" + "".join(f"{k},{k * 1e6}\n" for k in range(20)))
    network = "Input(1) >> Dense(1) >> MeanSquaredError()"
    weights = tmp_path / "w.npz"
    options = ("--optimizer", "sgd", "--lr", "1e6", "--scale", "none", "-o", str(weights))
    assert main(["train", network, "--data", str(data), "--target", "y", *options]) == 2
    assert "try a smaller --lr" in capsys.readouterr().err
    assert not weights.exists()


def test_sizes() -> None:
    assert parse_sizes("") == {} and parse_sizes("n0=64, n1 = 32") == {"n0": 64, "n1": 32}
    for text in ("n0", "n0=", "n0=-3", "n0=1.5", "=3", "n0=3,,", "n0=3;n1=4", "n0=\u0663"):
        with pytest.raises(SympropError):
            parse_sizes(text)
    with pytest.raises(SpecError, match="twice"):
        parse_sizes("n=1,n=2")


def test_an_interrupt_ends_with_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*unused: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(derived, "network_of", interrupted)
    assert main(["derive", NETWORK]) == 130
    assert capsys.readouterr().err == "symprop: interrupted\n"


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_training_that_is_stopped_is_kept_beside_its_weights(
    sign: signal.Signals, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, unfinished = tmp_path / "w.npz", tmp_path / "w.unfinished.npz"
    arguments = ["train", "Input(64) >> Dense(10) >> SoftmaxCrossEntropy()", "--data", str(DIGITS), "--target", "digit"]
    arguments += ["--epochs", "1000000", "-o", str(weights)]
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_interrupts,
    )
    assert process.stdout is not None
    assert "rows to train on" in process.stdout.readline()
    assert until(unfinished.exists)
    process.send_signal(sign)
    _, complaint = process.communicate(timeout=PATIENCE)
    if sign == signal.SIGINT:
        assert process.returncode == 130 and re.match(r"symprop: interrupted; the weights after epoch \d+", complaint)
    assert os.listdir(tmp_path) == [unfinished.name] or sign == signal.SIGKILL
    assert not weights.exists() and symprop.load_weights(unfinished).params["W1"].shape == (10, 64)
    assert main(arguments) == SpecError.exit_code
    assert "allowed: --resume" in capsys.readouterr().err
    assert main([*arguments, "--resume", "--batch", "7"]) == SpecError.exit_code
    assert "batch is '32' there, '7' here" in capsys.readouterr().err


def test_an_interrupt_while_something_is_imported_ends_with_130_too(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "def hook(event, given):\n"
        "    if event == 'import' and given[0] == 'rich.progress':\n"
        "        exec('raise KeyboardInterrupt')\n"
        "sys.addaudithook(hook)\n",
        encoding="utf-8",
    )
    arguments = ["train", "Input(64) >> Dense(10) >> SoftmaxCrossEntropy()", "--data", str(DIGITS), "--target", "digit"]
    done = subprocess.run(
        [*COMMAND, *arguments, "-o", str(tmp_path / "w.npz")],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stderr) == (130, "symprop: interrupted\n")
    assert not (tmp_path / "w.npz").exists()


def test_a_closed_pipe_is_quiet() -> None:
    process = subprocess.Popen([*COMMAND, "derive", NETWORK], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    complaint = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=PATIENCE) in {0, 141} and complaint == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_ends_with_4() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, "derive", NETWORK], stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE
        )
    assert done.returncode == 4
    assert done.stderr == "symprop: cannot write the output: No space left on device\n"


def test_an_ascii_terminal_gets_escapes() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run([*COMMAND, "derive", NETWORK], capture_output=True, env=environment, timeout=PATIENCE)
    assert done.returncode == 0 and b"\\u03b4" in done.stdout


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["derive", "--help"], ["train", "--help"], ["--version"]):
        with pytest.raises(SystemExit) as leaving:
            main(arguments)
        assert leaving.value.code == 0
    assert f"symprop {symprop.__version__}" in capsys.readouterr().out


def test_output_is_the_same_under_every_hash_seed(capsys: pytest.CaptureFixture[str]) -> None:
    seed = "0" if sys.flags.hash_randomization else "4242"  # another than here; test_determinism.py has more
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run([*COMMAND, "generate", NETWORK], capture_output=True, env=environment, timeout=PATIENCE)
    assert done.stdout.decode() == printed(capsys, "generate", NETWORK) != ""


def test_notes_in_weights_are_readable(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data, weights = tmp_path / "t.csv", tmp_path / "w.npz"
    data.write_text("a,y\n" + "".join(f"{k},{k}\n" for k in range(10)))
    network = "Input(1) >> Dense(1) >> MeanSquaredError()"
    printed(capsys, "train", network, "--data", str(data), "--target", "y", "--epochs", "1", "-o", str(weights))
    with np.load(weights, allow_pickle=False) as file:
        notes = json.loads(file["__meta__"].tobytes())
    assert notes["features"] == ["a"] and notes["scaling"]["kind"] == "standard"


@pytest.mark.parametrize(
    "options",
    [
        ("--epochs", "0"),
        ("--epochs", "-1"),
        ("--batch", "0"),
        ("--lr", "nan"),
        ("--lr", "0"),
        ("--clip", "-1"),
        ("--seed", "-1"),
        ("-o", "w"),
    ],
)
def test_options_out_of_range_are_refused_before_the_data_are_read(
    options: tuple[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["train", NETWORK, "--data", str(tmp_path / "none.csv"), "--target", "y", *options]) == 2
    assert "none.csv" not in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_an_empty_network_is_told_so(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", text]) == 2
    assert capsys.readouterr().err.startswith("symprop: the network is empty\nallowed: a network such as")


def test_what_is_the_path_of_a_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net (1).txt").write_text(NETWORK)
    assert read_network("net (1).txt").text == NETWORK
    assert read_network(NETWORK).text == NETWORK


def test_lists_of_names_stand_without_quotes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["derive", NETWORK, "--steps", "W7"]) == 2
    assert "allowed: W1, b1, W2, b2, delta2" in capsys.readouterr().err
    data = tmp_path / "t.csv"
    data.write_text("a,b\n1,2\n")
    assert main(["train", NETWORK, "--data", str(data), "--target", "q"]) == 2
    assert "columns: a, b\n" in capsys.readouterr().err
