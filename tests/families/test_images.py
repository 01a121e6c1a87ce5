"""Images beside films: with nothing compressed, every family is exactly the model of transformers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor
from transformers.models.llava_onevision.modeling_llava_onevision import (
    LlavaOnevisionModel,
    image_size_to_num_patches,
)

import longreel
from longreel.errors import SourceError, UsageError
from longreel.key_values import TEXT
from longreel.model import Model
from longreel.models.base import ImagePart
from longreel.models.llava_images import LlavaImages
from longreel.models.llava_onevision import LlavaPrompt
from longreel.models.prompt import Layout
from longreel.models.qwen_vl import QwenPrompt
from longreel.video.picture import resize
from tests.fakes import assert_same, broken_off, interrupting
from tests.families.checkpoints import family_tokenizer
from tests.families.stock import Shown, Stock
from tests.families.test_parity import QUESTIONS, film, greedy, logits, seen

# (height, width) of pictures by name: wide, tall, and larger than the tiny models look at.
PICTURES = {"plan": (100, 180), "door": (77, 60), "map": (300, 220)}
ORDERS = (
    ("film", "plan", "film"),
    ("map",),
    ("door", "film"),
    ("film", "plan", "door"),
    ("plan", "film", "map", "film", "door"),
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of noise for each."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(5)
    paths = {}
    for name, size in PICTURES.items():
        paths[name] = folder / f"{name}.png"
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(paths[name])
    return paths


def sources(order: Sequence[str], pictures: dict[str, Path]) -> list[Any]:
    """Films of one length, each of its own noise, and pictures."""
    return [film(4, seed=number) if each == "film" else pictures[each] for number, each in enumerate(order)]


def given_to(model: Model, named: Sequence[Any]) -> list[Shown]:
    """What the model gets of each."""
    images = sum(isinstance(each, Path) for each in named)
    return [
        image(model, each, ImagePart(alone=images == 1))
        if isinstance(each, Path)
        else Shown(seen(model, each), [time for _, time in each])
        for each in named
    ]


def image(model: Model, path: Path, part: ImagePart) -> Shown:
    pixels = torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)
    looks: Any = model.adapter.images
    size = (pixels.shape[1], pixels.shape[2])
    if isinstance(looks, LlavaImages):
        return Shown(looks.scaled(pixels, part), size=size)
    return Shown(resize(pixels, *looks.size(*size, part))[None].float(), size=size)


@pytest.mark.parametrize("chunk", [7, 10_000])
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_logits_are_those_of_the_unmodified_model(
    family: str, folder: Path, pictures: dict[str, Path], order: tuple[str, ...], chunk: int
) -> None:
    model, stock = longreel.load(folder, method="keep-all"), Stock.load(family, folder)
    model.adapter.interval = chunk  # type: ignore[misc]
    named = sources(order, pictures)
    memory = model.watch(named if len(named) > 1 else named[0])
    turns: list[tuple[str, str | None]] = [(QUESTIONS[0], "a fox"), (QUESTIONS[1], None)]
    given = stock.inputs_with_images(given_to(model, named), turns, fps=2.0)
    with torch.no_grad():
        expected = stock.model(**given).logits[0]
    found = logits(model, memory, turns)
    assert (found - expected[-len(found) :]).abs().max() <= 1e-4
    assert memory.header.kept[0] + len(found) == len(expected)


@pytest.mark.parametrize("order", [ORDERS[0], ORDERS[2]], ids="-".join)
def test_greedy_words_with_images(
    family: str, folder: Path, pictures: dict[str, Path], order: tuple[str, ...]
) -> None:
    model, stock = longreel.load(folder, method="keep-all"), Stock.load(family, folder)
    named = sources(order, pictures)
    memory = model.watch(named)
    given = stock.inputs_with_images(given_to(model, named), [(QUESTIONS[0], None)], fps=2.0)
    ids = model.adapter.dialogue.after([(QUESTIONS[0], None)])
    found = list(model.adapter.generate(memory.key_values, ids, max_new_tokens=8))
    words = greedy(stock, given, 8)
    ends = [number for number, word in enumerate(words) if word in model.adapter._ends()]  # type: ignore[attr-defined]
    assert found == words[: min(ends, default=8)]


@pytest.mark.parametrize("chunk", [7, 10_000])
@pytest.mark.parametrize("order", [ORDERS[1], ORDERS[4]], ids="-".join)
def test_with_the_positions_of_transformers_it_is_generate_with_images(
    family: str, folder: Path, pictures: dict[str, Path], order: tuple[str, ...], chunk: int
) -> None:
    model, stock = longreel.load(folder, positions="transformers"), Stock.load(family, folder)
    model.adapter.interval = chunk  # type: ignore[misc]
    named = sources(order, pictures)
    memory = model.watch(named if len(named) > 1 else named[0])
    turns: list[tuple[str, str | None]] = [(QUESTIONS[0], None)]
    given = stock.inputs_with_images(given_to(model, named), turns, fps=2.0)
    given.pop("position_ids", None)
    expected = stock.model.generate(**given, max_new_tokens=8, do_sample=False)[
        0, given["input_ids"].shape[1] :
    ]
    ids = model.adapter.dialogue.after(turns)
    found = model.adapter.generate(memory.key_values, ids, max_new_tokens=len(expected))
    assert list(found) == [token for token in expected.tolist() if token not in model.adapter._ends()]  # type: ignore[attr-defined]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_they_become_what_was_planned(
    family: str, folder: Path, pictures: dict[str, Path], order: tuple[str, ...]
) -> None:
    model = longreel.load(folder)
    named = sources(order, pictures)
    plans = model.plan(named if len(named) > 1 else named[0])
    memory = model.watch(named if len(named) > 1 else named[0])
    text = int((memory.layers[0].token == TEXT).sum()) - len(model.adapter.dialogue.before(None))
    assert sum(plan.text_tokens or 0 for plan in plans) == text
    records = {record.name: record for record in memory.header.sources}
    for each, plan in zip(named, plans, strict=True):
        if isinstance(each, Path):
            assert records[each.name].visual_tokens == plan.visual_tokens
            assert (records[each.name].kind, plan.frames) == ("image", 1)
    assert sum(record.visual_tokens or 0 for record in records.values()) <= memory.header.visual_tokens


@pytest.mark.parametrize("when", [1, 2, 3])
def test_an_interrupted_watch_with_images_goes_on(
    family: str, folder: Path, pictures: dict[str, Path], when: int, tmp_path: Path
) -> None:
    model = longreel.load(folder, method="random", keep=0.5)
    model.adapter.interval = 11  # type: ignore[misc]
    named = sources(ORDERS[0], pictures)
    whole = model.watch(named)
    partial = broken_off(model, named, progress=interrupting(when))
    partial.save(tmp_path / "part.memory")
    assert_same(whole, model.watch(named, resume=model.open(tmp_path / "part.memory")))


def test_a_film_behind_an_image_and_an_image_behind_a_film(
    family: str, folder: Path, pictures: dict[str, Path]
) -> None:
    model = longreel.load(folder)
    model.adapter.interval = 1  # type: ignore[misc]
    first, second = film(4), film(4, seed=1)
    behind = model.append(model.watch([pictures["plan"], first]), second)
    assert_same(behind, model.watch([pictures["plan"], first, second]))
    if family == "llava_onevision":
        with pytest.raises(UsageError, match=r"plan\.png .*watch everything together"):
            model.append(model.watch(first), pictures["plan"])
    else:
        longer = model.append(model.watch(first), pictures["plan"])
        assert_same(longer, model.watch([first, pictures["plan"]]))
        only = model.append(model.watch(pictures["plan"]), first)
        assert_same(only, model.watch([pictures["plan"], first]))


def test_max_tokens_holds_for_an_image(family: str, folder: Path, pictures: dict[str, Path]) -> None:
    model = longreel.load(folder)
    (free,) = model.plan(pictures["map"])
    full = (free.visual_tokens or 0) + (free.text_tokens or 0)
    assert model.plan(pictures["map"], max_tokens=full) == (type(free)(**{**vars(free), "max_tokens": full}),)
    if family == "llava_onevision":
        with pytest.raises(UsageError, match=f"map.png becomes {full} .* max_tokens={full}"):
            model.watch(pictures["map"], max_tokens=full - 1)
        return
    smaller = model.watch(pictures["map"], max_tokens=full - 1).header.sources[0]
    assert (smaller.visual_tokens or 0) + 1 < full
    with pytest.raises(UsageError, match=r"map\.png becomes"):
        model.watch(pictures["map"], max_tokens=1)


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def test_a_picture_too_elongated_is_named(family: str, checkpoints: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "ribbon.png"
    Image.new("RGB", (2000, 5)).save(path)
    with pytest.raises(SourceError, match=r"ribbon\.png: .*2000x5 is too elongated"):
        longreel.load(checkpoints[family]).watch([film(4), path])


def test_more_or_fewer_images_are_not_gone_on_with(
    checkpoints: dict[str, Path], pictures: dict[str, Path]
) -> None:
    model = longreel.load(checkpoints["llava_onevision"])
    model.adapter.interval = 5  # type: ignore[misc]
    partial = broken_off(model, [film(40), pictures["plan"]], progress=interrupting(3))
    with pytest.raises(UsageError, match="was to have one image and there are several now"):
        model.watch([film(40), pictures["plan"], pictures["door"]], resume=partial)


def test_a_template_without_images_is_a_model_without(
    checkpoints: dict[str, Path], pictures: dict[str, Path]
) -> None:
    model = longreel.load(checkpoints["qwen2_vl"])
    tokenizer: Any = model.adapter.tokenizer  # type: ignore[attr-defined]
    tokenizer.chat_template = tokenizer.chat_template.replace("'image'", "'painting'")
    with pytest.raises(UsageError, match=r"plan\.png is an image and qwen2_vl knows films only"):
        model.watch([film(4), pictures["plan"]])


def released(image_size: int, grid: int) -> Any:
    """A model of the released shape, of which only numbers are asked."""
    vision = SimpleNamespace(image_size=image_size, patch_size=image_size // grid)
    pairs = [[rows * image_size, columns * image_size] for rows in range(1, 7) for columns in range(1, 7)]
    return SimpleNamespace(
        vision_config=vision, image_grid_pinpoints=pairs, vision_aspect_ratio="anyres_max_9"
    )


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 4000), st.integers(1, 4000))
def test_the_tokens_of_an_only_image_are_those_that_transformers_packs(height: int, width: int) -> None:
    config = released(384, 27)
    adapter: Any = SimpleNamespace(
        model=SimpleNamespace(config=config),
        dialogue=SimpleNamespace(closing=list, between=list),
    )
    images, part = LlavaImages(adapter, {}), ImagePart(alone=True)
    count = image_size_to_num_patches((height, width), config.image_grid_pinpoints, 384)
    features = torch.zeros(count, 27 * 27, 1)

    def packed() -> Tensor:
        newline = torch.zeros(1)
        made, _ = LlavaOnevisionModel.pack_image_features(
            SimpleNamespace(config=config), [features], [(height, width)], newline, "anyres_max_9"
        )
        found: Tensor = made[0]
        return found

    try:
        images.size(height, width, part)
    except SourceError:
        assert max(height, width) > 20 * min(height, width)
        return
    becomes = images.tokens(height, width, part)
    assert becomes.visual + 1 == len(packed())
    assert becomes.patches == count * 27 * 27


@pytest.mark.parametrize(
    ("template", "layout"),
    [
        ("{{ part.type }};", ("", True, False)),
        ("{{ part.type }};\n", ("\n", True, False)),
        ("{% if part.type == 'video' %}{{ part.type }};{% endif %}", ("", False, False)),
        ("{{ part.type }};{% if part.type == 'image' %} {% endif %}", ("", False, False)),
    ],
)
def test_where_a_template_has_images(template: str, layout: tuple[str, bool, bool]) -> None:
    prompt = QwenPrompt(family_tokenizer("qwen2_vl"))
    prompt.film, prompt.image = "video;", "image;"
    parts = f"{{% for part in messages[0]['content'] %}}{template}{{% endfor %}}?"
    prompt.tokenizer.chat_template = parts
    found = prompt.layout
    assert (found.between, found.images, found.images_first) == layout


def test_llava_has_images_first() -> None:
    assert LlavaPrompt(family_tokenizer("llava_onevision"), 0).layout == Layout("\n", True, True)
