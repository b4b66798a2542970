# SPDX-License-Identifier: Apache-2.0
"""A collector of traces that takes OTLP over HTTP in JSON, and checks what it is sent against the protocol."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HEX32, HEX16 = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}")
# The types of values that nodes send, as the protocol's mapping to JSON writes them.
VALUES = {
    "stringValue": lambda value: isinstance(value, str),
    "intValue": lambda value: isinstance(value, str) and re.fullmatch(r"-?\d+", value),
    "doubleValue": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "boolValue": lambda value: isinstance(value, bool),
}


@dataclass
class Span:
    node: str
    trace: str
    id: str
    parent: str | None
    name: str
    attributes: dict


class Collector:
    """Listens on a free port of loopback until it is stopped."""

    def __init__(self):
        self._lock = threading.Lock()
        self._spans: list[Span] = []
        self._complaints: list[str] = []
        # The answers to the first batches, before it takes any: status and fields.
        self.refusals: list[tuple[int, dict[str, str]]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status, fields = collector._take(self.path, self.headers, body)
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def complaints(self) -> list[str]:
        """What was wrong with what came."""
        with self._lock:
            return list(self._complaints)

    def of(self, trace: str) -> list[Span]:
        with self._lock:
            return [span for span in self._spans if span.trace == trace]

    def _take(self, path: str, headers, body: bytes) -> tuple[int, dict[str, str]]:
        with self._lock:
            if self.refusals:
                return self.refusals.pop(0)
            try:
                assert path == "/v1/traces", path
                assert headers["content-type"] == "application/json", headers["content-type"]
                assert headers["x-collector-key"] == "sesame", "the key is missing"
                self._spans += list(_spans(json.loads(body)))
            except (AssertionError, KeyError, TypeError, ValueError) as failure:
                self._complaints.append(f"{failure!r} in {body[:500]!r}")
            return 200, {}


def _spans(message: dict):
    _only(message, {"resourceSpans"})
    for resource_spans in message["resourceSpans"]:
        _only(resource_spans, {"resource", "scopeSpans"})
        resource = _attributes(resource_spans["resource"]["attributes"])
        assert resource["service.name"] == "kith" and resource["service.instance.id"], resource
        for scope_spans in resource_spans["scopeSpans"]:
            _only(scope_spans, {"scope", "spans"})
            for span in scope_spans["spans"]:
                yield _span(span, resource["kith.node"])


def _span(span: dict, node: str) -> Span:
    _only(span, {
        "traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes",
        "events", "status",
    })  # fmt: skip
    assert HEX32.fullmatch(span["traceId"]) and HEX16.fullmatch(span["spanId"]), span
    assert "parentSpanId" not in span or HEX16.fullmatch(span["parentSpanId"]), span
    assert span["kind"] in range(1, 6) and isinstance(span["name"], str) and span["name"], span
    began, ended = _nanoseconds(span["startTimeUnixNano"]), _nanoseconds(span["endTimeUnixNano"])
    assert 1.6e18 < began <= ended < 4e18, span
    for event in span.get("events", []):
        _only(event, {"timeUnixNano", "name", "attributes"})
        assert began <= _nanoseconds(event["timeUnixNano"]), span
        _attributes(event["attributes"])
    _only(span["status"], {"code", "message"})
    assert span["status"].get("code", 0) in (0, 1, 2), span
    return Span(
        node, span["traceId"], span["spanId"], span.get("parentSpanId"), span["name"], _attributes(span["attributes"])
    )


def _attributes(attributes: list) -> dict:
    found = {}
    for attribute in attributes:
        _only(attribute, {"key", "value"})
        ((kind, value),) = attribute["value"].items()
        assert VALUES[kind](value), attribute
        assert attribute["key"] not in found, attribute
        found[attribute["key"]] = value
    return found


def _nanoseconds(text: object) -> int:
    assert isinstance(text, str) and text.isdigit(), text
    return int(text)


def _only(members: dict, known: set[str]) -> None:
    assert set(members) <= known, set(members) - known
