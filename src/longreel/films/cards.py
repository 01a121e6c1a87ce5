"""The coloured card with the object's picture on it, in every size and turn a scene needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from longreel.films.canvas import Colour

# Far apart in hue, and still so 15 % darker or brighter.
PAINT: dict[str, Colour] = {
    "red": (216, 34, 38),
    "orange": (246, 132, 22),
    "yellow": (250, 226, 48),
    "green": (36, 156, 58),
    "blue": (34, 88, 218),
    "purple": (136, 48, 178),
    "white": (242, 242, 242),
    "black": (24, 24, 24),
}
_LIGHT = ("yellow", "white", "orange")
_PICTURE_SHARE = 0.78
_MASTER = 128
_OUTLINE = 9


class Card:
    """One scene's card.

    Args:
        picture: RGBA picture of the object.
        colour: a key of PAINT.
        round: a disc instead of a rounded square.
    """

    def __init__(self, picture: Image.Image, colour: str, round: bool) -> None:
        self._master = _draw_card(picture, colour, round)
        self._patches: dict[int, NDArray[np.uint8]] = {}

    def patch(self, side: int, degrees: float = 0.0) -> NDArray[np.uint8]:
        """The card `side` pixels wide, turned clockwise: uint8 (h, w, 4), alpha last, square."""
        if degrees:
            small = self._master.resize((side, side), Image.Resampling.BOX, reducing_gap=None)
            turned = small.rotate(-degrees, Image.Resampling.BILINEAR, expand=True)
            return np.asarray(turned)
        if side not in self._patches:
            self._patches[side] = np.asarray(self._master.resize((side, side), Image.Resampling.HAMMING))
        return self._patches[side]


def _draw_card(picture: Image.Image, colour: str, round: bool) -> Image.Image:
    """Drawn at twice the master's size, so that edges are smooth."""
    big = 2 * _MASTER
    rim = (40, 40, 40) if colour in _LIGHT else (245, 245, 245)
    card = Image.new("RGBA", (big, big))
    draw = ImageDraw.Draw(card)
    edge = big * 0.03
    outer, inner = (1.0, 1.0, big - 2, big - 2), (edge, edge, big - 1 - edge, big - 1 - edge)
    if round:
        draw.ellipse(outer, fill=(*rim, 255))
        draw.ellipse(inner, fill=(*PAINT[colour], 255))
    else:
        draw.rounded_rectangle(outer, big * 0.16, fill=(*rim, 255))
        draw.rounded_rectangle(inner, big * 0.16 - edge, fill=(*PAINT[colour], 255))
    share = _PICTURE_SHARE * (0.86 if round else 1.0)
    side = int(big * share)
    sprite = picture.resize((side, side), Image.Resampling.BICUBIC)
    place = ((big - side) // 2, (big - side) // 2)
    # An outline, so that a red thing on a red card keeps its shape.
    shape = Image.new("L", (big, big))
    shape.paste(sprite.getchannel("A"), place)
    outline = shape.filter(ImageFilter.MaxFilter(_OUTLINE))
    card.paste((*rim, 255), (0, 0, big, big), outline)
    card.alpha_composite(sprite, place)
    return card.resize((_MASTER, _MASTER), Image.Resampling.BOX)
