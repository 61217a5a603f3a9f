"""The doors by which hostile input comes in: what a program, the command line, a file or the page hands to symprop.

Each takes what a row of the corpus has as its input and refuses it well, or takes it: an error that is no
`SympropError` is a fault, and so are a message of many lines or with signs that a terminal obeys.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import symprop
from symprop.cli import main
from symprop.errors import SympropError
from symprop.server.worker import answered
from symprop.weights import load_weights
from tests.bad_weights import BAD_WEIGHTS, archive
from tests.bad_weights import SHAPES as SIZES
from tests.hostile_cases import (
    CLASSIFIER,
    ENTRY_POINTS,
    SHAPES,
    TABLE,
    array_of,
    check_complaint,
    check_message,
    text_of,
)
from trust.calls import put

LONGEST = 20_001
"""The page takes shorter texts; its door refuses long ones before they are read."""
MODULE = "Input(2) >> Dense(4) >> Tanh() >> Dense(3) >> SoftmaxCrossEntropy()"


def refused_well(ask: Callable[[], object]) -> None:
    """Ask, and check what an error says."""
    try:
        ask()
    except SympropError as problem:
        check_message(problem)


def _text(name: str) -> Callable[[Any], None]:
    return lambda given: refused_well(lambda: ENTRY_POINTS[name](text_of(given)))


def _formula(given: Any) -> None:
    def ask() -> None:
        answer = symprop.gradient(text_of(given), "x", x="3", y="3", a="3")
        answer.text(), answer.latex(), answer.numpy()

    refused_well(ask)


def _latex(given: Any) -> None:
    refused_well(lambda: symprop.latex_formula(text_of(given), dict.fromkeys(SHAPES, "3")))


def _compared(given: Any) -> None:
    refused_well(lambda: symprop.compare("x", text_of(given), x="3", y="3", a="3"))


def _network(given: Any) -> None:
    def ask() -> None:
        network = symprop.parse_network(text_of(given))
        if len(network.layers) < 10 and not network.sizes:
            symprop.derive(network).text()

    refused_well(ask)


def _data(given: Any) -> None:
    module = symprop.compile(MODULE)
    try:
        module.loss_and_grads(module.init_params(seed=0), array_of(given["x"]), array_of(given["y"]))
    except ValueError as problem:  # what generated modules raise
        check_message(problem)


def command(arguments: list[str]) -> None:
    """Run the command line in this process, and check its exit code and what it says on stderr."""
    heard, sys.stderr = sys.stderr, io.StringIO()
    try:
        code = main(arguments)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    finally:
        said, sys.stderr = sys.stderr.getvalue(), heard
        heard.write(said)
    if code not in (0, 1, 2, 3, 4):
        raise ValueError(f"ended with {code}: {said[-300:]}")
    if code > 1:
        check_complaint(said)


def _typed(name: str) -> Callable[[Any], None]:
    """A text as an argument of a command; longer ones than a system hands over are cut."""

    def door(given: Any) -> None:
        text = str(text_of(given))[:100_000]
        command([name, text.replace("\0", ""), *(("--where", "x: 3, y: 3, a: 3") if name == "gradient" else ())])

    return door


def _in_a_file(given: Any) -> None:
    Path("net.txt").write_bytes(str(text_of(given)).encode("utf-8", "surrogatepass"))
    command(["derive", "net.txt"])


def _table(given: Any) -> None:
    table = text_of(given["csv"])
    if isinstance(table, dict):
        Path("t.csv").write_bytes(bytes.fromhex(table["bytes"]))
    else:
        Path("t.csv").write_text(TABLE if table is None else "".join(table), encoding="utf-8", newline="")
    command(["train", CLASSIFIER, "--data", "t.csv", "--target", "y", *map(text_of, given["args"])])


def _weights(given: Any) -> None:
    archive(Path("w.npz"), **BAD_WEIGHTS[given][0])
    refused_well(lambda: load_weights("w.npz", SIZES))
    Path("t.csv").write_text(TABLE, encoding="utf-8")
    command(["predict", "w.npz", "--data", "t.csv"])


def bytes_of(given: Any) -> bytes:
    """Return the bytes that a row describes: a text, zeros, or an archive of entries."""
    if isinstance(given, str):
        return given.encode("utf-8", "surrogatepass")
    if "zeros" in given:
        return bytes(given["zeros"])
    if "hex" in given:
        return bytes.fromhex(given["hex"])
    if "times" in given:
        return bytes_of(given["text"]) * int(given["times"])
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in given["entries"].items():
            out.writestr(name, bytes_of(content))
    return written.getvalue()


def _model(given: Any) -> None:
    name = given.get("name", "model.pt2")
    Path(name).write_bytes(bytes_of(given["file"]))
    command(["import", name])


def _page(state: Callable[[Any], dict[str, Any]], stage: str) -> Callable[[Any], None]:
    def door(given: Any) -> None:
        fields = {name: str(value)[:LONGEST] for name, value in state(text_of(given)).items()}
        body = json.dumps({"tab": "hostile", "sequence": 1, "stage": stage, **fields}, ensure_ascii=False)
        answer = json.loads(answered(body.encode("utf-8", "surrogatepass")))
        if not answer["ok"]:
            check_message(ValueError(answer["problem"]["message"]))

    return door


def _formula_field(text: Any) -> dict[str, Any]:
    return {"text": text, "where": "x: 3, y: 3, a: 3", "by": "x"}


DOORS: dict[str, Callable[[Any], object]] = {
    **{f"program: {name}": _text(name) for name in ENTRY_POINTS},
    "program: gradient": _formula,
    "program: compare": _compared,
    "program: LaTeX": _latex,
    "program: derive": _network,
    "program: data": _data,
    "program: call": put,
    "command line": lambda given: command([text_of(argument) for argument in given]),
    "command line: gradient": _typed("gradient"),
    "command line: derive": _typed("derive"),
    "file: network": _in_a_file,
    "file: table": _table,
    "file: weights": _weights,
    "import": _model,
    "page: formula": _page(_formula_field, "derivation"),
    "page: code": _page(_formula_field, "code"),
    "page: network": _page(lambda text: {"text": text}, "derivation"),
    "page: where": _page(lambda text: {"text": "sum(x)", "where": text}, "derivation"),
    "page: name": _page(lambda text: {"text": f"sum({text})", "where": f"{text}: n", "by": text}, "derivation"),
}
