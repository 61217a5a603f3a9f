"""Cut STIX Two Math down to what formulas use: `python docs/make_font.py FONT.woff2` writes templates/html/math.woff2.

HTML pages hold this font, because a browser stretches brackets only by a font that has a MATH table, and a machine need
not have one. It needs fonttools and brotli, and the font, such as npm's `@fontsource/stix-two-math` has it (SIL Open
Font License 1.1, in templates/html/OFL.txt; the font reserves no name). It is run when the set of signs changes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

RANGES = (
    (0x20, 0x7E), (0xA0, 0xFF), (0x391, 0x3C9), (0x3D1, 0x3D6), (0x3F0, 0x3F5), (0x2010, 0x2016), (0x2032, 0x2034),
    (0x2044, 0x2044), (0x2061, 0x2064), (0x20D7, 0x20D7), (0x210E, 0x210F), (0x2112, 0x2113), (0x211D, 0x211D),
    (0x2190, 0x2194), (0x21A6, 0x21A6), (0x2200, 0x2200), (0x2202, 0x2203), (0x2205, 0x220B), (0x220F, 0x2213),
    (0x2215, 0x221E), (0x2223, 0x222B), (0x223C, 0x223C), (0x2243, 0x224D), (0x2260, 0x2265), (0x2295, 0x22A5),
    (0x22C5, 0x22C6), (0x22EE, 0x22F1), (0x2308, 0x230B), (0x27E8, 0x27E9), (0x2A00, 0x2A02),
    (0x1D400, 0x1D467),  # bold and italic Latin
    (0x1D468, 0x1D49B),  # bold italic Latin
    (0x1D49C, 0x1D4CF),  # script
    (0x1D538, 0x1D56B),  # double-struck
    (0x1D5A0, 0x1D5D3),  # sans serif
    (0x1D6A4, 0x1D755),  # italic and bold Greek
    (0x1D7CE, 0x1D7D7),  # bold digits
)  # fmt: skip


def main(font: str) -> None:
    """Write the part of a font that the pages need."""
    found = TTFont(font)
    options = Options()
    options.flavor, options.layout_features, options.notdef_outline = "woff2", ["ssty", "ccmp", "dtls", "flac"], True
    options.name_IDs = [0, 1, 2, 4, 5, 6, 13, 14]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
    subsetter.subset(found)
    found.flavor = "woff2"
    target = Path(__file__).resolve().parents[1] / "templates" / "html" / "math.woff2"
    found.save(target)
    print(f"{target.name}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
