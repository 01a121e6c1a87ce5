"""A model small enough to follow by hand, in which every kept entry and every word changes the answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from longreel.compress.base import Chunk, Compressor, FilmCompressor, LayerAttention, TokenShrinker
from longreel.compress.context_window import RescaledWindow, rotation_within
from longreel.compress.kinds import choosing, condensing, planning
from longreel.errors import WatchInterrupted
from longreel.identity import hash_tensors, hash_text
from longreel.key_values import TEXT, KeyValues, LayerMemory
from longreel.memory import VideoMemory
from longreel.methods import Method, method_names, named_method
from longreel.model import Model
from longreel.models.base import FilmPart, FilmTokens, ImagePart, VisualTokens
from longreel.models.reel_tiny.words import build_tokenizer
from longreel.models.video_xl.adapter import VideoXLAdapter
from longreel.models.video_xl.configuration import VideoXLConfig
from longreel.models.video_xl.modeling import VideoXLModel
from longreel.positions import Rotation
from longreel.video.frames import Frames
from tests.shapes import DECODER, TOWER

WIDTH = 8
LAYERS = 3
VOCABULARY = 40
# Its answers are no longer: each word costs a test time, and tells no more than the first few.
MOST_WORDS = 16
END = 0
_SENTENCES = (
    "what is it",
    "who is there",
    "where was she",
    "is it red or blue",
    "and then",
    "the film i know",
)


class FakeDialogue:
    """Words are hashed to ids; see `Dialogue`."""

    open_vocabulary = True

    def before(self, system: str | None) -> Tensor:
        return _ids(system or "you see a film")

    def after(self, turns: Sequence[tuple[str, str | None]]) -> Tensor:
        return _ids(" ".join(f"ask {question} reply {answer or ''}" for question, answer in turns))

    def quoted(self, text: str) -> Tensor:
        return _ids(text)

    def aside(self, said: Tensor, following: Tensor) -> Tensor:
        return torch.cat((said, following))

    def decode(self, ids: Sequence[int]) -> str:
        return " ".join(f"w{token}" for token in ids)

    def unknown_words(self, question: str) -> list[str]:
        return [word for word in question.split() if word.startswith("zz")]


class FakeImages:
    """An image is five tokens, or six where it is alone; see `ImageEncoder`."""

    def __init__(self, weights: dict[str, Tensor], *, come_first: bool, closer_alone: bool) -> None:
        self._weights = weights
        self.come_first, self.closer_alone = come_first, closer_alone

    def size(
        self, height: int, width: int, part: ImagePart, max_tokens: int | None = None
    ) -> tuple[int, int]:
        return (4, 4)

    def tokens(self, height: int, width: int, part: ImagePart) -> FilmTokens:
        return FilmTokens(1, 6 if part.alone else 5, 0)

    def encode(self, pixels: Tensor, part: ImagePart) -> VisualTokens:
        count = 6 if part.alone else 5
        flat = pixels.flatten().to(self._weights["image"].dtype) / 255
        none = torch.zeros(count)
        embeddings = (flat @ self._weights["image"]).reshape(6, WIDTH)[:count]
        return VisualTokens(embeddings, none.double(), none.double(), none.long())


class FakeAdapter:
    """Three layers of one-head attention with random weights; see `ModelAdapter`.

    Frames are encoded in pairs, a frame is three tokens and an interval ten, so that intervals end inside
    frames and pairs.
    """

    name = "fake"
    default_fps = 2.0
    most_frames: int | None = None
    clip = 2
    tokens_per_frame = 3
    interval = 10
    max_question_tokens = 60
    context: int | None = None
    layer_shapes = ((1, WIDTH),) * LAYERS
    has_token_grid = False
    summary_ratios = (2, 5, 10)
    rotation = Rotation(torch.arange(WIDTH, 0, -1, dtype=torch.float64) / 7)
    trained_window = 20

    def __init__(
        self,
        seed: int = 0,
        *,
        has_summary_tokens: bool = True,
        dtype: torch.dtype = torch.float32,
        come_first: bool = False,
        closer_alone: bool = False,
    ):
        self.has_summary_tokens = has_summary_tokens
        self.dialogue = FakeDialogue()
        generator = torch.Generator().manual_seed(seed)

        def draw(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator).to(dtype)

        self.weights = {f"layer{i}.{part}": draw(WIDTH, WIDTH) for i in range(LAYERS) for part in "qkvo"}
        self.weights |= {"words": draw(VOCABULARY, WIDTH), "summary": draw(1, WIDTH)}
        self.weights["vision"] = draw(3 * 4 * 4 * 2, 3 * WIDTH)
        self.weights["image"] = draw(3 * 4 * 4, 6 * WIDTH)
        self.images: FakeImages | None = FakeImages(
            self.weights, come_first=come_first, closer_alone=closer_alone
        )

    def frame_size(
        self, height: int, width: int, frames: int | None = None, max_tokens: int | None = None
    ) -> tuple[int, int]:
        return (4, 4)

    def film_tokens(
        self,
        seconds: Tensor,
        height: int,
        width: int,
        film: int = 0,
        shrinker: TokenShrinker | None = None,
    ) -> FilmTokens:
        return FilmTokens(len(seconds), len(seconds) * self.tokens_per_frame, 0)

    def encode(self, frames: Frames, part: FilmPart, *, unpooled: bool = False) -> VisualTokens:
        """A frame's tokens depend on its partner in the pair; an odd last frame is its own partner."""
        count = len(frames.seconds)
        partner = (torch.arange(count) ^ 1).clamp(max=count - 1)
        flat = frames.pixels.reshape(count, -1).to(self.weights["vision"].dtype) / 255
        features = torch.stack(
            [row @ self.weights["vision"] for row in torch.cat((flat, flat[partner]), dim=1)]
        )
        seconds = frames.seconds.repeat_interleave(3)
        return VisualTokens(
            features.reshape(-1, WIDTH), seconds, seconds, torch.arange(count).repeat_interleave(3)
        )

    def watcher(
        self,
        prefix_ids: Tensor,
        compressor: Compressor,
        resume: KeyValues | None = None,
        question: Tensor | None = None,
        window: RescaledWindow | None = None,
    ) -> FakeWatcher:
        return FakeWatcher(self, prefix_ids, compressor, resume, window)

    def generate(
        self,
        memory: KeyValues,
        ids: Tensor,
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
    ) -> Iterator[int]:
        entries = Entries.of(memory)
        generator = torch.Generator()
        if seed is None:
            generator.seed()
        else:
            generator.manual_seed(seed)
        hidden = entries.add(self, self.weights["words"][ids], everything, torch.full((len(ids),), TEXT))
        said = torch.zeros(VOCABULARY)
        said[END] = -1000.0
        for _ in range(min(max_new_tokens, MOST_WORDS)):
            logits = (self.weights["words"] @ hidden[-1]).float() + said
            token = int(logits.argmax())
            if temperature:
                token = int(torch.multinomial((logits / temperature).softmax(0), 1, generator=generator))
            if token == END:
                return
            yield token
            said[token] = -torch.inf
            hidden = entries.add(self, self.weights["words"][[token]], everything, torch.tensor([TEXT]))

    def generate_each(
        self, memory: KeyValues, texts: Sequence[Tensor], *, max_new_tokens: int
    ) -> list[list[int]]:
        return [list(self.generate(memory, ids, max_new_tokens=max_new_tokens)) for ids in texts]

    def attention_each(
        self, memory: KeyValues, texts: Sequence[Tensor], new_ids: Sequence[Sequence[int]]
    ) -> list[list[Tensor]]:
        return [self.attention(memory, ids, new) for ids, new in zip(texts, new_ids, strict=True)]

    def attention(self, memory: KeyValues, ids: Tensor, new_ids: Sequence[int]) -> list[Tensor]:
        said = self.weights["words"][torch.cat((ids, torch.tensor(list(new_ids))))].mean(0)
        return [(layer.keys[0] @ said).float().softmax(0) for layer in memory.layers]

    def identity(self) -> dict[str, str]:
        return {
            "config": hash_text("fake"),
            "tokenizer": hash_text("ids"),
            "weights": hash_tensors(self.weights),
        }


