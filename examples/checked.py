"""What the examples that train do first: derive, check, and write the module to read."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

import symprop


def check(case: symprop.Case, folder: Path, name: str, console: Console) -> None:
    """Print the backward pass of a network, and write its module, under `name`, and its certificate into `folder`."""
    console.print(case.derivation.pretty(), markup=False, soft_wrap=True)
    with console.status("checking the derivation and the code"):
        certificate = symprop.check(case, limit=None)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "certificate.txt").write_text(certificate.table().rstrip() + "\n", encoding="utf-8")
    (folder / name).write_text(symprop.generate(case.network), encoding="utf-8")
    console.print(f"certificate: {certificate.summary}", soft_wrap=True)
    if not certificate.ok:
        sys.exit("the certificate disagrees; the module is not trained")
