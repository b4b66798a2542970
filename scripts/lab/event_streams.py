# SPDX-License-Identifier: Apache-2.0
"""An engine that speaks OpenAI's API and streams as fast as it is read, or says one word and then nothing.

  python3 scripts/lab/event_streams.py PORT

The model `flood` sends as many tokens as `max_tokens` says; the model `held` sends one and keeps the stream open.
"""

import asyncio
import json
import sys

_MODELS = {
    "object": "list",
    "data": [{"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "lab"} for name in ("flood", "held")],
}
_PIECES = 64


def _event(delta: dict, finish: str | None = None) -> bytes:
    chunk = {
        "id": "chatcmpl-lab", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "lab",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }  # fmt: skip
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


_OPENING = _event({"role": "assistant", "content": ""})
_TOKEN = _event({"content": " word"})
_CLOSING = _event({}, "stop") + b"data: [DONE]\n\n"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line)
            body = await reader.readexactly(int(fields.get("content-length", "0")))
            if head.startswith(b"GET /v1/models "):
                _answer(writer, "200 OK", json.dumps(_MODELS).encode())
            elif head.startswith(b"POST /v1/chat/completions "):
                await _stream(writer, json.loads(body))
            else:
                _answer(writer, "404 Not Found", b"{}")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def _answer(writer: asyncio.StreamWriter, status: str, body: bytes) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)


async def _stream(writer: asyncio.StreamWriter, request: dict) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    writer.write(_chunk(_OPENING + _TOKEN))
    if request["model"] == "held":
        await writer.drain()
        await asyncio.Event().wait()
    left = request.get("max_tokens", 16) - 1
    while left > 0:
        count = min(left, _PIECES)
        writer.write(_chunk(_TOKEN) * count)
        left -= count
        await writer.drain()
    writer.write(_chunk(_CLOSING) + b"0\r\n\r\n")


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def _main(port: int) -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", port, backlog=2048)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
