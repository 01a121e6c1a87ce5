"""The unmodified model of transformers, given a film in one piece: what ours must equal.

Inputs are put together here from the released formats, independently of the adapters: chat text with its
placeholders written out, patches, and position ids by the rule that each family was trained with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForImageTextToText, AutoTokenizer

Line = tuple[float, str]


@dataclass
class Shown:
    """A film or an image as the model gets it.

    pixels: of a film or for Qwen, 0 to 255, (F, 3, h, w); an image for LLaVA is its scaled tiles.
    seconds: times of frames; None for an image. size: displayed (height, width) of an image.
    """

    pixels: Tensor
    seconds: list[float] | None = None
    size: tuple[int, int] = (0, 0)


_VISION = ("<|vision_start|>", "<|vision_end|>")


@dataclass
class Stock:
    """A checkpoint as transformers loads it."""

    family: str
    model: Any
    tokenizer: Any

    @classmethod
    def load(cls, family: str, folder: Path, dtype: torch.dtype = torch.float32) -> Stock:
        model = AutoModelForImageTextToText.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa")
        return cls(family, model.eval(), AutoTokenizer.from_pretrained(folder))

    def inputs(
        self,
        pixels: Sequence[Tensor],
        seconds: Sequence[list[float]],
        turns: list[Any],
        fps: float | None,
        lines: Sequence[list[Line]] = (),
        transcript: str = "",
    ) -> dict[str, Any]:
        """Everything `forward` takes, for films given as float (F, 3, h, w) and the times of their frames.

        turns: (question, answer) pairs, the last answer None.
        lines: subtitles of each film, (seconds, text), by their times. transcript: before the films.
        """
        films = [
            self._film(film, times, list(told))
            for film, times, told in zip(pixels, seconds, lines or [[] for _ in pixels], strict=True)
        ]
        text = self._chat(turns, transcript + "".join(text for text, _ in films))
        ids = self.tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        given: dict[str, Any] = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if self.family == "llava_onevision":
            # Films of one prompt are stacked, so there is one.
            return {**given, "pixel_values_videos": films[0][1]["pixels"][None]}
        given["pixel_values_videos"] = torch.cat([made["patches"] for _, made in films])
        given["video_grid_thw"] = torch.tensor([made["grid"] for _, made in films])
        given["mm_token_type_ids"] = 2 * (ids == self.model.config.video_token_id).int()
        if self.family == "qwen2_5_vl" and fps is not None:
            given["second_per_grid_ts"] = torch.tensor([2 / fps] * len(films))
        pairs = [
            pair
            for (_, made), times in zip(films, seconds, strict=True)
            for pair in self._pairs(made["grid"], times, fps)
        ]
        given["position_ids"] = self._positions(ids[0], pairs)[:, None]
        return given

    def inputs_with_images(self, shown: Sequence[Shown], turns: list[Any], fps: float) -> dict[str, Any]:
        """Everything `forward` takes, for films and images in the order in which the chat has them."""
        if self.family == "llava_onevision":
            return self._llava_inputs(shown, turns)
        text, pairs = "", []
        films, images = [], []
        for each in shown:
            if each.seconds is None:
                patches, grid = _patches(self.family, each.pixels)
                images.append((patches, grid))
                text += f"{_VISION[0]}{'<|image_pad|>' * (grid[1] * grid[2] // 4)}{_VISION[1]}"
                pairs.append((0, grid[1] // 2, grid[2] // 2))
            else:
                said, made = self._film(each.pixels, each.seconds, [])
                films.append((made["patches"], made["grid"]))
                text += said
                pairs += self._pairs(made["grid"], each.seconds, fps)
        ids = self._ids(self._chat(turns, text))
        is_image, is_film = (ids == self._id(name) for name in ("image", "video"))
        given: dict[str, Any] = {
            "input_ids": ids,
            "attention_mask": torch.ones_like(ids),
            "mm_token_type_ids": is_image.int() + 2 * is_film.int(),
            "position_ids": self._positions(ids[0], pairs)[:, None],
        }
        for name, grid_name, made in (
            ("pixel_values", "image_grid_thw", images),
            ("pixel_values_videos", "video_grid_thw", films),
        ):
            if made:
                given[name] = torch.cat([patches for patches, _ in made])
                given[grid_name] = torch.tensor([grid for _, grid in made])
        if self.family == "qwen2_5_vl" and films:
            given["second_per_grid_ts"] = torch.tensor([2 / fps] * len(films))
        return given

    def _llava_inputs(self, shown: Sequence[Shown], turns: list[Any]) -> dict[str, Any]:
        """Images first, films of one length; a new line of text behind each."""
        images = [each for each in shown if each.seconds is None]
        films = [each for each in shown if each.seconds is not None]
        given: dict[str, Any] = {}
        counts: list[int] = []
        if images:
            most = max(len(each.pixels) for each in images)
            padded = [
                torch.cat((each.pixels, torch.zeros(most - len(each.pixels), *each.pixels.shape[1:])))
                for each in images
            ]
            given["pixel_values"] = torch.stack(padded)
            given["image_sizes"] = torch.tensor([each.size for each in images])
            given["batch_num_images"] = torch.tensor([len(images)])
            with torch.no_grad():
                features = self.model.model.get_image_features(**given, return_dict=True).pooler_output
            counts = [len(each) for each in features]
        if films:
            given["pixel_values_videos"] = torch.stack([(each.pixels / 255 - 0.5) / 0.5 for each in films])
        texts = ["<image>" * count for count in counts]
        texts += ["<video>" * (4 * len(each.pixels) + 1) for each in films]
        ids = self._ids(self._chat(turns, "\n".join(texts)))
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), **given}

    def _ids(self, text: str) -> Tensor:
        ids: Tensor = self.tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        return ids

    def _id(self, name: str) -> int:
        return int(getattr(self.model.config, f"{name}_token_id"))

    def _pairs(self, grid: list[int], seconds: list[float], fps: float | None) -> list[tuple[int, int, int]]:
        """Time, rows and columns of each pair of frames."""
        return [(self._time(t, seconds, fps), grid[1] // 2, grid[2] // 2) for t in range(grid[0])]

    def _positions(self, ids: Tensor, pairs: list[tuple[int, int, int]]) -> Tensor:
        """Token by token (3, n): text counts up on all axes, and behind a film from its largest number.

        What is seen behind text begins where that ends, and its time goes on from there. An image is a pair.
        """
        is_film = ((ids == self._id("video")) | (ids == self._id("image"))).tolist()
        pairs = list(pairs)
        places: list[list[int]] = []
        index, behind_text = 0, True
        while index < len(is_film):
            following = 1 + max((max(place) for place in places), default=-1)
            if not is_film[index]:
                places.append([following] * 3)
                index, behind_text = index + 1, True
                continue
            time, rows, columns = pairs.pop(0)
            if behind_text:
                begin, first, behind_text = following, time, False
            for row in range(rows):
                for column in range(columns):
                    places.append([begin + time - first, begin + row, begin + column])
                    index += 1
        return torch.tensor(places).T

    def _time(self, pair: int, seconds: list[float], fps: float | None) -> int:
        if self.family != "qwen2_5_vl":
            return pair
        return int(pair * 2 * 2 / fps) if fps else int((seconds[2 * pair] - seconds[0]) * 2 + 1e-6)

    def _film(self, pixels: Tensor, seconds: list[float], lines: list[Line]) -> tuple[str, dict[str, Any]]:
        """How a film is written in the prompt, and what the vision tower gets; takes all of `lines`."""
        if self.family == "llava_onevision":
            scaled = (pixels / 255 - 0.5) / 0.5
            text = "".join(_due(lines, time) + "<video>" * 4 for time in seconds)
            return text + _due(lines, math.inf) + "<video>", {"pixels": scaled}
        patches, grid = _patches(self.family, pixels)
        each = grid[1] * grid[2] // 4
        start, end = _VISION
        if self.family == "qwen3_vl":
            times = [*seconds, seconds[-1]]
            middles = [(times[2 * t] + times[2 * t + 1]) / 2 for t in range(grid[0])]
            text = "".join(
                f"{_due(lines, times[2 * t])}<{middle:.1f} seconds>{start}{'<|video_pad|>' * each}{end}"
                for t, middle in enumerate(middles)
            )
        else:
            text = _due(lines, seconds[0]) + start
            for t in range(grid[0]):
                due = _due(lines, seconds[2 * t])
                text += (f"{end}{due}{start}" if due else "") + "<|video_pad|>" * each
            text += end
        left = _due(lines, math.inf)
        return text + (f"{left}{start}{end}" if left else ""), {"patches": patches, "grid": grid}

    def _chat(self, turns: list[Any], films: str) -> str:
        """The conversation as the releases write it."""
        if self.family == "llava_onevision":
            text = ""
            for number, (question, answer) in enumerate(turns):
                text += f"<|im_start|>user {films + chr(10) if number == 0 else ''}{question}<|im_end|>"
                text += (
                    "<|im_start|>assistant\n"
                    if answer is None
                    else f"<|im_start|>assistant {answer}<|im_end|>"
                )
            return text
        text = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        for number, (question, answer) in enumerate(turns):
            text += f"<|im_start|>user\n{films if number == 0 else ''}{question}<|im_end|>\n"
            text += "<|im_start|>assistant\n" + ("" if answer is None else f"{answer}<|im_end|>\n")
        return text


def _due(lines: list[Line], time: float) -> str:
    """Takes away the lines that begin until `time`."""
    text = ""
    while lines and lines[0][0] <= time:
        text += f"{lines.pop(0)[1]}\n"
    return text


def _patches(family: str, pixels: Tensor) -> tuple[Tensor, list[int]]:
    """Patches of pairs of frames, neighbours that become one token together: by loops."""
    side = 16 if family == "qwen3_vl" else 14
    mean, std = ([0.5] * 3, [0.5] * 3) if family == "qwen3_vl" else (_CLIP_MEAN, _CLIP_STD)
    scaled = (pixels / 255 - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    if len(scaled) % 2:
        scaled = torch.cat((scaled, scaled[-1:]))
    grid = [len(scaled) // 2, scaled.shape[2] // side, scaled.shape[3] // side]
    rows = [
        torch.stack(
            [
                scaled[2 * t + deep, :, y * side : (y + 1) * side, x * side : (x + 1) * side]
                for deep in range(2)
            ],
            dim=1,
        ).flatten()
        for t in range(grid[0])
        for top in range(0, grid[1], 2)
        for left in range(0, grid[2], 2)
        for y in (top, top + 1)
        for x in (left, left + 1)
    ]
    return torch.stack(rows), grid


_CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
_CLIP_STD = [0.26862954, 0.26130258, 0.27577711]
