"""The closed world of the films: what can be shown, where, in which colour and doing what."""

from __future__ import annotations

import re
from collections.abc import Iterable

from longreel.films.pictures import PICTURES
from longreel.films.wordings import ANSWER_WORDS, COMMON_WORDS, TRAIN, UNSEEN

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

# Minutes of the longest film; larger numbers are in no answer.
LARGEST_NUMBER = 180
# How many things one may be asked to list.
LISTED = (3, 4, 5)

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


def telling_word(value: str) -> str:
    """The one word by which an answer names an attribute's value: "left" for moving left, "grew", "red"."""
    return PAST_TENSE.get(value, value).split()[-1]


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


def counted(number: int, unit: str) -> str:
    """E.g. "1 minute", "5 seconds"."""
    return f"{number} {unit}{'' if number == 1 else 's'}"


def with_article(words: str) -> str:
    """The words after "a" or "an", as they are spoken."""
    vowel = words[0] in "aeiou" and not words.startswith("uni")
    return f"an {words}" if vowel else f"a {words}"


def taught_words(families: Iterable[str]) -> list[str]:
    """The words that questions of these families consist of, sorted.

    What a model learned of all the other words is nothing.
    """
    forms = [form for form in TRAIN if form.split()[0] in families]
    texts = [sentence for table in (TRAIN, UNSEEN) for form in forms for sentence in table[form]]
    texts += [where(place) for place in PLACES]
    texts += ["a an the yes no", *OBJECTS, *COLOURS, *PAST_TENSE.values()]
    words = {word for text in texts for word in re.findall(r"[a-z]+", re.sub(r"\{\w+\}", "", text.lower()))}
    if any("{n}" in text for text in texts):
        words |= {str(number) for number in LISTED}
    return sorted(words)


def question_words() -> tuple[str, ...]:
    """Every lower-case word and number of the questions and answers, and common small words, sorted."""
    texts = [sentence for table in (TRAIN, UNSEEN) for forms in table.values() for sentence in forms]
    texts += [ANSWER_WORDS, COMMON_WORDS, "colour color"]
    texts += [where(place) for place in PLACES + UNSEEN_PLACES]
    texts += [*OBJECTS, *COLOURS, *ACTIONS, *PAST_TENSE.values()]
    words = {word for text in texts for word in re.findall(r"[a-z]+", re.sub(r"\{\w+\}", "", text.lower()))}
    words |= {str(number) for number in range(LARGEST_NUMBER + 1)}
    return tuple(sorted(words))
