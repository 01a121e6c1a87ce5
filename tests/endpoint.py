"""A server on this machine that speaks OpenAI's chat completions, and says what a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest


class Server:
    """Answers with what is in `replies`, the last for ever.

    A reply is a status, a text, the bytes of a whole answer, or a function of the request that gives one.
    """

    def __init__(self, *replies: Any) -> None:
        self.replies = list(replies)
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.location = ""
        self.content = b""
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                owner.requests.append((self.path, dict(self.headers), body))
                reply = owner.reply(body)
                spoken = json.dumps({"choices": [{"message": {"content": str(reply)}}]}).encode()
                content = owner.content or (reply if isinstance(reply, bytes) else spoken)
                self.send_response(reply if isinstance(reply, int) else 200)
                if owner.location:
                    self.send_header("Location", owner.location)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any) -> None:
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def reply(self, body: Any) -> Any:
        """What is said next."""
        reply: Any | Callable[[Any], Any] = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return reply(body) if callable(reply) else reply


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """Servers put in here are shut down after the test."""
    made: list[Server] = []
    yield made
    for server in made:
        server.http.shutdown()
        server.http.server_close()
