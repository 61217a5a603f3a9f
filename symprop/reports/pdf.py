"""A LaTeX document as PDF, by `latexmk` where TeX is installed: no shell, no files but its own, a limit of time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from symprop.errors import LimitError, OutputError, shown

SECONDS = 180
PACKAGES = "latexmk texlive-latex-recommended texlive-pictures lmodern"
_COMMAND = ("latexmk", "-norc", "-pdf", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "report.tex")


def is_installed() -> bool:
    """Whether PDFs can be made on this machine."""
    return shutil.which("latexmk") is not None and shutil.which("pdflatex") is not None


def check_installed() -> None:
    """Raise unless PDFs can be made on this machine.

    Raises:
        OutputError: TeX is not installed.
    """
    if not is_installed():
        raise OutputError(
            f"a PDF needs latexmk and pdflatex, which are not installed\non Debian: apt install {PACKAGES}\n"
            "allowed without them: -o report.tex, or -o report.html"
        )


def compiled(document: str) -> bytes:
    """Return the PDF of a complete LaTeX document.

    Raises:
        OutputError: TeX is not installed, or refuses the document (its first complaint is told).
        LimitError: TeX takes longer than three minutes.
    """
    check_installed()
    with tempfile.TemporaryDirectory(prefix="symprop-") as folder:
        place = Path(folder)
        (place / "report.tex").write_text(document, encoding="utf-8")
        # no reading or writing outside of the folder, and nothing of today's date in the file
        safe = {"openin_any": "p", "openout_any": "p", "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"}
        try:
            done = subprocess.run(
                _COMMAND,
                cwd=place,
                env={**os.environ, **safe},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise LimitError(
                f"TeX takes longer than {SECONDS} seconds\nallowed: -o report.tex, to compile it yourself"
            ) from None
        made = place / "report.pdf"
        if done.returncode or not made.is_file():
            raise OutputError(f"TeX refuses the report: {shown(_complaint(place / 'report.log'), 160)}")
        return made.read_bytes()


def _complaint(log: Path) -> str:
    """Return the first error of TeX's log."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    found = re.search(r"^! (.*)$", text, flags=re.MULTILINE)
    return found[1] if found else "no message in its log"
