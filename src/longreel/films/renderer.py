"""Turn a drawn film into pictures."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longreel.films.atlas import Atlas
from longreel.films.cards import Card
from longreel.films.places import paint_place
from longreel.films.scenes import Film, Look, Scene
from longreel.films.sketch import sketched_picture, sketched_place

Pixels = NDArray[np.uint8]

_ROOM = 1.3  # the background is this much larger than the frame, so that the camera can drift
_KEPT_STAGES = 3
# A card's side, as a share of its full one, before it grows, and what growing adds.
_SMALLEST, _GROWTH = 0.7, 0.55


def render_frame(film: Film, t: float) -> Pixels:
    """The picture at `t` seconds: uint8 (height, width, 3). For many pictures use a FilmRenderer."""
    return FilmRenderer(film).frame(t)


class FilmRenderer:
    """Renders frames of one film, in any order; keeps only the last few backgrounds.

    Args:
        film: what to show.
        atlas: pictures of the objects; read from the package if None.
    """

    def __init__(self, film: Film, atlas: Atlas | None = None) -> None:
        self._film = film
        self._atlas = atlas or Atlas()
        self._starts = [scene.start for scene in film.scenes]
        self._stages: OrderedDict[int, _Stage] = OrderedDict()

    def frame(self, t: float) -> Pixels:
        """The picture at `t` seconds, uint8 (height, width, 3); times outside show the first or last one."""
        scenes = self._film.scenes
        t = min(max(float(t), 0.0), self._film.seconds)
        number = max(0, bisect_right(self._starts, t) - 1)
        for later in (number, number + 1):
            if not 0 < later < len(scenes):
                continue
            fade = scenes[later].look.fade
            share = (t - scenes[later].start) / fade + 0.5 if fade else -1.0
            if 0 < share < 1:
                return _blend(self._stage(later - 1).frame(t), self._stage(later).frame(t), share)
        return self._stage(number).frame(t)

    def _stage(self, number: int) -> _Stage:
        if number in self._stages:
            self._stages.move_to_end(number)
        else:
            self._stages[number] = _Stage(self._film, self._film.scenes[number], self._atlas)
            if len(self._stages) > _KEPT_STAGES:
                self._stages.popitem(last=False)
        return self._stages[number]


class _Stage:
    """One scene made ready: background painted, card drawn."""

    def __init__(self, film: Film, scene: Scene, atlas: Atlas) -> None:
        self._film, self._scene = film, scene
        self._width, self._height = film.size
        height, width = math.ceil(self._height * _ROOM), math.ceil(self._width * _ROOM)
        place = paint_place(scene.place, scene.look.seed, height, width)
        picture = atlas.picture(scene.object)
        if film.style == "sketch":
            place, picture = sketched_place(place), sketched_picture(picture)
        self._place = place
        self._card = Card(picture, scene.colour, scene.look.round)

    def frame(self, t: float) -> Pixels:
        """Also defined a little before and after the scene, for fades."""
        look, local = self._scene.look, t - self._scene.start
        share = min(max(local / self._scene.seconds, 0.0), 1.0)
        picture = self._background(share)
        self._put_card(picture, t)
        light = look.light[0] * (1 - share) + look.light[1] * share
        table = np.clip(np.arange(256) * light, 0, 255).astype(np.uint8)
        lit: Pixels = table[picture]
        return lit

    def _background(self, share: float) -> Pixels:
        x0, y0, x1, y1 = self._scene.look.camera
        room_y, room_x = self._place.shape[0] - self._height, self._place.shape[1] - self._width
        top = round(room_y * (y0 * (1 - share) + y1 * share))
        left = round(room_x * (x0 * (1 - share) + x1 * share))
        return self._place[top : top + self._height, left : left + self._width].copy()

    def _put_card(self, picture: Pixels, t: float) -> None:
        pose = card_pose(self._film, self._scene, t)
        if pose is not None:
            _paste(picture, self._card.patch(pose.side, pose.degrees), pose.x, pose.y)


class CardPose(NamedTuple):
    """Where a card lies: its side and the x and y of its middle in pixels, degrees clockwise."""

    side: int
    degrees: float
    x: float
    y: float


def card_pose(film: Film, scene: Scene, t: float) -> CardPose | None:
    """Pose of the card of `scene` at `t` seconds of the film; None while it is not to be seen."""
    width, height = film.size
    look, local = scene.look, t - scene.start
    if _is_away(scene.action, look, local):
        return None
    across, down, grown, degrees = _pose(scene.action, look, local)
    x0, y0, x1, y1 = look.drift
    share = min(max(local / scene.seconds, 0.0), 1.0)
    x = look.travel * (across - 0.5) + 0.03 * (x0 * (1 - share) + x1 * share)
    y = 0.8 * look.travel * (down - 0.5) + 0.03 * (y0 * (1 - share) + y1 * share)
    side = max(4, round(min(height, width / 1.5) * look.card * (_SMALLEST + _GROWTH * grown)))
    return CardPose(side, degrees, (0.5 + x) * width, (0.5 + y) * height)


def _is_away(action: str, look: Look, local: float) -> bool:
    """Whether the card is missing: half of the time if it blinks, now and then if not."""
    if action == "blink":
        return (2 * (local / look.period + look.phase)) % 1 >= 0.5
    every, gone = look.away
    return (local + look.phase * every) % every < gone


def _pose(action: str, look: Look, local: float) -> tuple[float, float, float, float]:
    """Shares of the ways across and down and of growth (0-1), and degrees: what acts runs, the rest rests."""
    cycle = (local / look.period + look.phase) % 1.0
    run = cycle if action in ("right", "down", "grow") else 1 - cycle
    across, down = look.spot
    grown, degrees = look.grown, look.tilt
    if action in ("left", "right"):
        across = run
    elif action in ("up", "down"):
        down = run
    elif action in ("grow", "shrink"):
        grown = run
    elif action == "spin":
        degrees += look.turn * local
    return across, down, grown, degrees % 360


def _paste(picture: Pixels, patch: Pixels, x: float, y: float) -> None:
    """Lay the patch over the picture in place, centred on (x, y); what lies outside is cut off."""
    height, width = patch.shape[:2]
    top, left = round(y - height / 2), round(x - width / 2)
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(picture.shape[0], top + height), min(picture.shape[1], left + width)
    if y1 <= y0 or x1 <= x0:
        return
    seen = patch[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = seen[..., 3:].astype(np.uint16)
    under = picture[y0:y1, x0:x1]
    under[:] = (seen[..., :3] * alpha + under * (255 - alpha) + 127) // 255


def _blend(first: Pixels, second: Pixels, share: float) -> Pixels:
    weight = round(256 * share)
    mixed = first.astype(np.uint16) * np.uint16(256 - weight) + second.astype(np.uint16) * np.uint16(weight)
    return (mixed >> 8).astype(np.uint8)
