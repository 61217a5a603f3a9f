"""The wheel, built from the source archive and installed into a fresh environment, generates from anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import symprop

ROOT = Path(__file__).parents[1]
NETWORK = "Input(4) >> Dense(3) >> Tanh() >> Residual(Dense(3) >> ReLU()) >> Dense(2) >> SoftmaxCrossEntropy()"


def run(*command: str | Path, cwd: Path, timeout: int = 300) -> subprocess.CompletedProcess[str]:
    """Run a command with nothing of the repository in its way: no PYTHONPATH, another directory."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made from the source archive: so the archive holds all that the wheel needs."""
    folder = tmp_path_factory.mktemp("dist")
    done = run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a fresh environment that holds the wheel and what it asks for, nothing else."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, symlinks=True)
    # by the pip that is here, and compiled when they are imported, as most of SymPy is not
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "--no-compile")
    pip += ("--quiet", "--disable-pip-version-check", "--retries", "1")
    if run(*pip, "--dry-run", "jinja2", cwd=folder).returncode != 0:
        pytest.skip("no package index: the wheel's dependencies cannot be installed")
    done = run(*pip, wheel, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "bin"


def test_the_wheel_holds_the_package_its_templates_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"symprop", f"symprop-{symprop.__version__}.dist-info"}
    assert "symprop/py.typed" in names
    shipped = {name.removeprefix("symprop/templates/") for name in names if name.startswith("symprop/templates/")}
    templates = ROOT / "templates"
    assert shipped == {path.relative_to(templates).as_posix() for path in templates.rglob("*") if path.is_file()}
    assert shipped
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "symprop").rglob("*.py")}
    assert sources <= set(names)


def test_the_installed_command_generates_a_module_that_runs(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import symprop; print(symprop.__file__)", cwd=tmp_path)
    assert where.stdout.startswith(str(installed.parent)), where.stderr
    done = run(installed / "symprop", "generate", NETWORK, "-o", tmp_path / "module.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    used = run(
        installed / "python",
        "-c",
        "import numpy as np, module; params = module.init_params(seed=0);"
        "loss, grads = module.loss_and_grads(params, np.ones((5, 4)), np.zeros(5, dtype=int));"
        "print(float(loss) > 0, list(grads) == list(params))",
        cwd=tmp_path,
    )
    assert used.stdout.split() == ["True", "True"], used.stderr


@pytest.mark.parametrize("form", ["pretty", "text", "latex", "html"])
def test_the_installed_command_derives_in_every_format(installed: Path, tmp_path: Path, form: str) -> None:
    done = run(installed / "symprop", "derive", NETWORK, "--format", form, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "delta" in done.stdout or "δ" in done.stdout


def test_the_installed_command_checks(installed: Path, tmp_path: Path) -> None:
    done = run(installed / "symprop", "check", NETWORK, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
