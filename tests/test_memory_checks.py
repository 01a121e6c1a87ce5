"""A memory file that was edited and given right hashes again: it makes sense, or one line refuses it."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from longreel.errors import LongreelError, MemoryFileError
from longreel.identity import hash_tensor
from tests.fakes import arrays, broken_off, fake_model, interrupting

FILM = arrays(61)
METHOD = ("video-xl", 0.5)
ODD: tuple[Any, ...] = (None, -1, 0, 3, 10**15, 1.5, float("nan"), "", "x", [], [1], {}, {"a": 1}, True)


@pytest.fixture(scope="module", params=["whole", "interrupted"])
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = fake_model(*METHOD)
    whole = request.param == "whole"
    memory = model.watch(FILM) if whole else broken_off(model, FILM, progress=interrupting(1))
    path: Path = tmp_path_factory.mktemp("memory") / "film.memory"
    memory.save(path)
    return path


class Edited:
    """The parts of a memory file, to be changed and written with right hashes."""

    def __init__(self, path: Path) -> None:
        with safe_open(path, framework="pt") as file:
            self.tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            self.contents: dict[str, Any] = json.loads(file.metadata()["header"])

    def write(self, path: Path) -> Path:
        self.contents["hashes"] = {name: hash_tensor(tensor) for name, tensor in self.tensors.items()}
        text = json.dumps(self.contents)
        digest = hashlib.sha256(text.encode()).hexdigest()
        tensors = {name: tensor.contiguous() for name, tensor in self.tensors.items()}
        save_file(tensors, path, metadata={"longreel_memory": "1", "header": text, "sha256": digest})
        return path


def use(path: Path) -> None:
    """Everything that can be done with a memory."""
    model = fake_model(*METHOD)
    memory = model.open(path)
    str(memory.report())
    memory.seconds(0)
    model.ask(memory, "what is it")
    if memory.complete:
        model.append(memory, arrays(9, seed=3))
    else:
        model.watch(FILM, resume=memory)


def refusal(path: Path) -> str | None:
    """The one line with which it is refused; nothing but our own errors may come of an edit."""
    try:
        use(path)
    except LongreelError as error:
        return str(error)
    return None


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def change(contents: Any, place: tuple[Any, ...], edit: Callable[[Any, Any], None]) -> Any:
    changed = copy.deepcopy(contents)
    holder = changed
    for key in place[:-1]:
        holder = holder[key]
    edit(holder, place[-1])
    return changed


def test_the_unchanged_file_is_accepted(saved: Path, tmp_path: Path) -> None:
    use(Edited(saved).write(tmp_path / "film.memory"))


def test_every_value_of_the_header(saved: Path, tmp_path: Path) -> None:
    """Each is left out and set to odd values; nothing but our own errors may come of it."""
    original = Edited(saved).contents
    where = [place for place in places(original) if place[0] != "hashes"]
    assert len(where) > 60
    refused = 0
    for place in where:
        edits: list[Callable[[Any, Any], None]] = [lambda holder, key: holder.pop(key)]
        edits += [lambda holder, key, odd=odd: holder.__setitem__(key, odd) for odd in ODD]
        for edit in edits:
            edited = Edited(saved)
            edited.contents = change(original, place, edit)
            line = refusal(edited.write(tmp_path / "film.memory"))
            refused += line is not None
            assert "\n" not in (line or ""), place
    assert refused > len(where)


@pytest.mark.parametrize(
    "edit",
    [
        lambda tensor: tensor[..., :-1],
        lambda tensor: tensor[None],
        lambda tensor: tensor * 0 - 2,
        lambda tensor: tensor * 0 + 1000,
        lambda tensor: tensor.flip(-1),
        lambda tensor: tensor.to(torch.float32) if tensor.dtype != torch.float32 else tensor.to(torch.int64),
        lambda tensor: tensor[..., :0],
    ],
)
def test_every_tensor(saved: Path, tmp_path: Path, edit: Callable[[Tensor], Tensor]) -> None:
    for name in Edited(saved).tensors:
        edited = Edited(saved)
        edited.tensors[name] = edit(edited.tensors[name])
        assert "\n" not in (refusal(edited.write(tmp_path / "film.memory")) or ""), name


@pytest.mark.parametrize("part", ["layers", "timeline", "header"])
def test_a_missing_part_is_named(saved: Path, tmp_path: Path, part: str) -> None:
    edited = Edited(saved)
    del edited.contents[part]
    with pytest.raises(MemoryFileError, match=rf"film\.memory is damaged \(.*{part}"):
        use(edited.write(tmp_path / "film.memory"))


def test_layers_of_other_shapes(saved: Path, tmp_path: Path) -> None:
    edited = Edited(saved)
    for name in edited.tensors:
        if name.endswith((".keys", ".values")):
            edited.tensors[name] = torch.cat([edited.tensors[name]] * 2)
    with pytest.raises(MemoryFileError, match="layers of other shapes"):
        use(edited.write(tmp_path / "film.memory"))
