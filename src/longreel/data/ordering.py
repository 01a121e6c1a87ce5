"""Questions about the order of a film's clues, in the format that training reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from longreel.data.clues import Clue, telling
from longreel.identity import hash_text
from longreel.placeholders import VIDEO

FEWEST, MOST = 3, 5
_LETTERS = "ABCDE"
# Draws of one film before it counts as having no other question.
_DRAWS = 50

# Answered by letters, and in words: the first teaches to tell the order, the second to say it.
BY_LETTERS = (
    "The film shows these things:\n{clues}\nIn which order? Answer with their letters.",
    "Put these things in the order in which they come in the film, by their letters.\n{clues}",
    "{clues}\nWhich of these comes first in the film, and what follows? Give the letters in order.",
)
IN_WORDS = (
    "The film shows these things, here out of order:\n{clues}\nList them as they happen.",
    "Arrange these things as a list, from the earliest in the film to the latest.\n{clues}",
    "{clues}\nFind these things in the film and list them in the order of time.",
)


def ordering_samples(name: str, clues: Sequence[Clue], *, most: int, seed: int) -> list[dict[str, Any]]:
    """Up to `most` different questions about a film, each about 3 to 5 clues of different moments.

    They depend on the film's name, its clues and the seed, and not on other films. A film with clues of fewer
    than three moments has none.
    """
    digits = int(hash_text(name)[:16], 16)
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, digits))))
    samples = []
    for number, chosen in enumerate(_choices(telling(clues), most, random), start=1):
        question, answer = _worded(chosen, random)
        turns = [
            {"from": "human", "value": f"{VIDEO}\n{question}"},
            {"from": "gpt", "value": answer},
        ]
        samples.append({"id": f"{name}#{number}", "video": name, "conversations": turns})
    return samples


def _choices(clues: Sequence[Clue], most: int, random: np.random.Generator) -> Iterator[list[Clue]]:
    """Clues of different moments in the order of time, no two times the same ones."""
    by_moment: dict[float, list[Clue]] = {}
    for clue in clues:
        by_moment.setdefault(clue.moment, []).append(clue)
    moments = sorted(by_moment)
    seen: set[tuple[Clue, ...]] = set()
    for _ in range(_DRAWS * most if len(moments) >= FEWEST else 0):
        count = int(random.integers(FEWEST, min(MOST, len(moments)) + 1))
        places = sorted(random.choice(len(moments), count, replace=False).tolist())
        pools = [by_moment[moments[place]] for place in places]
        chosen = [pool[int(random.integers(len(pool)))] for pool in pools]
        if tuple(chosen) not in seen and len(seen) < most:
            seen.add(tuple(chosen))
            yield chosen


def _worded(ordered: Sequence[Clue], random: np.random.Generator) -> tuple[str, str]:
    """A question that names the clues in random order, and its answer."""
    shuffled = [ordered[place] for place in random.permutation(len(ordered))]
    letters = dict(zip(shuffled, _LETTERS, strict=False))
    by_letters = bool(random.random() < 0.5)
    forms = BY_LETTERS if by_letters else IN_WORDS
    form = forms[int(random.integers(len(forms)))]
    if by_letters:
        listed = "\n".join(f"({letters[clue]}) {clue.text}" for clue in shuffled)
        answer = ", ".join(letters[clue] for clue in ordered)
    else:
        listed = "\n".join(f"- {clue.text}" for clue in shuffled)
        answer = "\n".join(f"{number}. {clue.text}" for number, clue in enumerate(ordered, start=1))
    # Not by format: a clue may hold braces.
    return form.replace("{clues}", listed), answer
