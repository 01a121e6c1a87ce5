"""Draw what a film shows: scenes of an object, in a colour, at a place, doing something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from longreel.errors import UsageError
from longreel.films.vocabulary import ACTIONS, COLOURS, OBJECTS, PLACES, UNSEEN_PLACES

SHORTEST_FILM = 5.0
LONGEST_FILM = 3 * 3600.0
SPLITS = ("train", "unseen-combinations", "unseen-places", "unseen-style")
STYLES = ("paint", "sketch")

_SHARE_SHORT = 0.25
_SHORT_LIMIT = 2.0
_SHARE_SEEN_ONCE = 0.75
# A film leaves objects out, so that one can ask for something that is not there.
_MOST_SEEN_ONCE = 128
_MOST_REPEATED = 64
_SHARE_FADES = 0.4


@dataclass(frozen=True)
class Look:
    """How a scene is drawn; nothing here is asked about.

    A card that stands still lies where movement could have brought it, in any size, turned or not, and is
    missing for moments: one picture does not tell what the thing does.

    seed: of the background.
    fade: seconds of crossfade from the scene before, centred on the start; 0 is a cut.
    card: side of the coloured card as a fraction of the frame's base side.
    round: a disc instead of a rounded square.
    period: seconds per repetition of the action (a blink comes twice in it).
    phase: where in the period the scene starts, 0-1.
    travel: fraction of the frame width covered by a movement; up and down cover 0.8 of it, of the height.
    turn: degrees per second.
    spot: where a card lies that does not move, across and down, as a share of such a movement's way (0-1).
    grown: size of a card that neither grows nor shrinks, as a share of what growing adds (0-1).
    tilt: degrees by which a card is turned at the start of the scene.
    away: every how many seconds a card that does not blink is missing, and for how many.
    camera, drift: from (x, y) to (x, y) over the scene, as fractions of the room there is.
    light: brightness at the start and at the end.
    """

    seed: int
    fade: float
    card: float
    round: bool
    period: float
    phase: float
    travel: float
    turn: float
    spot: tuple[float, float]
    grown: float
    tilt: float
    away: tuple[float, float]
    camera: tuple[float, float, float, float]
    drift: tuple[float, float, float, float]
    light: tuple[float, float]


@dataclass(frozen=True)
class Scene:
    """One event: `object` in `colour` at `place` doing `action` from `start` to `end` (seconds)."""

    object: str
    colour: str
    place: str
    action: str
    start: float
    end: float
    look: Look

    @property
    def seconds(self) -> float:
        """How long the scene lasts."""
        return self.end - self.start


@dataclass(frozen=True)
class Film:
    """A film before it is rendered. size: (width, height) in pixels; style: one of STYLES."""

    seed: int
    seconds: float
    size: tuple[int, int]
    fps: float
    style: str
    split: str
    scenes: tuple[Scene, ...]


def draw_film(
    seed: int,
    seconds: float,
    *,
    split: str = "train",
    size: tuple[int, int] = (192, 128),
    fps: float = 10.0,
    min_scene: float = 0.5,
    max_scene: float = 8.0,
) -> Film:
    """Draw the scenes of a film; the same arguments give the same film.

    Args:
        seed: at least 0.
        seconds: length of the film, 5 to 10,800.
        split: "train", or what is held out of it: "unseen-combinations" (object with colour, place and
            action), "unseen-places", "unseen-style".
        size: (width, height) in pixels, 16 to 4096.
        fps: frames per second of the file, up to 60.
        min_scene, max_scene: bounds of the length of a scene in seconds.

    Raises:
        UsageError: a value that no film can have.
    """
    _check(seed, seconds, split, size, fps, min_scene, max_scene)
    times = _borders(_generator(seed, 1), seconds, min_scene, max_scene)
    cast = _cast(_generator(seed, 2), len(times) - 1)
    settings = _settings(_generator(seed, 3), cast, split)
    looks = _looks(_generator(seed, 4), times)
    scenes = tuple(
        Scene(name, colour, place, action, start, end, look)
        for name, (colour, place, action), start, end, look in zip(
            cast, settings, times[:-1], times[1:], looks, strict=True
        )
    )
    style = "sketch" if split == "unseen-style" else "paint"
    return Film(seed, float(seconds), (int(size[0]), int(size[1])), float(fps), style, split, scenes)


def colour_is_held_out(name: str, colour: str) -> bool:
    """Whether training never shows this object in this colour (a quarter of the pairs)."""
    return (OBJECTS.index(name) * 3 + COLOURS.index(colour)) % 4 == 0


def place_is_held_out(name: str, place: str) -> bool:
    """Whether training never shows this object at this place (a quarter of the pairs)."""
    return (OBJECTS.index(name) * 5 + PLACES.index(place)) % 4 == 1


def action_is_held_out(name: str, action: str) -> bool:
    """Whether training never shows this object doing this (a quarter of the pairs)."""
    return (OBJECTS.index(name) + ACTIONS.index(action)) % 4 == 2


def _generator(seed: int, purpose: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, purpose))))


def _check(
    seed: int,
    seconds: float,
    split: str,
    size: tuple[int, int],
    fps: float,
    min_scene: float,
    max_scene: float,
) -> None:
    if seed < 0:
        raise UsageError(f"seed {seed} is negative: choose 0 or more")
    if not SHORTEST_FILM <= seconds <= LONGEST_FILM:
        raise UsageError(f"a film of {seconds:g} seconds cannot be drawn: choose 5 to 10800 (3 hours)")
    if split not in SPLITS:
        raise UsageError(f"there is no split {split!r}: choose one of {', '.join(SPLITS)}")
    if any(not 16 <= side <= 4096 for side in size):
        raise UsageError(f"size {size[0]}x{size[1]} cannot be drawn: choose sides from 16 to 4096 pixels")
    if not 1 <= fps <= 60:
        raise UsageError(f"{fps:g} frames per second cannot be drawn: choose 1 to 60")
    if not 0.2 <= min_scene < max_scene:
        raise UsageError(
            f"scenes of {min_scene:g} to {max_scene:g} seconds cannot be drawn: "
            "choose a shortest length of at least 0.2 and a longer longest one"
        )


def _borders(generator: np.random.Generator, seconds: float, shortest: float, longest: float) -> list[float]:
    """Times at which scenes start, and the end of the film."""
    middle = min(max(shortest, _SHORT_LIMIT), longest)
    times = [0.0]
    while times[-1] < seconds:
        short = bool(generator.random() < _SHARE_SHORT) and middle > shortest
        low, high = (shortest, middle) if short else (middle if middle < longest else shortest, longest)
        times.append(times[-1] + float(generator.uniform(low, high)))
    times[-1] = float(seconds)
    if len(times) > 2 and times[-1] - times[-2] < shortest:
        both = times[-1] - times[-3]
        if both >= 2 * shortest:
            times[-2] = times[-3] + both / 2
        else:
            del times[-2]
    return times


def _cast(generator: np.random.Generator, count: int) -> list[str]:
    """An object per scene: most are seen once, the others two to four times, never in a row."""
    once = min(round(_SHARE_SEEN_ONCE * count), _MOST_SEEN_ONCE)
    again = count - once
    if again < 2:
        once, again = count, 0
    order = [OBJECTS[i] for i in generator.permutation(len(OBJECTS))]
    repeated = order[once : once + min(_MOST_REPEATED, round(again / 2.5))] if again else []
    extra = again - 2 * len(repeated)
    cast = order[:once] + repeated * 2
    if extra > 0:
        rounds = -(-extra // len(repeated))
        spare = [name for _ in range(rounds) for name in generator.permutation(repeated).tolist()]
        cast += spare[:extra]
    return _without_neighbours(generator, [cast[i] for i in generator.permutation(count)])


def _without_neighbours(generator: np.random.Generator, cast: list[str]) -> list[str]:
    for _ in range(20 * len(cast)):
        twins = [i for i in range(1, len(cast)) if cast[i] == cast[i - 1]]
        if not twins:
            break
        for i in twins:
            other = int(generator.integers(len(cast)))
            cast[i], cast[other] = cast[other], cast[i]
    return cast


def _settings(generator: np.random.Generator, cast: Sequence[str], split: str) -> list[tuple[str, str, str]]:
    """Colour, place and action of each scene; two scenes in a row are never at the same place."""
    held_out = split == "unseen-combinations"
    settings: list[tuple[str, str, str]] = []
    for name in cast:
        colours = [c for c in COLOURS if colour_is_held_out(name, c) == held_out]
        actions = [a for a in ACTIONS if action_is_held_out(name, a) == held_out]
        if split == "unseen-places":
            places = list(UNSEEN_PLACES)
        else:
            places = [p for p in PLACES if place_is_held_out(name, p) == held_out]
        if settings and settings[-1][1] in places:
            places.remove(settings[-1][1])
        settings.append((_one(generator, colours), _one(generator, places), _one(generator, actions)))
    return settings


def _one(generator: np.random.Generator, words: Sequence[str]) -> str:
    return words[int(generator.integers(len(words)))]


def _looks(generator: np.random.Generator, times: Sequence[float]) -> list[Look]:
    lengths = np.diff(times)
    looks = []
    for number, length in enumerate(lengths):
        fades = bool(generator.random() < _SHARE_FADES)
        fade = float(generator.uniform(0.2, 0.6))
        room = min(float(length), float(lengths[number - 1])) if number else 0.0
        looks.append(_look(generator, fade if fades and room >= 2 * fade else 0.0))
    return looks


def _look(generator: np.random.Generator, fade: float) -> Look:
    uniform = generator.uniform
    return Look(
        seed=int(generator.integers(2**31)),
        fade=fade,
        card=float(uniform(0.45, 0.57)),
        round=bool(generator.random() < 0.5),
        period=float(uniform(1.6, 2.4)),
        phase=float(uniform()),
        travel=float(uniform(0.45, 0.55)),
        turn=float(uniform(100, 200)),
        spot=(float(uniform()), float(uniform())),
        grown=float(uniform()),
        tilt=float(uniform(0, 360)),
        away=(float(uniform(2.2, 3.4)), float(uniform(0.3, 0.55))),
        camera=_four(generator, 0.0, 1.0),
        drift=_four(generator, -1.0, 1.0),
        light=(float(uniform(0.87, 1.13)), float(uniform(0.87, 1.13))),
    )


def _four(generator: np.random.Generator, low: float, high: float) -> tuple[float, float, float, float]:
    a, b, c, d = (float(value) for value in generator.uniform(low, high, 4))
    return (a, b, c, d)
