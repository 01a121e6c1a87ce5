"""What published models have in common: loading a folder as released, and running it through our engine."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor
from transformers import AutoModelForImageTextToText, AutoTokenizer
from transformers.utils import logging as transformers_logging

from longreel.compress.base import Compressor, TokenShrinker
from longreel.compress.context_window import RescaledWindow
from longreel.errors import ModelError, UsageError
from longreel.identity import hash_json, hash_tensors, hash_text, stable_config
from longreel.key_values import KeyValues
from longreel.models.base import FilmPart, FilmTokens, ImageEncoder, VisualTokens
from longreel.models.engine.decoding import Sampler, decode
from longreel.models.engine.side_by_side import attention_side_by_side, decode_side_by_side
from longreel.models.engine.transformers_decoder import ATTENTION, TransformersDecoder, register_attention
from longreel.models.engine.watcher import ChunkWatcher
from longreel.models.engine.witness import attention_on_memory, text_of_answer
from longreel.models.folders import whole_folder, with_chat_template
from longreel.models.overrides import Overrides
from longreel.models.processor_settings import checked_settings
from longreel.models.prompt import Prompt
from longreel.video.frames import Frames

# Visual tokens that are prefilled together.
_CHUNK = 1536
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin.index.json")
_PROCESSORS = ("video_preprocessor_config.json", "processor_config.json", "preprocessor_config.json")


class PublishedAdapter(ABC):
    """A released checkpoint behind `ModelAdapter`; each family says how frames become tokens.

    Args:
        name: what users call it.
        model: as transformers loads it, its decoder with our attention.
        tokenizer: with the chat template of the release.
        processing: the settings of the released video processor.
        positions: "trained", or "transformers" for those that the installed library gives.
        image_processing: the settings of the released image processor.
    """

    has_summary_tokens = False
    summary_ratios: tuple[int, ...] = ()
    has_token_grid = True
    default_fps = 2.0
    interval = _CHUNK

    def __init__(
        self,
        name: str,
        model: Any,
        tokenizer: Any,
        processing: dict[str, Any],
        positions: str = "trained",
        image_processing: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.positions = positions
        model.eval()
        self.model = model
        self.processing = processing
        self.image_processing = image_processing or {}
        self.tokenizer = tokenizer
        self.dialogue = self.prompt(tokenizer)
        self.decoder = self.build_decoder()
        self.layer_shapes = self.decoder.layer_shapes
        self.rotation = self.decoder.rotation
        self.context = int(model.config.get_text_config().max_position_embeddings)
        self.max_question_tokens = self.context // 4
        self._images = self.image_encoder()
        self._identity: dict[str, str] | None = None

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        *,
        name: str | None = None,
        dtype: torch.dtype | None = None,
        device: str | None = None,
        positions: str = "trained",
        overrides: Overrides | None = None,
    ) -> Self:
        """Load a checkpoint in the layout in which it was released.

        Raises:
            ModelError: files are missing or damaged.
            UsageError: there are `overrides`, which are for Video-XL.
        """
        path = Path(folder)
        if overrides is not None:
            raise UsageError(f"overrides= is for Video-XL checkpoints, which {path} is not: leave it out")
        _check_complete(path)
        register_attention()
        with whole_folder(path):
            model = _loaded(path, dtype or torch.float32)
            tokenizer = with_chat_template(AutoTokenizer.from_pretrained(path))
            films, images = (checked_settings(_processing(path, kind)) for kind in ("video", "image"))
        model.to(device or "cpu")
        with whole_folder(path):
            adapter = cls(name or path.name, model, tokenizer, films, positions, images)
            adapter.dialogue.require_film()
        return adapter

    @property
    def most_frames(self) -> int | None:
        """Of a film if the user does not say: as many as there are."""
        return None

    @property
    @abstractmethod
    def clip(self) -> int:
        """Frames that become tokens together."""

    @property
    @abstractmethod
    def tokens_per_frame(self) -> int:
        """Most visual tokens of a frame."""

    @property
    @abstractmethod
    def trained_window(self) -> int:
        """See `ModelAdapter`."""

    @abstractmethod
    def prompt(self, tokenizer: Any) -> Prompt:
        """How the family is spoken to."""

    @abstractmethod
    def image_encoder(self) -> ImageEncoder:
        """How the family looks at single images."""

    @property
    def images(self) -> ImageEncoder | None:
        """See `ModelAdapter`; None where the chat template has no place for images."""
        return self._images if self.dialogue.layout.images else None

    @abstractmethod
    def build_decoder(self) -> TransformersDecoder:
        """The family's decoder for our engine."""

    @abstractmethod
    def frame_size(
        self, height: int, width: int, frames: int | None = None, max_tokens: int | None = None
    ) -> tuple[int, int]:
        """See `ModelAdapter`."""

    @abstractmethod
    def film_tokens(
        self,
        seconds: Tensor,
        height: int,
        width: int,
        film: int = 0,
        shrinker: TokenShrinker | None = None,
    ) -> FilmTokens:
        """See `ModelAdapter`."""

    @abstractmethod
    def encode(self, frames: Frames, part: FilmPart, *, unpooled: bool = False) -> VisualTokens:
        """See `ModelAdapter`."""

    def watcher(
        self,
        prefix_ids: Tensor,
        compressor: Compressor,
        resume: KeyValues | None = None,
        question: Tensor | None = None,
        window: RescaledWindow | None = None,
    ) -> ChunkWatcher:
        """See `ModelAdapter`."""
        return ChunkWatcher(
            self.decoder,
            prefix_ids,
            compressor,
            self.interval,
            resume,
            depth=self.clip,
            question=question,
            window=window,
        )

    def generate(
        self,
        memory: KeyValues,
        ids: Tensor,
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
    ) -> Iterator[int]:
        """See `ModelAdapter`."""
        sampler = Sampler(temperature, top_p, seed)
        return decode(self.decoder, memory, ids, max_new_tokens, self._ends(), sampler)

    def generate_each(
        self, memory: KeyValues, texts: Sequence[Tensor], *, max_new_tokens: int
    ) -> list[list[int]]:
        """See `ModelAdapter`."""
        return decode_side_by_side(self.decoder, memory, texts, max_new_tokens, self._ends())

    def attention(self, memory: KeyValues, ids: Tensor, new_ids: Sequence[int]) -> list[Tensor]:
        """See `ModelAdapter`; all heads count."""
        text = text_of_answer(ids, new_ids)
        return [layer.sum(0) for layer in attention_on_memory(self.decoder, memory, text, len(new_ids))]

    def attention_each(
        self, memory: KeyValues, texts: Sequence[Tensor], new_ids: Sequence[Sequence[int]]
    ) -> list[list[Tensor]]:
        """See `ModelAdapter`; all heads count."""
        said = [text_of_answer(ids, new) for ids, new in zip(texts, new_ids, strict=True)]
        counts = [len(new) for new in new_ids]
        shares = attention_side_by_side(self.decoder, memory, said, counts)
        return [[layer.sum(0) for layer in each] for each in shares]

    def identity(self) -> dict[str, str]:
        """sha256 over config, tokenizer and weights; computed once, the weights do not change."""
        if self._identity is None:
            settings = {
                "config": stable_config(self.model.config.to_dict()),
                "video": self.processing,
                "image": self.image_processing,
                "positions": self.positions,
            }
            backend = self.tokenizer.backend_tokenizer.to_str() + str(self.tokenizer.chat_template)
            self._identity = {
                "config": hash_json(settings),
                "tokenizer": hash_text(backend),
                "weights": hash_tensors(self.model.state_dict()),
            }
        return dict(self._identity)

    def _ends(self) -> frozenset[int]:
        """Ids that end an answer: those the release names for generation, and the tokenizer's own."""
        named = self.model.generation_config.eos_token_id
        ends = named if isinstance(named, list) else [named]
        return frozenset(end for end in (*ends, self.tokenizer.eos_token_id) if isinstance(end, int))


