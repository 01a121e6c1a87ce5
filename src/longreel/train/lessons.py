"""Batches of composed films with questions, for training the decoder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from longreel.errors import UsageError
from longreel.films.question import Question
from longreel.films.questions import draw_questions
from longreel.films.scenes import Film
from longreel.key_values import Interval
from longreel.models.prompt import Prompt
from longreel.train.curriculum import Curriculum
from longreel.train.dynamic_films import DynamicFilms
from longreel.train.features import ComposedFilm, FeatureBank
from longreel.train.film_views import AttributeView, FilmView, PooledFilms
from longreel.train.keys import LookUp, letter_drill, look_up
from longreel.train.made_up import MadeUpNames, Names

IGNORE = -100
# A shorter scene is in one frame or none: asked about it, a decoder learns to guess.
_SHORTEST_ASKED = 1.0
# A batch has this many films even if they have more tokens than it should.
_FEWEST_FILMS = 2
# So that every minute of an hour is seen, in films of minutes.
_LATEST_BEGIN = 3000
# How many scenes, on average, are of the same thing in a film of few things, as in an hour.
_SCENES_OF_A_THING = 6


@dataclass(frozen=True)
class LessonPlan:
    """What a batch consists of.

    A family named twice is asked about twice as often. `tokens` bounds films x visual tokens per batch,
    `questions` is the number per film, `ratios` are drawn per batch, `longest` is the most frames of a scene
    (None: as filmed), `made_up` the share of films whose things have made-up names.

    `keyed`, `options` and `turns` are the shares of batches asked by bare look-ups, with lettered options,
    and with a second question after the first answer; as rows of a batch are padded to the longest, they are
    not mixed. A batch that is keyed and has options drills the way from an option to its letter, without any
    film: in attention over thousands of entries, a few words of text would go unnoticed.

    In the share `crowded` of batches, films have up to `crowd` scenes, each cut to `crowd_longest` frames:
    an hour has a thousand. The share `alike` of films is of few things, each in several scenes, so that a
    place or a colour has to tell which is meant. Questions are chosen from `spread` times as many: of each
    family those of some forms are drawn first, and in crowded films with many alike, others decide.

    With `dynamic`, films are cut as when they are watched with the fraction 1 / ratio and `ratios` for
    intervals. With `pooled`, frames are cells, pooled in one way per batch, and `longest` is at most what
    lets two films stay within `tokens`.
    """

    families: tuple[str, ...]
    films: int = 16
    tokens: int = 5000
    questions: int = 10
    ratios: tuple[int, ...] = (1,)
    longest: int | None = None
    made_up: float = 0.0
    keyed: float = 0.0
    options: float = 0.0
    turns: float = 0.0
    spread: int = 1
    alike: float = 0.0
    crowded: float = 0.0
    crowd: int = 400
    crowd_longest: int = 3
    interval: int = 64
    dynamic: DynamicFilms | None = None
    blind: bool = False
    pooled: PooledFilms | None = None


class _Style(NamedTuple):
    keyed: bool
    options: bool
    turns: bool


class Lessons(Dataset[dict[str, Tensor]]):
    """Item i is one whole batch, determined by (seed, i) and the curriculum's stage."""

    def __init__(
        self,
        bank: FeatureBank,
        prompt: Prompt,
        names: MadeUpNames,
        plan: LessonPlan,
        curriculum: Curriculum,
        steps: int,
        seed: int,
    ) -> None:
        self._bank, self._prompt, self._names, self._plan = bank, prompt, names, plan
        self._curriculum, self._steps, self._seed = curriculum, steps, seed
        self._encoded: dict[tuple[str, str], tuple[Tensor, Tensor]] = {}

    def __len__(self) -> int:
        return self._steps

    @property
    def only_keyed(self) -> bool:
        """Whether there are bare look-ups and nothing else."""
        return self._plan.keyed >= 1

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Visual tokens (B, V, width), lengths (B,), rows (B, Q, L), labels (B, Q, L), ratio (), keyed ().

        With dynamic intervals there are "cuts" beside them, int64 (B, W, 2): of each film's intervals the
        tokens and ratios, filled up with zeros.

        Raises:
            UsageError: the films are too short for any question of the families.
        """
        if index >= self._steps:
            raise IndexError(index)
        generator = np.random.default_rng((self._seed, index))
        plan = self._plan
        most, longest = self._curriculum.scenes_at(index), plan.longest
        if generator.random() < plan.crowded:
            most, longest = plan.crowd, plan.crowd_longest
        scenes = int(generator.integers(max(2, most // 4), most + 1))
        ratio = int(generator.choice(plan.ratios))
        view = self._view(generator, scenes, longest)
        films = int(np.clip(plan.tokens // view.expected(scenes), _FEWEST_FILMS, plan.films))
        drawn = [self._composed(generator, scenes, view.longest) for _ in range(films)]
        names = [self._named(generator) for _ in drawn]
        shares = (plan.keyed, plan.options, plan.turns)
        style = _Style(*(bool(generator.random() < share) for share in shares))
        rows = [self._rows(generator, film.film, index * 64 + i, style) for i, film in enumerate(drawn)]
        rows = [
            [(name.say(ids), name.say(labels)) for ids, labels in film]
            for name, film in zip(names, rows, strict=True)
        ]
        if not any(rows):
            asked = ", ".join(sorted(set(plan.families)))
            raise UsageError(
                f"nothing can be asked of {asked} about films of {scenes} scenes: make them longer"
            )
        if plan.blind or (style.keyed and style.options):
            drawn = [film.unseen() for film in drawn]
        shown = [view.tokens(name, film) for name, film in zip(names, drawn, strict=True)]
        visual, lengths = _padded(shown, plan.interval)
        ids, labels = _padded_rows(rows, plan.questions)
        return {
            "visual": visual,
            "lengths": lengths,
            "ids": ids,
            "labels": labels,
            "ratio": torch.tensor(ratio),
            "keyed": torch.tensor(style.keyed),
            **self._cuts(shown, ratio),
        }

    def _view(self, generator: np.random.Generator, scenes: int, longest: int | None) -> FilmView:
        plan = self._plan
        if plan.pooled is None:
            return AttributeView(longest)
        return plan.pooled.draw(generator, plan.tokens // (_FEWEST_FILMS * scenes), longest)

    def _cuts(self, shown: Sequence[Tensor], ratio: int) -> dict[str, Tensor]:
        dynamic, ratios = self._plan.dynamic, sorted(set(self._plan.ratios))
        if dynamic is None:
            return {}
        return {"cuts": _padded_cuts([dynamic.cut(film, ratio, ratios) for film in shown])}

    def _composed(self, generator: np.random.Generator, scenes: int, longest: int | None) -> ComposedFilm:
        begin, things = _begin(generator), None
        if self._plan.alike and generator.random() < self._plan.alike:
            things = max(2, scenes // _SCENES_OF_A_THING)
        return self._bank.compose(generator, scenes, longest, begin, things)

    def _named(self, generator: np.random.Generator) -> Names:
        return self._names.draw(generator) if generator.random() < self._plan.made_up else self._names.real

    def _rows(
        self, generator: np.random.Generator, film: Film, seed: int, style: _Style
    ) -> list[tuple[Tensor, Tensor]]:
        plan = self._plan
        if style.keyed:
            if style.options:
                return [self._keyed(letter_drill(generator)) for _ in range(plan.questions)]
            timed, ordered = (plan.families.count(name) / len(plan.families) for name in ("when", "next"))
            draw = look_up(film, timed=timed, ordered=ordered)
            return [self._keyed([draw(generator)]) for _ in range(plan.questions)]
        each = -(-plan.questions // len(plan.families)) + 1
        questions: list[Question] = []
        for family, weight in Counter(plan.families).items():
            count = each * weight
            drawn = draw_questions(
                film,
                [family],
                count * plan.spread,
                seed=seed,
                min_event=_SHORTEST_ASKED,
                options=style.options,
            )
            if len(drawn) > count:
                generator.shuffle(drawn)
            questions += drawn[:count]
        generator.shuffle(questions)
        rows: list[tuple[Tensor, Tensor]] = []
        while questions and len(rows) < plan.questions:
            turns = [questions.pop()]
            if questions and style.turns:
                turns.append(questions.pop())
            rows.append(self._row(turns))
        return rows

    def _row(self, turns: Sequence[Question]) -> tuple[Tensor, Tensor]:
        return _predicted([self._encode(question) for question in turns])

    def _keyed(self, turns: Sequence[LookUp]) -> tuple[Tensor, Tensor]:
        return _predicted(
            [(self._prompt.words(asked), self._prompt.words(answer)) for asked, answer in turns]
        )

    def _encode(self, question: Question) -> tuple[Tensor, Tensor]:
        answer = question.answer
        if question.options and question.letter:
            # The value first: a letter is then one step from a word of the question, not two from the film.
            answer = f"{question.options[ord(question.letter) - ord('A')]} ({question.letter})"
        key = (question.text, answer)
        if key not in self._encoded:
            self._encoded[key] = (self._prompt.after([(question.text, None)]), self._prompt.answer(answer))
        return self._encoded[key]


def _begin(generator: np.random.Generator) -> float:
    """When a composed film begins: half of them as if they had gone on for a while."""
    return float(generator.integers(0, _LATEST_BEGIN)) if generator.random() < 0.5 else 0.0


def _predicted(turns: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Ids and labels of one row of (asked, answer) turns; labels stand at the position that predicts them."""
    ids = torch.cat([part for turn in turns for part in turn])
    labels = torch.cat(
        [part for asked, answer in turns for part in (torch.full((len(asked),), IGNORE), answer)]
    )
    return ids[:-1], labels[1:]


