"""A model behind an endpoint that speaks OpenAI's chat completions."""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from longreel.errors import EndpointError, UsageError

DEFAULT_KEY = "OPENAI_API_KEY"
_RETRIED = (408, 409, 429, 500, 502, 503, 504)
_ATTEMPTS = 5
_FIRST_WAIT = 1.0
_TIMEOUT = 120.0
_LONGEST_REASON = 200

# Text, or parts of text and pictures, as chat completions have them.
Content = str | list[dict[str, Any]]
Message = dict[str, Any]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Takes a redirect as a failure: it would carry the key to a host that nobody named."""

    def redirect_request(self, *arguments: Any) -> None:
        return None


class _MayPass(Exception):  # noqa: N818 - what went wrong in one attempt of several
    """A fault that may be over at the next attempt."""


@dataclass(frozen=True)
class Endpoint:
    """An endpoint and the model behind it.

    url: up to and with /v1. key: sent as bearer token; "" for none. wait: sleeps between attempts.
    """

    role: ClassVar[str] = "endpoint"
    remedy: ClassVar[str] = "see to it and run the same command again"
    max_tokens: ClassVar[int] = 200

    url: str
    model: str
    key: str = field(default="", repr=False)
    wait: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Raises UsageError for an address that is no http address."""
        if not is_address(self.url):
            raise UsageError(f"{self.role} {self.url!r} is no http address: write https://host/v1")

    def reply(self, prompt: Content) -> str:
        """The model's words about one prompt, at temperature 0.

        Raises:
            EndpointError: the endpoint cannot be reached, refuses, or answers in another form.
        """
        return self.continuation([{"role": "user", "content": prompt}])

    def continuation(self, messages: list[Message]) -> str:
        """What the model says next in a conversation; see `reply`."""
        body = {
            "model": self.model,
            "messages": messages,
            "temperature": 0,
            "max_tokens": self.max_tokens,
        }
        content = json.dumps(body).encode()
        for attempt in range(_ATTEMPTS):
            if attempt:
                self.wait(_FIRST_WAIT * 2 ** (attempt - 1))
            try:
                return self._attempted(content)
            except _MayPass as fault:
                last = str(fault)
        raise self._failed(last)

    def _attempted(self, content: bytes) -> str:
        try:
            return _said(self._post(content))
        except urllib.error.HTTPError as error:
            with error:
                fault = f"answered {error.code} {self._reason(error)}"
            if error.code not in _RETRIED:
                raise self._failed(fault) from None
            raise _MayPass(fault) from None
        except (OSError, http.client.HTTPException) as error:
            raise _MayPass(str(getattr(error, "reason", error))) from None

    def _post(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(f"{self.url.rstrip('/')}/chat/completions", body, headers)
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_TIMEOUT) as answer:
            content: bytes = answer.read()
        return content

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

    def _failed(self, what: str) -> EndpointError:
        return EndpointError(f"{self.role} {self.url} {what}: {self.remedy}")


def _said(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["choices"][0]["message"]["content"] or "")
    except (ValueError, LookupError, TypeError):
        raise _MayPass("answered in another form than chat completions") from None


def is_address(text: str) -> bool:
    """Whether a text is an http address."""
    return text.startswith(("http://", "https://"))


def key_in(variable: str, option: str) -> str:
    """The key in an environment variable, so that it is in no command and no result; "" if it may be none.

    Args:
        option: that names the variable. Only the default one may be unset.

    Raises:
        UsageError: the variable is not set or holds what is no key.
    """
    if variable != DEFAULT_KEY and variable not in os.environ:
        raise UsageError(f"{option} {variable} is not set: export it, or leave the option out")
    key = os.environ.get(variable, "").strip()
    if not all("!" <= each <= "~" for each in key):
        raise UsageError(f"{variable} holds what cannot be a key (blanks or odd characters): set it again")
    return key
