"""`symprop import`: a file of PyTorch becomes a network and weights that predict; nothing that lies in it is run."""

from __future__ import annotations

import importlib.util
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symprop
from symprop import DataError, OutputError, SpecError
from symprop.cli import main
from symprop.importing.archives import program_of

HERE = importlib.util.find_spec("torch") is not None


class Bomb:
    """What a pickle may do when it is read."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("exploded"),)  # type: ignore[return-value]


def archive(path: Path, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return path


def graph(*calls: tuple[str, str, str]) -> bytes:
    """A graph of calls as torch.export writes it: operator, what it reads, what it makes."""

    def tensor(name: str) -> dict[str, Any]:
        return {"as_tensor": {"name": name}}

    nodes = [
        {"target": target, "inputs": [{"name": "self", "arg": tensor(read)}], "outputs": [tensor(made)]}
        for target, read, made in calls
    ]
    return json.dumps({"graph_module": {"graph": {"inputs": [tensor("x")], "nodes": nodes}}}).encode()


def test_a_file_becomes_a_network_and_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'symprop[torch]'")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    file, text, weights = tmp_path / "model.pt2", tmp_path / "network.txt", tmp_path / "weights.npz"
    torch.export.save(torch.export.export(model.eval(), (torch.zeros(2, 3),)), file)
    given = ["import", str(file), "--loss", "MeanSquaredError()", "-o", str(text), "-w", str(weights)]
    assert main(given) == 0
    assert text.read_text() == "Input(3) >> Dense(4) >> BatchNorm() >> Tanh() >> Dense(2) >> MeanSquaredError()\n"
    x = np.array([[1.0, -2.0, 0.5], [0.0, 1.0, 3.0]])
    there = model(torch.from_numpy(x).float()).detach().numpy()
    found = symprop.load_weights(weights)
    np.testing.assert_allclose(found.predict(x), there, rtol=1e-5, atol=1e-6)  # both compute in float32
    with zipfile.ZipFile(file) as saved:
        entries = {name: saved.read(name) for name in saved.namelist()}
    (sample,) = [name for name in entries if "sample_inputs" in name]
    with pytest.raises(DataError, match="PyTorch cannot read"):  # what it would unpickle where it may
        program_of(archive(tmp_path / "bomb.pt2", **{**entries, sample: pickle.dumps(Bomb())}))
    assert not Path("exploded").exists()
    data = tmp_path / "x.csv"
    data.write_text("x_0,x_1,x_2\n1,-2,0.5\n0,1,3\n")
    capsys.readouterr()
    assert main(["predict", str(weights), "--data", str(data)]) == 0
    rows = [[float(number) for number in line.split(",")] for line in capsys.readouterr().out.splitlines()[1:]]
    np.testing.assert_allclose(rows, there, rtol=1e-5, atol=1e-6)


def test_nothing_in_a_file_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bomb = pickle.dumps(Bomb())
    pickled = tmp_path / "model.pt"
    pickled.write_bytes(bomb)
    objects = archive(tmp_path / "a.pt2", **{"m/data/constants/opaque_obj_0": bomb})
    library = archive(tmp_path / "b.pt2", **{"m/data/aotinductor/model/x.so": b""})
    size = archive(tmp_path / "c.pt2", **{"m/models/model.json": b'{"expr_str": "__import__(\'os\').abort()"}'})
    graphs = {
        name: archive(tmp_path / f"{name}.pt2", **{"m/models/model.json": graph(*calls)})
        for name, calls in {
            "circle": [
                ("torch.ops.aten.tanh.default", "relu", "tanh"),
                ("torch.ops.aten.relu.default", "tanh", "relu"),
            ],
            "own": [("torch.ops.aten.tanh.default", "x", "tanh"), ("torch.ops.mine.run.default", "tanh", "run")],
            "deep": [],
        }.items()
    }
    archive(graphs["deep"], **{"m/models/model.json": b"[" * 100_000})
    broken = tmp_path / "d.pt2"
    broken.write_bytes(b"no archive")
    for path, kind, told in (
        (pickled, SpecError, "is a pickle, which runs what is in it"),
        (objects, DataError, "holds 'm/data/constants/opaque_obj_0', which is neither numbers nor text"),
        (library, DataError, "which is neither numbers nor text"),
        (size, DataError, "is no size"),
        (graphs["circle"], DataError, "tanh.default', call 1 of 2, reads 'relu', which no earlier call makes"),
        (graphs["own"], DataError, "'torch.ops.mine.run.default', call 2 of 2, is no operator of PyTorch's own"),
        (graphs["deep"], DataError, "holds no graph that torch.export wrote"),
        (broken, DataError, "is no archive of torch.export.save"),
        (tmp_path / "missing.pt2", OutputError, "cannot read .*No such file"),
        (tmp_path, OutputError, "cannot read"),
    ):
        with pytest.raises(kind, match=told):
            program_of(path)
    inside = archive(tmp_path / "e.pt2", **{"m/models/model.json": graph(), "m/data/sample_inputs/model.pt": bomb})
    with pytest.raises(DataError if HERE else SpecError, match="PyTorch cannot read" if HERE else "is not installed"):
        program_of(inside)
    assert not (tmp_path / "exploded").exists()
