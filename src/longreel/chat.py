"""Chat: questions that follow up on each other."""

from __future__ import annotations

from collections.abc import Iterator

from longreel.answer import Answer
from longreel.ask import Decoding, ask, stream
from longreel.memory import VideoMemory
from longreel.models.base import ModelAdapter


class Chat:
    """A conversation about one memory; each question is asked together with the turns before it.

    It belongs to one thread; any number of chats may share a memory. A turn that fails, is broken off, or
    has a word the model does not know is not remembered.
    """

    def __init__(self, adapter: ModelAdapter, memory: VideoMemory, decoding: Decoding) -> None:
        memory.require_model(adapter)
        self._adapter = adapter
        self._memory = memory
        self._decoding = decoding
        self._turns: tuple[tuple[str, str], ...] = ()

    @property
    def turns(self) -> tuple[tuple[str, str], ...]:
        """(question, answer) so far."""
        return self._turns

    def ask(self, question: str) -> Answer:
        """Answer a question in the light of the turns before; see `Model.ask`."""
        answer = ask(self._adapter, self._memory, question, self._decoding, self._turns)
        if not answer.unknown_words:
            self._turns += ((question, answer.text),)
        return answer

    def stream(self, question: str) -> Iterator[str]:
        """The text of `ask` in pieces; the turn is remembered once all of them have been taken."""
        pieces = stream(self._adapter, self._memory, question, self._decoding, self._turns)
        return self._remembered(question, pieces, remember=not self._adapter.dialogue.unknown_words(question))

    def _remembered(self, question: str, pieces: Iterator[str], *, remember: bool) -> Iterator[str]:
        taken = []
        for piece in pieces:
            taken.append(piece)
            yield piece
        if remember:
            self._turns += ((question, "".join(taken)),)

    def clear(self) -> None:
        """Forget the turns; the memory stays."""
        self._turns = ()
