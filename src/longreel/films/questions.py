"""Draw questions about a film, with their answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from longreel.errors import UsageError
from longreel.films.families import FAMILIES, Draft, FilmFacts
from longreel.films.marking import is_right
from longreel.films.question import Question
from longreel.films.scenes import Film
from longreel.films.vocabulary import COLOURS, OBJECTS, PAST_TENSE, PLACES
from longreel.films.wordings import WORDINGS

__all__ = ["GROUPS", "Question", "check_wording", "draw_questions", "is_right", "named_families"]

GROUPS: dict[str, tuple[str, ...]] = {"recall": ("colour", "place", "action", "object")}

_LETTERS = "ABCD"
_ALL_VALUES: dict[str, tuple[str, ...]] = {
    "object": OBJECTS,
    "colour": COLOURS,
    "place": PLACES,
    "action": tuple(PAST_TENSE.values()),
}


def draw_questions(
    film: Film,
    families: Sequence[str],
    per_family: int,
    *,
    seed: int,
    wording: str = "train",
    min_event: float = 2.0,
    options: bool = False,
    depth: float | None = None,
) -> list[Question]:
    """Up to `per_family` different questions of each family, family by family.

    A film gives fewer where it has fewer scenes to ask about. A family's questions do not depend on which
    other families are asked for.

    Args:
        families: names of FAMILIES or GROUPS.
        seed: at least 0.
        wording: "train", or "unseen" for sentences that training never uses.
        min_event: scenes asked about last at least this many seconds; what is unique is judged over all.
        options: add four lettered choices; yes and no are all there is to existence.
        depth: needles nearest to this share of the film first, 0 to 1; None: anywhere.

    Raises:
        UsageError: an unknown family or wording.
    """
    check_wording(wording)
    questions: list[Question] = []
    for family in named_families(families):
        number = list(FAMILIES).index(family)
        random = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 100 + number))))
        facts = FilmFacts(film, min_event, random, depth)
        questions += _worded(family, _distinct(FAMILIES[family](facts), per_family), facts, wording, options)
    return questions


def check_wording(wording: str) -> None:
    """Refuse a wording that does not exist.

    Raises:
        UsageError: it does not.
    """
    if wording not in WORDINGS:
        raise UsageError(f"there is no wording {wording!r}: choose one of {', '.join(WORDINGS)}")


def named_families(families: Sequence[str]) -> list[str]:
    """Families by name, groups replaced by their members, each once.

    Raises:
        UsageError: there is no family of that name.
    """
    names = [name for family in families for name in GROUPS.get(family, (family,))]
    for name in names:
        if name not in FAMILIES:
            known = ", ".join([*GROUPS, *FAMILIES])
            raise UsageError(f"there is no question family {name!r}: choose from {known}")
    return list(dict.fromkeys(names))


def _distinct(drafts: Iterator[Draft], count: int) -> list[Draft]:
    chosen: dict[tuple[str, ...], Draft] = {}
    while len(chosen) < count and (draft := next(drafts, None)) is not None:
        chosen.setdefault((draft.form, *draft.slots.values()), draft)
    return list(chosen.values())


def _worded(
    family: str, drafts: Sequence[Draft], facts: FilmFacts, wording: str, options: bool
) -> list[Question]:
    questions = []
    for draft in drafts:
        sentences = WORDINGS[wording][draft.form]
        text = sentences[int(facts.random.integers(len(sentences)))].format(**draft.slots)
        shown = _options(draft, facts) if options else None
        letter = None
        if shown is not None:
            letter = _LETTERS[shown.index(draft.shown)]
            text += "".join(f" ({mark}) {choice}" for mark, choice in zip(_LETTERS, shown, strict=False))
        spans = tuple((scene.start, scene.end) for scene in draft.scenes)
        lengths = [end - start for start, end in spans] or [0.0]
        # One scene is enough to know that something was there.
        decisive = max(lengths) if family == "existence" else min(lengths)
        questions.append(
            Question(family, text, draft.answer, draft.kind, draft.gold, shown, letter, spans, decisive)
        )
    return questions


def _options(draft: Draft, facts: FilmFacts) -> tuple[str, ...]:
    """The gold and up to three others of its kind, those of the film first, shuffled."""
    if draft.kind == "yes or no":
        return ("yes", "no")
    wrong: dict[str, None] = {}
    for pool in [draft.choices, *_pools(draft, facts)]:
        for i in facts.random.permutation(len(pool)):
            if pool[i] != draft.shown and len(wrong) < len(_LETTERS) - 1:
                wrong[pool[i]] = None
    values = [draft.shown, *wrong]
    return tuple(values[i] for i in facts.random.permutation(len(values)))


def _pools(draft: Draft, facts: FilmFacts) -> list[tuple[str, ...]]:
    """Values of the film's other scenes, then all there are; nothing that the question itself names."""
    if draft.kind not in _ALL_VALUES:
        return []
    told = set(draft.slots.values())
    values = [getattr(scene, draft.kind) for scene in facts.scenes]
    if draft.kind == "action":
        values = [PAST_TENSE[value] for value in values]
    pools = [dict.fromkeys(values), dict.fromkeys(_ALL_VALUES[draft.kind])]
    return [tuple(value for value in pool if value not in told) for pool in pools]
