"""Answers on stdout: plain, word by word, or as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from longreel.cli.output import print_json
from longreel.cli.watching import warnings_of

if TYPE_CHECKING:
    from longreel.answer import Answer, Evidence
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
    evidence: bool = False

    def print_each(self, questions: Sequence[str]) -> None:
        """Answer questions that stand alone; as JSON they are one document."""
        settings = asdict(self.decoding)
        if self.as_json:
            answers = self.model.ask(self.memory, list(questions), **settings)
            pairs = zip(questions, answers, strict=True)
            document = {"source": self.source, "warnings": warnings_of(self.memory)}
            print_json({**document, "answers": [answer_as_json(*pair) for pair in pairs]})
            return
        for number, question in enumerate(questions):
            if len(questions) > 1:
                print(f"{'' if number == 0 else chr(10)}{question}")
            if self.stream:
                print_pieces(self.model.stream(self.memory, question, **settings))
            else:
                self._print(self.model.ask(self.memory, question, **settings))

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
            self._print(answer)
        sys.stdout.flush()

    def _print(self, answer: Answer) -> None:
        print(answer.text, flush=True)
        if self.evidence and answer.evidence:
            print(f"  {evidence_in_words(answer.evidence)}", flush=True)


def evidence_in_words(evidence: Sequence[Evidence]) -> str:
    """The parts of the film that an answer rests on, best first."""
    spans = (f"{_place(span)} ({span.score:.0%})" for span in evidence)
    return f"seen at {', '.join(spans)}"


def _place(span: Evidence) -> str:
    return span.image or f"{clock(span.start)} to {clock(span.end)}"


def clock(seconds: float) -> str:
    """A time as 1:05.5."""
    minutes, rest = divmod(round(10 * seconds), 600)
    return f"{minutes}:{rest / 10:04.1f}"


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
        "evidence": [_span_as_json(span) for span in answer.evidence],
        "usage": asdict(answer.usage),
        **({"dense": [list(span) for span in answer.dense]} if answer.dense else {}),
    }


def _span_as_json(span: Evidence) -> dict[str, Any]:
    """Only an image's evidence has its name."""
    return {key: value for key, value in asdict(span).items() if value is not None}
