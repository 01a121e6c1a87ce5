"""`longreel ask`: alone, several at once, as a conversation, of a film or a memory."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest

from longreel.chat import Chat
from longreel.cli.answering import Answers
from longreel.cli.main import main
from tests.cli.conftest import Run

QUESTIONS = ["what colour was the fox?", "where was it?"]


@pytest.fixture
def asked(memory: Path, model: Path) -> list[str | Path]:
    return ["ask", memory, "--model", model, "--max-new-tokens", "6"]


def test_one_question_prints_only_the_answer(run: Run, asked: list[str]) -> None:
    result = run(*asked, QUESTIONS[0])
    assert result.code == 0, result.err
    assert result.err == ""
    assert len(result.out.splitlines()) == 1


def test_several_questions_are_asked_alone(run: Run, asked: list[str]) -> None:
    alone = [run(*asked, question).out.strip() for question in QUESTIONS]
    together = run(*asked, *QUESTIONS).out
    assert together.split("\n") == [QUESTIONS[0], alone[0], "", QUESTIONS[1], alone[1], ""]


def test_json_has_question_answer_and_usage(run: Run, asked: list[str]) -> None:
    document = run(*asked, *QUESTIONS, "--json").json
    assert [answer["question"] for answer in document["answers"]] == QUESTIONS
    assert document["answers"][0]["answer"] == run(*asked, QUESTIONS[0]).out.strip()
    assert all(set(span) == {"start", "end", "score"} for span in document["answers"][0]["evidence"])
    assert document["answers"][0]["usage"]["new_tokens"] <= 6


def test_evidence_is_printed_below_if_wanted(run: Run, asked: list[str]) -> None:
    plain = run(*asked, QUESTIONS[0]).out
    shown = run(*asked, QUESTIONS[0], "--evidence").out
    assert shown.startswith(plain)
    assert re.fullmatch(r"  seen at 0:0\d\.\d to 0:\d\d\.\d \(\d+%\).*\n", shown.removeprefix(plain))


def test_streaming_prints_the_same(run: Run, asked: list[str]) -> None:
    assert run(*asked, QUESTIONS[0], "--stream").out == run(*asked, QUESTIONS[0]).out


def test_answers_end_before_stop_strings(run: Run, asked: list[str]) -> None:
    words = run(*asked, QUESTIONS[0]).out.split()
    stop = ["--stop", "no such words", "--stop", f" {words[2]}"]
    cut = run(*asked, QUESTIONS[0], *stop)
    assert cut.out.split() == words[:2]
    assert run(*asked, QUESTIONS[0], *stop, "--stream").out == cut.out
    assert run(*asked, *stop, stdin=QUESTIONS[0]).out == cut.out
    assert run(*asked, QUESTIONS[0], *stop, "--json").json["answers"][0]["answer"] == cut.out.rstrip("\n")


def test_an_empty_stop_string_is_refused(run: Run, asked: list[str]) -> None:
    result = run(*asked, QUESTIONS[0], "--stop", "")
    assert result.code == 2
    assert "stop string is empty" in result.error


def test_a_seed_repeats_sampled_answers(run: Run, asked: list[str]) -> None:
    sampled = [*asked, QUESTIONS[0], "--temperature", "2"]
    assert run(*sampled, "--seed", "3").out == run(*sampled, "--seed", "3").out
    assert len({run(*sampled, "--seed", str(seed)).out for seed in range(8)}) > 1


def test_unknown_words_are_named(run: Run, asked: list[str]) -> None:
    result = run(*asked, "what colour was the zeppelin?", "--json")
    assert result.json["answers"][0]["unknown_words"] == ["zeppelin"]
    assert "zeppelin" in result.json["answers"][0]["answer"]


def test_lines_from_a_pipe_are_one_conversation(run: Run, asked: list[str]) -> None:
    result = run(*asked, stdin="\n".join([QUESTIONS[0], "", QUESTIONS[1]]))
    assert result.code == 0, result.err
    answers = result.out.splitlines()
    assert len(answers) == 2
    assert answers[0] == run(*asked, QUESTIONS[0]).out.strip()


def test_a_conversation_as_json_is_one_object_a_line(run: Run, asked: list[str]) -> None:
    result = run(*asked, "--json", stdin="\n".join(QUESTIONS))
    assert [json.loads(line)["question"] for line in result.out.splitlines()] == QUESTIONS


def test_a_refused_line_is_explained_and_the_next_is_answered(run: Run, asked: list[str]) -> None:
    result = run(*asked, stdin=f"{'fox ' * 5000}\n{QUESTIONS[0]}\n")
    assert result.code == 2
    assert "shorter" in result.error
    assert result.out == run(*asked, QUESTIONS[0]).out


def test_no_lines_at_all_is_fine(run: Run, asked: list[str]) -> None:
    result = run(*asked, stdin="")
    assert (result.code, result.out) == (0, "")


def test_a_film_is_watched_first(run: Run, asked: list[str], film: Path, model: Path) -> None:
    from_film = run("ask", film, QUESTIONS[0], "--model", model, "--keep", "1/4", "--max-new-tokens", "6")
    assert from_film.code == 0, from_film.err
    assert from_film.out == run(*asked, QUESTIONS[0]).out
    assert "(100%)" in from_film.err


def test_options_for_films_are_refused_for_memories(run: Run, asked: list[str]) -> None:
    result = run(*asked, QUESTIONS[0], "--fps", "2")
    assert result.code == 2
    assert "--fps" in result.error


def test_stream_and_json_do_not_go_together(run: Run, asked: list[str]) -> None:
    assert run(*asked, QUESTIONS[0], "--stream", "--json").code == 2


def test_a_terminal_gets_a_prompt(
    asked: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One question, an empty line, Ctrl-C while the next is answered, another one, Ctrl-D."""
    lines = iter([QUESTIONS[0], "", QUESTIONS[1], QUESTIONS[1]])
    answered = iter([False, True, False])
    real = Answers.print_turn

    def print_turn(self: Answers, chat: Chat, question: str, *, stream: bool) -> None:
        if next(answered):
            raise KeyboardInterrupt
        real(self, chat, question, stream=stream)

    def typed(prompt: str = "") -> str:
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("builtins.input", typed)
    monkeypatch.setattr(Answers, "print_turn", print_turn)
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in asked])
    out, err = capsys.readouterr()
    assert end.value.code == 0
    assert len(out.splitlines()) == 2
    assert err.count("> ") == 5
    assert "broken off" in err
