"""Annotation files as rows: JSON, JSON lines, Parquet."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from longreel.errors import LongreelError, SourceError

Row = dict[str, Any]
T = TypeVar("T")
_LONGEST_REASON = 200


def read_rows(path: Path) -> list[Row]:
    """The rows of a file, by its ending: .json (a list), .jsonl or .parquet.

    Raises:
        SourceError: it is missing, damaged, or no list of rows.
        LongreelError: the reader of Parquet files is not installed.
    """
    if path.suffix == ".parquet":
        rows = _parquet(path)
    else:
        text = _text(path)
        rows = _json_lines(path, text) if path.suffix == ".jsonl" else _json(path, text)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SourceError(f"{path} is no list of rows: copy it again from the benchmark")
    return rows


def made_of_rows(path: Path, make: Callable[[Row], T]) -> list[T]:
    """What `make` makes of each row of a file.

    Raises:
        SourceError: see `read_rows`; a row has a value that `make` cannot take, by its number.
    """
    made = []
    for number, row in enumerate(read_rows(path), start=1):
        try:
            made.append(make(row))
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            reason = " ".join(str(error).split())[:_LONGEST_REASON]
            raise SourceError(
                f"{path}, row {number} is not of the published form ({reason}): "
                "copy it again from the benchmark"
            ) from None
    return made


def read_object(path: Path) -> Row:
    """The object in a JSON file.

    Raises:
        SourceError: it is missing, damaged, or no object.
    """
    found = _json(path, _text(path))
    if not isinstance(found, dict):
        raise SourceError(f"{path} is no JSON object: copy it again from the benchmark")
    return found


def read_lines(path: Path) -> list[str]:
    """The lines of a text file that are not empty.

    Raises:
        SourceError: it is missing or no text.
    """
    return [line for line in _text(path).splitlines() if line.strip()]


def first_file(folder: Path, names: Sequence[str]) -> Path:
    """The first of these files (names or patterns below `folder`) that is there.

    Raises:
        SourceError: none is.
    """
    for name in names:
        found = sorted(folder.glob(name))
        if found:
            return found[0]
    raise SourceError(f"{folder} has no {names[0]}: name the folder of the benchmark as it was downloaded")


def field_of(row: Row, name: str, path: Path) -> Any:
    """A field that the published form has.

    Raises:
        SourceError: the row lacks it.
    """
    if name not in row:
        raise SourceError(f"{path} has a row without {name!r}: copy it again from the benchmark")
    return row[name]


def texts_of(row: Row, name: str, path: Path) -> list[str]:
    """A field that is a list of texts, such as options.

    Raises:
        SourceError: the row lacks it, or it is no list.
    """
    found = field_of(row, name, path)
    if not isinstance(found, list):
        raise SourceError(f"{path} has a row whose {name!r} is no list: copy it again from the benchmark")
    return [str(each) for each in found]


def gold_letter(options: Sequence[str], gold: str, path: Path, where: str) -> str:
    """The letter of the first option that is the gold text.

    Raises:
        SourceError: none is.
    """
    for letter, option in zip("ABCDEFGHIJKLMN", options, strict=False):
        if option.strip() == gold.strip():
            return letter
    raise SourceError(f"{path}: the answer {gold!r} of {where} is none of its options: copy it again")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SourceError(f"{path} is missing: copy it from the benchmark") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8 text"
        raise SourceError(f"{path} cannot be read ({reason}): copy it again from the benchmark") from None


def _json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise SourceError(f"{path} is damaged ({error}): copy it again from the benchmark") from None


def _json_lines(path: Path, text: str) -> list[Any]:
    return [_json(path, line) for line in text.split("\n") if line.strip()]


def _parquet(path: Path) -> Any:
    if not path.exists():
        raise SourceError(f"{path} is missing: copy it from the benchmark")
    try:
        pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise LongreelError(f"{path} needs one more package: pip install 'longreel[parquet]'") from error
    try:
        return parquet.read_table(path).to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        reason = " ".join(str(error).split())[:_LONGEST_REASON]
        raise SourceError(f"{path} is damaged ({reason}): copy it again from the benchmark") from None
