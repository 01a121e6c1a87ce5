"""Render the atlas once from the Noto emoji font: `python -m longreel.films.make_atlas FONT`.

The font is not needed to run longreel; the atlas it was rendered to is part of the package.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from longreel.films.atlas import CELL, COLUMNS
from longreel.films.pictures import PICTURES

BITMAP_SIZE = 109  # the only size this font has pictures in
DEFAULT_FONT = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"


def draw_atlas(font_path: str) -> Image.Image:
    """One RGBA picture with a cell per object, row by row."""
    font = ImageFont.truetype(font_path, BITMAP_SIZE, layout_engine=ImageFont.Layout.BASIC)
    rows = -(-len(PICTURES) // COLUMNS)
    atlas = Image.new("RGBA", (COLUMNS * CELL, rows * CELL))
    for number, character in enumerate(PICTURES.values()):
        row, column = divmod(number, COLUMNS)
        atlas.paste(_cell(character, font), (column * CELL, row * CELL))
    return _simplified(atlas)


def _cell(character: str, font: ImageFont.FreeTypeFont) -> Image.Image:
    """The picture cut to its outline, centred, as large as the cell allows."""
    glyph = Image.new("RGBA", (160, 160))
    ImageDraw.Draw(glyph).text((10, 10), character, font=font, embedded_color=True)
    box = glyph.getbbox()
    if box is None:
        raise ValueError(f"the font has no picture for {character!r}")
    glyph = glyph.crop(box)
    scale = (CELL - 2) / max(glyph.size)
    size = (max(1, round(glyph.width * scale)), max(1, round(glyph.height * scale)))
    glyph = glyph.resize(size, Image.Resampling.LANCZOS)
    cell = Image.new("RGBA", (CELL, CELL))
    cell.paste(glyph, ((CELL - glyph.width) // 2, (CELL - glyph.height) // 2))
    return cell


def _simplified(atlas: Image.Image) -> Image.Image:
    """Fewer levels per channel and nothing under transparent pixels: half the bytes, same look."""
    pixels = np.asarray(atlas).astype(np.int32)
    colour = np.clip((pixels[..., :3] + 4) // 8 * 8, 0, 255)
    alpha = np.clip((pixels[..., 3:] + 8) // 17 * 17, 0, 255)
    colour = np.where(alpha > 0, colour, 0)
    return Image.fromarray(np.concatenate([colour, alpha], axis=2).astype(np.uint8), "RGBA")


def main() -> None:
    """Write data/atlas.png beside this file."""
    font_path = sys.argv[1] if len(sys.argv) > 1 else DEFAULT_FONT
    target = Path(__file__).parent / "data" / "atlas.png"
    draw_atlas(font_path).save(target, optimize=True)
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
