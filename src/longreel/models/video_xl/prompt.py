"""The words around a film for Video-XL models, whose vocabulary may be closed."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from longreel.models.prompt import Prompt
from longreel.models.reel_tiny.words import LETTERS, MARKS, PUNCTUATION, as_sentence


class VideoXLPrompt(Prompt):
    """See `Prompt`.

    Args:
        closed_vocabulary: the tokenizer knows whole words only, and answers are written as sentences.
        taught_words: with a closed vocabulary, the words that questions may have; None for all in it.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        *,
        closed_vocabulary: bool = False,
        taught_words: Sequence[str] | None = None,
        remembered_turns: int | None = None,
    ) -> None:
        super().__init__(tokenizer, remembered_turns=remembered_turns)
        self._closed = closed_vocabulary
        self.open_vocabulary = not closed_vocabulary
        known = tokenizer.get_vocab() if taught_words is None else [*taught_words, *PUNCTUATION, *LETTERS]
        self._known = set(known) - MARKS

    def decode(self, ids: Sequence[int]) -> str:
        """Text of answer tokens."""
        if not self._closed:
            return super().decode(ids)
        tokens = self.tokenizer.convert_ids_to_tokens(list(ids))
        return as_sentence(token for token in tokens if token not in MARKS)

    def unknown_words(self, question: str) -> list[str]:
        """Words of the question that a closed vocabulary lacks; [] for open vocabularies."""
        if not self._closed:
            return []
        encoded = self.tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)
        tokens = self.tokenizer.convert_ids_to_tokens(encoded["input_ids"])
        pairs = zip(tokens, encoded["offset_mapping"], strict=True)
        unknown = (question[start:end] for token, (start, end) in pairs if token not in self._known)
        return list(dict.fromkeys(unknown))
