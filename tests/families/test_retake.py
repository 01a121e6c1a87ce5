"""ReTaKe on every family: what each layer keeps of a film, and where that stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import longreel
from longreel.compress.base import Chunk, LayerAttention, tokens_kept
from longreel.compress.dpselect import DPSelect
from longreel.compress.pivot_kv import PivotKV
from longreel.errors import UsageError
from longreel.identity import hash_tensors
from longreel.key_values import TEXT, LayerMemory
from longreel.methods import Method
from longreel.model import Model
from longreel.models.base import FilmPart, VisualTokens
from longreel.positions import RotaryTable
from longreel.video.frames import Frames
from longreel.video.reader import open_film
from longreel.video.sampling import Sampling
from tests.fakes import assert_same, broken_off, interrupting
from tests.families.test_parity import QUESTIONS, film, logits
from tests.oracles import retake as oracle

CHUNK = 8
FRAMES = 21


class Noting(PivotKV):
    """PivotKV that notes what it is shown and what it says; the notes are no settings."""

    seen: list[list[LayerAttention]]
    said: list[tuple[Chunk, Sequence[Tensor]]]

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        object.__setattr__(self, "seen", [[]])
        object.__setattr__(self, "said", [])

    def scores(self, attention: LayerAttention) -> Tensor:
        self.seen[-1].append(attention)
        return super().scores(attention)

    def choose(self, chunk: Chunk, scores: Sequence[Tensor]) -> list[Tensor]:
        kept = super().choose(chunk, scores)
        self.said.append((chunk, kept))
        self.seen.append([])
        return kept


def noting(folder: Path, **settings: Any) -> tuple[Model, Noting]:
    part = Noting(**{"keep": 0.4, "chunk_frames": CHUNK, **settings})
    return longreel.load(folder, method=Method(cache=part, features=DPSelect(), name="retake")), part


def retaken(folder: Path, **settings: Any) -> Model:
    cache = PivotKV(**{"keep": 0.4, "chunk_frames": CHUNK, **settings})
    return longreel.load(folder, method=Method(cache=cache, features=DPSelect(), name="retake"))


def plain(folder: Path) -> Model:
    model = longreel.load(folder, method="keep-all")
    model.adapter.interval = 10_000  # type: ignore[misc]
    return model


def encoded(model: Model, source: Any) -> VisualTokens:
    """What the language model sees of a film, in one piece."""
    with open_film(source, sampling=Sampling(fps=2.0)) as stream:
        stream.resize_to(model.adapter.frame_size(90, 120, stream.expected))
        blocks = list(stream)
    pixels = torch.cat([block.pixels for block in blocks])
    seconds = torch.cat([block.seconds for block in blocks])
    return model.adapter.encode(Frames(pixels, seconds), FilmPart(fps=2.0))


def visual(layer: LayerMemory) -> Tensor:
    return layer.token[layer.token != TEXT]


def chunk_tokens(model: Model, tokens: VisualTokens) -> list[int]:
    """Visual tokens of each chunk, counted frame by frame."""
    counts = tokens.frame.unique_consecutive(return_counts=True)[1].tolist()
    parts = oracle.chunks(len(counts), CHUNK // model.adapter.clip)
    return [sum(counts[number] for number in part) for part in parts]


def test_keep_1_changes_nothing_at_all(family: str, folder: Path) -> None:
    everything = longreel.load(folder, method="keep-all").watch(film(FRAMES))
    for settings in ({"keep": 1.0}, {"budget": 10**6}):
        memory = longreel.load(folder, method="retake", **settings).watch(film(FRAMES))  # type: ignore[arg-type]
        for mine, theirs in zip(memory.layers, everything.layers, strict=True):
            for part, tensor in vars(mine).items():
                assert torch.equal(tensor, getattr(theirs, part)), part
        turns: list[tuple[str, str | None]] = [(QUESTIONS[0], None)]
        model = longreel.load(folder)
        assert torch.equal(logits(model, memory, turns), logits(model, everything, turns))


@pytest.mark.parametrize("squeeze", [True, False])
def test_every_layer_keeps_what_the_plain_oracle_keeps(family: str, folder: Path, squeeze: bool) -> None:
    model, part = noting(folder, squeeze=squeeze)
    source = film(FRAMES)
    memory = model.watch(source)
    tokens = encoded(model, source)
    counts = chunk_tokens(model, tokens)
    patches = int(tokens.frame.unique_consecutive(return_counts=True)[1][0])
    features = tokens.embeddings.reshape(-1, patches, tokens.embeddings.shape[1]).tolist()
    peaks = [peak for row in oracle.peaks_per_patch(features, 3) for peak in row]
    assert [chunk.tokens for chunk, _ in part.said] == counts
    first = 0
    for attentions, count in zip(part.seen, counts, strict=False):
        for layer, attention in enumerate(attentions):
            keep = tokens_kept(count, 0.4)
            expected = oracle.kept_tokens(
                attention.query.tolist(), attention.key.tolist(), keep, peaks[first : first + count]
            )
            token = visual(memory.layers[layer])
            found = token[(token >= first) & (token < first + count)] - first
            assert found.tolist() == expected
        first += count
    sets = {tuple(visual(layer).tolist()) for layer in memory.layers}
    assert len(sets) > 1, "layers are to decide for themselves"


@pytest.mark.parametrize("squeeze", [True, False])
def test_entries_are_the_chunk_as_it_was_seen(family: str, folder: Path, squeeze: bool) -> None:
    """Within a chunk nothing is dropped, so the first one's values are those of keeping everything."""
    model, part = noting(folder, squeeze=squeeze)
    memory = model.watch(film(FRAMES))
    everything = plain(folder).watch(film(FRAMES))
    first = part.said[0][0].tokens
    rotation = model.adapter.decoder.rotation  # type: ignore[attr-defined]
    for number, layer in enumerate(memory.layers):
        theirs = everything.layers[number]
        own = ((layer.token >= 0) & (layer.token < first)).nonzero().flatten()
        same = torch.cat([(theirs.token == token).nonzero()[0] for token in layer.token[own]])
        assert torch.allclose(layer.values[:, own], theirs.values[:, same], atol=1e-5)
        if squeeze:
            table = RotaryTable(layer.positions[..., own], rotation)
            expected = table.rotate(part.seen[0][number].key[:, layer.token[own]])
            assert torch.allclose(layer.keys[:, own], expected, atol=1e-5)
        else:
            assert torch.allclose(layer.keys[:, own], theirs.keys[:, same], atol=1e-5)
            assert torch.equal(layer.positions[..., own], theirs.positions[..., same])


