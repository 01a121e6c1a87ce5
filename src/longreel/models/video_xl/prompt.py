"""The words around a film: what stands before it and what follows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from longreel.models.reel_tiny.words import LETTERS, MARKS, PUNCTUATION, as_sentence

_FILM = "<film>"


class Prompt:
    """Chat prompts of a tokenizer with a chat template, cut where the film stands.

    The film is the first thing the user says, then a newline and the question, as in the released
    Video-XL prompt (spec a). See `Dialogue`.

    Args:
        closed_vocabulary: the tokenizer knows whole words only, and answers are written as sentences.
        taught_words: with a closed vocabulary, the words that questions may have; None for all in it.
        remembered_turns: earlier turns that a question is asked with; None for all.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        *,
        closed_vocabulary: bool = False,
        taught_words: Sequence[str] | None = None,
        remembered_turns: int | None = None,
    ) -> None:
        self._tokenizer: Any = tokenizer
        self._closed = closed_vocabulary
        known = tokenizer.get_vocab() if taught_words is None else [*taught_words, *PUNCTUATION, *LETTERS]
        self._known = set(known) - MARKS
        self._remembered = remembered_turns

    def before(self, system: str | None) -> Tensor:
        """Ids of the text before the film, int64 (p,)."""
        messages = [] if system is None else [{"role": "system", "content": system}]
        text = self._render([*messages, {"role": "user", "content": _FILM}], answer_next=False)
        return self._ids(text.rsplit(_FILM, 1)[0])

    def after(self, turns: Sequence[tuple[str, str | None]]) -> Tensor:
        """Ids of everything after the film: earlier turns, the open question, the start of the answer."""
        messages: list[dict[str, str]] = []
        if self._remembered is not None:
            turns = turns[max(0, len(turns) - 1 - self._remembered) :]
        for index, (question, answer) in enumerate(turns):
            lead = f"{_FILM}\n" if index == 0 else ""
            messages.append({"role": "user", "content": lead + question})
            if answer is not None:
                messages.append({"role": "assistant", "content": answer})
        text = self._render(messages, answer_next=turns[-1][1] is None)
        return self._ids(text.split(_FILM, 1)[1])

    def answer(self, text: str) -> Tensor:
        """Ids of an answer and the end of its turn, as training targets."""
        return self._ids(text + self._tokenizer.eos_token)

    def words(self, text: str) -> Tensor:
        """Ids of bare text, int64 (n,)."""
        return self._ids(text)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of answer tokens."""
        if self._closed:
            tokens = self._tokenizer.convert_ids_to_tokens(list(ids))
            return as_sentence(token for token in tokens if token not in MARKS)
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=True)
        return text.strip()

    def unknown_words(self, question: str) -> list[str]:
        """Words of the question that a closed vocabulary lacks; [] for open vocabularies."""
        if not self._closed:
            return []
        encoded = self._tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)
        tokens = self._tokenizer.convert_ids_to_tokens(encoded["input_ids"])
        pairs = zip(tokens, encoded["offset_mapping"], strict=True)
        unknown = (question[start:end] for token, (start, end) in pairs if token not in self._known)
        return list(dict.fromkeys(unknown))

    def _render(self, messages: list[dict[str, str]], *, answer_next: bool) -> str:
        rendered: str = self._tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=answer_next
        )
        return rendered

    def _ids(self, text: str) -> Tensor:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return torch.tensor(ids, dtype=torch.int64)
