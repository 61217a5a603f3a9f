"""The committed gallery is what the generator makes today, byte for byte; its own tests pass; ruff has no wish."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from symprop.codegen import gallery


def test_generated_is_fresh() -> None:
    assert gallery.check() == []


@pytest.mark.parametrize("name", [example.name for example in gallery.GALLERY])
def test_the_tests_of_an_example_pass(name: str) -> None:
    path = gallery.FOLDER / name / f"test_{name}.py"
    spec = importlib.util.spec_from_file_location(f"generated_test_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tests = [value for key, value in vars(module).items() if key.startswith("test_")]
    assert len(tests) >= 4
    for test in tests:
        test()


def test_ruff_would_change_nothing() -> None:
    for command in (["format", "--diff"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", str(gallery.FOLDER)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_differs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "GALLERY", gallery.GALLERY[:2])
    gallery.write(tmp_path)
    assert gallery.check(tmp_path) == []
    module = tmp_path / "two_two_one" / "two_two_one.py"
    module.write_text(module.read_text(encoding="utf-8").replace("a1 = ", "a1 =  "), encoding="utf-8")
    (tmp_path / "three_layers" / "derivation.txt").unlink()
    (tmp_path / "three_layers" / "notes.txt").write_text("mine")
    (tmp_path / "stranger").mkdir()
    wrong = "\n".join(gallery.check(tmp_path))
    assert "two_two_one.py differs from line" in wrong
    assert "derivation.txt is missing" in wrong
    assert "notes.txt is not of the gallery" in wrong
    assert "stranger is not of the gallery" in wrong
    gallery.write(tmp_path)
    assert gallery.check(tmp_path)[0].endswith("notes.txt is not of the gallery")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert gallery.check(tmp_path / "nowhere") == [f"{tmp_path / 'nowhere'} is missing"]