def text_with(layer: LayerMemory, everything: longreel.VideoMemory) -> int:
    """Text of the film as a whole, without that of frames which it tells the time of and which are gone."""
    token = everything.layers[0].token.tolist()
    gone = 0
    for at in range(1, len(token)):
        begins_frame = token[at] > 0 and token[at - 1] == TEXT
        if begins_frame:
            end = next((i for i in range(at, len(token)) if token[i] == TEXT), len(token))
            if not set(token[at:end]) & set(layer.token.tolist()):
                begin = next(i for i in range(at - 1, -1, -1) if token[i] != TEXT) + 1
                gone += at - begin
    return token.count(TEXT) - gone


@pytest.mark.parametrize("keep", [0.02, 0.07, 0.25, 0.5, 0.99])
def test_the_fraction_is_kept_exactly_of_every_chunk_and_text_always(
    family: str, folder: Path, keep: float
) -> None:
    model = retaken(folder, keep=keep)
    memory, everything = model.watch(film(FRAMES)), plain(folder).watch(film(FRAMES))
    counts = chunk_tokens(model, encoded(model, film(FRAMES)))
    for layer in memory.layers:
        first = 0
        for count in counts:
            inside = (layer.token >= first) & (layer.token < first + count)
            assert int(inside.sum()) == tokens_kept(count, keep)
            first += count
        assert (visual(layer).diff() > 0).all()
        assert int((layer.token == TEXT).sum()) == text_with(layer, everything)
        assert layer.keys.shape[1] == len(layer.token) == layer.positions.shape[-1]
    assert memory.header.kept == tuple(len(layer.token) for layer in memory.layers)