def _ids(text: str) -> Tensor:
    digests = (hashlib.sha256(word.encode()).digest() for word in text.split())
    return torch.tensor([1 + digest[0] % (VOCABULARY - 1) for digest in digests])


@dataclass
class Entries:
    """Growing keys and values; layers may hold different entries."""

    keys: list[Tensor]
    values: list[Tensor]
    token: list[Tensor]
    window: RescaledWindow | None = None

    @classmethod
    def of(cls, memory: KeyValues | None, window: RescaledWindow | None = None) -> Entries:
        none = torch.empty(0, WIDTH)
        if memory is None:
            none_seen = [torch.empty(0, dtype=torch.int64)] * LAYERS
            return cls([none] * LAYERS, [none] * LAYERS, none_seen, window)
        keys = [layer.keys[0] for layer in memory.layers]
        values = [layer.values[0] for layer in memory.layers]
        return cls(keys, values, [layer.token for layer in memory.layers], memory.window)

    def add(
        self, adapter: FakeAdapter, hidden: Tensor, choose: Callable[[Scores], Kept], token: Tensor
    ) -> Tensor:
        """Run tokens over memory and each other, causally, and keep entries; returns hidden states."""
        held = len(self.token[0])
        frequencies = rotation_within(self.window, adapter.rotation).inv_freq.float()
        angle = torch.arange(held, held + len(hidden)).outer(frequencies)
        mask = torch.ones(len(hidden), held + len(hidden), dtype=torch.bool).tril(held)
        weights = adapter.weights
        new, seen = [], []
        for i in range(LAYERS):
            q, k, v, o = (weights[f"layer{i}.{part}"] for part in "qkvo")
            query, key, value = hidden @ q, hidden @ k, hidden @ v
            keys = torch.cat((self.keys[i].to(key), key + angle.sin().to(key)))
            values = torch.cat((self.values[i].to(value), value))
            scores = (query @ keys.T / 3).masked_fill(~mask, -torch.inf)
            hidden = (hidden + scores.softmax(-1) @ values @ o).tanh() * 2
            new.append((key, value))
            seen.append(LayerAttention(query[None], key[None]))
        kept = choose(seen) or [torch.arange(len(token))] * LAYERS
        for i, ((key, value), stays) in enumerate(zip(new, kept, strict=True)):
            packed = torch.arange(held, held + len(stays)).outer(frequencies)
            self.keys[i] = torch.cat((self.keys[i].to(key), key[stays] + packed.sin().to(key)))
            self.values[i] = torch.cat((self.values[i].to(value), value[stays]))
            self.token[i] = torch.cat((self.token[i], token[stays]))
        return hidden


