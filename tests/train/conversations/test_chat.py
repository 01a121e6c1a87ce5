"""Conversations as token ids: the words a model is asked with, labels on answers alone, places."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from longreel.errors import ModelError
from longreel.models.llava_onevision import LlavaPrompt
from longreel.models.video_xl.prompt import VideoXLPrompt
from longreel.models.video_xl.released.tokenizer import CHAT_TEMPLATE
from longreel.train.conversations.chat import IGNORE, ChatWriter, Place, Written
from longreel.train.conversations.samples import parse_sample
from tests.families.checkpoints import family_tokenizer
from tests.train.conversations.make import sample


@cache
def prompt(family: str) -> Any:
    tokenizer = family_tokenizer("llava_onevision")
    if family == "llava":
        return LlavaPrompt(tokenizer, tokenizer.convert_tokens_to_ids("<video>"))
    tokenizer.chat_template = CHAT_TEMPLATE
    return VideoXLPrompt(tokenizer)


def written(family: str, raw: dict[str, Any], *, plain: bool = False) -> Written:
    return ChatWriter(prompt(family), plain=plain).write(parse_sample(raw, Path()))


def learned(family: str, told: Written) -> str:
    ids = [each for each in told.labels if each != IGNORE]
    assert all(label in (each, IGNORE) for each, label in zip(told.ids, told.labels, strict=True))
    return str(prompt(family).tokenizer.decode(ids))


@pytest.mark.parametrize("family", ["llava", "video_xl"])
def test_the_words_are_those_a_model_is_asked_with(family: str) -> None:
    told = written(family, sample("<video>\nWho comes in?", "A fox.", video="v.mp4"))
    speech = prompt(family)
    before = speech.before(None).tolist()
    after = [*speech.after([("Who comes in?", None)]).tolist(), *speech.answer("A fox.").tolist()]
    assert told.ids == [*before, *after]
    assert told.places == [Place(len(before), ("<video>",))]
    assert learned(family, told) == "A fox.<|im_end|>"
    assert told.labels.index(told.ids[-1]) == len(told.ids) - 1


@pytest.mark.parametrize("family", ["llava", "video_xl"])
def test_of_several_turns_every_answer_is_learned(family: str) -> None:
    raw = sample("<image>\nWho?", "A fox.", image="a.png")
    raw["conversations"] += sample("And where?", "In a wood.")["conversations"]
    told = written(family, raw)
    speech = prompt(family)
    turns = [("Who?", "A fox."), ("And where?", None)]
    asked = [*speech.before(None).tolist(), *speech.after(turns).tolist()]
    if family == "video_xl":
        assert told.ids == [*asked, *speech.answer("In a wood.").tolist()]
    assert learned(family, told) == "A fox.<|im_end|>In a wood.<|im_end|>"


def test_a_system_text_is_said_first() -> None:
    raw = sample("Who?", "I.")
    raw["conversations"].insert(0, {"from": "system", "value": "Be short."})
    text = prompt("video_xl").tokenizer.decode(written("video_xl", raw).ids)
    assert text.startswith("<|im_start|>system\nBe short.<|im_end|>")
    assert "helpful" not in text


def test_pictures_that_follow_each_other_are_one_stream() -> None:
    told = written("video_xl", sample("<image>\n<image> <video>\nSame?", "No.", image=["a", "b"], video="v"))
    assert [place.kinds for place in told.places] == [("<image>", "<image>", "<video>")]
    apart = written("video_xl", sample("One <image> two <image>?", "No.", image=["a", "b"]))
    assert [place.kinds for place in apart.places] == [("<image>",), ("<image>",)]
    decode = prompt("video_xl").tokenizer.decode
    first, second = (place.before for place in apart.places)
    assert decode(apart.ids[first:second]) == " two "


def test_each_picture_of_llava_is_ended() -> None:
    told = written("llava", sample("<image><video>\nSame?", "No.", image="a", video="v"))
    newline = prompt("llava").closing()[0]
    assert [place.kinds for place in told.places] == [("<image>",), ("<video>",)]
    assert [told.ids[place.before] for place in told.places] == [newline, newline]
    assert told.ids.count(newline) == 2


def test_plain_samples_are_pictures_and_their_caption() -> None:
    told = written("video_xl", sample("<image>\nDescribe it.", "A fox", image="a.png"), plain=True)
    assert told.places == [Place(0, ("<image>",))]
    assert prompt("video_xl").tokenizer.decode(told.ids) == "A fox\n"
    assert told.labels == told.ids
    alone = written("video_xl", sample("Say it.", "A fox"), plain=True)
    assert alone.labels == [IGNORE, *alone.ids[1:]]


def test_a_template_that_rewrites_what_was_said_is_refused() -> None:
    tokenizer = family_tokenizer("llava_onevision")
    tokenizer.chat_template = "{{ messages | length }}{% for m in messages %}{{ m['content'] }}{% endfor %}"
    writer = ChatWriter(VideoXLPrompt(tokenizer))
    raw = sample("?", "!")
    raw["conversations"] *= 2
    with pytest.raises(ModelError, match="turn by turn"):
        writer.write(parse_sample(raw, Path()))
