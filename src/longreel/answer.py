"""What comes back from asking."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Evidence:
    """A span of the film an answer rests on, in seconds of the memory's timeline, or an image.

    score: its share of the attention that the answer's words paid to all that was seen, 0 to 1.
    image: name of the image; its start and end are where it stands among the films. None for a span of films.
    """

    start: float
    end: float
    score: float
    image: str | None = None


@dataclass(frozen=True)
class Usage:
    """What an answer cost.

    prompt_tokens: tokens of the question with the text around it.
    memory_tokens: entries of the memory the first layer attended to.
    new_tokens: tokens generated.
    seconds: wall time; of questions that were answered together, an equal part for each.
    """

    prompt_tokens: int
    memory_tokens: int
    new_tokens: int
    seconds: float


@dataclass(frozen=True)
class Answer:
    """An answer in words.

    `evidence` holds the spans of the film it rests on, best first. `unknown_words` are words of the question
    that the model does not know; if there are any, the text names them and nothing was guessed. `dense` holds
    the parts of the film, (start, end) in seconds, that a memory of two levels was read closely in.
    """

    text: str
    usage: Usage
    evidence: tuple[Evidence, ...] = ()
    unknown_words: tuple[str, ...] = ()
    dense: tuple[tuple[float, float], ...] = ()

    def __str__(self) -> str:
        return self.text