Scores = Sequence[LayerAttention]
Kept = Sequence[Tensor] | None


def everything(scores: Scores) -> Kept:
    """All entries stay."""
    return None


class FakeWatcher:
    """Prefills intervals of ten tokens, or of frames if the compressor counts those; see `Watcher`."""

    def __init__(
        self,
        adapter: FakeAdapter,
        prefix: Tensor,
        compressor: Compressor,
        resume: KeyValues | None,
        window: RescaledWindow | None = None,
    ):
        self._adapter = adapter
        self._compressor: Compressor | FilmCompressor = compressor
        self._entries = Entries.of(resume, window)
        self._waiting: VisualTokens | None = None
        self.closed_tokens = 0 if resume is None else resume.visual_tokens
        if resume is None:
            self.text(prefix)

    def push(self, tokens: VisualTokens) -> None:
        waiting = tokens if self._waiting is None else self._waiting.followed_by(tokens)
        chooser = choosing(self._compressor)
        interval = self._adapter.interval
        if chooser is not None:
            interval = chooser.chunk_frames * self._adapter.tokens_per_frame
        while len(waiting) >= interval:
            self._close(waiting[:interval])
            waiting = waiting[interval:]
        self._waiting = waiting

    def text(self, ids: Tensor) -> None:
        assert not len(ids) or not self._waiting, "among summary tokens there is no text"
        words = self._adapter.weights["words"][ids]
        self._entries.add(self._adapter, words, everything, torch.full((len(ids),), TEXT))

    def look_back(self, tokens: VisualTokens) -> None:
        pass

    def begin_film(self, compressor: FilmCompressor, held: int = 0) -> None:
        assert condensing(compressor) is None, "this one has no ratio for each interval"
        self._compressor = compressor

    def end_film(self) -> None:
        if choosing(self._compressor) is not None:
            self._close_short()

    def checkpoint(self) -> KeyValues:
        return self._key_values()

    def finish(self) -> KeyValues:
        self._close_short()
        return self._key_values()

    def _close_short(self) -> None:
        if self._waiting:
            self._close(self._waiting)
        self._waiting = None

    def _close(self, tokens: VisualTokens) -> None:
        raw, chooser = tokens.embeddings, choosing(self._compressor)
        if chooser is not None:
            chunk = Chunk(len(raw), self.closed_tokens, pivots=tokens.pivot)

            def choose(seen: Scores) -> Kept:
                return chooser.choose(chunk, [chooser.scores(layer) for layer in seen])

            self._entries.add(self._adapter, raw, choose, chunk.raw_tokens() + self.closed_tokens)
        else:
            self._close_planned(raw)
        self.closed_tokens += len(raw)

    def _close_planned(self, raw: Tensor) -> None:
        plan = planning(self._compressor)
        chunk = Chunk(len(raw), self.closed_tokens, plan.slots(len(raw)))
        hidden = raw[chunk.raw_tokens()].clone()
        if chunk.slots is not None:
            hidden[chunk.slots] = self._adapter.weights["summary"]
        keep = plan.keep(chunk)
        kept = None if keep is None else [keep] * LAYERS
        token = chunk.raw_tokens() + self.closed_tokens
        self._entries.add(self._adapter, hidden, lambda _: kept, token)
        stays = plan.remember(self._entries.token[0])
        if stays is not None:
            self._entries.keys = [keys[stays] for keys in self._entries.keys]
            self._entries.values = [values[stays] for values in self._entries.values]
            self._entries.token = [token[stays] for token in self._entries.token]

    def _key_values(self) -> KeyValues:
        entries = self._entries
        positions = torch.arange(len(entries.token[0]))
        shared = all(torch.equal(entries.token[0], token) for token in entries.token)
        tokens = [entries.token[0].clone()] * LAYERS if shared else entries.token
        layers = zip(entries.keys, entries.values, tokens, strict=True)
        return KeyValues(
            tuple(
                LayerMemory(key[None].clone(), value[None].clone(), positions, token)
                for key, value, token in layers
            ),
            len(positions),
            self.closed_tokens,
            window=self._entries.window,
        )


