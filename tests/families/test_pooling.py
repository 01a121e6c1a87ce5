"""Fewer tokens per frame by progressive pooling, on every family."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForImageTextToText

import longreel
from longreel.compress.baselines import FramesWithin, RandomTokens, RecentWindow, UniformFrames
from longreel.compress.context_window import ContextWindow
from longreel.compress.progressive_pooling import ProgressivePooling
from longreel.errors import UsageError
from longreel.key_values import TEXT
from longreel.methods import Method
from longreel.model import Model
from longreel.models.base import FilmPart, VisualTokens
from longreel.token_shrinking import shrunk
from longreel.video.frames import Frames
from tests.fakes import assert_same, broken_off, interrupting
from tests.families.stock import Stock
from tests.families.test_film_plan import assert_as_planned, pictures
from tests.families.test_parity import QUESTIONS, film, logits, seen
from tests.oracles import progressive_pooling as oracle

ASKED: list[tuple[str, str | None]] = [(QUESTIONS[0], None)]
SMALL = ProgressivePooling(group=3, strides=(2, 3))
# For long films, whose frames Qwen3-VL makes smaller.
FINE = ProgressivePooling(group=3, strides=(1, 2))


def loaded(folder: Path, pooling: ProgressivePooling | None = SMALL, chunk: int = 11, **parts: Any) -> Model:
    model = longreel.load(folder, method=Method(tokens=pooling, **parts))
    model.adapter.interval = chunk  # type: ignore[misc]
    return model


def with_side(folder: Path, copy: Path, side: int) -> Path:
    """A copy that looks at frames of so many tokens along each side, or of about so many in all."""
    shutil.copytree(folder, copy)
    settings = json.loads((copy / "preprocessor_config.json").read_text())
    config: Any = AutoConfig.from_pretrained(copy)
    if config.model_type == "llava_onevision":
        config.vision_config.image_size = 14 * side
        settings["size"] = {"height": 14 * side, "width": 14 * side}
        torch.manual_seed(0)
        AutoModelForImageTextToText.from_config(config).save_pretrained(copy)
    elif "size" in settings:
        settings["size"]["longest_edge"] = 12 * (32 * side) ** 2
    else:
        settings["max_pixels"] = (28 * side) ** 2
    (copy / "preprocessor_config.json").write_text(json.dumps(settings))
    return copy


@pytest.fixture
def wide(folder: Path, tmp_path: Path) -> Path:
    """Frames of a grid that is large enough for the strides of the paper."""
    return with_side(folder, tmp_path / "wide", 9)


def large_film(frames: int, seed: int = 0) -> list[tuple[np.ndarray, float]]:
    rng = np.random.default_rng(seed)
    return [(rng.integers(0, 256, (264, 300, 3), dtype=np.uint8), i / 2) for i in range(frames)]


def random_block(model: Model, frames: int) -> Frames:
    generator = torch.Generator().manual_seed(1)
    height, width = model.adapter.frame_size(90, 120, frames)
    pixels = torch.randint(0, 256, (frames, 3, height, width), generator=generator, dtype=torch.uint8)
    return Frames(pixels, torch.arange(frames, dtype=torch.float64) / 2)


def native(model: Model, block: Frames, first: int = 0) -> VisualTokens:
    return model.adapter.encode(block, FilmPart(frame=first, fps=2.0), unpooled=True)


def test_tokens_are_those_of_the_plain_oracle(family: str, folder: Path) -> None:
    model = loaded(folder)
    tokens = native(model, random_block(model, 11))
    assert tokens.grid is not None
    rows, columns, frames = tokens.grid
    assert (rows, columns) == ((3, 3) if family == "llava_onevision" else (3, 4))
    found = shrunk(tokens, SMALL, 0)

    def pooled(features: Tensor) -> tuple[Tensor, list[int]]:
        pictures = features.unflatten(0, (-1, rows * columns))
        made, picture = oracle.pool_frames(pictures.tolist(), (rows, columns), 3, (2, 3))
        return torch.tensor(made), picture

    expected, picture = pooled(tokens.embeddings)
    assert torch.allclose(found.embeddings, expected, atol=1e-5)
    assert found.frame.tolist() == [number * frames for number in picture]
    assert found.start.tolist() == [number * frames / 2 for number in picture]
    assert found.end.tolist() == [min(number * frames + frames - 1, 10) / 2 for number in picture]
    if tokens.deep is not None:
        assert found.deep is not None
        for level, before in zip(found.deep, tokens.deep, strict=True):
            assert torch.allclose(level, pooled(before)[0], atol=1e-5)
    assert (found.deep is None) == (family != "qwen3_vl")


def test_places_are_those_of_the_coarse_cells(family: str, folder: Path) -> None:
    model = loaded(folder)
    tokens = native(model, random_block(model, 11))
    found = shrunk(tokens, SMALL, 0)
    if family == "llava_onevision":
        assert found.place is None
        return
    assert found.place is not None
    assert tokens.place is not None
    expected = []
    for pair in range(6):
        time = int(tokens.place[0, 12 * pair])
        # Two by two of three by four cells for the first of three pairs, else one by two.
        rows, columns = (2, 2) if pair % 3 == 0 else (1, 2)
        expected += [(time, row, column) for row in range(rows) for column in range(columns)]
    assert found.place.T.tolist() == [list(place) for place in expected]


def test_text_stays_before_the_frame_it_stood_before(family: str, folder: Path) -> None:
    model = loaded(folder)
    tokens = native(model, random_block(model, 11))
    found = shrunk(tokens, SMALL, 0)
    assert [ids.tolist() for _, ids in found.words] == [ids.tolist() for _, ids in tokens.words]
    assert [int(found.frame[before]) for before, _ in found.words] == [
        int(tokens.frame[before]) for before, _ in tokens.words
    ]
    assert len(found.words) == {"llava_onevision": 0, "qwen3_vl": 6}.get(family, 1)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_blocks_of_any_size_give_the_same(family: str, folder: Path, size: int) -> None:
    model = loaded(folder)
    step = size * model.adapter.clip
    block = random_block(model, 10)
    whole = shrunk(native(model, block), SMALL, 0)
    parts = [
        shrunk(
            native(
                model, Frames(block.pixels[first : first + step], block.seconds[first : first + step]), first
            ),
            SMALL,
            first,
        )
        for first in range(0, 10, step)
    ]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.followed_by(part)
    assert torch.allclose(joined.embeddings, whole.embeddings, atol=1e-5)
    assert torch.equal(joined.start, whole.start)
    assert [before for before, _ in joined.words] == [before for before, _ in whole.words]
    if whole.place is not None:
        assert joined.place is not None
        assert torch.equal(joined.place, whole.place)


def test_the_familys_own_pooling_is_uniform_pooling(family: str, folder: Path) -> None:
    """By half on LLaVA-OneVision; what the others have merged, they leave as it is."""
    stride = 2 if family == "llava_onevision" else 1
    pooled = loaded(folder, ProgressivePooling(0, (stride, stride))).watch(film(8))
    plain = loaded(folder, None).watch(film(8))
    for mine, theirs in zip(pooled.layers, plain.layers, strict=True):
        assert torch.equal(mine.positions, theirs.positions)
        assert torch.allclose(mine.keys, theirs.keys, atol=1e-5)
        assert torch.allclose(mine.values, theirs.values, atol=1e-5)


def test_logits_are_those_of_the_unmodified_decoder_on_pooled_tokens(family: str, folder: Path) -> None:
    """Embeddings by transformers' own modules and the plain oracle, positions counted by loops."""
    model, stock = loaded(folder), Stock.load(family, folder)
    source = film(12)
    memory = model.watch(source)
    given = stock.inputs([seen(model, source)], [[t for _, t in source]], ASKED, fps=2.0)
    with torch.no_grad():
        expected = pooled_logits(stock, given)
    found = logits(model, memory, ASKED)
    assert (found - expected[-len(found) :]).abs().max() <= 1e-4
    assert memory.header.kept[0] + len(found) == len(expected)


