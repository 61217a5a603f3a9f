"""Run an example notebook from its first cell to its last, and write it with its outputs.

    make notebook

runs examples/derivation.ipynb. What is written is the same whenever the outputs are: no times, no kernel's version, and
cells that are numbered.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent / "derivation.ipynb"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
QUIET = ["--log-level=40"]  # errors alone: a kernel that listens on this machine only warns that it is not encrypted


def executed(path: Path) -> nbformat.NotebookNode:
    """Return a notebook with the outputs that its cells have today.

    Raises:
        CellExecutionError: a cell of it stops with an error.
    """
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", record_timing=False, extra_arguments=QUIET).execute()
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id, cell.metadata = f"cell-{number}", {}
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    notebook.nbformat_minor = 5  # the first with names of cells
    return notebook


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebook", type=Path, nargs="?", default=NOTEBOOK)
    path = parser.parse_args().notebook
    notebook = executed(path)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)
    print(f"{path.name}: {len(notebook.cells)} cells")


if __name__ == "__main__":
    main()