def test_no_pivot_is_dropped_while_another_token_is_kept(family: str, folder: Path) -> None:
    model, part = noting(folder)
    model.watch(film(FRAMES))
    for chunk, kept in part.said:
        assert chunk.pivots is not None
        assert 0 < int(chunk.pivots.sum()) < chunk.tokens
        for layer in kept:
            stays = torch.zeros(chunk.tokens, dtype=torch.bool)
            stays[layer] = True
            assert not (chunk.pivots & ~stays).any() or not (~chunk.pivots & stays).any()


@pytest.mark.parametrize("squeeze", [True, False])
def test_tokens_stand_alike_in_every_layer(family: str, folder: Path, squeeze: bool) -> None:
    memory = retaken(folder, squeeze=squeeze).watch(film(FRAMES))
    stands: dict[int, list[int]] = {}
    theirs = memory.layers[0]
    for layer in memory.layers:
        places = layer.positions.reshape(-1, len(layer.token)).mT.tolist()
        for token, position in zip(layer.token.tolist(), places, strict=True):
            assert token == TEXT or stands.setdefault(token, position) == position
        if torch.equal(layer.token == TEXT, theirs.token == TEXT):
            text = layer.token == TEXT
            assert torch.equal(layer.positions[..., text], theirs.positions[..., text])
    last = max(int(layer.positions.max()) for layer in memory.layers)
    assert memory.header.next_position > last


def test_without_squeezing_everything_stands_where_it_stood(family: str, folder: Path) -> None:
    memory, everything = retaken(folder, squeeze=False).watch(film(FRAMES)), plain(folder).watch(film(FRAMES))
    theirs = everything.layers[0]
    for layer in memory.layers:
        shown = theirs.positions[..., torch.isin(theirs.token, visual(layer))]
        assert torch.equal(layer.positions[..., layer.token != TEXT], shown)
    assert memory.header.next_position == everything.header.next_position


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen2_5_vl"])
@pytest.mark.parametrize("keep", [0.1, 0.4, 0.7])
def test_times_are_squeezed_chunk_by_chunk(family: str, checkpoints: dict[str, Path], keep: float) -> None:
    folder = checkpoints[family]
    model = retaken(folder, keep=keep)
    frames = 40
    memory, everything = model.watch(film(frames)), plain(folder).watch(film(frames))
    theirs = everything.layers[0]
    shown = theirs.token != TEXT
    before = theirs.positions[:, shown]
    counts = chunk_tokens(model, encoded(model, film(frames)))
    fractions = [(tokens_kept(count, keep), count) for count in counts]
    expected = torch.tensor(
        oracle.squeezed_chunks([part.tolist() for part in before[0].split(counts)], fractions)
    )
    for layer in memory.layers:
        own = layer.token != TEXT
        assert layer.positions[0, own].tolist() == expected[visual(layer)].tolist()
        assert torch.equal(layer.positions[1:, own], before[1:, visual(layer)])
    largest = max(int(expected.max()), int(before[1:].max()))
    assert memory.header.next_position == largest + 1


