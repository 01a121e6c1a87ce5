"""The released tokenizer, and the chat as the release writes it (spec a)."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast, Qwen2Tokenizer

from longreel.errors import ModelError

END = "<|im_end|>"
# The release writes its prompt in code, whatever template lies beside its tokenizer.
CHAT_TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# The release may have one file or the older pair of files.
_WHOLE = "tokenizer.json"
_PAIR = ("vocab.json", "merges.txt")


def read_tokenizer(folder: Path, vocabulary: int) -> PreTrainedTokenizerBase:
    """The tokenizer of a released checkpoint whose embeddings have `vocabulary` rows.

    There is no word for summary tokens: they are not part of the vocabulary (spec a).

    Raises:
        ModelError: files are missing, damaged or of another model.
    """
    try:
        tokenizer = _read(folder)
    except ModelError:
        raise
    # The tokenizers library raises Exception itself for files it cannot read.
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{folder} has a damaged tokenizer ({reason}): copy its files again") from error
    if END not in tokenizer.get_vocab():
        raise ModelError(f"{folder} has a tokenizer without {END}: copy the tokenizer of the checkpoint")
    if len(tokenizer) > vocabulary:
        raise ModelError(
            f"{folder} has a tokenizer of {len(tokenizer)} words for embeddings of {vocabulary}: "
            "copy the tokenizer of the checkpoint"
        )
    tokenizer.eos_token = END
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _read(folder: Path) -> PreTrainedTokenizerBase:
    kind: type[PreTrainedTokenizerBase] = PreTrainedTokenizerFast
    if not (folder / _WHOLE).is_file():
        missing = [name for name in _PAIR if not (folder / name).is_file()]
        if missing:
            raise ModelError(
                f"{folder} has no {_WHOLE} and no {' and no '.join(missing)}: copy the tokenizer's files"
            )
        kind = Qwen2Tokenizer
    tokenizer: PreTrainedTokenizerBase = kind.from_pretrained(folder)
    return tokenizer
