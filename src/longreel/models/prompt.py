"""The words around a film: what stands before it and what follows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Layout:
    """How a chat template writes films and images of one message.

    between: the text between two of them.
    images: whether it writes images. images_first: whether it writes them before films.
    """

    between: str
    images: bool
    images_first: bool


class Prompt:
    """Chat prompts of a tokenizer with a chat template, cut where the film stands; see `Dialogue`.

    The film is the first thing the user says. This class writes it as text, then a newline and the
    question, as in the released Video-XL prompt (spec a).

    Args:
        remembered_turns: earlier turns that a question is asked with; None for all.
    """

    film = "<film>"
    image = "<image>"
    open_vocabulary = True

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, remembered_turns: int | None = None) -> None:
        self.tokenizer: Any = tokenizer
        self._remembered = remembered_turns

    def content(self, question: str, *, with_film: bool) -> Any:
        """What the user says, as the chat template takes it."""
        return f"{self.film}\n{question}" if with_film else question

    def closing(self) -> list[int]:
        """Ids that end a film."""
        return []

    def between(self) -> list[int]:
        """Ids of the text between two films or images, behind what ends the first."""
        text = self.layout.between
        return self.words(text).tolist() if text else []

    def pause(self) -> list[int]:
        """Ids that end and begin a film around text in its midst."""
        return []

    def require_film(self) -> None:
        """Find out that the chat template has a place for films.

        Raises:
            ValueError: it has none, as that of a model which knows no video.
        """
        said = {"role": "user", "content": self.content("?", with_film=True)}
        if self.film not in self._render([said], answer_next=True):
            raise ValueError(f"its chat template has no place for a film ({self.film})")

    @cached_property
    def layout(self) -> Layout:
        """Of a message with films and images; only for what is said in parts (`content`).

        Images count as written where they stand as they were given or before all films, with the same text
        between any two.
        """
        given = [{"type": kind} for kind in ("video", "image", "video", "image")]
        films, order = self._between(given[::2]), self._between(given)
        between = films[1][0] if films[1] else ""
        kinds, texts = order
        known = kinds in ("fifi", "iiff") and set(texts) == {between}
        return Layout(between, known, kinds == "iiff")

    def _between(self, content: Any) -> tuple[str, list[str]]:
        """Films and images of a message in the order in which they are written, and the texts between."""
        said = {"role": "user", "content": content}
        marks = f"({re.escape(self.film)}|{re.escape(self.image)})"
        parts = re.split(marks, self._render([said], answer_next=False))
        return "".join("f" if mark == self.film else "i" for mark in parts[1::2]), parts[2:-1:2]

    def before(self, system: str | None) -> Tensor:
        """Ids of the text before the film, int64 (p,)."""
        messages: list[dict[str, Any]] = (
            [] if system is None else [{"role": "system", "content": self._said(system)}]
        )
        said = {"role": "user", "content": self.content("", with_film=True)}
        return self.words(self._render([*messages, said], answer_next=False).rsplit(self.film, 1)[0])

    def after(self, turns: Sequence[tuple[str, str | None]]) -> Tensor:
        """Ids of everything after the film: earlier turns, the open question, the start of the answer."""
        messages: list[dict[str, Any]] = []
        if self._remembered is not None:
            turns = turns[max(0, len(turns) - 1 - self._remembered) :]
        for index, (question, answer) in enumerate(turns):
            messages.append({"role": "user", "content": self.content(question, with_film=index == 0)})
            if answer is not None:
                messages.append({"role": "assistant", "content": self._said(answer)})
        text = self._render(messages, answer_next=turns[-1][1] is None)
        closing = torch.tensor(self.closing(), dtype=torch.int64)
        return torch.cat((closing, self.words(text.split(self.film, 1)[1])))

    def answer(self, text: str) -> Tensor:
        """Ids of an answer and the end of its turn, as training targets."""
        return self.words(text + self.tokenizer.eos_token)

    def words(self, text: str) -> Tensor:
        """Ids of bare text, int64 (n,)."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return torch.tensor(ids, dtype=torch.int64)

    def quoted(self, text: str) -> Tensor:
        """Ids of a text that others wrote, int64 (n,): marks of the tokenizer in it are spelled out."""
        return torch.cat([self.words(part) for part in self._inside_marks.split(text)])

    def aside(self, said: Tensor, following: Tensor) -> Tensor:
        """Text among frames stands outside of the film: behind what ends it, before what begins it."""
        marks = following.tolist() or self.pause()
        closing = self.closing()
        ends = len(closing) if marks[: len(closing)] == closing else 0
        before, behind = (torch.tensor(part, dtype=torch.int64) for part in (marks[:ends], marks[ends:]))
        return torch.cat((before, said, behind))

    def decode(self, ids: Sequence[int]) -> str:
        """Text of answer tokens."""
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=True)
        return text.strip()

    def unknown_words(self, question: str) -> list[str]:
        """None: any word can be written."""
        return []

    @cached_property
    def _inside_marks(self) -> re.Pattern[str]:
        """Where a mark is cut so that it is none any more: behind its first letter."""
        marks: list[str] = sorted(self.tokenizer.get_added_vocab())
        places = (f"(?<={re.escape(mark[0])})(?={re.escape(mark[1:])})" for mark in marks if len(mark) > 1)
        return re.compile("|".join(places) or "(?!)")

    def _said(self, text: str) -> Any:
        return text

    def _render(self, messages: list[dict[str, Any]], *, answer_next: bool) -> str:
        rendered: str = self.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=answer_next
        )
        return rendered