@pytest.mark.parametrize("keep", [0.1, 0.4, 0.7])
def test_a_single_axis_is_squeezed_to_the_number_of_entries(
    checkpoints: dict[str, Path], keep: float
) -> None:
    folder = checkpoints["llava_onevision"]
    model = retaken(folder, keep=keep)
    memory = model.watch(film(FRAMES))
    counts = chunk_tokens(model, encoded(model, film(FRAMES)))
    fractions = [(tokens_kept(count, keep), count) for count in counts]
    text = int((memory.layers[0].token == TEXT).sum())
    line = list(range(text, text + sum(counts)))
    times, first = [], 0
    for count in counts:
        times.append(line[first : first + count])
        first += count
    expected = torch.tensor(oracle.squeezed_chunks(times, fractions))
    for layer in memory.layers:
        assert layer.positions[layer.token != TEXT].tolist() == expected[visual(layer)].tolist()
    assert memory.header.next_position == memory.header.kept[0]


def test_frames_with_their_times_in_text_move_whole(checkpoints: dict[str, Path]) -> None:
    folder = checkpoints["qwen3_vl"]
    memory, everything = retaken(folder).watch(film(FRAMES)), plain(folder).watch(film(FRAMES))
    theirs = everything.layers[0]
    offsets = {}
    for layer in memory.layers:
        for token, position in zip(layer.token.tolist(), layer.positions.mT, strict=True):
            if token != TEXT:
                there = theirs.positions[:, (theirs.token == token).nonzero()[0, 0]]
                moved = (there - position).tolist()
                assert moved[0] == moved[1] == moved[2]
                frame = int(everything.timeline.run_of(torch.tensor(token)))
                assert offsets.setdefault(frame, moved[0]) == moved[0]
    in_order = [offsets[frame] for frame in sorted(offsets)]
    assert in_order[0] == 0
    assert in_order == sorted(in_order)
    assert memory.header.next_position < everything.header.next_position


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_the_block_of_the_score_pass_does_not_matter(family: str, folder: Path, block: int) -> None:
    one, other = retaken(folder).watch(film(FRAMES)), retaken(folder, block=block).watch(film(FRAMES))
    for mine, theirs in zip(one.layers, other.layers, strict=True):
        assert torch.equal(mine.token, theirs.token)


@pytest.mark.parametrize("scored_by", ["attention", "keys"])
@pytest.mark.parametrize("when", [1, 2])
def test_an_interrupted_watch_of_two_films_goes_on(
    family: str, folder: Path, when: int, scored_by: str, tmp_path: Path
) -> None:
    model = retaken(folder, scored_by=scored_by)
    sources = [film(37, seed=1), film(19, seed=2)]
    whole = model.watch(sources)
    partial = broken_off(model, sources, progress=interrupting(when))
    partial.save(tmp_path / "film.memory")
    reopened = model.open(tmp_path / "film.memory")
    assert model.ask(reopened, QUESTIONS[0], max_new_tokens=2).usage.memory_tokens == partial.header.kept[0]
    assert_same(whole, model.watch(sources, resume=reopened))


def test_chunks_end_with_their_film(family: str, folder: Path) -> None:
    model = retaken(folder)
    sources = [film(FRAMES, seed=1), film(5, seed=2)]
    memory = model.watch(sources)
    first, second = (chunk_tokens(model, encoded(model, source)) for source in sources)
    kept = sum(tokens_kept(count, 0.4) for count in (*first, *second))
    for layer in memory.layers:
        assert len(visual(layer)) == kept
        seam = layer.positions[..., layer.token >= sum(first)].reshape(
            -1, int((layer.token >= sum(first)).sum())
        )
        earlier = layer.positions[..., (layer.token >= 0) & (layer.token < sum(first))]
        assert int(seam[0].min()) > int(earlier.max())


def test_without_pivots_only_attention_decides(family: str, folder: Path) -> None:
    bare = longreel.load(folder, method=Method(cache=PivotKV(0.4, chunk_frames=CHUNK), name="retake"))
    off = retaken(folder, pivots=False).watch(film(FRAMES))
    on = retaken(folder).watch(film(FRAMES))
    for mine, theirs in zip(bare.watch(film(FRAMES)).layers, off.layers, strict=True):
        assert torch.equal(mine.keys, theirs.keys)
    assert any(
        not torch.equal(mine.token, theirs.token) for mine, theirs in zip(on.layers, off.layers, strict=True)
    )