# Methods of models whose tokens are no grid.
GRIDLESS = [name for name in method_names() if named_method(name).tokens is None]


def halved(name: str) -> Method:
    """The method of this name, keeping about half of a short film, if it can keep less than all."""
    if name == "recent-window":
        return named_method(name, budget=20)
    return named_method(name, None if name == "keep-all" else 0.5)


def fake_model(method: str | Method = "video-xl", keep: float | None = 0.5, **adapter: object) -> Model:
    """A model over a fake adapter."""
    chosen = method if isinstance(method, Method) else named_method(method, keep)
    return Model(FakeAdapter(**adapter), chosen)  # type: ignore[arg-type]


def video_xl_model(method: str | Method = "video-xl", keep: float | None = 0.25) -> Model:
    """A small Video-XL model with random weights: clips of four frames, intervals of twelve."""
    words = [word for sentence in _SENTENCES for word in sentence.split()]
    tokenizer = build_tokenizer(words)
    decoder = {
        **DECODER,
        "vocab_size": len(tokenizer),
        "eos_token_id": tokenizer.eos_token_id,
        "summary_interval": 48,
    }
    config = VideoXLConfig(
        vision_config=TOWER,
        text_config=decoder,
        projector="linear",
        pool=1,
        default_fps=2.0,
        closed_vocabulary=True,
        clock=True,
    )
    network = VideoXLModel(config)
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.5, generator=generator)
    chosen = method if isinstance(method, Method) else named_method(method, keep)
    return Model(VideoXLAdapter("small", network, tokenizer), chosen)


def assert_same(one: VideoMemory, other: VideoMemory) -> None:
    """Every tensor equal to the last bit, and every count."""
    for layer, (mine, theirs) in enumerate(zip(one.layers, other.layers, strict=True)):
        for part, tensor in vars(mine).items():
            assert torch.equal(tensor, getattr(theirs, part)), f"{part} of layer {layer}"
    for part, tensor in vars(one.timeline).items():
        assert torch.equal(tensor, getattr(other.timeline, part)), f"{part} of the timeline"
    assert counts(one) == counts(other)


def counts(memory: VideoMemory) -> dict[str, object]:
    """A header without what depends on the clock, the machine and the number of runs."""
    header = memory.header.model_dump(exclude={"seconds", "peak_bytes", "warnings"})
    header["stages"] = [(stage["name"], stage["before"], stage["after"]) for stage in header["stages"]]
    header["sources"] = [
        {key: value for key, value in source.items() if key != "reader"} for source in header["sources"]
    ]
    return header


def arrays(frames: int, seed: int = 0, fps: float = 2.0) -> list[tuple[np.ndarray, float]]:
    """A film as (array, seconds) pairs: noise, so that every frame differs."""
    rng = np.random.default_rng(seed)
    return [(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8), i / fps) for i in range(frames)]


def interrupting(when: int) -> Callable[[object], None]:
    """A callback that presses Ctrl-C at its call number `when`."""
    calls = []

    def press(_: object) -> None:
        calls.append(1)
        if len(calls) == when:
            raise KeyboardInterrupt

    return press


def broken_off(model: Any, source: Any, **settings: Any) -> VideoMemory:
    with pytest.raises(WatchInterrupted) as caught:
        model.watch(source, **settings)
    memory = caught.value.memory
    assert not memory.complete
    assert len(str(caught.value).splitlines()) == 1
    return memory
