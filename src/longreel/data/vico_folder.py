"""What is kept beside the file of ordering questions, so that a run killed at any point goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from longreel.data.captions import Caption
from longreel.data.clips import Clip
from longreel.data.clues import Clue
from longreel.data.found_films import FoundFilm
from longreel.errors import UsageError
from longreel.files import atomic_file
from longreel.kept_lines import KeptLines
from longreel.kept_plan import Plan, differences, read_plan, write_plan

_PLAN = "plan.json"
_AGAIN = "what it held is made again"


class VicoFolder:
    """Captions by clip and clues by film, each on the disk as soon as it is there, and what decided them.

    It goes on if the folder is one of the same plan.

    Args:
        output: the file of questions; the folder has its name with ".work" behind.

    Raises:
        UsageError: the folder is one of another plan, or `output` is of other origin.
        LongreelError: a kept line is damaged.
    """

    def __init__(self, output: Path, plan: Plan) -> None:
        self.output, self.folder = output, output.with_name(f"{output.name}.work")
        self._keep_plan(json.loads(json.dumps(plan)))
        self._caption_lines = KeptLines(self.folder / "captions.jsonl", _AGAIN)
        self._clue_lines = KeptLines(self.folder / "clues.jsonl", _AGAIN)
        self._captions: dict[tuple[str, int], str] = {
            (line["mark"], line["clip"]): line["caption"]
            for line in self._caption_lines.read("mark", "clip", "caption")
        }
        self._clues: dict[str, list[Clue]] = {
            line["mark"]: [Clue(*clue) for clue in line["clues"]]
            for line in self._clue_lines.read("mark", "clues")
        }

    def caption(self, film: FoundFilm, clip: Clip) -> str | None:
        """The caption of a clip, None if there is none yet."""
        return self._captions.get((film.mark, clip.number))

    def add_caption(self, film: FoundFilm, caption: Caption) -> None:
        """Keep the caption of a clip."""
        clip, text = caption
        line = {"film": film.name, "mark": film.mark, "clip": clip.number}
        self._caption_lines.add({**line, "start": clip.start, "end": clip.end, "caption": text})
        self._captions[film.mark, clip.number] = text

    def clues(self, film: FoundFilm) -> list[Clue] | None:
        """The clues of a film, None if there are none yet."""
        return self._clues.get(film.mark)

    def add_clues(self, film: FoundFilm, clues: Sequence[Clue]) -> None:
        """Keep the clues of a film."""
        self._clue_lines.add({"film": film.name, "mark": film.mark, "clues": [list(clue) for clue in clues]})
        self._clues[film.mark] = list(clues)

    def write(self, samples: Sequence[dict[str, Any]]) -> None:
        """Put the file of questions in place."""
        _write_lines(self.output, samples)

    def write_left_out(self, films: Sequence[dict[str, Any]]) -> None:
        """Name the films that were left out, with their reasons, in left_out.jsonl."""
        _write_lines(self.folder / "left_out.jsonl", films)

    def _keep_plan(self, plan: Plan) -> None:
        path = self.folder / _PLAN
        if path.exists():
            if different := differences(read_plan(path), plan):
                raise UsageError(
                    f"{self.output} was begun with other values ({', '.join(different)}): use the same, or "
                    "name another file"
                )
            return
        if self.output.exists():
            raise UsageError(f"{self.output} is there and not of this command: name another file")
        self.folder.mkdir(parents=True, exist_ok=True)
        write_plan(path, plan)


def _write_lines(path: Path, lines: Sequence[dict[str, Any]]) -> None:
    with atomic_file(path) as file:
        for line in lines:
            file.write((json.dumps(line) + "\n").encode())
