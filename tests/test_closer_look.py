"""Memories of two levels: made in one watch, read closely where a question looks, never changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

import longreel
from longreel import VideoXL
from longreel.closer_look import closer_look
from longreel.compress.context_window import ContextWindow
from longreel.errors import MemoryFileError, UsageError
from longreel.key_values import KeyValues
from longreel.memory import VideoMemory
from longreel.memory_file import write_memory
from longreel.methods import Method, named_method
from longreel.model import Model
from longreel.models.engine.two_levels import with_dense
from longreel.positions import RotaryTable
from tests.fakes import arrays, assert_same, broken_off, interrupting, video_xl_model
from tests.oracles import two_levels

# The little model: 4 tokens a frame, intervals of 12 frames, ratios 2, 4 and 8.
FILM, OTHER = arrays(51), arrays(27, seed=1)
QUESTION, NEXT = "what is it?", "and then who is there?"
FEW = {"max_new_tokens": 4}


def method(dense: int | None = 2, keep: float = 1 / 8, **settings: Any) -> Method:
    return named_method("video-xl", keep, video_xl=VideoXL(dense=dense, **settings))


def one_level(ratio: int) -> Method:
    """One ratio for all, in intervals that end with each film."""
    return named_method("video-xl", video_xl=VideoXL(ratios=(ratio,), draw="film"))


@pytest.fixture(scope="module")
def model() -> Model:
    return video_xl_model(method())


@pytest.fixture(scope="module")
def memory(model: Model) -> VideoMemory:
    return model.watch([FILM, OTHER])


def set_to(model: Model, chosen: Method) -> Model:
    """The same weights with another method."""
    return Model(model.adapter, chosen)


def same_levels(one: VideoMemory, other: VideoMemory) -> None:
    assert_same(one, other)
    assert one.dense is not None
    assert other.dense is not None
    for mine, theirs in zip(one.dense, other.dense, strict=True):
        assert all(torch.equal(tensor, getattr(theirs, part)) for part, tensor in vars(mine).items())


def same_layers(one: KeyValues, other: KeyValues) -> None:
    assert one.next_position == other.next_position
    assert one.intervals == other.intervals
    for mine, theirs in zip(one.layers, other.layers, strict=True):
        assert all(torch.equal(tensor, getattr(theirs, part)) for part, tensor in vars(mine).items())


def mixed(model: Model, memory: VideoMemory, chosen: list[int]) -> KeyValues:
    numbers = torch.tensor(chosen, dtype=torch.int64)
    return with_dense(memory.key_values, numbers, model.adapter.rotation)


def test_each_level_is_that_of_a_watch_at_its_ratio(model: Model, memory: VideoMemory) -> None:
    held = memory.key_values
    assert held.dense is not None
    same_layers(held, set_to(model, one_level(8)).watch([FILM, OTHER]).key_values)
    same_layers(held.dense, set_to(model, one_level(2)).watch([FILM, OTHER]).key_values)
    alone = model.watch(FILM)
    plain = set_to(model, named_method("video-xl", 1 / 8)).watch(FILM)
    assert all(torch.equal(a.keys, b.keys) for a, b in zip(alone.layers, plain.layers, strict=True))


def test_dense_everywhere_is_the_dense_level_and_dense_nowhere_the_sparse_one(
    model: Model, memory: VideoMemory
) -> None:
    held = memory.key_values
    assert held.dense is not None
    everywhere = list(range(len(held.intervals or ())))
    same_layers(mixed(model, memory, everywhere), held.dense)
    same_layers(mixed(model, memory, []), replace(held, dense=None))
    for ratio, most in ((2, len(everywhere)), (2, 1000), (8, 0)):
        plain = set_to(model, one_level(ratio))
        expected = plain.ask(plain.watch([FILM, OTHER]), QUESTION, **FEW)
        found = model.ask(memory, QUESTION, dense_intervals=most, **FEW)
        assert found.text == expected.text
        assert found.evidence == expected.evidence
        assert found.usage.memory_tokens == expected.usage.memory_tokens


@pytest.mark.parametrize("chosen", [[0], [2, 4], [1, 4, 7], [6]])
def test_a_mixture_is_that_of_the_plain_oracle(model: Model, memory: VideoMemory, chosen: list[int]) -> None:
    """Entry by entry: an unrotated key, its value and its token, in a row from position 0 on."""
    held, rotation = memory.key_values, model.adapter.rotation
    assert held.dense is not None
    found = mixed(model, memory, chosen)
    ends = torch.tensor([tokens for tokens, _ in held.intervals or ()]).cumsum(0).tolist()
    for layer, (sparse, dense) in enumerate(zip(held.layers, held.dense.layers, strict=True)):
        plain = []
        for level in (sparse, dense):
            keys = RotaryTable(-level.positions, rotation).rotate(level.keys)
            entries = list(zip(keys.unbind(1), level.values.unbind(1), level.token.tolist(), strict=True))
            groups: list[list[Any]] = [[] for _ in ends]
            for entry in entries:
                if entry[2] >= 0:
                    groups[next(number for number, end in enumerate(ends) if entry[2] < end)].append(entry)
            plain.append(([entry for entry in entries if entry[2] < 0], groups))
        expected = two_levels.read(plain[0][0], plain[0][1], plain[1][1], chosen)
        mine = found.layers[layer]
        assert mine.token.tolist() == [token for _, _, token in expected]
        assert mine.positions.tolist() == list(range(len(expected)))
        keys = torch.stack([key for key, _, _ in expected], dim=1)
        turned = RotaryTable(mine.positions, rotation).rotate(keys)
        assert torch.allclose(mine.keys, turned, atol=1e-4)
        assert torch.equal(mine.values, torch.stack([value for _, value, _ in expected], dim=1))
    assert found.next_position == len(expected)
    ratios = [ratio for _, ratio in found.intervals or ()]
    assert ratios == [2 if number in chosen else 8 for number in range(len(ends))]


def test_a_question_looks_where_its_attention_is(model: Model, memory: VideoMemory) -> None:
    """By the oracle, from the attention of every word of the question to the sparse level."""
    held = memory.key_values
    ids = model.adapter.dialogue.after([(QUESTION, None)])
    shares = [
        each.tolist()
        for each in model.adapter.attention(replace(held, dense=None), ids[:1], [*ids[1:].tolist(), 5])
    ]
    tokens = [layer.token.tolist() for layer in held.layers]
    lengths = [tokens for tokens, _ in held.intervals or ()]
    for most in (1, 2, 3):
        chosen = two_levels.chosen(shares, tokens, lengths, most)
        look = closer_look(model.adapter, memory, QUESTION, ids, most)
        assert look.memory.header.intervals == tuple(
            (length, 2 if number in chosen else 8) for number, length in enumerate(lengths)
        )
        same_layers(look.memory.key_values, mixed(model, memory, chosen))
    assert model.ask(memory, QUESTION, **FEW).dense == look.spans
    assert len(look.spans) == 3


def test_spans_are_when_the_intervals_were_shown(model: Model, memory: VideoMemory) -> None:
    """Intervals of twelve frames at 2 a second; the first film lasts 25.5 s, the other begins there."""
    every = model.ask(memory, QUESTION, dense_intervals=8, **FEW).dense
    assert every == (
        (0.0, 6.0),
        (6.0, 12.0),
        (12.0, 18.0),
        (18.0, 24.0),
        (24.0, 25.5),
        (25.5, 31.5),
        (31.5, 37.5),
        (37.5, 39.0),
    )
    assert model.ask(memory, QUESTION, dense_intervals=0, **FEW).dense == ()


def test_a_later_turn_looks_for_itself(model: Model, memory: VideoMemory) -> None:
    """Earlier turns are read before it and do not look; what they lead to may still differ."""
    dialogue = model.adapter.dialogue
    ids = dialogue.after([(QUESTION, "red"), (NEXT, None)])
    alone = dialogue.after([(NEXT, None)])
    held = replace(memory.key_values, dense=None)
    asked = sum(1 for _ in alone)
    while not torch.equal(ids[len(ids) - asked :], alone[len(alone) - asked :]):
        asked -= 1
    assert 1 < asked < len(ids)
    first = len(ids) - asked
    shares = model.adapter.attention(held, ids[: first + 1], [*ids[first + 1 :].tolist(), 5])
    lengths = [tokens for tokens, _ in held.intervals or ()]
    tokens = [layer.token.tolist() for layer in held.layers]
    chosen = two_levels.chosen([each.tolist() for each in shares], tokens, lengths, 2)
    look = closer_look(model.adapter, memory, NEXT, ids, 2)
    assert [ratio for _, ratio in look.memory.header.intervals or ()] == [
        2 if number in chosen else 8 for number in range(len(lengths))
    ]


def test_chat_stream_and_lists_read_the_same(model: Model, memory: VideoMemory) -> None:
    before = [layer.keys.clone() for layer in (*memory.layers, *(memory.dense or ()))]
    answer = model.ask(memory, QUESTION, dense_intervals=2, **FEW)
    listed = model.ask(memory, [NEXT, QUESTION], dense_intervals=2, **FEW)
    assert (listed[1].text, listed[1].dense) == (answer.text, answer.dense)
    assert "".join(model.stream(memory, QUESTION, dense_intervals=2, **FEW)) == answer.text
    chat = model.chat(memory, dense_intervals=2, **FEW)
    assert chat.ask(QUESTION).dense == answer.dense
    assert len(chat.ask(NEXT).dense) == 2
    after = [layer.keys for layer in (*memory.layers, *(memory.dense or ()))]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_saved_memory_has_both_levels(model: Model, memory: VideoMemory, tmp_path: Path) -> None:
    memory.save(tmp_path / "both.memory")
    opened = model.open(tmp_path / "both.memory")
    same_levels(opened, memory)
    opened.verify()
    assert model.ask(opened, QUESTION, **FEW).text == model.ask(memory, QUESTION, **FEW).text
    assert opened.header.dense is not None
    assert memory.dense is not None
    tensors = {id(part): part.nbytes for layer in memory.dense for part in vars(layer).values()}
    assert opened.header.dense.nbytes == sum(tensors.values())
    assert opened.nbytes == memory.key_values.nbytes > opened.header.dense.nbytes
    assert opened.header.dense.kept == (2 + 102 + 54,) * 3
    table = str(opened.report())
    assert "158 entries in each of 3 layers at 2x" in table
    assert "dense=2 sparse=8" in table


def test_a_changed_dense_level_is_found(memory: VideoMemory, model: Model, tmp_path: Path) -> None:
    path = tmp_path / "both.memory"
    memory.save(path)
    with safe_open(path, framework="pt") as file:
        assert "dense.1.keys" in file.keys()  # noqa: SIM118
    content = bytearray(path.read_bytes())
    length = int.from_bytes(content[:8], "little")
    begin, _ = json.loads(content[8 : 8 + length])["dense.1.keys"]["data_offsets"]
    content[8 + length + begin] ^= 1
    path.write_bytes(content)
    with pytest.raises(MemoryFileError, match=r"both.memory is damaged \(dense.1.keys was changed\)"):
        model.ask(model.open(path), QUESTION)


def test_levels_that_do_not_fit_together_are_refused(
    memory: VideoMemory, model: Model, tmp_path: Path
) -> None:
    header = memory.header
    assert header.dense is not None
    assert memory.dense is not None
    for changed in ({"ratio": 8}, {"kept": header.dense.kept[:1]}, {"kept": (158, 158, 157)}):
        wrong = header.model_copy(update={"dense": header.dense.model_copy(update=changed)})
        with pytest.raises(ValueError, match="level"):
            type(header).model_validate(wrong.model_dump())
    entries = [replace(layer, token=layer.token.clamp(min=0)) for layer in memory.dense]
    write_memory(replace(memory, dense=entries), tmp_path / "odd.memory")
    with pytest.raises(MemoryFileError, match="watch the film again"):
        model.ask(model.open(tmp_path / "odd.memory"), QUESTION)


def test_going_on_equals_watching_in_one_go(model: Model, memory: VideoMemory) -> None:
    for block in (1, 3, 6):
        held = broken_off(model, [FILM, OTHER], progress=interrupting(block))
        again = broken_off(model, [FILM, OTHER], progress=interrupting(1), resume=held)
        same_levels(model.watch([FILM, OTHER], resume=again), memory)


def test_what_was_watched_so_far_can_be_asked(model: Model) -> None:
    held = broken_off(model, FILM, progress=interrupting(2))
    answer = model.ask(held, QUESTION, dense_intervals=1, **FEW)
    assert answer.dense in [((0.0, 6.0),), ((6.0, 12.0),)]


def test_a_film_added_is_both_watched_together(model: Model, memory: VideoMemory) -> None:
    longer = model.append(model.watch(FILM), OTHER)
    assert longer.dense is not None
    assert longer.header.dense == memory.header.dense
    both = zip((*longer.layers, *longer.dense), (*memory.layers, *(memory.dense or ())), strict=True)
    for mine, theirs in both:
        assert all(torch.equal(tensor, getattr(theirs, part)) for part, tensor in vars(mine).items())
    assert "closed short: not equal to watching the joined film" in longer.header.warnings[-1]


def test_the_visual_tokens_themselves_are_a_level(model: Model) -> None:
    whole = set_to(model, method(dense=1)).watch(FILM)
    assert whole.dense is not None
    kept = set_to(model, named_method("keep-all")).watch(FILM)
    for mine, theirs in zip(whole.dense, kept.layers, strict=True):
        assert torch.equal(mine.token, theirs.token)
        assert torch.equal(mine.keys, theirs.keys)


def test_intervals_too_short_for_a_summary(model: Model) -> None:
    """A film of one frame has dense summaries and no sparse one."""
    held = model.watch([arrays(1), OTHER, arrays(1, seed=2)])
    assert [tokens for tokens, _ in held.header.intervals or ()] == [4, 48, 48, 12, 4]
    some = mixed(model, held, [0, 4])
    assert some.layers[0].token.tolist()[2:4] == [1, 3]
    assert some.layers[0].token.tolist()[-2:] == [113, 115]
    starts = [start for start, _ in model.ask(held, QUESTION, dense_intervals=5, **FEW).dense]
    first, second, third = (source.offset for source in held.header.sources)
    assert starts == [first, second, second + 6, second + 12, third]


@pytest.mark.parametrize("ramp", ["paper", "yarn"])
def test_a_rescaled_table_reaches_as_far_as_the_dense_level(model: Model, ramp: str) -> None:
    """Of yarn, which scales keys besides turning them, none is scaled twice."""
    rescaled = ContextWindow(ramp=ramp, window=20)
    longer = Model(model.adapter, Method(cache=method().cache, positions=rescaled))
    held = longer.watch([FILM, OTHER])
    assert held.window is not None
    assert held.header.dense is not None
    assert held.header.dense.next_position <= held.window.target
    numbers = torch.arange(len(held.header.intervals or ()))
    assert held.key_values.dense is not None
    same_layers(with_dense(held.key_values, numbers, model.adapter.rotation), held.key_values.dense)
    wider = longer.extend(held, 2 * held.window.target)
    assert wider.dense is not None
    assert held.dense is not None
    assert not torch.equal(wider.dense[0].keys, held.dense[0].keys)
    assert longer.ask(wider, QUESTION, **FEW).dense


def test_the_model_in_this_package_does_it_too() -> None:
    default = longreel.load(keep=1 / 16, video_xl=VideoXL(dense=4))
    held = default.watch(arrays(70))
    assert [ratio for _, ratio in held.header.intervals or ()] == [16] * 5
    answer = default.ask(held, "Was there a fox?", dense_intervals=2)
    assert len(answer.dense) == 2
    assert held.header.kept[0] < answer.usage.memory_tokens < held.header.dense.kept[0]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dense": 8}, r"dense=8 is to keep more than the 8x kept of everything"),
        ({"dense": 16}, "smaller ratio, or a smaller keep="),
        ({"dense": 0}, "are no ratios"),
        ({"intervals": "dynamic"}, "two levels have intervals of equal length"),
        ({"ratios": (2, 4)}, "each of two levels has one ratio"),
        ({"draw": "film"}, "each of two levels has one ratio"),
        ({"keep": 0.3}, "not 1 / a whole number"),
        ({"longest": 3}, 'longest=3 is for intervals="dynamic"'),
    ],
    ids=str,
)
def test_settings_that_contradict_each_other(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        method(**settings)
    assert len(str(caught.value).splitlines()) == 1


def test_what_does_not_go(model: Model, memory: VideoMemory) -> None:
    with pytest.raises(UsageError, match="two levels keep fractions: give keep="):
        named_method("video-xl", budget=60, video_xl=VideoXL(dense=2))
    with pytest.raises(UsageError, match="for the method video-xl, not retake"):
        named_method("retake", 0.5, video_xl=VideoXL(dense=2))
    with pytest.raises(UsageError, match=r"dense=3 is no ratio .*: give one of 2, 4, 8, or 1"):
        set_to(model, method(dense=3))
    with pytest.raises(UsageError, match="keeps nothing of an interval of 48 visual tokens"):
        set_to(model, method(keep=1 / 64))
    plain = set_to(model, one_level(8))
    for asked in (plain.ask, plain.stream):
        with pytest.raises(UsageError, match="dense_intervals=2 is for memories of two levels"):
            asked(plain.watch(FILM), QUESTION, dense_intervals=2)
    for wrong in (-1, 1.5, True):
        with pytest.raises(UsageError, match="no number of intervals"):
            model.ask(memory, QUESTION, dense_intervals=wrong)  # type: ignore[call-overload]
    with pytest.raises(UsageError, match="load it with the memory's method"):
        plain.append(memory, OTHER)
