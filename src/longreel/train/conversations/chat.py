"""A conversation as token ids: what is said, what of it is learned, and where pictures stand."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from longreel.errors import ModelError
from longreel.placeholders import IMAGE, VIDEO
from longreel.train.conversations.samples import Sample, Turn

IGNORE = -100
_PLACED = re.compile(f"{IMAGE}|{VIDEO}")


class Speech(Protocol):
    """What is asked of a family's `Prompt`."""

    tokenizer: Any
    film: str
    image: str

    def content(self, question: str, *, with_film: bool) -> Any:
        """What the user says, as the chat template takes it."""

    def closing(self) -> list[int]:
        """Ids that end a film or image."""

    def words(self, text: str) -> Tensor:
        """Ids of bare text."""


class Place(NamedTuple):
    """What is shown before the text token number `before`: kinds, `IMAGE` or `VIDEO`, in order."""

    before: int
    kinds: tuple[str, ...]


class Written(NamedTuple):
    """ids: of all text. labels: the same where it is learned, else `IGNORE`. places: in order."""

    ids: list[int]
    labels: list[int]
    places: list[Place]


class ChatWriter:
    """Writes conversations as the model will meet them: by its chat template, cut where pictures stand.

    What is learned is the text of answers and the mark that ends them. Where nothing ends a picture, several
    with nothing but white space between them become one stream, as when a model is asked about them.

    Args:
        speech: of the model.
        plain: pictures and the answer alone, ended by a new line, as captions are learned (spec d).
    """

    def __init__(self, speech: Speech, *, plain: bool = False) -> None:
        self._speech, self._plain = speech, plain
        self._in_parts = not isinstance(speech.content("", with_film=False), str)
        self._marks = re.compile(f"({re.escape(speech.film)}|{re.escape(speech.image)})")

    def write(self, sample: Sample) -> Written:
        """All turns.

        Raises:
            ModelError: the chat template does not write turn by turn.
        """
        written = Written([], [], [])
        if self._plain:
            kinds = (
                kind for turn in sample.turns for kind in (*turn.leading, *_PLACED.findall(turn.question))
            )
            self._say(written, "".join(map(self._mark, kinds)))
            self._answer(written, "\n".join(turn.answer for turn in sample.turns) + "\n")
        else:
            self._chat(written, sample)
        return written

    def _chat(self, written: Written, sample: Sample) -> None:
        messages: list[dict[str, Any]] = []
        if sample.system is not None:
            messages.append({"role": "system", "content": self._content((), sample.system)})
        end: str = self._speech.tokenizer.eos_token
        before = behind = ""
        for turn in sample.turns:
            messages.append({"role": "user", "content": self._question(turn)})
            asked = self._render(messages, answer_next=True)
            if not asked.startswith(before):
                raise ModelError(
                    "the chat template of the model does not write turn by turn: give it one that does"
                )
            self._say(written, behind + asked[len(before) :])
            # Some templates write a given answer in another way than they ask for one.
            self._answer(written, turn.answer + end)
            messages.append({"role": "assistant", "content": self._content((), turn.answer)})
            before = self._render(messages, answer_next=False)
            behind = before.rpartition(end)[2]

    def _question(self, turn: Turn) -> Any:
        inside = turn.question.replace(VIDEO, self._speech.film).replace(IMAGE, self._speech.image)
        return self._content(turn.leading, inside)

    def _content(self, leading: tuple[str, ...], text: str) -> Any:
        if self._in_parts:
            shown = [{"type": "video" if kind == VIDEO else "image"} for kind in leading]
            return [*shown, {"type": "text", "text": text}]
        return "".join(map(self._mark, leading)) + "\n" * bool(leading) + text

    def _mark(self, kind: str) -> str:
        return self._speech.film if kind == VIDEO else self._speech.image

    def _render(self, messages: list[dict[str, Any]], *, answer_next: bool) -> str:
        rendered: str = self._speech.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=answer_next
        )
        return rendered

    def _answer(self, written: Written, text: str) -> None:
        ids = self._speech.words(text).tolist()
        # The very first token follows nothing that it could be told from.
        first = IGNORE if not written.ids and not written.places else ids[0]
        written.labels.extend((first, *ids[1:]))
        written.ids.extend(ids)

    def _say(self, written: Written, text: str) -> None:
        parts = self._marks.split(text)
        self._context(written, parts[0])
        for number in range(1, len(parts), 2):
            self._show(written, VIDEO if parts[number] == self._speech.film else IMAGE)
            self._context(written, parts[number + 1], between=number + 2 < len(parts))

    def _show(self, written: Written, kind: str) -> None:
        last = written.places[-1] if written.places else None
        if last is not None and last.before == len(written.ids):
            written.places[-1] = Place(last.before, (*last.kinds, kind))
        else:
            written.places.append(Place(len(written.ids), (kind,)))
        self._learn_nothing(written, self._speech.closing())

    def _context(self, written: Written, text: str, *, between: bool = False) -> None:
        if between and not text.strip() and not self._speech.closing():
            return
        self._learn_nothing(written, self._speech.words(text).tolist() if text else [])

    def _learn_nothing(self, written: Written, ids: list[int]) -> None:
        written.ids.extend(ids)
        written.labels.extend([IGNORE] * len(ids))