def pooled_logits(stock: Stock, given: dict[str, Any]) -> Tensor:
    """After every token, of a film of 12 frames."""
    network, ids = stock.model.model, given["input_ids"][0]
    is_film = (ids == stock.model.config.video_token_id).tolist()
    deep: list[Tensor] = []
    if stock.family == "llava_onevision":
        states = network.vision_tower(given["pixel_values_videos"][0], output_hidden_states=True)
        features = network.multi_modal_projector(
            states.hidden_states[stock.model.config.vision_feature_layer]
        )
        grid, each = (3, 3), 4
    else:
        vision = network.get_video_features(
            given["pixel_values_videos"], given["video_grid_thw"], return_dict=True
        )
        features = torch.cat(tuple(vision.pooler_output)).unflatten(0, (6, 12))
        deep = [
            torch.cat(tuple(level)).unflatten(0, (6, 12))
            for level in getattr(vision, "deepstack_features", [])
        ]
        grid, each = (3, 4), 12

    def pooled(values: Tensor) -> list[list[Tensor]]:
        tokens, frame = oracle.pool_frames(values.tolist(), grid, 3, (2, 3))
        made: list[list[Tensor]] = [[] for _ in values]
        for token, number in zip(tokens, frame, strict=True):
            made[number].append(torch.tensor(token))
        return made

    frames, deep_frames = pooled(features), [pooled(level) for level in deep]
    words = network.language_model.embed_tokens(ids)
    rows: list[Tensor] = []
    places: list[list[int]] = []
    visual: list[bool] = []
    number = index = 0
    begin, first = 0, 0
    behind_text = True

    def following() -> int:
        return 1 + max((max(place) for place in places), default=-1)

    while index < len(ids):
        if not is_film[index]:
            places.append([following()] * 3)
            rows.append(words[index])
            visual.append(False)
            index, behind_text = index + 1, True
            continue
        if number == len(frames):
            # The new line of LLaVA-OneVision.
            places.append([following()] * 3)
            rows.append(network.image_newline)
            visual.append(False)
            index += 1
            continue
        time = {"qwen2_5_vl": 2 * number}.get(stock.family, number)
        if behind_text:
            begin, first, behind_text = following(), time, False
        across = math.ceil(grid[1] / (2 if number % 3 == 0 else 3))
        for cell, token in enumerate(frames[number]):
            if stock.family == "llava_onevision":
                places.append([following()] * 3)
            else:
                places.append([begin + time - first, begin + cell // across, begin + cell % across])
            rows.append(token)
            visual.append(True)
        index, number = index + each, number + 1
    position = torch.tensor(places).T[:, None]
    more: dict[str, Any] = {}
    if deep:
        more["visual_pos_masks"] = torch.tensor(visual)[None]
        more["deepstack_visual_embeds"] = [
            torch.stack([token for frame in level for token in frame]) for level in deep_frames
        ]
    position = position[0] if stock.family == "llava_onevision" else position
    hidden = network.language_model(
        inputs_embeds=torch.stack(rows)[None], position_ids=position, use_cache=False, **more
    ).last_hidden_state
    result: Tensor = stock.model.lm_head(hidden)[0]
    return result


@pytest.mark.parametrize("frames", [1, 7, 12])
def test_a_film_becomes_what_was_planned(family: str, folder: Path, frames: int) -> None:
    model = loaded(folder)
    memory = assert_as_planned(model, film(frames))
    (plan,) = model.plan(film(frames))
    if plan.reach is not None:
        before = len(model.adapter.dialogue.before(None))
        assert plan.reach == (memory.header.end or memory.header.next_position) - before
    encoded = next(stage for stage in memory.header.stages if stage.name == "encode")
    pooled = next(stage for stage in memory.header.stages if stage.name == "pool")
    assert (encoded.after, pooled.after) == (pooled.before, plan.visual_tokens)
    pictures = -(-frames // model.adapter.clip) if family != "llava_onevision" else frames
    assert pooled.before == pictures * (9 if family == "llava_onevision" else 12)


def test_several_films_start_a_group_each(family: str, folder: Path) -> None:
    model = loaded(folder)
    sources = [film(4), film(5, seed=2)]
    plans = model.plan(sources)
    memory = model.watch(sources)
    text = int((memory.layers[0].token == TEXT).sum()) - len(model.adapter.dialogue.before(None))
    assert sum(plan.visual_tokens or 0 for plan in plans) == memory.header.visual_tokens
    assert sum(plan.text_tokens or 0 for plan in plans) == text


def test_selected_frames_are_grouped_and_counted(family: str, folder: Path) -> None:
    memory = assert_as_planned(loaded(folder, frames=UniformFrames(0.3)), film(23))
    assert memory.header.sources[0].frames_encoded < 23
    for budget in range(12, 40):
        model = loaded(folder, FINE, frames=FramesWithin(budget))
        (plan,) = model.plan(film(40))
        assert plan.visual_tokens is not None
        assert plan.visual_tokens <= budget
        assert plan.frames is not None
        grown = model.adapter.film_tokens(
            torch.arange(plan.frames + model.adapter.clip, dtype=torch.float64), *plan.size, shrinker=FINE
        )
        assert grown.visual > budget or plan.frames == 40


def test_a_budget_leaves_frames_larger_than_without_pooling(family: str, folder: Path) -> None:
    if family == "llava_onevision":
        pytest.skip("its frames have one size")
    source = pictures(9, 90, 120)
    plain, pooled = loaded(folder, None), loaded(folder, ProgressivePooling(2, (1, 2)))
    (free,) = pooled.plan(source)
    assert free.visual_tokens is not None
    text = free.text_tokens or 0
    (fitting,) = pooled.plan(source, max_tokens=free.visual_tokens + text)
    assert fitting.size == free.size
    (smaller,) = plain.plan(source, max_tokens=free.visual_tokens + text)
    assert smaller.height * smaller.width < free.height * free.width
    (least,) = pooled.plan(source, max_tokens=free.visual_tokens + text - 1)
    assert least.height * least.width < free.height * free.width
    assert least.visual_tokens is not None
    assert least.visual_tokens < free.visual_tokens


@pytest.mark.parametrize("when", [1, 2])
def test_an_interrupted_watch_goes_on(family: str, folder: Path, when: int) -> None:
    model = loaded(folder, FINE)
    source = film(40)
    whole = model.watch(source)
    assert_same(whole, model.watch(source, resume=broken_off(model, source, progress=interrupting(when))))


@pytest.mark.parametrize(
    "parts",
    [
        {"cache": RandomTokens(0.5)},
        {"cache": RecentWindow(9)},
        {"frames": UniformFrames(0.5), "cache": RandomTokens(0.5)},
    ],
    ids=["tokens-cache", "recent", "all"],
)
def test_parts_go_together(family: str, folder: Path, parts: dict[str, Any], tmp_path: Path) -> None:
    model = loaded(folder, FINE, positions=ContextWindow(window=3), **parts)
    source = film(24)
    memory = model.watch(source)
    assert memory.window is not None
    assert memory.window.scale > 1
    memory.save(tmp_path / "film.memory")
    reopened = model.open(tmp_path / "film.memory")
    assert_same(memory, reopened)
    assert model.ask(reopened, QUESTIONS[0], max_new_tokens=3).usage.memory_tokens
    assert_same(memory, model.watch(source, resume=broken_off(model, source, progress=interrupting(2))))


def test_the_method_of_the_table(family: str, wide: Path, tmp_path: Path) -> None:
    model = longreel.load(wide, method="context-window")
    assert model.method == Method(
        tokens=ProgressivePooling(4, (2, 8)), positions=ContextWindow(), name="context-window"
    )
    memory = assert_as_planned(model, large_film(12))
    memory.save(tmp_path / "film.memory")
    reopened = model.open(tmp_path / "film.memory")
    assert_same(memory, reopened)
    assert "group=4 strides=[2, 8]" in str(reopened.report())
    assert model.ask(reopened, QUESTIONS[0], max_new_tokens=3).usage.new_tokens


def test_the_sizes_of_the_paper(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    """27 x 27 patches, 32 frames in training: 256 frames are 50,176 tokens, or 15,616."""
    folder = with_side(checkpoints["llava_onevision"], tmp_path / "real", 27)
    source = [(np.zeros((40, 40, 3), dtype=np.uint8), i / 2) for i in range(256)]
    (plain,) = longreel.load(folder).plan(source)
    assert plain.visual_tokens == 50_176
    model = longreel.load(folder, method="context-window")
    (pooled,) = model.plan(source)
    assert pooled.visual_tokens == 15_616
    assert model.adapter.trained_window == 6272
    # Of four frames the first is sharp.
    memory = model.watch(source[:5])
    assert memory.header.visual_tokens == 2 * 196 + 3 * 16


def test_strides_larger_than_the_grid_are_refused_before_anything_is_encoded(
    family: str, folder: Path
) -> None:
    model = longreel.load(folder, method="context-window")
    with pytest.raises(UsageError, match=r"stride 8 is larger than the 3x[34] tokens of a frame") as caught:
        model.watch(film(6))
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(UsageError, match="stride 8"):
        loaded(folder, ProgressivePooling()).watch(iter(film(6)))
    # Without groups, the coarse stride is not used.
    assert loaded(folder, ProgressivePooling(0, (2, 8))).plan(film(6))


def test_films_of_unknown_length_are_pooled_too(family: str, folder: Path) -> None:
    if family == "qwen3_vl":
        pytest.skip("frames of a film of unknown length are smaller")
    model = loaded(folder)
    one, other = model.watch(film(8)), model.watch(iter(film(8)))
    assert torch.equal(one.layers[-1].keys, other.layers[-1].keys)
