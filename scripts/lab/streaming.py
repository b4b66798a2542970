# SPDX-License-Identifier: Apache-2.0
"""A streamed answer, piece by piece, with the moments at which they came."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass, field
from typing import Callable

from . import web


@dataclass
class Continued:
    """What a stream says when another node goes on with the answer."""

    node: str
    after_tokens: int
    reason: str
    # How much of the answer had come by then.
    pieces: int
    text: str


@dataclass
class Streamed:
    """What came of one streamed request, in whatever way it ended."""

    status: int = 0
    node: str | None = None
    pieces: list[str] = field(default_factory=list)
    # When the request was sent, then when each piece came, on the monotonic clock.
    moments: list[float] = field(default_factory=list)
    ended: float = 0
    finish: str | None = None
    usage: dict | None = None
    done: bool = False
    # The error that the answer itself says, before or after it began.
    error: str | None = None
    # The connection's end, where neither an end nor an error was said.
    broken: str | None = None
    continued: list[Continued] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def first(self) -> float:
        """Seconds from the request to the first piece; infinite without one."""
        return self.moments[1] - self.moments[0] if len(self.moments) > 1 else float("inf")

    @property
    def gap(self) -> float:
        """The longest pause after the first piece, in seconds, that before the end included."""
        moments = [*self.moments[1:], self.ended]
        return max((later - earlier for earlier, later in zip(moments, moments[1:])), default=0.0)

    @property
    def gap_at_break(self) -> float:
        """The longest pause at a place where another node went on, in seconds; infinite without one."""
        moments = [*self.moments[1:], self.ended]
        return max((moments[one.pieces] - moments[max(0, one.pieces - 1)] for one in self.continued), default=float("inf"))

    @property
    def is_whole(self) -> bool:
        """Ended as an answer should; whether it is the right one is not known here."""
        return self.finish is not None and self.done and self.error is None and self.broken is None

    @property
    def is_failed(self) -> bool:
        """Said that it failed, and did not pretend to have ended."""
        return self.error is not None and self.finish is None and not self.done and self.broken is None

    def __str__(self) -> str:
        return (
            f"{self.status} from {self.node}, {len(self.pieces)} pieces, finish_reason {self.finish!r}, "
            f"[DONE] {self.done}, error {self.error!r}, connection {self.broken!r}, continued "
            f"{[(one.node, one.after_tokens, one.pieces, one.reason) for one in self.continued]}, …{self.text[-60:]!r}"
        )


# Told how many pieces have come; returns false when the client has had enough.
Watch = Callable[[Streamed], bool | None]


def stream(
    port: int, body: dict, watch: Watch | None = None, path: str = "/v1/chat/completions", timeout: float = 60,
    headers=None, opener: web.Opener = web.loopback,
) -> Streamed:  # fmt: skip
    """Reads one streamed answer to its end, or until `watch` has had enough. What goes wrong is in what is returned."""
    result = Streamed(moments=[time.monotonic()])
    try:
        with web.Stream(port, body, timeout, headers, path, opener) as answer:
            result.status, result.node = answer.status, answer.node
            if answer.status != 200:
                result.error = answer.response.read().decode(errors="replace")
            else:
                _read(answer, result, watch)
    except (web.StreamBroken, OSError, http.client.HTTPException) as failure:
        result.broken = repr(failure)
    result.ended = time.monotonic()
    return result


def _read(answer: web.Stream, result: Streamed, watch: Watch | None) -> None:
    for payload in answer.lines():
        if payload == "[DONE]":
            result.done = True
            continue
        event = json.loads(payload)
        if "error" in event:
            result.error = event["error"]["message"]
            continue
        result.usage = event.get("usage") or result.usage
        if told := event.get("x_kith", {}).get("continued"):
            place = (len(result.pieces), result.text)
            result.continued.append(Continued(told["node"], told["after_tokens"], told["reason"], *place))
        for choice in event["choices"]:
            result.finish = choice["finish_reason"] or result.finish
            if text := (choice["delta"].get("content") if "delta" in choice else choice["text"]):
                result.moments.append(time.monotonic())
                result.pieces.append(text)
                if watch is not None and watch(result) is False:
                    return
    if not result.done and result.error is None:
        result.broken = "it ended without [DONE] and without an error"
