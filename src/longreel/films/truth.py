"""What a film shows, as a JSON file beside it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from longreel.errors import SourceError
from longreel.films.scenes import STYLES, Film
from longreel.films.vocabulary import ACTIONS, COLOURS, OBJECTS, PLACES, UNSEEN_PLACES

FORMAT = "longreel film truth"
VERSION = 1


def truth_json(film: Film) -> bytes:
    """The film as a JSON document, one that `load_truth` reads."""
    document = {"format": FORMAT, "version": VERSION, **asdict(film)}
    return (json.dumps(document, indent=1) + "\n").encode()


def load_truth(path: str | os.PathLike[str]) -> Film:
    """The film that a truth file describes; equal to the one it was written from.

    Raises:
        SourceError: the file is missing or is not a truth file of this version.
    """
    try:
        document = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}; name a film's truth file") from None
    except ValueError:
        raise SourceError(f"{path} is not a JSON file: name the .json beside a drawn film") from None
    if not isinstance(document, dict) or document.pop("format", None) != FORMAT:
        raise SourceError(f"{path} is not a film's truth: name the .json beside a drawn film")
    if (version := document.pop("version", None)) != VERSION:
        raise SourceError(
            f"{path} has version {version!r} and this longreel reads {VERSION}: draw the film again"
        )
    return _checked(path, document)


def _checked(path: str | os.PathLike[str], document: dict[str, Any]) -> Film:
    try:
        film = TypeAdapter(Film).validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise SourceError(f"{path} is damaged at {field}: {first['msg']}; draw the film again") from None
    fault = _fault(film)
    if fault:
        raise SourceError(f"{path} is damaged: {fault}; draw the film again")
    return film


def _fault(film: Film) -> str | None:
    if not film.scenes:
        return "it has no scenes"
    if film.style not in STYLES:
        return f"there is no style {film.style!r}"
    if not (film.fps > 0 and film.seconds > 0 and min(film.size) > 0):
        return "its length, size or frame rate is not positive"
    known = (OBJECTS, COLOURS, PLACES + UNSEEN_PLACES, ACTIONS)
    clock = 0.0
    for number, scene in enumerate(film.scenes):
        for word, words in zip((scene.object, scene.colour, scene.place, scene.action), known, strict=True):
            if word not in words:
                return f"scene {number} shows the unknown {word!r}"
        if scene.start < clock or scene.end <= scene.start:
            return f"scene {number} is out of order"
        clock = scene.end
    return None
