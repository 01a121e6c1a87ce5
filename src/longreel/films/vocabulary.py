"""The closed world of the films: what can be shown, where, in which colour and doing what."""

from __future__ import annotations

from longreel.films.pictures import PICTURES

OBJECTS: tuple[str, ...] = tuple(PICTURES)
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "white", "black")
PLACES = (
    "beach",
    "forest",
    "desert",
    "city",
    "snow",
    "sea",
    "mountain",
    "meadow",
    "cave",
    "kitchen",
    "road",
    "space",
    "volcano",
    "swamp",
    "castle",
    "library",
)
UNSEEN_PLACES = ("farm", "canyon", "reef", "theatre")
ACTIONS = ("left", "right", "up", "down", "grow", "shrink", "spin", "blink")

# What each action is called in an answer, and the verb of a question ("What moved left?").
PAST_TENSE = {
    "left": "moved left",
    "right": "moved right",
    "up": "moved up",
    "down": "moved down",
    "grow": "grew",
    "shrink": "shrank",
    "spin": "spun",
    "blink": "blinked",
}

_WHERE = {
    "beach": "at the beach",
    "city": "in the city",
    "sea": "at the sea",
    "mountain": "on the mountain",
    "road": "on the road",
    "space": "in space",
    "volcano": "at the volcano",
    "castle": "at the castle",
    "farm": "on the farm",
    "reef": "at the reef",
}


def where(place: str) -> str:
    """The place with its preposition, e.g. "at the beach", "in space"."""
    return _WHERE.get(place, f"in the {place}")


def with_article(words: str) -> str:
    """The words after "a" or "an", as they are spoken."""
    vowel = words[0] in "aeiou" and not words.startswith("uni")
    return f"an {words}" if vowel else f"a {words}"
