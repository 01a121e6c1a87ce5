"""Speech recognition: what longreel asks of one, and faster-whisper behind it."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from functools import cached_property
from typing import Any, BinaryIO, Protocol, runtime_checkable

import av.error

from longreel.errors import ModelError, UsageError
from longreel.video.failures import reason
from longreel.video.subtitle_lines import SubtitleLine

# What CTranslate2, its downloads and the decoder of the sound raise.
_FAILURES = (OSError, RuntimeError, ValueError, av.error.FFmpegError)


@runtime_checkable
class Transcriber(Protocol):
    """Turns what is said in a film into lines."""

    def transcribe(self, sound: str | BinaryIO) -> Iterable[SubtitleLine | tuple[float, float, str]]:
        """What is said in the first sound track of a film, in any order.

        Args:
            sound: path of the film, or the film as an open binary file at its beginning.

        Returns lines whose times are seconds from the beginning of the sound; none where nothing is said.
        """


class SpeechModel(Protocol):
    """What `FasterWhisper` asks of faster_whisper.WhisperModel.

    The segments that `transcribe` returns first have `start` and `end` in seconds, and `text`.
    """

    def transcribe(
        self, audio: str | BinaryIO, *, language: str | None, vad_filter: bool
    ) -> tuple[Iterable[Any], Any]:
        """Segments, made while they are read, and facts about the whole."""


class FasterWhisper:
    """Speech recognition by the package faster-whisper (the extra `asr`).

    Args:
        size: of the model ("tiny" to "large-v3"), or the folder of a converted one; it is loaded, and perhaps
            downloaded, when it is first needed.
        device: "cpu", "cuda", or "auto" for whichever is there.
        compute_type: type of its numbers, such as "int8", in the words of CTranslate2.
        language: two letters ("en"); None lets the model find out.
        model: one that is loaded already, instead of `size`, `device` and `compute_type`.
    """

    def __init__(
        self,
        size: str = "small",
        *,
        device: str = "auto",
        compute_type: str = "default",
        language: str | None = None,
        model: SpeechModel | None = None,
    ) -> None:
        self.size = size
        self.device = device
        self.compute_type = compute_type
        self.language = language
        self._given = model

    def transcribe(self, sound: str | BinaryIO) -> list[SubtitleLine]:
        """What is said, in seconds from the beginning of the sound; see `Transcriber`.

        Stretches without speech are left out before recognition, as Whisper invents words for silence.

        Raises:
            UsageError: faster-whisper is not installed.
            ModelError: the model cannot be loaded, or it fails.
        """
        model = self._model
        try:
            segments, _ = model.transcribe(sound, language=self.language, vad_filter=True)
            lines = [SubtitleLine(part.start, part.end, " ".join(part.text.split())) for part in segments]
        except _FAILURES as error:
            raise ModelError(
                f"speech recognition failed ({reason(error)}): check that the film's sound plays and that "
                f"language={self.language!r} is right"
            ) from None
        return [line for line in lines if line.text]

    @cached_property
    def _model(self) -> SpeechModel:
        if self._given is not None:
            return self._given
        try:
            package: Any = importlib.import_module("faster_whisper")
        except ImportError:
            raise UsageError(
                'speech recognition needs one more package: pip install "longreel[asr]"'
            ) from None
        try:
            model: SpeechModel = package.WhisperModel(
                self.size, device=self.device, compute_type=self.compute_type
            )
        except _FAILURES as error:
            raise ModelError(
                f"the speech model {self.size!r} cannot be loaded ({reason(error)}): name another size, or "
                "the folder of a converted model"
            ) from None
        return model
