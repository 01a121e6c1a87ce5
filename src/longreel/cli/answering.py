"""Answers on stdout: plain, word by word, or as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from longreel.cli.output import print_json

if TYPE_CHECKING:
    from longreel.answer import Answer
    from longreel.ask import Decoding
    from longreel.chat import Chat
    from longreel.memory import VideoMemory
    from longreel.model import Model


@dataclass(frozen=True)
class Answers:
    """Asks one memory and prints what comes back."""

    model: Model
    memory: VideoMemory
    source: str
    decoding: Decoding
    stream: bool
    as_json: bool

    def print_each(self, questions: Sequence[str]) -> None:
        """Answer questions that stand alone; as JSON they are one document."""
        settings = asdict(self.decoding)
        if self.as_json:
            answers = self.model.ask(self.memory, list(questions), **settings)
            pairs = zip(questions, answers, strict=True)
            print_json({"source": self.source, "answers": [answer_as_json(*pair) for pair in pairs]})
            return
        for number, question in enumerate(questions):
            if len(questions) > 1:
                print(f"{'' if number == 0 else chr(10)}{question}")
            if self.stream:
                print_pieces(self.model.stream(self.memory, question, **settings))
            else:
                print(self.model.ask(self.memory, question, **settings).text, flush=True)

    def chat(self) -> Chat:
        """A conversation about the memory."""
        return self.model.chat(self.memory, **asdict(self.decoding))

    def print_turn(self, chat: Chat, question: str, *, stream: bool) -> None:
        """Answer one turn of a conversation; as JSON it is one line."""
        if stream:
            print_pieces(chat.stream(question))
            return
        answer = chat.ask(question)
        if self.as_json:
            print_json(answer_as_json(question, answer), indent=None)
        else:
            print(answer.text)
        sys.stdout.flush()


def print_pieces(pieces: Iterator[str]) -> None:
    """Print text as it comes, on one line."""
    for piece in pieces:
        print(piece, end="", flush=True)
    print(flush=True)


def answer_as_json(question: str, answer: Answer) -> dict[str, Any]:
    """Plain values of a question and its answer."""
    return {
        "question": question,
        "answer": answer.text,
        "unknown_words": list(answer.unknown_words),
        "evidence": [asdict(span) for span in answer.evidence],
        "usage": asdict(answer.usage),
    }
