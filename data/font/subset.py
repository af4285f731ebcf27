#!/usr/bin/env python3
"""Makes NotoSansSC-Subset.otf: Noto Sans CJK, face SC, with the characters a chart can need.

Usage: python3 data/font/subset.py [NotoSansCJK-Regular.ttc]   (needs fonttools)

The same font and data give the same bytes.
"""

import pathlib
import sys

from fontTools import subset
from fontTools.ttLib import TTCollection

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parent
SOURCE = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
FAMILY = "Noto Sans CJK SC"

# Letters, punctuation and units that no file below is sure to hold.
SIGNS = (
    "".join(map(chr, range(0x20, 0x7F)))
    + "\u00a0·°±×÷§–—‘’“”…‰′″≤≥≠≈−→←↑↓∞√¥€℃"
    + "、。〈〉《》「」『』【】〔〕〖〗〇・"
    + "".join(map(chr, range(0xFF01, 0xFF5F)))
    + "¥①②③④⑤⑥⑦⑧⑨⑩ⅠⅡⅢⅣⅤ■□▲△▼▽◆◇○●★☆"
)


def common():
    """The 3,755 common characters of GB/T 2312, level 1, by pronunciation."""
    rows = ((high, low) for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF))
    return "".join(bytes(row).decode("gb2312", "ignore") for row in rows)


def used():
    """Every character of the shipped names, documents and of the charts' own words."""
    files = [DATA / name for name in ("areas.csv", "groups.toml", "series.toml", "standards.toml")]
    files += sorted((DATA / "instruments").rglob("*.toml"))
    files += sorted((DATA.parent / "src" / "charts").rglob("*.rs"))
    return "".join(path.read_text(encoding="utf-8") for path in files)


def main():
    source = sys.argv[1] if 1 < len(sys.argv) else SOURCE
    faces = TTCollection(source).fonts
    font = next(face for face in faces if face["name"].getDebugName(1) == FAMILY)
    options = subset.Options()
    # Kerning and the like stay out: the width of a text is the sum of its characters' widths.
    options.layout_features = []
    options.hinting = False
    options.desubroutinize = False
    options.notdef_outline = True
    options.drop_tables += ["vhea", "vmtx", "VORG", "BASE", "GDEF", "GPOS", "GSUB"]
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.name_languages = [0x409]
    maker = subset.Subsetter(options)
    maker.populate(text=SIGNS + common() + used())
    maker.subset(font)
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    path = HERE / "NotoSansSC-Subset.otf"
    font.save(path)
    count = len(font.getBestCmap())
    print(f"{path.name}: {count} characters, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
