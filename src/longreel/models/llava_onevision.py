"""LLaVA-OneVision, and LLaVA-Video in the same format: one position axis, a square of tokens a frame."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from longreel.compress.base import TokenShrinker
from longreel.models.base import FilmPart, FilmTokens, TokenGrid, VisualTokens
from longreel.models.clip_pixels import CLIP_MEAN, CLIP_STD
from longreel.models.engine.transformers_decoder import TransformersDecoder
from longreel.models.llava_images import LlavaImages
from longreel.models.prompt import Prompt
from longreel.models.published import PublishedAdapter
from longreel.positions import Rotation, inverse_frequencies
from longreel.token_shrinking import shrunk_grids
from longreel.video.frames import Frames

# Frames of the longest films in training (arXiv 2408.03326).
_TRAINED_FRAMES = 32


class LlavaPrompt(Prompt):
    """A film is ended by the embedding of a new line, for which the id of the film's placeholder stands."""

    film = "<video>"

    def __init__(self, tokenizer: Any, newline: int) -> None:
        super().__init__(tokenizer)
        self._newline = newline

    def content(self, question: str, *, with_film: bool) -> Any:
        """What the user says, as the chat template takes it."""
        said = [{"type": "text", "text": question}]
        return [{"type": "video"}, *said] if with_film else said

    def closing(self) -> list[int]:
        """Ids that end a film."""
        return [self._newline]

    def _said(self, text: str) -> Any:
        return [{"type": "text", "text": text}]


class LlavaOnevisionAdapter(PublishedAdapter):
    """LLaVA-OneVision (arXiv 2408.03326): SigLIP features, projected, halved along each side."""

    dialogue: LlavaPrompt
    clip = 1

    def __init__(
        self,
        name: str,
        model: Any,
        tokenizer: Any,
        processing: dict[str, Any],
        positions: str = "trained",
        image_processing: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(name, model, tokenizer, processing, positions, image_processing)
        vision = model.config.vision_config
        self._grid = vision.image_size // vision.patch_size
        self._side = math.ceil(self._grid / 2)
        size = processing.get("size") or {}
        self._size = (size.get("height", vision.image_size), size.get("width", vision.image_size))
        self._mean = torch.tensor(processing.get("image_mean", CLIP_MEAN), dtype=torch.float32)
        self._std = torch.tensor(processing.get("image_std", CLIP_STD), dtype=torch.float32)

    @property
    def tokens_per_frame(self) -> int:
        """Of the halved grid."""
        return int(self._side**2)

    @property
    def trained_window(self) -> int:
        """Tokens of the longest film in training: 6272 for the releases."""
        return _TRAINED_FRAMES * self.tokens_per_frame

    def prompt(self, tokenizer: Any) -> LlavaPrompt:
        """See `PublishedAdapter`."""
        return LlavaPrompt(tokenizer, self.model.config.video_token_id)

    def image_encoder(self) -> LlavaImages:
        """See `PublishedAdapter`."""
        return LlavaImages(self, self.image_processing)

    def build_decoder(self) -> TransformersDecoder:
        """See `PublishedAdapter`."""
        text = self.model.config.get_text_config()
        head_dim = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
        return TransformersDecoder(
            self.model.model.language_model,
            self.model.lm_head,
            Rotation(inverse_frequencies(head_dim, text.rope_parameters["rope_theta"])),
            packed=True,
            special={self.model.config.video_token_id: self.model.model.image_newline.detach()},
        )

    def frame_size(
        self, height: int, width: int, frames: int | None = None, max_tokens: int | None = None
    ) -> tuple[int, int]:
        """Every frame is resized whole to the tower's square, the only size there is."""
        return self._size

    def film_tokens(
        self,
        seconds: Tensor,
        height: int,
        width: int,
        film: int = 0,
        shrinker: TokenShrinker | None = None,
    ) -> FilmTokens:
        """The same for every frame; between two films stands a new line and what the template says."""
        count, grid = len(seconds), TokenGrid(self._grid, self._grid)
        visual = count * self.tokens_per_frame
        if shrinker is not None:
            visual = int(shrunk_grids(shrinker, grid, count).prod(1).sum())
        return FilmTokens(count * self._grid**2, visual, len(self._words(film)), grid=grid)

    def scaled(self, pixels: Tensor) -> Tensor:
        """Frames uint8 (F, 3, h, w) as the vision tower takes them, float32."""
        return (pixels.float() / 255 - self._mean[:, None, None]) / self._std[:, None, None]

    @torch.no_grad()
    def encode(self, frames: Frames, part: FilmPart, *, unpooled: bool = False) -> VisualTokens:
        """See `ModelAdapter`."""
        scaled = self.scaled(frames.pixels).to(self.decoder.device, self.decoder.dtype)
        features = self._of_whole_grid(scaled) if unpooled else self._of_halved_grid(scaled)
        count, side = len(frames.seconds), self._grid if unpooled else self._side
        seconds = frames.seconds.repeat_interleave(side**2)
        return VisualTokens(
            features,
            seconds,
            seconds,
            torch.arange(count).repeat_interleave(side**2),
            () if part.frame or not part.film else ((0, torch.tensor(self._words(part.film))),),
            grid=TokenGrid(side, side),
        )

    def _of_halved_grid(self, scaled: Tensor) -> Tensor:
        features: Tensor = self.model.model.get_video_features(
            scaled[None],
            vision_feature_layer=self.model.config.vision_feature_layer,
            vision_feature_select_strategy=self.model.config.vision_feature_select_strategy,
            return_dict=True,
        ).pooler_output[0]
        # Behind the frames, transformers puts the new line that ends a film.
        return features[: len(scaled) * self.tokens_per_frame]

    def _of_whole_grid(self, scaled: Tensor) -> Tensor:
        """What the method of transformers computes before it pools."""
        network, config = self.model.model, self.model.config
        states = network.vision_tower(scaled, output_hidden_states=True, return_dict=True).hidden_states
        layers = config.vision_feature_layer
        chosen = states[layers] if isinstance(layers, int) else torch.cat([states[i] for i in layers], dim=-1)
        if config.vision_feature_select_strategy == "default":
            chosen = chosen[:, 1:]
        features: Tensor = network.multi_modal_projector(chosen)
        return features.flatten(0, 1)

    def _words(self, film: int) -> list[int]:
        """What ends the film or image before this film."""
        return [*self.dialogue.closing(), *self.dialogue.between()] if film else []