def _padded(films: list[Tensor], interval: int) -> tuple[Tensor, Tensor]:
    """Stack (V_i, width) films to (B, V, width), V a multiple of the interval, at least one."""
    lengths = torch.tensor([len(film) for film in films])
    longest = max(1, -(-int(lengths.max()) // interval)) * interval
    stacked = torch.zeros(len(films), longest, films[0].shape[1])
    for row, film in zip(stacked, films, strict=True):
        row[: len(film)] = film
    return stacked, lengths


def _padded_cuts(films: list[list[Interval]]) -> Tensor:
    most = max(map(len, films))
    none = Interval(0, 0)
    filled = [[*film, *[none] * (most - len(film))] for film in films]
    return torch.tensor(filled, dtype=torch.int64).view(len(films), most, 2)


def _padded_rows(films: list[list[tuple[Tensor, Tensor]]], questions: int) -> tuple[Tensor, Tensor]:
    longest = max(len(ids) for rows in films for ids, _ in rows)
    ids = torch.zeros(len(films), questions, longest, dtype=torch.int64)
    labels = torch.full((len(films), questions, longest), IGNORE)
    for film, rows in enumerate(films):
        for number, (row, label) in enumerate(rows):
            ids[film, number, : len(row)] = row
            labels[film, number, : len(label)] = label
    return ids, labels
