"""The judge's client against a server on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longreel.errors import LongreelError, UsageError
from longreel.evaluate.benchmarks.data import Data
from longreel.evaluate.benchmarks.judge import Judge, grade_in, judge_of, judge_prompt, judgements
from tests.endpoint import Server, servers
from tests.evaluate.benchmarks.folder import SETTING, perfect, rows_of
from tests.evaluate.benchmarks.test_mlvu import dev

__all__ = ["dev", "servers"]


def judge_at(server: Server, key: str = "") -> Judge:
    return Judge(server.url, "grader", key, wait=lambda seconds: None)


GOOD = '{"accuracy": 4, "relevance": 5, "completeness": 2, "reliability": 3}'


def test_every_free_answer_is_judged_once(dev: Data, servers: list[Server], tmp_path: Path) -> None:
    server = Server(GOOD)
    servers.append(server)
    rows = rows_of(dev, perfect)
    found = judgements(dev, rows, judge_at(server, "secret"), tmp_path)
    assert sorted(found.values()) == [5, 5, 9, 9]  # type: ignore[type-var]
    assert {setting for setting, _ in found} == {SETTING}
    path, headers, body = server.requests[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer secret"
    assert (body["model"], body["temperature"]) == ("grader", 0)
    assert "the owl; at night" in body["messages"][0]["content"]
    sent = len(server.requests)
    assert judgements(dev, rows, judge_at(server), tmp_path) == found
    assert len(server.requests) == sent
    assert "secret" not in (tmp_path / "judgements.jsonl").read_text()


def test_what_was_judged_before_a_failure_is_kept(dev: Data, servers: list[Server], tmp_path: Path) -> None:
    rows = [
        {"id": query.id, "answer": f"answer {number}"}
        for number, query in enumerate(query for query in dev.queries if query.judged)
    ]
    row = {"film": "x", "setting": SETTING, "answers": rows}
    broken = Server(GOOD, GOOD, 401)
    servers.append(broken)
    with pytest.raises(LongreelError, match="401") as caught:
        judgements(dev, [row], judge_at(broken, "secret"), tmp_path)
    assert "secret" not in str(caught.value)
    with open(tmp_path / "judgements.jsonl", "a") as file:
        file.write('{"prompt": "half a li')
    whole = Server(GOOD)
    servers.append(whole)
    assert len(judgements(dev, [row], judge_at(whole), tmp_path)) == 4
    assert len(whole.requests) == 2


def test_a_busy_judge_is_asked_again(servers: list[Server]) -> None:
    server = Server(503, 429, "fine")
    servers.append(server)
    assert judge_at(server).reply("Well?") == "fine"
    assert len(server.requests) == 3


def test_what_the_judge_objects_to_is_told_without_the_key(servers: list[Server]) -> None:
    server = Server(400)
    servers.append(server)
    server.content = b'{"error": {"message": "secret may\\nnot use max_tokens"}}'
    with pytest.raises(LongreelError, match=r"400 Bad Request \(\(key\) may not use max_tokens\)"):
        judge_at(server, "secret").reply("Well?")


def test_a_damaged_file_of_judgements_is_named(dev: Data, servers: list[Server], tmp_path: Path) -> None:
    (tmp_path / "judgements.jsonl").write_bytes(b'{"prompt": "x", "reply": "y"}\n\xff[]\n')
    server = Server(GOOD)
    servers.append(server)
    with pytest.raises(LongreelError, match=r"judgements\.jsonl, line 2 is damaged"):
        judgements(dev, rows_of(dev, perfect), judge_at(server), tmp_path)


@pytest.mark.parametrize(("reply", "said"), [(503, "503"), (b"<html>", "another form"), (404, "404")])
def test_a_judge_that_fails_is_named(servers: list[Server], reply: Any, said: str) -> None:
    server = Server(reply)
    servers.append(server)
    with pytest.raises(LongreelError, match=said) as caught:
        judge_at(server).reply("Well?")
    assert server.url in str(caught.value)


def test_an_answer_in_another_form_may_pass(servers: list[Server]) -> None:
    server = Server(b"<html>", b'{"choices": []}', "fine")
    servers.append(server)
    assert judge_at(server).reply("Well?") == "fine"


def test_a_redirect_does_not_carry_the_key_away(servers: list[Server]) -> None:
    elsewhere, server = Server("taken"), Server(302)
    servers += [elsewhere, server]
    server.location = elsewhere.url
    with pytest.raises(LongreelError, match="302"):
        judge_at(server, "secret").reply("Well?")
    assert elsewhere.requests == []


def test_nobody_there(servers: list[Server]) -> None:
    server = Server("")
    server.http.server_close()
    with pytest.raises(LongreelError, match="run the same command again"):
        judge_at(server).reply("Well?")


@pytest.mark.parametrize(
    ("reply", "grade"),
    [
        (GOOD, 9),
        ("Accuracy: 1\nRelevance: 2.", 3),
        ("```json\n{'accuracy': 5, 'relevance': 5}\n```", 10),
        ('{"accuracy": 4}', None),
        ('{"accuracy": 0, "relevance": 5}', None),
        ('{"accuracy": 3.5, "relevance": 5}', None),
        ("Great!", None),
    ],
)
def test_marks_in_replies(reply: str, grade: float | None) -> None:
    assert grade_in(reply, ("accuracy", "relevance")) == grade


def test_the_judge_sees_question_reference_and_answer(dev: Data) -> None:
    query = next(query for query in dev.queries if query.family == "summary")
    prompt = judge_prompt(query, "It flies {away}.")
    for part in (query.question, query.gold, "It flies {away}.", "completeness", "reliability"):
        assert part in prompt
    assert "Points" not in prompt


def test_a_judge_needs_an_address_and_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "secret")
    judge = judge_of("http://host/v1", "grader", "MY_KEY")
    assert judge.key == "secret"
    assert "secret" not in repr(judge)
    monkeypatch.setenv("MY_KEY", "secret\n")
    assert judge_of("http://host/v1", "grader", "MY_KEY").key == "secret"
    monkeypatch.setenv("MY_KEY", "se\ncret")
    with pytest.raises(UsageError, match="MY_KEY holds") as caught:
        judge_of("http://host/v1", "grader", "MY_KEY")
    assert "cret" not in str(caught.value)
    monkeypatch.delenv("MY_KEY")
    with pytest.raises(UsageError, match="MY_KEY is not set"):
        judge_of("http://host/v1", "grader", "MY_KEY")
    with pytest.raises(UsageError, match="--judge-model"):
        judge_of("http://host/v1", None, "MY_KEY")
    monkeypatch.setenv("MY_KEY", "secret")
    with pytest.raises(UsageError, match="http"):
        judge_of("host/v1", "grader", "MY_KEY")
