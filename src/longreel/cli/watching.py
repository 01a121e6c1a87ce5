"""What `watch` and `ask` share: the frames a user asks for, and watching them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longreel.cli.output import print_remark

if TYPE_CHECKING:
    from longreel.memory import VideoMemory
    from longreel.model import Model
    from longreel.progress import ProgressCallback


@dataclass(frozen=True)
class Frames:
    """Which frames to read, and how; the values are the arguments of `Model.watch`."""

    fps: float | None = None
    count: int | None = None
    max_frames: int | None = None
    start: float | None = None
    end: float | None = None
    seconds: tuple[float, ...] | None = None
    max_tokens: int | None = None
    strict: bool = False
    allow_url: bool = False

    def check(self) -> None:
        """Refuse values that contradict each other before a model is loaded.

        Raises:
            UsageError: such as a start behind the end.
        """
        from longreel.film_plan import checked_max_tokens
        from longreel.video.sampling import Sampling

        checked_max_tokens(self.max_tokens)
        Sampling(self.fps, self.max_frames, self.count, self.start, self.end, self.seconds)

    def chosen(self) -> list[str]:
        """The names of the options that were given."""
        default = asdict(Frames())
        return [
            f"--{name.replace('_', '-')}" for name, value in asdict(self).items() if value != default[name]
        ]


@dataclass(frozen=True)
class Subtitles:
    """What to tell the model of what is said, and where; see `Model.watch`."""

    given: tuple[str, ...] = ()
    placement: str = "times"
    budget: int | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of `Model.watch`."""
        given = list(self.given) if len(self.given) > 1 else next(iter(self.given), None)
        return {
            "subtitles": given,
            "subtitle_placement": self.placement,
            "subtitle_budget": self.budget,
        }

    def check(self, films: Sequence[str]) -> None:
        """Refuse what contradicts itself or cannot be read before a model is loaded.

        Args:
            films: and images.

        Raises:
            UsageError: such as a file for each of two films, when there are three.
            SourceError: a file cannot be read.
        """
        if self == Subtitles():
            return
        from longreel.sources import is_image, listed_sources
        from longreel.subtitling import Subtitling
        from longreel.video.subtitles import read_subtitles

        sources = listed_sources(list(films))
        is_film = [len(sources) == 1 or not is_image(source) for source in sources]
        Subtitling(*self.arguments.values()).of_each(is_film)
        for name in self.given:
            if name.partition(":")[0] != "track":
                read_subtitles(name)

    def chosen(self) -> list[str]:
        """The names of the options that were given."""
        given = {
            "--subtitles": bool(self.given),
            "--subtitle-placement": self.placement != "times",
            "--subtitle-budget": self.budget is not None,
        }
        return [name for name, was_given in given.items() if was_given]


def check_films(films: Sequence[str], *, allow_url: bool) -> None:
    """Find out whether films and images can be opened before a model is loaded.

    What is far away is left for later; an image is read whole.

    Raises:
        SourceError: one of them cannot be opened.
    """
    from longreel.sources import is_image
    from longreel.video.reader import open_image, probe

    for film in films:
        if is_image(film):
            open_image(film, whole=True).close()
        elif not (allow_url and "://" in film):
            probe(film)


def watched(
    model: Model,
    films: Sequence[str],
    frames: Frames,
    system: str | None = None,
    progress: ProgressCallback | None = None,
    resume: VideoMemory | None = None,
    subtitles: Subtitles | None = None,
    question: str | None = None,
) -> VideoMemory:
    """Watch one film or several."""
    told = {**(subtitles or Subtitles()).arguments, "question": question}
    source = films[0] if len(films) == 1 else list(films)
    return model.watch(source, system=system, progress=progress, resume=resume, **told, **asdict(frames))


def warnings_of(memory: VideoMemory) -> list[str]:
    """All that went not quite well while watching."""
    films = [f"{source.name}: {warning}" for source in memory.header.sources for warning in source.warnings]
    return [*films, *memory.header.warnings]


def print_warnings(memory: VideoMemory) -> None:
    """What a film's reader and the method found worth knowing, on stderr."""
    for warning in warnings_of(memory):
        print_remark(f"warning: {warning}")


def resume_hint(memory: VideoMemory, path: Path) -> str:
    """Where an interrupted memory is, how far it reaches, and how to go on."""
    resume = memory.header.resume
    reached = f" at {resume.seconds:.1f} s" if resume is not None else ""
    return f"interrupted{reached}; what was watched is in {path}: run the same command again to go on"
