"""The word-level tokenizer of the embedded default model."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

UNKNOWN = "<unk>"
PAD = "<pad>"
START = "<|im_start|>"
END = "<|im_end|>"
# What is no word of a question or an answer.
MARKS = frozenset((UNKNOWN, PAD, START, END))
LETTERS = ("(A)", "(B)", "(C)", "(D)")
ROLES = ("system", "user", "assistant")
PUNCTUATION = (".", ",", "?", "!", ":", ";", "'", '"', "-", "(", ")", "/")

# The template of Qwen2 without a default system turn.
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build_tokenizer(words: Iterable[str]) -> PreTrainedTokenizerFast:
    """A tokenizer that knows exactly `words` (lower case), punctuation, option letters and chat marks."""
    special = [PAD, UNKNOWN, START, END]
    plain = dict.fromkeys([*PUNCTUATION, *ROLES, *sorted(set(words))])
    vocabulary = {word: index for index, word in enumerate([*special, *LETTERS, *plain])}
    tokenizer: Any = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(Regex(r"\bcolor\b"), "colour")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("isolated")]
    )
    tokenizer.add_special_tokens([AddedToken(mark, normalized=False, special=True) for mark in special])
    tokenizer.add_tokens([AddedToken(letter, normalized=False) for letter in LETTERS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token=UNKNOWN,
        pad_token=PAD,
        eos_token=END,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def with_phrases(tokenizer: PreTrainedTokenizerFast, phrases: Iterable[str]) -> PreTrainedTokenizerFast:
    """The same tokenizer, for which each phrase of several words, such as "4 minutes", is one word more."""
    wider = deepcopy(tokenizer)
    wider.add_tokens([AddedToken(phrase, single_word=True, normalized=True) for phrase in phrases])
    return wider


def as_sentence(tokens: Iterable[str]) -> str:
    """Join word tokens into a written sentence: 'the fox was red .' becomes 'The fox was red.'"""
    text = ""
    for token in tokens:
        glued = token in {".", ",", "?", "!", ":", ";"} or not text
        text += token if glued else f" {token}"
    return text[:1].upper() + text[1:]
