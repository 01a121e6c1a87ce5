"""The samples of a run as the trainer takes them, each determined by its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypedDict

import torch
from torch import Tensor
from torch.utils.data import Dataset

from longreel.errors import SourceError
from longreel.placeholders import IMAGE
from longreel.train.conversations.chat import ChatWriter, Place
from longreel.train.conversations.files import ConversationFile
from longreel.train.conversations.mixture import Mixture
from longreel.train.conversations.samples import BadSample, Sample, parse_sample
from longreel.train.conversations.seeing import Seen, Sight
from longreel.train.conversations.skipped import SkippedSamples


class Shown(TypedDict):
    """What stands before the text token number `before`, in order."""

    before: int
    seen: list[Seen]


class Item(TypedDict):
    """A conversation for training.

    ids, labels: int64 (t,), see `Written`. shown: in order. place: of the sample in the run.
    """

    ids: Tensor
    labels: Tensor
    shown: list[Shown]
    place: int


class ConversationData(Dataset[Item]):
    """Samples by their place in the run.

    A bad sample is noted, and the next one of its file takes its place.

    Args:
        longest: tokens of a sample at most, visual ones uncondensed.
    """

    def __init__(
        self,
        files: Sequence[ConversationFile],
        mixture: Mixture,
        writer: ChatWriter,
        sight: Sight,
        skipped: SkippedSamples,
        *,
        longest: int,
    ) -> None:
        self._files, self._mixture = files, mixture
        self._writer, self._sight, self._skipped = writer, sight, skipped
        self._longest = longest

    def __len__(self) -> int:
        return len(self._mixture)

    def __getitem__(self, place: int) -> Item:
        """The sample at a place.

        Raises:
            SourceError: its file has no good sample.
        """
        file = self._files[self._mixture.pick(place).file]
        for attempt in range(len(file)):
            number = self._mixture.pick(place, attempt).number
            try:
                return self._item(self._raw(file, number), file.folder, place)
            except BadSample as bad:
                self._skipped.note(file.where(number), _named(file, number), bad)
                last = bad
        raise SourceError(f"{file.path}: none of its {len(file):,} samples can be used, the last: {last}")

    def _raw(self, file: ConversationFile, number: int) -> Any:
        try:
            return file[number]
        except ValueError as error:
            raise BadSample("not a conversation", f"it is not JSON ({error})") from error

    def _item(self, raw: Any, folder: Path, place: int) -> Item:
        sample = parse_sample(raw, folder)
        written = self._writer.write(sample)
        self._check_length(len(written.ids))
        shown = self._shown(sample, written.places)
        visual = sum(self._sight.tokens(seen) for each in shown for seen in each["seen"])
        self._check_length(len(written.ids) + visual)
        return Item(
            ids=torch.tensor(written.ids), labels=torch.tensor(written.labels), shown=shown, place=place
        )

    def _shown(self, sample: Sample, places: Sequence[Place]) -> list[Shown]:
        """Read what the sample shows, one after the other: the first that cannot be read spares the rest."""
        images, films = iter(sample.images), iter(sample.videos)
        alone = len(sample.images) == 1
        kinds = sum(len(place.kinds) for place in places)
        if kinds != len(sample.images) + len(sample.videos):
            raise BadSample("placeholders", "the chat template has no place for all of them")
        return [
            Shown(before=place.before, seen=list(self._seen(place, images, films, alone))) for place in places
        ]

    def _seen(
        self, place: Place, images: Iterator[Path], films: Iterator[Path], alone: bool
    ) -> Iterator[Seen]:
        for kind in place.kinds:
            if kind == IMAGE:
                yield self._sight.image(next(images), alone=alone)
            else:
                yield self._sight.film(next(films))

    def _check_length(self, tokens: int) -> None:
        if tokens > self._longest:
            raise BadSample("too long", f"{tokens:,} tokens are more than {self._longest:,}")


def _named(file: ConversationFile, number: int) -> Any:
    try:
        raw = file[number]
    except ValueError:
        return None
    return raw.get("id") if isinstance(raw, dict) else None
