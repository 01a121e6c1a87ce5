"""Questions have one right answer, and the film's scenes say which."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longreel.errors import UsageError
from longreel.films.families import FAMILIES, spoken_time
from longreel.films.questions import Question, draw_questions, is_right
from longreel.films.scenes import SPLITS, Film, Scene, draw_film
from longreel.films.vocabulary import COLOURS, OBJECTS, PAST_TENSE, question_words, taught_words, where
from longreel.films.wordings import TRAIN, UNSEEN

ALL = tuple(FAMILIES)


def ask(film: Film, family: str, count: int = 40, **settings: object) -> list[Question]:
    return draw_questions(film, [family], count, seed=5, **settings)  # type: ignore[arg-type]


def scene_of(film: Film, question: Question) -> Scene:
    (span,) = question.spans
    (scene,) = [scene for scene in film.scenes if (scene.start, scene.end) == span]
    return scene


@given(
    seed=st.integers(0, 500),
    split=st.sampled_from(SPLITS),
    wording=st.sampled_from(["train", "unseen"]),
    options=st.booleans(),
    seconds=st.sampled_from([5, 60, 300, 1800]),
)
@settings(max_examples=40, deadline=None)
def test_every_gold_answer_is_right(
    seed: int, split: str, wording: str, options: bool, seconds: float
) -> None:
    film = draw_film(seed, seconds, split=split)
    drawn = draw_questions(film, ALL, 6, seed=seed, wording=wording, options=options)
    assert drawn == draw_questions(film, ALL, 6, seed=seed, wording=wording, options=options)
    words = set(question_words())
    for question in drawn:
        assert is_right(question, question.answer)
        text = re.sub(r"\([A-D]\)", " ", f"{question.text} {question.answer}").lower()
        assert set(re.findall(r"[a-z]+|\d+", text)) <= words
        assert question.text.count("?") + question.text.split(" (A)")[0].endswith(".") >= 1
        if options:
            _check_options(question)
        else:
            assert question.options is None
            assert question.letter is None


def _check_options(question: Question) -> None:
    assert question.options is not None
    assert question.letter is not None
    assert len(set(question.options)) == len(question.options)
    assert question.text.endswith(
        " ".join(f"({letter}) {choice}" for letter, choice in zip("ABCD", question.options, strict=False))
    )
    right = question.options["ABCD".index(question.letter)]
    assert is_right(question, right)
    assert is_right(question, f"({question.letter})")
    assert is_right(question, question.letter)
    for letter in "ABCD".replace(question.letter, ""):
        assert not is_right(question, f"({letter})")
    assert len(question.options) == (2 if question.family == "existence" else 4)
    assert [is_right(question, choice) for choice in question.options].count(True) == 1
    if question.family != "summary":
        free = replace(question, options=None, letter=None)
        assert [is_right(free, choice) for choice in question.options].count(True) == 1


@pytest.mark.parametrize("split", SPLITS)
def test_recall_asks_about_what_is_unique_over_all_scenes(split: str) -> None:
    film = draw_film(11, 600, split=split)
    objects = Counter(scene.object for scene in film.scenes)
    for family in ("colour", "place"):
        questions = ask(film, family)
        assert len(questions) == 40
        for question in questions:
            scene = scene_of(film, question)
            assert scene.object in question.text
            assert objects[scene.object] == 1
            assert question.gold == (getattr(scene, family),)
            assert question.event_seconds == scene.end - scene.start >= 2
    for question in ask(film, "action"):
        scene = scene_of(film, question)
        assert objects[scene.object] == 1
        assert question.answer == f"The {scene.object} {PAST_TENSE[scene.action]}."


def test_an_object_is_asked_for_by_a_pair_that_only_one_scene_has() -> None:
    film = draw_film(12, 300)
    forms: Counter[tuple[bool, ...]] = Counter()
    for question in ask(film, "object"):
        scene = scene_of(film, question)
        told = [
            (scene.colour, scene.colour in question.text),
            (scene.place, where(scene.place) in question.text),
            (scene.action, PAST_TENSE[scene.action] in question.text),
        ]
        pair = tuple(value for value, shown in told if shown)
        assert len(pair) == 2
        forms[tuple(shown for _, shown in told)] += 1
        same = [s for s in film.scenes if set(pair) <= {s.colour, s.place, s.action}]
        assert same == [scene]
        assert question.gold == (scene.object,)
        assert scene.object not in question.text
    assert len(forms) == 3
    assert forms.most_common(1)[0][0] == (True, True, False)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_questions_about_films_of_any_length(family: str) -> None:
    """Fewer than three scenes have no order, and short films no scenes that are alike."""
    shortest = {"needle": 300, "list": 120, "before": 60, "after": 60, "next": 60}.get(family, 20)
    for seconds in (shortest, 600, 3600):
        for seed in range(4):
            assert ask(draw_film(seed, seconds), family, 2), (seconds, seed)


@pytest.mark.parametrize("wording", ["train", "unseen"])
@pytest.mark.parametrize("family", FAMILIES)
def test_who_was_taught_a_family_knows_its_words(family: str, wording: str) -> None:
    taught = set(taught_words([family]))
    for question in ask(draw_film(16, 900), family, wording=wording):
        assert set(re.findall(r"[a-z]+|\d+", question.text.lower())) <= taught, question.text


def test_existence_is_balanced_and_true() -> None:
    film = draw_film(13, 600)
    pairs = {(scene.colour, scene.object) for scene in film.scenes}
    names = {scene.object for scene in film.scenes}
    golds: Counter[bool] = Counter()
    coloured: Counter[tuple[bool, bool]] = Counter()
    for question in ask(film, "existence", 80):
        (name,) = [word for word in re.findall(r"[a-z]+", question.text.lower()) if word in OBJECTS]
        colours = [word for word in re.findall(r"[a-z]+", question.text.lower()) if word in COLOURS]
        there = (colours[0], name) in pairs if colours else name in names
        assert question.gold == ("yes" if there else "no",)
        golds[there] += 1
        coloured[there, bool(colours)] += 1
        if colours:
            assert name in names
        if there:
            assert question.event_seconds >= 2
    assert golds[True] == golds[False] == 40
    assert all(4 <= coloured[there, True] <= 18 for there in (True, False))


def test_counts_are_counted() -> None:
    film = draw_film(14, 90)
    for question in ask(film, "count"):
        words = re.findall(r"[a-z]+", question.text.lower())
        values = [getattr(scene, kind) for scene in film.scenes for kind in ("object", "colour")]
        (key,) = [word for word in words if word in OBJECTS or word in COLOURS]
        assert question.gold == (str(values.count(key)),)


def test_order() -> None:
    film = draw_film(15, 300)
    starts = {scene.object: scene.start for scene in film.scenes}
    for family, pick in (("before", min), ("after", max)):
        for question in ask(film, family):
            pair = [word for word in re.findall(r"[a-z]+", question.text.lower()) if word in starts]
            assert question.gold == (pick(pair, key=starts.__getitem__),)
    following = dict(zip(film.scenes, film.scenes[1:], strict=False))
    by_span = {(scene.start, scene.end): scene for scene in film.scenes}
    for question in ask(film, "next"):
        first, second = (by_span[span] for span in question.spans)
        assert following[first] == second
        assert question.gold == (second.object,)
        assert first.object in question.text
    for question in ask(film, "list", min_event=0.0):
        colours = [colour for colour in COLOURS if colour in question.text]
        among = [scene for scene in film.scenes if not colours or scene.colour in colours]
        assert question.gold == tuple(scene.object for scene in among[: len(question.gold)])
    (summary,) = ask(film, "summary")
    assert set(summary.gold) == set(starts)


def test_a_needle_shares_every_attribute_and_lies_at_its_depth() -> None:
    film = draw_film(16, 900)
    attributes = ("object", "colour", "place", "action")
    counts = {name: Counter(getattr(scene, name) for scene in film.scenes) for name in attributes}
    for question in ask(film, "needle"):
        scene = scene_of(film, question)
        assert all(counts[name][getattr(scene, name)] > 1 for name in attributes)
        told = {word for word in (scene.object, scene.colour, scene.place) if word in question.text}
        assert sum(told <= {s.object, s.colour, s.place} for s in film.scenes) == 1
    for depth in (0.1, 0.5, 0.9):
        (question,) = ask(film, "needle", 1, depth=depth)
        assert abs(question.spans[0][0] / film.seconds - depth) < 0.1


def test_answers_about_needles_say_which_thing_before_they_name_it() -> None:
    film = draw_film(16, 900)
    for question in ask(film, "needle"):
        scene = scene_of(film, question)
        (told,) = (word for word in (scene.colour, where(scene.place)) if word in question.text)
        assert question.answer.lower().index(told) < question.answer.index(scene.object), question.answer


def test_families_do_not_disturb_each_other() -> None:
    film = draw_film(17, 300)
    alone = draw_questions(film, ["place"], 5, seed=1)
    assert [q for q in draw_questions(film, ["recall", "count"], 5, seed=1) if q.family == "place"] == alone
    assert [q.family for q in draw_questions(film, ["recall"], 1, seed=1)] == [
        "colour",
        "place",
        "action",
        "object",
    ]


def test_no_question_is_asked_twice() -> None:
    for family in ALL:
        texts = [question.text for question in ask(draw_film(18, 600), family, 500)]
        assert len(texts) == len(set(texts))


def test_wordings_are_disjoint_and_made_of_the_same_words() -> None:
    assert TRAIN.keys() == UNSEEN.keys()
    words = {
        name: {
            word
            for sentences in table.values()
            for s in sentences
            for word in re.findall(r"[a-z]+", s.lower())
        }
        for name, table in (("train", TRAIN), ("unseen", UNSEEN))
    }
    assert words["unseen"] <= words["train"]
    all_train = {sentence for sentences in TRAIN.values() for sentence in sentences}
    for form, sentences in UNSEEN.items():
        assert len(TRAIN[form]) >= 3
        assert len(sentences) >= 2
        assert not all_train & set(sentences)


def question(family: str, text: str, kind: str, *gold: str, **rest: object) -> Question:
    settings: dict[str, object] = {"options": None, "letter": None, "spans": (), "event_seconds": 0.0, **rest}
    return Question(family, text, "", kind, gold, **settings)  # type: ignore[arg-type]


COLOUR = question("colour", "What colour was the fox?", "colour", "red")
WHAT = question("object", "What was red in the snow?", "object", "fox")
ACTION = question("action", "What did the fox do?", "action", "left")
EXISTS = question("existence", "Was there a fox?", "yes or no", "yes")
COUNT = question("count", "How many red things were there?", "number", "3")
FIRST = question("before", "Which came first, the fox or the owl?", "object", "owl")
NEXT = question("next", "What came right after the fox?", "object", "owl")
WHEN = question("when", "When was there a fox?", "time", "65", spans=((65.2, 69.0),))
LIST = question("list", "List the first 3 things in order.", "list", "fox", "owl", "car")
SUMMARY = question("summary", "What was in the film?", "list", "fox", "owl", "car")
LETTER = question(
    "colour", "What colour? (A) red (B) blue", "colour", "red", options=("red", "blue"), letter="A"
)


@pytest.mark.parametrize(
    ("asked", "answer", "right"),
    [
        (COLOUR, "The fox was red.", True),
        (COLOUR, "RED", True),
        (COLOUR, "The fox was blue.", False),
        (COLOUR, "The fox was red and blue.", False),
        (COLOUR, "reddish", False),
        (COLOUR, "", False),
        (WHAT, "The red thing in the snow was the fox.", True),
        (WHAT, "The fox or the owl.", False),
        (ACTION, "The fox moved left.", True),
        (ACTION, "The fox moved right.", False),
        (ACTION, "The fox moved.", False),
        (EXISTS, "Yes, there was a fox.", True),
        (EXISTS, "No, there was no fox.", False),
        (EXISTS, "There was a fox, yes.", False),
        (COUNT, "There were 3 red things.", True),
        (COUNT, "There were 13 red things.", False),
        (FIRST, "The owl came before the fox.", True),
        (FIRST, "The fox came before the owl.", False),
        (NEXT, "After the fox came the owl.", True),
        (NEXT, "After the fox came the car.", False),
        (WHEN, "The fox was there at 1 minute 5 seconds.", True),
        (WHEN, "at 67 s", True),
        (WHEN, "1:08", True),
        (WHEN, "69.1", True),
        (WHEN, "61.3", True),
        (WHEN, "70.5", False),
        (WHEN, "at 5 seconds", False),
        (WHEN, "later", False),
        (LIST, "First the fox, then the owl, then the car.", True),
        (LIST, "First the owl, then the fox, then the car.", False),
        (SUMMARY, "There was a car and a fox.", True),
        (SUMMARY, "There was a car.", False),
        (SUMMARY, "There was a fox, an owl, a car and a dog.", False),
        (LETTER, "(A)", True),
        (LETTER, "a", True),
        (LETTER, "B.", False),
        (LETTER, "(A) or (B)", False),
        (LETTER, "red", True),
        (LETTER, "It was a blue one.", False),
    ],
)
def test_marking(asked: Question, answer: str, right: bool) -> None:
    assert is_right(asked, answer) is right


def test_times_are_spoken() -> None:
    assert [spoken_time(t) for t in (0, 1, 59.4, 61, 7265)] == [
        "0 seconds",
        "1 second",
        "59 seconds",
        "1 minute 1 second",
        "121 minutes 5 seconds",
    ]


def test_unknown_names_are_refused() -> None:
    film = draw_film(1, 10)
    with pytest.raises(UsageError, match="'plot'"):
        draw_questions(film, ["plot"], 1, seed=1)
    with pytest.raises(UsageError, match="'odd'"):
        draw_questions(film, ["colour"], 1, seed=1, wording="odd")
