"""What a batch asks about its films."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import longreel
from longreel.films.scenes import draw_film
from longreel.films.vocabulary import COLOURS, PAST_TENSE, PLACES
from longreel.models.prompt import Prompt
from longreel.models.video_xl.adapter import VideoXLAdapter
from longreel.train.curriculum import Curriculum
from longreel.train.features import FeatureBank, ideal_scenes
from longreel.train.lessons import LessonPlan, Lessons
from longreel.train.made_up import MadeUpNames

ACTIONS = {words.split()[-1] for words in PAST_TENSE.values()}


def questions(adapter: VideoXLAdapter, spread: int) -> list[set[str]]:
    """Words of what is asked about things of films of many scenes, and of the answers."""
    film, network = draw_film(910_000_000, 600.0), adapter.model
    words = network.language_model.model.embed_tokens.weight
    projector: Any = network.projector
    names = MadeUpNames(adapter.dialogue.tokenizer, words, projector.state_dict(), network.clock)
    bank = FeatureBank(film, ideal_scenes(film, torch.Generator().manual_seed(0)))
    plan = LessonPlan(families=("object",), films=2, questions=8, spread=spread)
    batch = Lessons(bank, Prompt(adapter.dialogue.tokenizer), names, plan, Curriculum([100], 0.0), 20, 5)[0]
    return [
        set(adapter.dialogue.decode(row[row > 0].tolist()).split()) for film in batch["ids"] for row in film
    ]


@pytest.mark.parametrize(("spread", "told_by_three"), [(1, False), (20, True)])
def test_questions_are_of_all_forms_where_they_are_spread(spread: int, told_by_three: bool) -> None:
    """Those that tell a thing by its colour, place and action are drawn after all others."""
    adapter = longreel.load().adapter
    assert isinstance(adapter, VideoXLAdapter)
    asked = questions(adapter, spread)
    assert len(asked) == 16
    found = [words & ACTIONS and words & set(COLOURS) and words & set(PLACES) for words in asked]
    assert any(found) == told_by_three
