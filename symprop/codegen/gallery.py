"""The example networks whose modules, tests and derivations are committed in `generated/`; are they fresh?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from symprop.analysis.derivation import derive
from symprop.codegen import generate
from symprop.codegen.targets.fast.module import test_source
from symprop.errors import OutputError, shown
from symprop.files import write_whole
from symprop.networks.network import Network
from symprop.networks.spec import parse_network

FOLDER = Path(__file__).resolve().parents[2] / "generated"


@dataclass(frozen=True)
class Example:
    """A network of the gallery: the name of its folder, its text, and the options of its modules.

    The optimiser stands in the fast one.
    """

    name: str
    text: str
    dtype: str = "float64"
    optimizer: str | None = None

    @property
    def network(self) -> Network:
        """The network that the text stands for."""
        return parse_network(self.text)


GALLERY: tuple[Example, ...] = (
    Example("two_two_one", "Input(2) >> Dense(2) >> Sigmoid() >> Dense(1) >> Sigmoid() >> MeanSquaredError()"),
    Example(
        "digits",
        "Input(64) >> Dense(32) >> Tanh() >> Residual(Dense(32) >> ReLU()) >> Dense(10) >> SoftmaxCrossEntropy()",
        optimizer="adam",
    ),
    Example(
        "residual_blocks",
        "Input(4) >> Dense(6) >> Tanh() >> Repeat(Residual(Dense(6) >> Tanh() >> Dense(6)), 3) >> Dense(3)"
        " >> SoftmaxCrossEntropy()",
    ),
    Example("names", "Input(3) >> Embedding(27, 10) >> Dense(200) >> Tanh() >> Dense(27) >> SoftmaxCrossEntropy()"),
    Example(
        "activations",
        'Input(3) >> Dense(4) >> GELU() >> Dense(4) >> GELU("tanh") >> Dense(4) >> SiLU() >> Dense(4) >> ELU()'
        " >> Dense(4) >> LeakyReLU() >> Dense(2) >> Softplus() >> MeanSquaredError()",
    ),
    Example(
        "own_functions",
        'Input(4) >> Dense(3) >> Activation("x * sigmoid(x)", name="swish") >> Dense(2) >> Loss("sum((a - y)**4) / 4")',
    ),
    Example(
        "dropout",
        "Input(4) >> Dropout(0.2) >> Dense(6) >> Tanh() >> Dropout(0.5) >> Dense(3) >> SoftmaxCrossEntropy()",
        optimizer="sgd",
    ),
    Example(
        "binary_logits",
        "Input(5) >> Dense(4) >> ReLU() >> Dense(2) >> BinaryCrossEntropy()",
        dtype="float32",
        optimizer="momentum",
    ),
    Example(
        "tied_weights",
        "Input(6) >> Dense(4) >> Tanh() >> Repeat(Dense(4) >> Tanh(), 2, tied=True)"
        ' >> Dense(6, tied="W1.T") >> MeanSquaredError() + L2(0.001)',
        optimizer="adam",
    ),
)
"""Networks that differ in kind: the smallest, residual, repeated blocks, ids, all activations, own functions, ties."""


FILES_EACH = 5
"""The module to read and the fast one, a test of both, the derivation as text and as LaTeX."""
CACHES = ("__pycache__", ".ruff_cache", ".pytest_cache", ".mypy_cache")


def files(example: Example) -> dict[str, str]:
    """Return the files of an example by name: both modules, their test, the derivation as text and as LaTeX."""
    derivation = derive(example.network, layout="rows")
    return {
        f"{example.name}.py": generate(derivation, example.dtype),
        f"{example.name}_fast.py": generate(derivation, example.dtype, example.optimizer, fast=True),
        f"test_{example.name}.py": test_source(derivation, example.name, example.dtype),
        "derivation.txt": derivation.pretty().rstrip("\n") + "\n",
        "derivation.tex": derivation.latex().rstrip("\n") + "\n",
    }


def count() -> int:
    """Return how many files the gallery has."""
    return FILES_EACH * len(GALLERY)


def write(folder: Path | str = FOLDER) -> list[Path]:
    """Write the gallery below `folder` and return what was written; files as they should be are left alone.

    Raises:
        OutputError: a file cannot be written.
    """
    _in_repository(folder)
    written: list[Path] = []
    for example in GALLERY:
        place = Path(folder) / example.name
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise OutputError(f"cannot make the folder {shown(str(place), 200)}: {problem.strerror}") from None
        for name, content in files(example).items():
            if _read(place / name) != content:
                write_whole(place / name, content)
                written.append(place / name)
    return written


def check(folder: Path | str = FOLDER) -> list[str]:
    """Return what differs between `folder` and what `write` would make today, byte for byte; empty if nothing does.

    Raises:
        OutputError: a file cannot be read, or this is not a checkout of the repository.
    """
    _in_repository(folder)
    root = Path(folder)
    if not root.is_dir():
        return [f"{root} is missing"]
    wrong: list[str] = []
    for example in GALLERY:
        place, expected = root / example.name, files(example)
        wrong.extend(_difference(place / name, content) for name, content in expected.items())
        wrong.extend(_stranger(path) for path in _present(place) if path.name not in expected)
    folders = {example.name for example in GALLERY}
    wrong.extend(_stranger(path) for path in _present(root) if path.is_dir() and path.name not in folders)
    return [each for each in wrong if each]


def _in_repository(folder: Path | str) -> None:
    """Raise where the default folder is meant and symprop is installed without the repository around it."""
    if folder == FOLDER and not (FOLDER.parent / "templates").is_dir():
        raise OutputError("the gallery belongs to a checkout of the repository; this is an installed package")


def _stranger(path: Path) -> str:
    return f"{path} is not of the gallery"


def _present(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name not in CACHES) if folder.is_dir() else []


def _read(path: Path) -> str | None:
    """The content of a file, byte for byte; None where there is none."""
    try:
        return path.read_bytes().decode("utf-8", "backslashreplace")
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise OutputError(f"cannot read {shown(str(path), 200)}: {problem.strerror}") from None


def _difference(path: Path, content: str) -> str:
    found = _read(path)
    if found is None:
        return f"{path} is missing"
    if found == content:
        return ""
    pairs = zip(found.splitlines(), content.splitlines(), strict=False)
    shorter = min(len(found.splitlines()), len(content.splitlines()))
    line = next((number for number, (old, new) in enumerate(pairs, start=1) if old != new), shorter + 1)
    return f"{path} differs from line {line}"
