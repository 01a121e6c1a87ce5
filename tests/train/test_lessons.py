"""What a batch asks about its films."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import longreel
from longreel.errors import UsageError
from longreel.films.scenes import draw_film
from longreel.films.vocabulary import COLOURS, PAST_TENSE, PLACES
from longreel.models.prompt import Prompt
from longreel.models.video_xl.adapter import VideoXLAdapter
from longreel.train.curriculum import Curriculum
from longreel.train.features import FeatureBank, ideal_scenes
from longreel.train.lessons import LessonPlan, Lessons
from longreel.train.made_up import MadeUpNames

ACTIONS = {words.split()[-1] for words in PAST_TENSE.values()}


def questions(plan: LessonPlan, scenes: int = 100) -> list[set[str]]:
    """Words of what is asked about films of many scenes, and of the answers."""
    adapter = longreel.load().adapter
    assert isinstance(adapter, VideoXLAdapter)
    films, network = [draw_film(910_000_000 + number, 600.0) for number in range(4)], adapter.model
    words = network.language_model.model.embed_tokens.weight
    projector: Any = network.projector
    names = MadeUpNames(adapter.dialogue.tokenizer, words, projector.state_dict(), network.clock)
    generator = torch.Generator().manual_seed(0)
    bank = FeatureBank(films[0], [scene for film in films for scene in ideal_scenes(film, generator)])
    batch = Lessons(bank, Prompt(adapter.dialogue.tokenizer), names, plan, Curriculum([scenes], 0.0), 20, 5)[
        0
    ]
    return [
        set(adapter.dialogue.decode(row[row > 0].tolist()).split()) for film in batch["ids"] for row in film
    ]


@pytest.mark.parametrize(("spread", "told_by_three"), [(1, False), (20, True)])
def test_questions_are_of_all_forms_where_they_are_spread(spread: int, told_by_three: bool) -> None:
    """Those that tell a thing by its colour, place and action are drawn after all others."""
    asked = questions(LessonPlan(families=("object",), films=2, questions=8, spread=spread))
    assert len(asked) == 16
    found = [words & ACTIONS and words & set(COLOURS) and words & set(PLACES) for words in asked]
    assert any(found) == told_by_three


def test_films_of_few_things_show_each_in_several_scenes() -> None:
    plan = LessonPlan(families=("count",), films=4, questions=20)
    few, many = (scenes_with_a_thing(questions(replace(plan, alike=share))) for share in (1.0, 0.0))
    assert np.mean(few) > 1.5 * np.mean(many)


def test_films_too_short_to_be_asked_about_are_refused() -> None:
    with pytest.raises(UsageError, match="nothing can be asked of needle about films of 2 scenes"):
        questions(LessonPlan(families=("needle",), films=2), scenes=2)


def scenes_with_a_thing(asked: list[set[str]]) -> list[int]:
    """The numbers of all answers such as "There were 3 scenes with a fox."."""
    told = [words for words in asked if words & {"scene", "scenes"} and "with" in words]
    return [int(word) for words in told for word in words if word.isdigit()]
