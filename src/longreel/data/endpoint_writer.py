"""Clues by a language model behind an endpoint, which reads the captions of a film's clips."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from longreel.data.captions import Caption, ReplyError
from longreel.data.clues import Clue, clue_text
from longreel.data.found_films import FoundFilm
from longreel.data.prompts import AGAIN, CLUES
from longreel.endpoint import Endpoint
from longreel.identity import hash_text

_MOST_CLUES = 20
_ATTEMPTS = 3


class WritingEndpoint(Endpoint):
    """The endpoint that writes."""

    role = "writer"
    remedy = "see to it and run the same command again, what was written is kept"
    max_tokens = 2000


class EndpointWriter:
    """Asks for a film's clues, each with the clip it is seen in, which decides its place; see `Writer`."""

    needs_captions = True

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def plan(self) -> dict[str, Any]:
        """See `Writer`; where the endpoint is does not matter."""
        return {"endpoint": self._endpoint.model, "prompt": hash_text(CLUES + AGAIN)}

    def clues(self, film: FoundFilm, captions: Sequence[Caption]) -> list[Clue]:
        """See `Writer`; a reply that cannot be read is asked for again, with what is wrong about it."""
        messages: list[dict[str, Any]] = [{"role": "user", "content": clues_prompt(captions)}]
        for _ in range(_ATTEMPTS):
            reply = self._endpoint.continuation(messages)
            try:
                return clues_in(reply, captions)
            except ValueError as error:
                fault = str(error)
            again = AGAIN.format(fault=fault)
            messages += [{"role": "assistant", "content": reply}, {"role": "user", "content": again}]
        raise ReplyError(
            f"{film.path}: writer {self._endpoint.url} gives no clues that can be read, asked {_ATTEMPTS} "
            f"times ({fault}): try another model"
        )


def clues_prompt(captions: Sequence[Caption]) -> str:
    """What the writer is asked about a film."""
    lines = [
        f"Part {number} ({_clock(caption.clip.start)} to {_clock(caption.clip.end)}): {caption.text}"
        for number, caption in enumerate(captions, start=1)
    ]
    return CLUES.format(captions="\n".join(lines), most=_MOST_CLUES)


def clues_in(reply: str, captions: Sequence[Caption]) -> list[Clue]:
    """The clues of a reply, in the order of their parts; those that cannot stand in a question left out.

    Raises:
        ValueError: it is no JSON list of clues with their parts.
    """
    begin, end = reply.find("["), reply.rfind("]")
    try:
        items = json.loads(reply[begin : end + 1]) if begin >= 0 else None
    except (ValueError, RecursionError):
        items = None
    if not isinstance(items, list):
        raise ValueError("there is no JSON list")
    clues = [_clue(item, captions) for item in items]
    return sorted((clue for clue in clues if clue.text), key=lambda clue: clue.moment)


def _clue(item: Any, captions: Sequence[Caption]) -> Clue:
    part, text = (item.get("part"), item.get("clue")) if isinstance(item, dict) else (None, None)
    if type(part) is not int or not isinstance(text, str):
        raise ValueError('an item is not of the form {"part": 1, "clue": "…"}')
    if not 1 <= part <= len(captions):
        raise ValueError(f"there is no part {part}")
    return Clue(clue_text(text), captions[part - 1].clip.start)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
