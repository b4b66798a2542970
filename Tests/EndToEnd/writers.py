# SPDX-License-Identifier: Apache-2.0
"""Clients that write all the time, and remember what they were told is safe."""

import http.client
import json
import random
import threading
from dataclasses import dataclass, field
from typing import Any

from lab import web

# What a key holds when there is nothing under it.
NOTHING = None
# A node that does not answer for so long does not answer.
_LIMIT = 20


@dataclass
class _Writer:
    """Writes its own keys, one request after another."""

    number: int
    seed: int
    # By key: what was acknowledged last.
    safe: dict[str, Any] = field(default_factory=dict)
    # By key: what was sent since then and may have been written or not.
    doubtful: dict[str, list[Any]] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self):
        self.random = random.Random(self.seed)

    def note(self, key: str, value: Any, status: int | None) -> None:
        """Takes down how a request ended; without a status it has no answer yet, and perhaps never gets one.

        A failure of the disk may show after the write, when it is to be made safe. A full disk shows before.
        """
        if status == 200:
            self.safe[key] = value
            self.doubtful.pop(key, None)
        elif status is None:
            self.doubtful.setdefault(key, []).append(value)
        elif status != 503:
            self.doubtful[key].pop()

    def next(self, longest: int) -> tuple[str, Any]:
        key = f"w{self.number}-{self.random.randrange(30)}"
        if self.safe.get(key) is not NOTHING and self.random.random() < 0.1:
            return key, NOTHING
        self.count += 1
        return key, {"count": self.count, "text": "x" * self.random.randrange(longest)}


class Writers:
    """Several clients at once. Each key is written by one of them, so that its last value is known."""

    def __init__(self, port: int, seed: int, clients: int = 8):
        self.port = port
        self.acknowledged = 0
        # What the node said when it did not write: the status and the body.
        self.refusals: list[tuple[int, bytes]] = []
        self._writers = [_Writer(number, seed + number) for number in range(clients)]
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._changed = threading.Condition()

    def start(self, longest: int = 500) -> None:
        """Writes values of up to `longest` characters until it is stopped or the node is gone."""
        self._stopping.clear()
        self.acknowledged = 0
        self.refusals = []
        self._threads = [threading.Thread(target=self._run, args=(writer, longest)) for writer in self._writers]
        for thread in self._threads:
            thread.start()

    def wait_for(self, acknowledged: int = 0, refused: int = 0, limit: float = 60) -> None:
        """Until there are so many since the start."""

        def reached() -> bool:
            enough = self.acknowledged >= acknowledged and len(self.refusals) >= refused
            return enough or not any(thread.is_alive() for thread in self._threads)

        with self._changed:
            in_time = self._changed.wait_for(reached, limit)
        if not in_time or self.acknowledged < acknowledged or len(self.refusals) < refused:
            raise AssertionError(
                f"{self.acknowledged} of {acknowledged} acknowledged, {len(self.refusals)} of {refused} refused; "
                f"refused last: {self.refusals[-1:]}"
            )

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(_LIMIT + 10)

    def check(self, restarted: bool = True) -> None:
        """Raises `AssertionError` unless the node has all that it acknowledged and nothing that it refused.

        After it was started again what it has is all there will be of what was in doubt.
        """
        found = self._read()
        for writer in self._writers:
            keys = {key for key in found if key.startswith(f"w{writer.number}-")} | set(writer.safe)
            for key in sorted(keys):
                values = found.get(key, [NOTHING])
                allowed = [writer.safe.get(key, NOTHING), *writer.doubtful.get(key, [])]
                if len(values) != 1 or values[0] not in allowed:
                    raise AssertionError(f"{key}: {_short(values)} where {_short(allowed)} was written")
                writer.safe[key] = values[0]
            if restarted:
                writer.doubtful.clear()

    def _read(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        after = ""
        while True:
            page = web.get(self.port, "/api/context" + after, timeout=_LIMIT).json()
            for entry in page["context"]:
                found[entry["key"]] = [value["value"] for value in entry["values"]]
            if not page.get("more"):
                return found
            after = "?after=" + page["context"][-1]["key"]

    def _run(self, writer: _Writer, longest: int) -> None:
        connection = web.loopback(self.port, _LIMIT)
        try:
            while not self._stopping.is_set():
                key, value = writer.next(longest)
                writer.note(key, value, None)
                status, body = self._send(connection, key, value)
                writer.note(key, value, status)
                with self._changed:
                    if status == 200:
                        self.acknowledged += 1
                    else:
                        self.refusals.append((status, body))
                    self._changed.notify_all()
                if status != 200:
                    self._stopping.wait(0.02)
        except (OSError, http.client.HTTPException):
            pass  # the node is gone; whether it has written is not known
        finally:
            connection.close()
            with self._changed:
                self._changed.notify_all()

    @staticmethod
    def _send(connection: http.client.HTTPConnection, key: str, value: Any) -> tuple[int, bytes]:
        if value is NOTHING:
            connection.request("DELETE", f"/api/context/{key}")
        else:
            body = json.dumps({"value": value, "source": "writer"}).encode()
            connection.request("PUT", f"/api/context/{key}", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()


def _short(values: list[Any]) -> str:
    return " or ".join("nothing" if value is NOTHING else f"value {value['count']}" for value in values)
