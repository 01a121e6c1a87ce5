"""A judge for free answers: any model behind an endpoint that speaks OpenAI's chat completions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from longreel.endpoint import Endpoint, key_in
from longreel.errors import UsageError
from longreel.evaluate.benchmarks.base import Query
from longreel.evaluate.benchmarks.data import Data
from longreel.evaluate.benchmarks.prompts import JUDGE, JUDGE_MEANING, JUDGED_ON
from longreel.evaluate.run_folder import Row
from longreel.identity import hash_json
from longreel.kept_lines import KeptLines
from longreel.progress import ProgressCallback, StageClock

_FILE = "judgements.jsonl"
_MARKS = range(1, 6)


class Judge(Endpoint):
    """The endpoint that judges."""

    role = "judge"
    remedy = "see to it and run the same command again, what was judged is kept"


def judge_of(url: str, model: str | None, key_variable: str) -> Judge:
    """A judge, its key from an environment variable so that it is in no command and no result.

    Raises:
        UsageError: the model is not named, or the variable is not set or holds what is no key.
    """
    if not model:
        raise UsageError("--judge needs to know which model: name it with --judge-model")
    return Judge(url, model, key_in(key_variable, "--judge-key"))


def judgements(
    data: Data, rows: Sequence[Row], judge: Judge, folder: Path, progress: ProgressCallback | None = None
) -> dict[tuple[str, str], float | None]:
    """The grade of every free answer, 2 to 10, by setting and query; None for one that cannot be read.

    Replies are kept in the run's folder as they come, by model and prompt: nothing is judged twice.

    Raises:
        EndpointError: see `Endpoint.reply`.
    """
    queries = {query.id: query for query in data.queries if query.judged}
    asked = [
        (row["setting"], queries[answer["id"]], answer["answer"])
        for row in rows
        for answer in row["answers"]
        if answer["id"] in queries and queries[answer["id"]].family in JUDGED_ON
    ]
    kept = KeptLines(folder / _FILE, "its answer is judged again")
    known = {line["prompt"]: str(line["reply"]) for line in kept.read("prompt", "reply")}
    clock = StageClock(progress, "judge", len(asked))
    found: dict[tuple[str, str], float | None] = {}
    for setting, query, answer in asked:
        prompt = judge_prompt(query, answer)
        name = hash_json([judge.model, prompt])
        if name not in known:
            known[name] = judge.reply(prompt)
            kept.add({"prompt": name, "model": judge.model, "reply": known[name]})
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
