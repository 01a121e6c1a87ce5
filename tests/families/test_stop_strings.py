"""Stop strings end an answer where stock `generate(stop_strings=…)` ends it, whatever its tokens are."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch

import longreel
from longreel.memory import VideoMemory
from longreel.model import Model
from tests.families.checkpoints import write_checkpoint
from tests.families.stock import Stock
from tests.families.test_parity import QUESTIONS, film, seen
from tests.oracles.stopping import before_stop

# Half of the vocabulary, so that most words of an answer have several letters; the last one is a blank.
_LETTERS = "abcde\u0120"
PIECES = ["".join(letters) for count in (2, 3) for letters in product(_LETTERS, repeat=count)]
WORDS = 16
# Greedily, and drawn.
DRAWS: list[dict[str, Any]] = [{}, {"temperature": 1.0, "seed": 0}, {"temperature": 1.0, "seed": 1}]


class Both:
    """Our model and the unmodified one of transformers, which have seen the same film."""

    def __init__(self, family: str, folder: Path) -> None:
        self.model: Model = longreel.load(folder, positions="transformers")
        self.stock = Stock.load(family, folder)
        source = film(4)
        self.memory: VideoMemory = self.model.watch(source)
        turns = [(QUESTIONS[0], None)]
        times = [[time for _, time in source]]
        self._given = self.stock.inputs([seen(self.model, source)], times, turns, fps=2.0)
        self._given.pop("position_ids", None)

    def stock_answer(self, stop: list[str], temperature: float = 0.0, seed: int = 0) -> list[str]:
        """What stock says until it stops, token by token, without what ends it."""
        drawing = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {}
        stopping = {"stop_strings": stop, "tokenizer": self.stock.tokenizer} if stop else {}
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            ids = self.stock.model.generate(
                **self._given, max_new_tokens=WORDS, **{"do_sample": False, **drawing}, **stopping
            )
        new = ids[0, self._given["input_ids"].shape[1] :].tolist()
        ends = self.stock.model.generation_config.eos_token_id
        return [self.stock.tokenizer.decode([token]) for token in new if token not in ends]

    def check(self, stop: list[str], draw: dict[str, Any]) -> bool:
        """Compare with stock's text before the stop string; whether there was one."""
        said = self.stock_answer(stop, **draw)
        text = "".join(said)
        expected = before_stop(text, stop)
        answer = self.model.ask(self.memory, QUESTIONS[0], max_new_tokens=WORDS, stop=stop, **draw)
        assert answer.text.strip() == expected.strip()
        assert answer.usage.new_tokens == len(said)
        pieces = self.model.stream(self.memory, QUESTIONS[0], max_new_tokens=WORDS, stop=stop, **draw)
        assert "".join(pieces) == answer.text
        return expected != text


@pytest.fixture
def both(family: str, tmp_path: Path) -> Both:
    return Both(family, write_checkpoint(family, tmp_path, PIECES))


def plain(text: str) -> bool:
    """Bytes that are no text by themselves, and marks, are no part of stop strings here."""
    return text.isascii() and text.isprintable() and "<|" not in text and text == text.strip()


def test_an_answer_ends_where_that_of_stock_generate_does(both: Both) -> None:
    kinds = set()
    for draw in DRAWS:
        said = both.stock_answer([], **draw)
        for number in range(1, len(said) - 1):
            first, second = said[number : number + 2]
            candidates = {
                "a token": first,
                "inside a token": first[1:-1],
                "its end": first[1:],
                "from one token into the next": first[-1:] + second[:1],
                "from inside a token over the next": first[1:] + second,
            }
            for kind, stop in candidates.items():
                if kind not in kinds and stop and plain(stop) and both.check([stop], draw):
                    kinds.add(kind)
        assert not both.check(["no such text"], draw)
    assert len(kinds) == len(candidates)


def test_of_several_the_first_that_is_complete_ends_it(both: Both) -> None:
    ended = 0
    for draw in DRAWS:
        text = "".join(both.stock_answer([], **draw))
        stops = [text[place : place + 2] for place in range(2, len(text) - 2)]
        if stops := [stop for stop in stops if plain(stop)]:
            assert both.check([stops[-1], stops[len(stops) // 2], "no such text"], draw)
            ended += 1
    assert ended
