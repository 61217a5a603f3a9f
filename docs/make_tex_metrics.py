"""Write down how wide TeX's letters are: `python docs/make_tex_metrics.py` writes templates/latex/metrics.json.

For each font it has each letter's width in the sizes 10, 8, 7, 6 and 5, its height, depth and italic correction, all in
thousandths of the size, by the letter's code.

It reads the font metrics that TeX itself measures with (.tfm, Knuth, *TeX: The Program*, part 30): of Computer Modern,
whose widths Latin Modern keeps. TeX must be installed; it is run when a font is added.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

SIZES = (10, 8, 7, 6, 5)
FONTS = {
    "italic": ("cmmi{size}", range(0x80)),
    "roman": ("cmr{size}", range(0x80)),
    "symbols": ("cmsy{size}", range(0x80)),
    "bold": ("cmbx{size}", range(0x80)),
    "bold italic": ("cmmib{size}", range(0x80)),
    "double": ("msbm{size}", range(0x41, 0x5B)),
    "sans": ("cmss{size}", range(0x20, 0x7F)),
    "extension": ("cmex{size}", range(0x80)),
}
"""The fonts of formulas: the name of the file, and the letters; not drawn in a size, it is that of 10 points."""


def letters(path: Path, codes: range) -> Iterator[tuple[int, tuple[int, int, int, int]]]:
    """Read the metrics of a font's letters."""
    data = path.read_bytes()
    words = [int.from_bytes(data[at : at + 4], "big", signed=True) for at in range(0, len(data), 4)]
    counts = [int.from_bytes(data[at : at + 2], "big") for at in range(0, 24, 2)]
    _, header, first, last, widths, heights, depths, italics = counts[:8]
    info = 6 + header
    tables = []
    start = info + last - first + 1
    for length in (widths, heights, depths, italics):
        tables.append([round(1000 * word / 2**20) for word in words[start : start + length]])
        start += length
    for code in codes:
        if not first <= code <= last:
            continue
        at = 4 * (info + code - first)
        width, both, more = data[at], data[at + 1], data[at + 2]
        if width:
            places = (width, both >> 4, both & 15, more >> 2)
            wide, high, deep, italic = (table[place] for table, place in zip(tables, places, strict=True))
            yield code, (wide, high, deep, italic)


def main() -> None:
    """Write the metrics of all fonts, a font in a line."""
    lines = []
    for name, (pattern, codes) in FONTS.items():
        sizes: dict[int, dict[int, tuple[int, int, int, int]]] = {}
        for size in SIZES:
            command = ["kpsewhich", pattern.format(size=size) + ".tfm"]
            found = subprocess.run(command, capture_output=True, encoding="utf-8").stdout.strip()
            sizes[size] = dict(letters(Path(found), codes)) if found else sizes[10]
        each = {code: [*(sizes[size][code][0] for size in SIZES), *sizes[10][code][1:]] for code in sizes[10]}
        lines.append(f"{json.dumps(name)}: {json.dumps(each, separators=(',', ':'))}")
    target = Path(__file__).resolve().parents[1] / "templates" / "latex" / "metrics.json"
    target.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