def _loaded(path: Path, dtype: torch.dtype) -> Any:
    """The model, without what transformers prints while it loads."""
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        loaded: Any = AutoModelForImageTextToText.from_pretrained(
            path,
            dtype=dtype,
            attn_implementation={"text_config": ATTENTION, "vision_config": "sdpa"},
            output_loading_info=True,
        )
    finally:
        if shown:
            transformers_logging.enable_progress_bar()
    model, info = loaded
    missing = sorted(info["missing_keys"])
    if missing:
        raise ValueError(f"its weights lack the tensor {missing[0]!r}")
    return model


def _check_complete(path: Path) -> None:
    """Refuse a folder that lacks files, before anything is built.

    Raises:
        ModelError: naming what is missing.
    """
    missing = [name for name in ("config.json",) if not (path / name).is_file()]
    if not any((path / name).is_file() for name in _WEIGHTS):
        missing.append("model.safetensors (or its shards and index)")
    index = path / "model.safetensors.index.json"
    if index.is_file():
        try:
            shards = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{index} is damaged: copy the complete folder again") from error
        missing += [shard for shard in shards if not (path / shard).is_file()]
    if not (path / "tokenizer.json").is_file() and not (path / "vocab.json").is_file():
        missing.append("tokenizer.json")
    if not any((path / name).is_file() for name in _PROCESSORS):
        missing.append(_PROCESSORS[0])
    if missing:
        raise ModelError(
            f"model folder {path} lacks {', '.join(missing)}: copy the complete folder of the release"
        )


def _processing(path: Path, kind: str) -> dict[str, Any]:
    """Settings of the "video" or the "image" processor, from the file where transformers looks first.

    A release without any for films has them in those for images.
    """
    together = _settings(path / "processor_config.json").get(f"{kind}_processor")
    if together is not None:
        return dict(together)
    own = _settings(path / "video_preprocessor_config.json") if kind == "video" else {}
    return own or _settings(path / "preprocessor_config.json")


def _settings(file: Path) -> dict[str, Any]:
    """What a file of settings holds; nothing if there is none."""
    if not file.is_file():
        return {}
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{file} holds no settings: copy the complete folder again") from error
    if not isinstance(settings, dict):
        raise ModelError(f"{file} holds no settings: copy the complete folder again")
    return settings