def test_a_budget_is_a_fraction_of_the_prompt(family: str, folder: Path) -> None:
    everything = plain(folder).watch(film(FRAMES))
    plan = everything.header.sources[0].plan
    assert plan is not None
    prompt = (plan.visual_tokens or 0) + (plan.text_tokens or 0)
    method = Method(cache=PivotKV(budget=prompt // 3, chunk_frames=CHUNK), features=DPSelect())
    memory = longreel.load(folder, method=method).watch(film(FRAMES))
    other = retaken(folder, keep=(prompt // 3) / prompt).watch(film(FRAMES))
    for mine, theirs in zip(memory.layers, other.layers, strict=True):
        assert torch.equal(mine.keys, theirs.keys)
    with pytest.raises(UsageError, match="known length"):
        longreel.load(folder, method="retake", budget=100).watch(iter(film(4)))


def test_the_model_stays_as_it_is_after_a_failure(family: str, folder: Path) -> None:
    model = retaken(folder)
    network = model.adapter.model  # type: ignore[attr-defined]
    before, settings = hash_tensors(network.state_dict()), network.config.to_json_string()

    def broken() -> Iterator[tuple[np.ndarray, float]]:
        yield from film(2 * CHUNK + 1)
        raise OSError("the camera fell")

    memory = model.watch(film(FRAMES))
    with pytest.raises(OSError, match="fell"):
        model.watch(broken())
    assert hash_tensors(network.state_dict()) == before
    assert network.config.to_json_string() == settings
    assert_same(memory, model.watch(film(FRAMES)))


def test_a_film_that_is_kept_in_part_fits_where_all_of_it_would_not(family: str, folder: Path) -> None:
    full = plain(folder).watch(film(40))
    adapter: Any = retaken(folder).adapter
    adapter.context = max(full.header.kept)
    with pytest.raises(UsageError, match="more than method"):
        Model(adapter, Method()).watch(film(40))
    memory = Model(adapter, Method(cache=PivotKV(0.1), features=DPSelect(), name="retake")).watch(film(40))
    assert max(memory.header.kept) < adapter.context


@pytest.mark.parametrize("scored_by", ["attention", "keys", "question"])
def test_a_memory_for_a_question_refuses_others(
    scored_by: str, family: str, folder: Path, tmp_path: Path
) -> None:
    settings = longreel.Retake(chunk_frames=CHUNK, scored_by=scored_by)
    model = longreel.load(folder, method="retake", keep=0.3, retake=settings)
    if scored_by != "question":
        with pytest.raises(UsageError, match="leave out question="):
            model.watch(film(4), question=QUESTIONS[0])
        assert model.watch(film(4)).header.question is None
        return
    with pytest.raises(UsageError, match="give question="):
        model.watch(film(4))
    one, other = (model.watch(film(FRAMES), question=question) for question in QUESTIONS)
    assert any(not torch.equal(a.token, b.token) for a, b in zip(one.layers, other.layers, strict=True))
    one.save(tmp_path / "film.memory")
    memory = model.open(tmp_path / "film.memory")
    assert model.ask(memory, QUESTIONS[0], max_new_tokens=2).usage.memory_tokens == memory.header.kept[0]
    with pytest.raises(UsageError, match=r"What is shown\?") as caught:
        model.ask(memory, QUESTIONS[1])
    assert len(str(caught.value).splitlines()) == 1
    partial = broken_off(model, film(37), question=QUESTIONS[0], progress=interrupting(1))
    with pytest.raises(UsageError, match="use the same"):
        model.watch(film(37), question=QUESTIONS[1], resume=partial)
    assert_same(model.watch(film(37), resume=partial), model.watch(film(37), question=QUESTIONS[0]))


def test_a_question_leaves_no_trace_and_scores_by_its_own_attention(family: str, folder: Path) -> None:
    model, part = noting(folder, scored_by="question")
    memory = model.watch(film(FRAMES), question=QUESTIONS[0])
    asked = len(model.adapter.dialogue.after([(QUESTIONS[0], None)]))
    everything = plain(folder).watch(film(FRAMES))
    first = part.said[0][0].tokens
    for layer, attention in zip(memory.layers, part.seen[0], strict=True):
        assert int((layer.token == TEXT).sum()) == text_with(layer, everything)
        assert attention.question is not None
        assert attention.question.shape[1] == asked
        expected = oracle.kept_for_question(
            attention.question.tolist(),
            attention.key.tolist(),
            tokens_kept(first, 0.4),
            part.said[0][0].pivots,
        )
        assert layer.token[(layer.token >= 0) & (layer.token < first)].tolist() == expected


@pytest.mark.parametrize(
    ("method", "settings", "named"),
    [
        ("uniform", {"retake": longreel.Retake(pivots=False)}, "not uniform"),
        ("retake", {"retake": longreel.Retake(scored_by="taste")}, "'taste'"),
        ("retake", {"retake": longreel.Retake(window=4)}, "window=4"),
        ("retake", {"retake": longreel.Retake(chunk_frames=0)}, "chunk_frames=0"),
        ("retake", {"keep": 0.5, "budget": 9}, "one of them"),
        (Method(), {"retake": longreel.Retake()}, "retake="),
    ],
)
def test_settings_that_cannot_be(
    method: Any, settings: dict[str, Any], named: str, checkpoints: dict[str, Path]
) -> None:
    with pytest.raises(UsageError, match=named) as caught:
        longreel.load(checkpoints["qwen2_vl"], method, **settings)
    assert len(str(caught.value).splitlines()) == 1


def test_another_film_is_added_to_a_fraction_but_not_to_a_budget(family: str, folder: Path) -> None:
    model = retaken(folder, pivots=False)
    sources = [film(2 * CHUNK, seed=1), film(5, seed=2)]
    together = model.watch(sources)
    added = model.append(model.watch(sources[0]), sources[1])
    assert_same(together, added)
    assert added.header.warnings == ()
    marked = retaken(folder)
    assert "keyframes were chosen" in marked.append(marked.watch(sources[0]), sources[1]).header.warnings[0]
    short = model.append(model.watch(film(CHUNK + 2)), sources[1])
    assert "which was closed short" in short.header.warnings[0]
    budget = longreel.load(folder, method="retake", budget=50)
    with pytest.raises(UsageError, match="budget=50"):
        budget.append(budget.watch(film(8)), film(8))


def test_layers_may_share_what_stays(family: str, folder: Path, tmp_path: Path) -> None:
    even, shared = retaken(folder), retaken(folder, by_layer=True, pivots=False)
    memory = shared.watch(film(FRAMES))
    kept = [len(visual(layer)) for layer in memory.layers]
    assert len(set(kept)) > 1
    assert sum(kept) == sum(len(visual(layer)) for layer in even.watch(film(FRAMES)).layers)
    assert "entries by layer" in str(memory.report())
    memory.save(tmp_path / "film.memory")
    reopened = shared.open(tmp_path / "film.memory")
    assert_same(memory, reopened)
    assert shared.ask(reopened, QUESTIONS[0], max_new_tokens=3).usage.prompt_tokens


def lively_then_still(frames: int) -> list[Any]:
    """Half of the pictures differ, the others are one and the same."""
    moving = film(frames)
    return [(moving[min(number, frames // 2)][0], seconds) for number, (_, seconds) in enumerate(moving)]


def test_chunks_may_share_what_stays(family: str, folder: Path) -> None:
    even, shared = retaken(folder), retaken(folder, by_time=True)
    source = lively_then_still(40)
    memory, evenly = shared.watch(source), even.watch(source)
    tokens = encoded(shared, source)
    frames = tokens.embeddings.split(tokens.frame.unique_consecutive(return_counts=True)[1].tolist())
    parts = oracle.chunks(len(frames), CHUNK // shared.adapter.clip)
    counts = [sum(len(frames[t]) for t in part) for part in parts]
    changes = oracle.chunk_changes([[frames[t].tolist() for t in part] for part in parts])
    total = sum(tokens_kept(count, 0.4) for count in counts)
    shares = oracle.time_shares(changes, counts, total)
    for layer, other in zip(memory.layers, evenly.layers, strict=True):
        token = visual(layer)
        assert len(token) == len(visual(other)) == total
        kept = [
            int(((token >= sum(counts[:i])) & (token < sum(counts[: i + 1]))).sum())
            for i in range(len(counts))
        ]
        assert all(abs(count - share) < 1.001 for count, share in zip(kept, shares, strict=True))
        assert kept[0] > kept[-1]
    assert "by_time=True" in str(memory.report())
    assert "by_time" not in str(evenly.report())


def test_an_interrupted_film_is_shared_out_as_a_whole(family: str, folder: Path, tmp_path: Path) -> None:
    model = retaken(folder, by_time=True)
    sources = [film(37, seed=1), film(19, seed=2)]
    whole = model.watch(sources)
    for when in (1, 2):
        partial = broken_off(model, sources, progress=interrupting(when))
        partial.save(tmp_path / "film.memory")
        assert_same(whole, model.watch(sources, resume=model.open(tmp_path / "film.memory")))
    with pytest.raises(UsageError, match="by_time"):
        model.append(model.watch(sources[0]), sources[1])


def test_sharing_over_time_changes_nothing_at_keep_1(family: str, folder: Path) -> None:
    settings = longreel.Retake(by_time=True)
    memory = longreel.load(folder, method="retake", keep=1.0, retake=settings).watch(film(FRAMES))
    everything = longreel.load(folder, method="keep-all").watch(film(FRAMES))
    for mine, theirs in zip(memory.layers, everything.layers, strict=True):
        for part, tensor in vars(mine).items():
            assert torch.equal(tensor, getattr(theirs, part)), part


def test_times_in_text_go_with_their_frames_and_subtitles_never(checkpoints: dict[str, Path]) -> None:
    folder = checkpoints["qwen3_vl"]
    lines = [(seconds, seconds + 0.5, "A fox.") for seconds in (0.0, 2.0, 6.0)]
    model = retaken(folder, keep=0.02)
    dropped, told = model.watch(film(FRAMES)), model.watch(film(FRAMES), subtitles=lines)
    everything = plain(folder).watch(film(FRAMES))
    said = sum(len(model.adapter.dialogue.quoted(text)) for _, _, text in lines)
    for bare, layer in zip(dropped.layers, told.layers, strict=True):
        text = int((bare.token == TEXT).sum())
        assert text < int((everything.layers[0].token == TEXT).sum())
        assert int((layer.token == TEXT).sum()) >= text + said


@pytest.mark.parametrize("keyframes", [1.0, 0.5])
def test_images_beside_a_film_stay_whole(keyframes: float, family: str, folder: Path, tmp_path: Path) -> None:
    picture = tmp_path / "plan.png"
    Image.fromarray(film(1, seed=9)[0][0]).save(picture)
    settings = longreel.Retake(chunk_frames=CHUNK, keyframes=keyframes)
    model = longreel.load(folder, method="retake", keep=0.3, retake=settings)
    sources = [str(picture), film(37, seed=1)]
    memory = model.watch(sources)
    alone = model.watch(sources[1])
    image = memory.header.visual_tokens - alone.header.visual_tokens
    for layer, other in zip(memory.layers, alone.layers, strict=True):
        assert visual(layer)[:image].tolist() == list(range(image))
        assert len(visual(layer)) == image + len(visual(other))
    partial = broken_off(model, sources, progress=interrupting(2))
    assert_same(memory, model.watch(sources, resume=partial))
