"""The work on one film after the other: captions, then clues, each kept as soon as it is there."""

from __future__ import annotations

from collections.abc import Sequence

from longreel.data.captions import Caption, Captioner
from longreel.data.clips import Clip, cut
from longreel.data.clues import Clue, Writer
from longreel.data.found_films import FoundFilm
from longreel.data.vico_folder import VicoFolder
from longreel.progress import ProgressCallback, StageClock


class FilmWork:
    """What is kept is taken from there, and what is made is kept.

    Args:
        films: all that will be worked on, of which clips are counted for progress.
        captioner: None for no captions.
    """

    def __init__(
        self,
        kept: VicoFolder,
        captioner: Captioner | None,
        writer: Writer,
        films: Sequence[FoundFilm],
        clip_seconds: float,
        progress: ProgressCallback | None,
    ) -> None:
        self._kept, self._captioner, self._writer = kept, captioner, writer
        self._clip_seconds = clip_seconds
        self.clips = sum(len(self._cut(film)) for film in films)
        self._done = self.clips - sum(len(self._fresh(film)) for film in films)
        self._clock = StageClock(progress, "clips", self.clips)
        self._clock.report(self._done)

    def clues(self, film: FoundFilm) -> list[Clue]:
        """The clues of a film.

        Raises:
            SourceError, EndpointError, ReplyError: there are none; see `Captioner` and `Writer`.
        """
        then_done = self._done + len(self._fresh(film))
        try:
            clues = self._kept.clues(film)
            if clues is None:
                clues = self._writer.clues(film, self._captions(film))
                self._kept.add_clues(film, clues)
            return clues
        finally:
            self._done = then_done
            self._clock.report(self._done)

    def _captions(self, film: FoundFilm) -> list[Caption]:
        if self._captioner is None:
            return []
        captions = []
        for clip in self._cut(film):
            text = self._kept.caption(film, clip)
            if text is None:
                text = self._captioner.caption(film, clip)
                self._kept.add_caption(film, Caption(clip, text))
                self._done += 1
                self._clock.report(self._done)
            captions.append(Caption(clip, text))
        return captions

    def _fresh(self, film: FoundFilm) -> list[Clip]:
        """Clips on which there is work to do."""
        if self._kept.clues(film) is not None:
            return []
        return [clip for clip in self._cut(film) if self._kept.caption(film, clip) is None]

    def _cut(self, film: FoundFilm) -> tuple[Clip, ...]:
        return cut(film.seconds, self._clip_seconds)
