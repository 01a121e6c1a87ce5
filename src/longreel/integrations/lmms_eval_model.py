"""longreel as a model of lmms-eval: each film of a task is watched once, and asked all its questions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from lmms_eval.api.instance import GenerationResult, TokenCounts
from lmms_eval.api.model import lmms
from tqdm import tqdm

from longreel.errors import UsageError
from longreel.integrations.lmms_eval_requests import (
    Shown,
    by_film,
    decoding_of,
    method_parameters,
    shown_in,
)
from longreel.loading import load
from longreel.memory import VideoMemory
from longreel.parsing import parsed_fraction


class _Request(NamedTuple):
    """context, generation: as lmms-eval keeps them in its cache, beside the answer."""

    context: str
    generation: Mapping[str, Any]
    shown: Shown


class LongreelChat(lmms):
    """See `lmms_eval.api.model.lmms`; made from `--model_args`.

    Args:
        pretrained: folder of a model or its name on the hub; None for the embedded one.
        method, keep, budget, positions, dtype: see `longreel.load`; keep also as 1/16 or 16x.
        parameters: of the method, see `MethodParameters`; lists in brackets, such as pool=[4,2,8].
        device: cpu (default), cuda (with several processes a card each) or cuda:1.
        fps, count, max_frames, max_tokens: which frames are watched, see `Model.watch`.
        batch_size, max_batch_size: films are watched one by one, so only 1 is taken.

    Raises:
        UsageError: an argument is unknown or out of range.
    """

    is_simple = False

    def __init__(
        self,
        pretrained: str | None = None,
        method: str | None = None,
        keep: float | str | None = None,
        budget: int | None = None,
        positions: str = "trained",
        dtype: str | None = None,
        device: str | None = None,
        fps: float | None = None,
        count: int | None = None,
        max_frames: int | None = None,
        max_tokens: int | None = None,
        batch_size: int | str = 1,
        max_batch_size: int | None = None,
        **parameters: Any,
    ) -> None:
        super().__init__()
        of_method = method_parameters(parameters)
        if str(batch_size) != "1" or max_batch_size not in (None, 1):
            raise UsageError(f"batch_size={batch_size}: longreel watches one film at a time, leave it at 1")
        if device == "cuda":
            device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        self.device = torch.device(device or "cpu")
        fraction = None if keep is None else parsed_fraction(str(keep))
        loaded = load(
            pretrained,
            method=method,
            keep=fraction,
            budget=budget,
            positions=positions,
            dtype=dtype,
            device=device,
            retake=of_method.retake(method),
            video_xl=of_method.video_xl(method, fraction, budget),
        )
        self.model = of_method.long_films.joined(loaded)
        self._frames: dict[str, Any] = {
            "fps": fps,
            "count": count,
            "max_frames": max_frames,
            "max_tokens": max_tokens,
        }

    def generate_until(self, requests: Sequence[Any]) -> list[Any]:
        """An answer to each request, in their order."""
        asked = [self._request(request) for request in requests]
        answers: list[Any] = [None] * len(asked)
        bar = tqdm(total=len(asked), disable=self.rank != 0, desc="longreel")
        for numbers in by_film([request.shown for request in asked]):
            memory = self._watch(asked[numbers[0]].shown)
            for number in numbers:
                answers[number] = self._answer(memory, asked[number])
                bar.update()
        bar.close()
        return answers

    def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
        """Not there: the tasks about films generate."""
        raise NotImplementedError("longreel answers in words: choose a task that generates")

    def generate_until_multi_round(self, requests: Sequence[Any]) -> list[str]:
        """Not there: see `loglikelihood`."""
        raise NotImplementedError("longreel answers single questions: choose a task of one round")

    def _request(self, request: Any) -> _Request:
        context, to_messages, generation, number, task, split = request.args
        document = self.task_dict[task][split][number]
        return _Request(context, generation, shown_in(to_messages(document), task))

    def _watch(self, shown: Shown) -> VideoMemory:
        if shown.seconds is not None:
            return self.model.watch(shown.source, seconds=shown.seconds, system=shown.system)
        start, end = shown.start, shown.end
        return self.model.watch(shown.source, start=start, end=end, system=shown.system, **self._frames)

    def _answer(self, memory: VideoMemory, request: _Request) -> Any:
        answer = self.model.ask(memory, request.shown.question, **decoding_of(request.generation))
        self.cache_hook.add_partial("generate_until", (request.context, request.generation), answer.text)
        counts = TokenCounts(
            input_tokens=answer.usage.memory_tokens + answer.usage.prompt_tokens,
            output_tokens=answer.usage.new_tokens,
        )
        return GenerationResult(text=answer.text, token_counts=counts)
