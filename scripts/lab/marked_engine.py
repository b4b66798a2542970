# SPDX-License-Identifier: Apache-2.0
"""An engine that speaks OpenAI's API, keeps every connection open, and marks each piece with what the client gave it.

  python3 scripts/lab/marked_engine.py PORT

The last message is JSON: `number` of the request, `pieces` of the answer, seconds to `pause` before the piece `pause_at`,
and how many pieces are sent at once (`burst`). The text of piece 3 of request 17 is `17:3 `. `GET /lab/twice` tells which
requests came more than once.
"""

from __future__ import annotations

import asyncio
import json
import sys

_MODELS = {"object": "list", "data": [{"id": "marked", "object": "model", "created": 1_700_000_000, "owned_by": "lab"}]}
_COMMON = {"id": "chatcmpl-lab", "created": 1_700_000_000, "model": "marked"}


def text_of(number: int, piece: int) -> str:
    return f"{number}:{piece} "


def whole_text(number: int, pieces: int) -> str:
    return "".join(text_of(number, piece) for piece in range(pieces))


class Engine:
    def __init__(self) -> None:
        self._seen = bytearray()
        self._twice: list[int] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line)
                body = await reader.readexactly(int(fields.get("content-length", "0")))
                if head.startswith(b"POST /v1/chat/completions "):
                    await self._chat(writer, json.loads(body))
                elif head.startswith(b"GET /v1/models "):
                    _answer(writer, "200 OK", _MODELS)
                elif head.startswith(b"GET /lab/twice "):
                    _answer(writer, "200 OK", self._twice)
                else:
                    _answer(writer, "404 Not Found", {"error": {"message": "not here"}})
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _chat(self, writer: asyncio.StreamWriter, request: dict) -> None:
        wish = json.loads(request["messages"][-1]["content"])
        number, pieces = wish["number"], wish["pieces"]
        self._note(number)
        if not request.get("stream"):
            await asyncio.sleep(wish["pause"])
            message = {"role": "assistant", "content": whole_text(number, pieces)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            usage = {"prompt_tokens": 1, "completion_tokens": pieces, "total_tokens": pieces + 1}
            _answer(writer, "200 OK", {**_COMMON, "object": "chat.completion", "choices": [choice], "usage": usage})
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in range(pieces):
            if writer.is_closing():
                return
            if piece == wish["pause_at"]:
                await writer.drain()
                await asyncio.sleep(wish["pause"])
            writer.write(_event({"content": text_of(number, piece)}))
            if piece % wish["burst"] == wish["burst"] - 1:
                await writer.drain()
                await asyncio.sleep(0.002)
        writer.write(_event({}, "stop") + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")

    def _note(self, number: int) -> None:
        if number >= len(self._seen):
            self._seen.extend(bytes(number + 65_536 - len(self._seen)))
        if self._seen[number]:
            self._twice.append(number)
        self._seen[number] = 1


def _answer(writer: asyncio.StreamWriter, status: str, answer: object) -> None:
    body = json.dumps(answer).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)


def _event(delta: dict, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {**_COMMON, "object": "chat.completion.chunk", "choices": [choice]}
    return _chunk(b"data: " + json.dumps(chunk).encode() + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def _main(port: int) -> None:
    server = await asyncio.start_server(Engine().serve, "127.0.0.1", port, backlog=2048)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
