"""Bare look-ups ask what a film answers, and answer truly."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from longreel.films.scenes import Film, draw_film
from longreel.films.vocabulary import PAST_TENSE, counted
from longreel.train.keys import letter_drill, look_up


def attributes(film: Film) -> list[set[str]]:
    """What each scene shows, in the words of answers."""
    return [
        {scene.object, scene.colour, scene.place, PAST_TENSE[scene.action].split()[-1]}
        for scene in film.scenes
    ]


@pytest.mark.parametrize(("timed", "ordered"), [(0.0, 0.0), (0.3, 0.0), (0.2, 0.3)])
@pytest.mark.parametrize("seed", range(4))
def test_look_ups_are_true_of_the_film(seed: int, timed: float, ordered: float) -> None:
    film = draw_film(910_000_000 + seed, 200.0)
    draw = look_up(film, timed=timed, ordered=ordered)
    generator = np.random.default_rng(seed)
    shown = attributes(film)
    kinds: dict[str, set[str]] = {}
    for _ in range(600):
        asked, answer = draw(generator)
        kind, *keys = asked.split()
        matching = [scene for scene in shown if scene >= set(keys)]
        if kind == "there":
            assert answer == ("yes" if matching else "no"), asked
        elif kind in {"minute", "second"}:
            starts = [round(scene.start) for scene in film.scenes if scene.object == keys[0]]
            shown_at = [start // 60 if kind == "minute" else start % 60 for start in starts]
            assert [answer] == [counted(number, kind) for number in shown_at], asked
        elif kind == "next":
            (at,) = (number for number, scene in enumerate(film.scenes) if scene.object == keys[0])
            assert answer == film.scenes[at + 1].object, asked
        else:
            assert len(matching) == 1, asked
            assert answer in matching[0], asked
        kinds.setdefault(f"{kind} {len(keys)}", set()).add(answer)
    singles, pairs = {"there 1", "colour 1", "place 1", "action 1"}, {"there 2", "thing 2", "thing 3"}
    told_by_another = {"colour 2", "place 2", "action 2"}
    asked_for = ({"minute 1", "second 1"} if timed else set()) | ({"next 1"} if ordered else set())
    assert set(kinds) == singles | pairs | told_by_another | asked_for
    assert kinds["there 1"] == kinds["there 2"] == {"yes", "no"}


def test_where_every_thing_is_seen_twice_other_words_tell_which() -> None:
    film, generator = draw_film(910_000_000, 600.0), np.random.default_rng(0)
    counts = Counter(scene.object for scene in film.scenes)
    film = replace(film, scenes=tuple(scene for scene in film.scenes if counts[scene.object] > 1))
    draw = look_up(film)
    asked = [draw(generator)[0].split() for _ in range(300)]
    told = [words for words in asked if words[0] in {"colour", "place", "action"}]
    assert len(told) > 50
    # The thing comes last: a decoder looks it up as soon as it is named.
    assert all(len(words) == 3 and words[2] in counts for words in told)


@pytest.mark.parametrize(("option", "kinds"), [("timed", {"minute", "second"}), ("ordered", {"next"})])
def test_the_share_of_times_and_of_what_came_next_is_the_one_asked_for(option: str, kinds: set[str]) -> None:
    film, generator = draw_film(910_000_000, 200.0), np.random.default_rng(0)
    for share in (0.0, 0.25, 1.0):
        draw = look_up(film, **{option: share})
        asked = sum(draw(generator)[0].split()[0] in kinds for _ in range(1000))
        assert abs(asked / 1000 - share) < 0.06


def test_a_letter_drill_names_the_letter_before_the_word() -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        (told, first), *others = letter_drill(generator)
        options, again = told[: told.index("(D)") + 4], told[told.index("(D)") + 4 :]
        lettered = dict(re.findall(r"(\([A-D]\)) ([a-z ]+?)(?= \(|$)", options + again))
        words = {word: letter for letter, word in lettered.items() if letter != "(D)"}
        assert len(others) == 3
        assert {first, *(letter for _, letter in others)} == {"(A)", "(B)", "(C)", "(D)"}
        assert all(words.get(word, "(D)") == letter for word, letter in others)
