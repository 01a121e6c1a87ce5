"""What a request of lmms-eval shows and asks, and how it is to be answered."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from PIL import Image

from longreel.errors import UsageError
from longreel.method_parameters import MethodParameters
from longreel.parsing import nearest

# lmms-eval takes these for sound; among the benchmarks' media they are films.
_FILMS_TAKEN_FOR_SOUND = (".webm",)
# A film that lmms-eval takes for a picture.
_MOVING_PICTURE = ".gif"
_MAX_NEW_TOKENS = 128


@dataclass(frozen=True)
class Shown:
    """A film, and the question about it.

    key: equal for requests that show the same; None if that cannot be told. source: as `Model.watch` takes
    it. start, end: seconds of the part that is shown. seconds: times of the pictures where it is a list of
    them, each of which is to be seen.
    """

    key: tuple[Any, ...] | None
    source: Any
    question: str
    system: str | None
    start: float | None = None
    end: float | None = None
    seconds: tuple[float, ...] | None = None


def shown_in(messages: Sequence[Mapping[str, Any]], task: str) -> Shown:
    """The film and the question of one user turn, perhaps after a system prompt.

    Texts are joined by line breaks and stand behind the film: a memory is made before it is asked. Several
    pictures are a film with a frame a second.

    Args:
        messages: as `doc_to_messages` of the task gives them.
        task: for errors.

    Raises:
        UsageError: there is nothing to see, more than one turn, or sound.
    """
    texts, films, pictures, system = [], [], [], None
    turns = [message for message in messages if message["role"] != "system"]
    if len(turns) != 1 or turns[0]["role"] != "user":
        raise UsageError(f"task {task} has earlier turns: longreel answers single questions about films")
    for message in messages:
        for part in _parts(message["content"]):
            if message["role"] == "system":
                system = part["text"]
            elif part["type"] == "text":
                texts.append(part["text"])
            elif _is_film(part):
                films.append(part)
            elif part["type"] == "image":
                pictures.append(part["url"])
            else:
                raise UsageError(f"task {task} plays sound: longreel sees films only")
    question = "\n".join(text for text in texts if text)
    if len(films) == 1 and not pictures:
        return _film(films[0], question, system)
    if films or not pictures:
        kinds = "several films, or films and pictures" if films else "nothing"
        raise UsageError(f"task {task} shows {kinds} in one question: longreel takes one film or pictures")
    seconds = tuple(float(number) for number in range(len(pictures)))
    frames = [(_array(picture), time) for picture, time in zip(pictures, seconds, strict=True)]
    return Shown(None, frames, question, system, seconds=seconds)


def decoding_of(generation: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `Model.ask` for a task's generation settings.

    Raises:
        UsageError: the task asks for a search in several beams.
    """
    if (generation.get("num_beams") or 1) != 1:
        raise UsageError("the task asks for num_beams above 1: longreel decodes greedily or samples")
    until = generation.get("until") or ()
    greedy = generation.get("do_sample") is False or not generation.get("temperature")
    sampled = {} if greedy else {"temperature": float(generation["temperature"]), "seed": 0}
    if not greedy and generation.get("top_p"):
        sampled["top_p"] = float(generation["top_p"])
    return {
        "max_new_tokens": int(generation.get("max_new_tokens") or _MAX_NEW_TOKENS),
        "stop": tuple(each for each in ([until] if isinstance(until, str) else until) if each),
        **sampled,
    }


def method_parameters(given: Mapping[str, Any]) -> MethodParameters:
    """Parameters of a method, from what `--model_args` has beside the model's own arguments.

    Raises:
        UsageError: a name that is unknown, a value of another kind, or a memory for a single question.
    """
    known = [each.name for each in fields(MethodParameters)]
    if unknown := sorted(set(given) - set(known)):
        meant = nearest(unknown[0], known)
        raise UsageError(f"--model_args has {', '.join(unknown)}, which longreel does not know{meant}")
    # lmms-eval leaves the brackets or quotes around values with commas.
    plain = {
        name: value.strip("[]()\"' ") if isinstance(value, str) else value for name, value in given.items()
    }
    parameters = MethodParameters.of(plain)
    parameters.check_for_many_questions()
    return parameters


def by_film(requests: Sequence[Shown]) -> list[list[int]]:
    """Numbers of the requests about each film, films in the order in which they first come up."""
    groups: dict[Any, list[int]] = {}
    for number, request in enumerate(requests):
        key = number if request.key is None else request.key
        groups.setdefault(key, []).append(number)
    return list(groups.values())


def _parts(content: Any) -> Sequence[Mapping[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _is_film(part: Mapping[str, Any]) -> bool:
    ending = os.path.splitext(part["url"])[1].lower() if isinstance(part["url"], str) else ""
    return (
        part["type"] == "video"
        or (part["type"] == "audio" and ending in _FILMS_TAKEN_FOR_SOUND)
        or (part["type"] == "image" and ending == _MOVING_PICTURE)
    )


def _film(part: Mapping[str, Any], question: str, system: str | None) -> Shown:
    """A path, or a mapping with the part that is meant; the part may also stand beside the path."""
    url, limits = part["url"], part
    if isinstance(url, Mapping):
        limits = url
        url = url.get("path") or url.get("url") or url.get("video")
    start = _first(limits, "video_start", "start_time")
    end = _first(limits, "video_end", "end_time")
    return Shown((str(url), start, end, system), url, question, system, start, end)


def _first(values: Mapping[str, Any], *names: str) -> float | None:
    return next((float(values[name]) for name in names if values.get(name) is not None), None)


def _array(picture: Any) -> np.ndarray[Any, Any]:
    if isinstance(picture, Image.Image):
        return np.asarray(picture.convert("RGB"))
    with Image.open(picture) as opened:
        return np.asarray(opened.convert("RGB"))
