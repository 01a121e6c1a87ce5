"""Captions by a model loaded here."""

from __future__ import annotations

from typing import Any

from longreel.data.captions import ReplyError, one_line
from longreel.data.clips import Clip, clip_frames
from longreel.data.found_films import FoundFilm
from longreel.errors import UsageError, WatchInterrupted
from longreel.identity import hash_json
from longreel.model import Model

_MAX_NEW_TOKENS = 200


class ModelCaptioner:
    """Watches each clip and asks about it, greedily; see `Captioner`.

    Args:
        frames: of a clip, at most.

    Raises:
        UsageError: the model does not know a word of the prompt.
    """

    def __init__(self, model: Model, prompt: str, frames: int) -> None:
        self._model, self._prompt, self._frames = model, prompt, frames
        if unknown := list(model.adapter.dialogue.unknown_words(prompt)):
            raise UsageError(
                f"the captioner does not know the word {unknown[0]!r}: give --caption-prompt in those it has"
            )

    def plan(self) -> dict[str, Any]:
        """See `Captioner`; a model is known by what is in its folder, wherever that is."""
        identity = hash_json(self._model.adapter.identity())
        method = hash_json(self._model.method.settings())
        return {"model": identity, "method": method, "prompt": self._prompt, "frames": self._frames}

    def caption(self, film: FoundFilm, clip: Clip) -> str:
        """See `Captioner`."""
        frames = clip_frames(film.path, clip, self._frames)
        pictures = frames.pixels.permute(0, 2, 3, 1).contiguous().numpy()
        seconds = frames.seconds.tolist()
        try:
            memory = self._model.watch(list(zip(pictures, seconds, strict=True)), seconds=seconds)
        except WatchInterrupted:
            # A clip is too short to go on in its midst.
            raise KeyboardInterrupt from None
        said = one_line(self._model.ask(memory, self._prompt, max_new_tokens=_MAX_NEW_TOKENS).text)
        if not said:
            raise ReplyError(f"{film.path}: the captioner says nothing about {clip.start:g} s: try another")
        return said
