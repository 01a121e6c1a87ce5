"""LLaVA-OneVision, and LLaVA-Video in the same format: one position axis, a square of tokens a frame."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from longreel.models.base import FilmPart, FilmTokens, VisualTokens
from longreel.models.engine.transformers_decoder import TransformersDecoder
from longreel.models.llava_images import LlavaImages
from longreel.models.prompt import Prompt
from longreel.models.published import PublishedAdapter
from longreel.positions import Rotation, inverse_frequencies
from longreel.video.frames import Frames

# Of CLIP, where a release does not tell its own.
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)


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
        self._mean = torch.tensor(processing.get("image_mean", _MEAN), dtype=torch.float32)
        self._std = torch.tensor(processing.get("image_std", _STD), dtype=torch.float32)

    @property
    def tokens_per_frame(self) -> int:
        """Of the halved grid."""
        return int(self._side**2)

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

    def film_tokens(self, seconds: Tensor, height: int, width: int, film: int = 0) -> FilmTokens:
        """The same for every frame; between two films stands a new line and what the template says."""
        count = len(seconds)
        return FilmTokens(count * self._grid**2, count * self.tokens_per_frame, len(self._words(film)))

    def scaled(self, pixels: Tensor) -> Tensor:
        """Frames uint8 (F, 3, h, w) as the vision tower takes them, float32."""
        return (pixels.float() / 255 - self._mean[:, None, None]) / self._std[:, None, None]

    @torch.no_grad()
    def encode(self, frames: Frames, part: FilmPart) -> VisualTokens:
        """See `ModelAdapter`."""
        scaled = self.scaled(frames.pixels).to(self.decoder.device, self.decoder.dtype)
        features: Tensor = self.model.model.get_video_features(
            scaled[None],
            vision_feature_layer=self.model.config.vision_feature_layer,
            vision_feature_select_strategy=self.model.config.vision_feature_select_strategy,
            return_dict=True,
        ).pooler_output[0]
        count, each = len(frames.seconds), self.tokens_per_frame
        seconds = frames.seconds.repeat_interleave(each)
        # Behind the frames, transformers puts the new line that ends a film.
        return VisualTokens(
            features[: count * each],
            seconds,
            seconds,
            torch.arange(count).repeat_interleave(each),
            () if part.frame or not part.film else ((0, torch.tensor(self._words(part.film))),),
        )

    def _words(self, film: int) -> list[int]:
        """What ends the film or image before this film."""
        return [*self.dialogue.closing(), *self.dialogue.between()] if film else []
