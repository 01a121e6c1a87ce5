"""Find the model in a folder, read what it calls itself, and say in one line what is wrong with its files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from longreel.errors import LongreelError, ModelError

Tokenizer = TypeVar("Tokenizer")

CONFIG = "config.json"


def model_folder(folder: Path) -> Path:
    """The folder that has a config.json: this one, or the only such folder in it.

    Some releases, Video-XL's among them, keep the model one folder deeper (spec g).

    Raises:
        ModelError: it is no folder, or holds several models.
    """
    if not folder.is_dir():
        raise ModelError(
            f"{folder} is not a folder: name the folder of a downloaded model, or none for the built-in model"
        )
    if (folder / CONFIG).is_file():
        return folder
    inside = [each.parent for each in sorted(folder.glob(f"*/{CONFIG}"))]
    if len(inside) > 1:
        raise ModelError(f"{folder} holds several models: name one, such as {inside[0]}")
    return inside[0] if inside else folder


def read_config(folder: Path) -> dict[str, Any]:
    """A model's config.json, which has a `model_type`.

    Raises:
        ModelError: it is missing or no model's config.
    """
    file = folder / CONFIG
    try:
        config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        config["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{file} is missing or not a model's config: copy the complete folder") from error
    return config


@contextmanager
def whole_folder(folder: Path) -> Iterator[None]:
    """Turn what files that are damaged or do not belong together lead to into one line.

    Raises:
        ModelError: naming the folder and the reason.
    """
    try:
        yield
    except LongreelError:
        raise
    # transformers and tokenizers raise whatever a damaged file makes them run into.
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"cannot load model folder {folder}: {reason}; copy the complete folder again"
        ) from error


def with_chat_template(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer, if it can write a chat.

    Raises:
        ValueError: it cannot.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise ValueError("its tokenizer has no chat template (chat_template.jinja)")
    return tokenizer
