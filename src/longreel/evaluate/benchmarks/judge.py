"""A judge for free answers: any model behind an endpoint that speaks OpenAI's chat completions."""

from __future__ import annotations

import http.client
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longreel.errors import LongreelError, UsageError
from longreel.evaluate.benchmarks.base import Query
from longreel.evaluate.benchmarks.data import Data
from longreel.evaluate.benchmarks.prompts import JUDGE, JUDGE_MEANING, JUDGED_ON
from longreel.evaluate.run_folder import Row
from longreel.identity import hash_json
from longreel.progress import ProgressCallback, StageClock

_FILE = "judgements.jsonl"
_RETRIED = (408, 409, 429, 500, 502, 503, 504)
_ATTEMPTS = 5
_FIRST_WAIT = 1.0
_TIMEOUT = 120.0
_MAX_TOKENS = 200
_LONGEST_REASON = 200
_KEY = "OPENAI_API_KEY"
_MARKS = range(1, 6)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Takes a redirect as a failure: it would carry the key to a host that nobody named."""

    def redirect_request(self, *arguments: Any) -> None:
        return None


@dataclass(frozen=True)
class Judge:
    """An endpoint and the model behind it.

    url: up to and with /v1. key: sent as bearer token; "" for none. wait: sleeps between attempts.
    """

    url: str
    model: str
    key: str = field(default="", repr=False)
    wait: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Raises UsageError for an address that is no http address."""
        if not self.url.startswith(("http://", "https://")):
            raise UsageError(f"judge {self.url!r} is no http address: write https://host/v1")

    def reply(self, prompt: str) -> str:
        """The judge's words, at temperature 0.

        Raises:
            LongreelError: the endpoint cannot be reached, refuses, or answers in another form.
        """
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "max_tokens": _MAX_TOKENS,
        }
        for attempt in range(_ATTEMPTS):
            try:
                return self._content(self._post(json.dumps(body).encode()))
            except urllib.error.HTTPError as error:
                with error:
                    if error.code not in _RETRIED or attempt == _ATTEMPTS - 1:
                        raise self._failed(f"answered {error.code} {self._reason(error)}") from None
            except (OSError, http.client.HTTPException) as error:
                if attempt == _ATTEMPTS - 1:
                    raise self._failed(str(getattr(error, "reason", error))) from None
            self.wait(_FIRST_WAIT * 2**attempt)
        raise AssertionError

    def _post(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(f"{self.url.rstrip('/')}/chat/completions", body, headers)
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_TIMEOUT) as answer:
            content: bytes = answer.read()
        return content

    def _content(self, answer: bytes) -> str:
        try:
            return str(json.loads(answer)["choices"][0]["message"]["content"] or "")
        except (ValueError, LookupError, TypeError):
            raise self._failed("answered in another form than chat completions") from None

    def _reason(self, error: urllib.error.HTTPError) -> str:
        """What the endpoint says is wrong, in one line and without the key, which some repeat."""
        try:
            said = json.loads(error.read())["error"]["message"]
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
            said = ""
        text = " ".join(str(said).split())
        if self.key:
            text = text.replace(self.key, "(key)")
        return f"{error.reason} ({text[:_LONGEST_REASON]})" if text else str(error.reason)

    def _failed(self, what: str) -> LongreelError:
        return LongreelError(
            f"judge {self.url} {what}: see to it and run the same command again, what was judged is kept"
        )


def judge_of(url: str, model: str | None, key_variable: str) -> Judge:
    """A judge, its key from an environment variable so that it is in no command and no result.

    Raises:
        UsageError: the model is not named, or the variable is not set or holds what is no key.
    """
    if not model:
        raise UsageError("--judge needs to know which model: name it with --judge-model")
    if key_variable != _KEY and key_variable not in os.environ:
        raise UsageError(f"--judge-key {key_variable} is not set: export it, or leave the option out")
    key = os.environ.get(key_variable, "").strip()
    if not all("!" <= each <= "~" for each in key):
        raise UsageError(
            f"{key_variable} holds what cannot be a key (blanks or odd characters): set it again"
        )
    return Judge(url, model, key)


def judgements(
    data: Data, rows: Sequence[Row], judge: Judge, folder: Path, progress: ProgressCallback | None = None
) -> dict[tuple[str, str], float | None]:
    """The grade of every free answer, 2 to 10, by setting and query; None for one that cannot be read.

    Replies are kept in the run's folder as they come, by model and prompt: nothing is judged twice.

    Raises:
        LongreelError: see `Judge.reply`.
    """
    queries = {query.id: query for query in data.queries if query.judged}
    asked = [
        (row["setting"], queries[answer["id"]], answer["answer"])
        for row in rows
        for answer in row["answers"]
        if answer["id"] in queries and queries[answer["id"]].family in JUDGED_ON
    ]
    known = _kept(folder / _FILE)
    clock = StageClock(progress, "judge", len(asked))
    found: dict[tuple[str, str], float | None] = {}
    for setting, query, answer in asked:
        prompt = judge_prompt(query, answer)
        name = hash_json([judge.model, prompt])
        if name not in known:
            known[name] = judge.reply(prompt)
            _keep(folder / _FILE, {"prompt": name, "model": judge.model, "reply": known[name]})
        found[setting, query.id] = grade_in(known[name], JUDGED_ON[query.family])
        clock.report(len(found))
    return found


def judge_prompt(query: Query, answer: str) -> str:
    """What the judge is asked about one answer."""
    first, second = JUDGED_ON[query.family]
    points = query.tags.get("scoring points")
    return JUDGE.format(
        question=query.question,
        reference=query.gold,
        points=f"Points: {points}\n" if points else "",
        answer=answer or "(no answer)",
        first=first,
        second=second,
        first_meaning=JUDGE_MEANING[first],
        second_meaning=JUDGE_MEANING[second],
    )


def grade_in(reply: str, names: Sequence[str]) -> float | None:
    """The sum of the two marks in a reply, 2 to 10; None if one is missing or no whole number from 1 to 5."""
    marks = [_mark(reply, name) for name in names]
    return float(sum(mark for mark in marks if mark)) if all(mark in _MARKS for mark in marks) else None


def _mark(reply: str, name: str) -> int | None:
    found = re.search(rf'["\']?{name}["\']?\s*[:=]\s*(\d+)(?!\d|\.\d)', reply, re.IGNORECASE)
    return int(found[1]) if found else None


def _kept(path: Path) -> dict[str, str]:
    """The replies that are there; a line cut short by a kill is dropped."""
    if not path.exists():
        return {}
    kept = {}
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        with open(path, "r+b") as file:
            file.truncate(len(whole))
    for number, line in enumerate(whole.split(b"\n")[:-1], start=1):
        try:
            row: dict[str, Any] = json.loads(line)
            kept[row["prompt"]] = str(row["reply"])
        except (ValueError, LookupError, TypeError):
            raise LongreelError(
                f"{path}, line {number} is damaged: remove the line, and its answer is judged again"
            ) from None
    return kept


def _keep(path: Path, row: dict[str, Any]) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
        file.flush()
        os.fsync(file.fileno())
