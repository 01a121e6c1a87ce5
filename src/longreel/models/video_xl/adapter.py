"""Video-XL behind the protocol every family implements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from longreel.compress.base import Compressor, TokenShrinker
from longreel.compress.context_window import RescaledWindow
from longreel.compress.two_levels import TwoLevels
from longreel.errors import ModelError, UsageError
from longreel.identity import hash_json, hash_tensors, hash_text, stable_config
from longreel.key_values import KeyValues
from longreel.models.base import FilmPart, FilmTokens, TokenGrid, VisualTokens
from longreel.models.engine.decoding import Sampler
from longreel.models.engine.side_by_side import attention_side_by_side, decode_side_by_side
from longreel.models.engine.two_levels import TwoLevelWatcher
from longreel.models.engine.watcher import ChunkWatcher
from longreel.models.engine.witness import attention_on_memory, text_of_answer
from longreel.models.folders import whole_folder, with_chat_template
from longreel.models.load_report import LoadReport
from longreel.models.overrides import Overrides
from longreel.models.shards import Shards
from longreel.models.video_xl.configuration import VideoXLConfig
from longreel.models.video_xl.framing import centre_crop, resized_size
from longreel.models.video_xl.glance_tower import GlanceTowerConfig
from longreel.models.video_xl.images import VideoXLImages
from longreel.models.video_xl.modeling import VideoXLModel, encode_frames
from longreel.models.video_xl.prompt import VideoXLPrompt
from longreel.models.weights import fill, outline
from longreel.token_shrinking import shrunk_grids
from longreel.video.frames import Frames

# Settings that came later count only where they are set, so that memories made before stay valid.
_LATER: dict[str, Any] = {"frame_fit": "whole", "clock": False}
# What tells of the training changes nothing that a model does.
_OF_TRAINING = frozenset({"trained_frames"})


class VideoXLAdapter:
    """A loaded Video-XL model, ready to watch and to answer; see `ModelAdapter`.

    report: how it was read, if it came in another format than this package's.
    """

    has_summary_tokens = True
    # Films longer than the decoder's context are what summary tokens are for.
    context = None
    most_frames = None

    def __init__(
        self,
        name: str,
        model: VideoXLModel,
        tokenizer: PreTrainedTokenizerBase,
        report: LoadReport | None = None,
    ) -> None:
        self.name = name
        self.report = report
        model.eval()
        self._model = model
        self._tokenizer: Any = tokenizer
        self.dialogue = VideoXLPrompt(
            tokenizer,
            closed_vocabulary=model.config.closed_vocabulary,
            taught_words=model.config.taught_words,
            remembered_turns=model.config.remembered_turns,
        )
        self._identity: dict[str, str] | None = None
        self.has_token_grid = model.vision_tower.is_grid
        self.default_fps = model.config.default_fps
        self.clip = model.vision_tower.clip
        self.interval = model.config.text_config.summary_interval
        self.summary_ratios = tuple(sorted(model.config.text_config.summary_ratios))
        self.tokens_per_frame = model.tokens_per_frame
        text = model.config.text_config
        heads = text.num_key_value_heads or text.num_attention_heads
        self.layer_shapes = [(heads, model.language_model.head_dim)] * text.num_hidden_layers
        self.max_question_tokens = model.config.text_config.max_position_embeddings // 4
        # A tower that sees frames in their film has no use for a single one.
        self.images = VideoXLImages(self) if self.clip == 1 else None
        self.rotation = model.language_model.rotation
        # What was condensed least took up most positions.
        least = min(text.summary_ratios)
        self.trained_window = max(1, model.config.trained_frames * model.tokens_per_frame // least)

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
    ) -> VideoXLAdapter:
        """Load a model saved by `save_pretrained` together with its tokenizer.

        With one position axis, there is one choice of `positions`.

        Raises:
            ModelError: files are missing or damaged.
            UsageError: the model cannot do what `overrides` ask.
        """
        path = Path(folder)
        if not (path / "config.json").is_file():
            # Without it a model of the default size, billions of random weights, would be built.
            raise ModelError(f"model folder {path} has no config.json: copy the complete folder again")
        with whole_folder(path):
            model = load_model(path, dtype or torch.float32, overrides)
            tokenizer = with_chat_template(PreTrainedTokenizerFast.from_pretrained(path))
        model.to(device=device or "cpu")  # type: ignore[call-arg]
        return cls(name or path.name, model, tokenizer)

    @property
    def model(self) -> VideoXLModel:
        """The underlying transformers model."""
        return self._model

    def frame_size(
        self, height: int, width: int, frames: int | None = None, max_tokens: int | None = None
    ) -> tuple[int, int]:
        """What a frame is resized to, (height, width); `encode` cuts the tower's input out of that."""
        return resized_size(
            self._model.config.frame_fit, (height, width), self._model.vision_tower.image_size
        )

    def film_tokens(
        self,
        seconds: Tensor,
        height: int,
        width: int,
        film: int = 0,
        shrinker: TokenShrinker | None = None,
    ) -> FilmTokens:
        """The same for every frame, unless a shrinker tells them apart."""
        rows, columns = self._model.vision_tower.grid
        visual, grid = len(seconds) * self.tokens_per_frame, TokenGrid(rows, columns)
        if shrinker is not None:
            visual = int(shrunk_grids(shrinker, grid, len(seconds)).prod(1).sum())
        patches = len(seconds) * rows * columns
        return FilmTokens(patches, visual, 0, grid=grid if self.has_token_grid else None)

    def encode(self, frames: Frames, part: FilmPart, *, unpooled: bool = False) -> VisualTokens:
        """Encode a block of frames that starts on a clip border."""
        pixels = centre_crop(frames.pixels, self._model.vision_tower.image_size)
        embeddings = encode_frames(self._model, pixels, frames.seconds + part.offset, unpooled=unpooled)
        count, each, width = embeddings.shape
        seconds = frames.seconds.repeat_interleave(each)
        index = torch.arange(count).repeat_interleave(each)
        grid = TokenGrid(*self._model.vision_tower.grid) if unpooled else None
        return VisualTokens(embeddings.reshape(-1, width), seconds, seconds, index, grid=grid)

    def watcher(
        self,
        prefix_ids: Tensor,
        compressor: Compressor,
        resume: KeyValues | None = None,
        question: Tensor | None = None,
        window: RescaledWindow | None = None,
    ) -> ChunkWatcher | TwoLevelWatcher:
        """Begin a film, or go on with one."""
        decoder = self._model.language_model
        if isinstance(compressor, TwoLevels):
            return TwoLevelWatcher(decoder, prefix_ids, compressor, self.interval, resume, window=window)
        return ChunkWatcher(
            decoder, prefix_ids, compressor, self.interval, resume, question=question, window=window
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
        """Yield answer token ids; the end-of-turn token stops and is not yielded."""
        return self._model.language_model.stream(
            memory,
            ids,
            max_new_tokens=max_new_tokens,
            eos=self._tokenizer.eos_token_id,
            sampler=Sampler(temperature, top_p, seed),
        )

    def generate_each(
        self, memory: KeyValues, texts: Sequence[Tensor], *, max_new_tokens: int
    ) -> list[list[int]]:
        """See `ModelAdapter`."""
        eos = self._tokenizer.eos_token_id
        ends = frozenset() if eos is None else frozenset((eos,))
        return decode_side_by_side(self._model.language_model, memory, texts, max_new_tokens, ends)

    def attention(self, memory: KeyValues, ids: Tensor, new_ids: Sequence[int]) -> list[Tensor]:
        """How an answer's tokens attended to the memory, by layer, summed over the evidence heads."""
        text = text_of_answer(ids, new_ids)
        return self._witnessed(attention_on_memory(self._model.language_model, memory, text, len(new_ids)))

    def attention_each(
        self, memory: KeyValues, texts: Sequence[Tensor], new_ids: Sequence[Sequence[int]]
    ) -> list[list[Tensor]]:
        """See `ModelAdapter`."""
        said = [text_of_answer(ids, new) for ids, new in zip(texts, new_ids, strict=True)]
        counts = [len(new) for new in new_ids]
        shares = attention_side_by_side(self._model.language_model, memory, said, counts)
        return [self._witnessed(each) for each in shares]

    def _witnessed(self, shares: Sequence[Tensor]) -> list[Tensor]:
        """Per layer (entries,), the sum over the evidence heads of shares (heads, entries)."""
        heads = self._model.config.evidence_heads
        if heads is None:
            return [layer.sum(0) for layer in shares]
        chosen = torch.zeros(len(shares), len(shares[0]), device=shares[0].device)
        for layer, head in heads:
            chosen[layer, head] = 1.0
        return [(layer * weight[:, None]).sum(0) for layer, weight in zip(shares, chosen, strict=True)]

    def identity(self) -> dict[str, str]:
        """sha256 over config, tokenizer and weights; computed once, the weights do not change."""
        if self._identity is None:
            backend = self._tokenizer.backend_tokenizer.to_str() + str(self._tokenizer.chat_template)
            self._identity = {
                "config": hash_json(_settings(self._model.config.to_dict())),
                "tokenizer": hash_text(backend),
                "weights": hash_tensors(self._model.state_dict()),
            }
        return dict(self._identity)


def load_model(folder: Path, dtype: torch.dtype, overrides: Overrides | None = None) -> VideoXLModel:
    """Build the model of a folder and fill it with its weights; nothing is printed."""
    config = VideoXLConfig.from_pretrained(folder)
    if overrides is not None:
        _override(config, overrides, folder)
    model = outline(lambda: VideoXLModel(config))
    shards = Shards.of(folder)
    missing = fill(model, shards.parts({name: name for name in shards.stored}, dtype=dtype))
    if config.text_config.tie_word_embeddings:
        missing -= set(model._tied_weights_keys)
    if missing:
        raise ValueError(f"its weights lack the tensor {min(missing)!r}")
    model.tie_weights()
    return model


def _override(config: VideoXLConfig, overrides: Overrides, folder: Path) -> None:
    if overrides.vision_tower is not None:
        raise UsageError(f"{folder} holds its vision tower itself: leave out vision_tower=")
    if overrides.vision_layer is not None:
        if config.vision_config["model_type"] == GlanceTowerConfig.model_type:
            raise UsageError(f"{folder} has a vision tower without layers to choose: leave out vision_layer=")
        config.feature_layer = overrides.vision_layer
    if overrides.frames is not None:
        config.frame_fit = overrides.frames


def _settings(config: dict[str, Any]) -> dict[str, Any]:
    """The config by which models are told apart."""
    settings = stable_config(config)
    return {
        key: value
        for key, value in settings.items()
        if key not in _OF_TRAINING and (key not in _LATER or value != _LATER[key])
    }
