# SPDX-License-Identifier: Apache-2.0
"""Stand-ins that speak Ollama's API on loopback."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from pathlib import Path
from typing import Callable

from loopback_service import LoopbackService

GUARD = 60


class Ollama:
    """One with a single model, on a port that is given; answers whatever it is asked with one word."""

    def __init__(self, port: int):
        self._service = LoopbackService(self._answer, port)

    def __enter__(self):
        self._service.__enter__()
        return self

    def __exit__(self, *reason) -> None:
        self._service.__exit__(*reason)

    def _answer(self, handler, body: bytes) -> None:
        answers = {
            "/api/version": {"version": "0.20.0"},
            "/api/tags": {"models": [{"name": "m:latest", "model": "m:latest", "digest": "d"}]},
            "/api/show": {"capabilities": ["completion"], "model_info": {"x.context_length": 32768}},
            "/api/ps": {"models": []},
        }
        word = {"model": "m:latest", "message": {"role": "assistant", "content": "hello"}, "done": False}
        end = {**word, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
        if handler.path in answers:
            return self._json(handler, answers[handler.path])
        self._write(handler, "application/x-ndjson", "".join(json.dumps(line) + "\n" for line in (word, end)).encode())

    @classmethod
    def _json(cls, handler, answer: object, status: int = 200) -> None:
        cls._write(handler, "application/json", b"" if answer is None else json.dumps(answer).encode(), status)

    @staticmethod
    def _write(handler, media_type: str, payload: bytes, status: int = 200) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", media_type)
        handler.send_header("Content-Length", str(len(payload)))
        handler.end_headers()
        handler.wfile.write(payload)


class KeepingOllama(Ollama):
    """One that keeps models, loads them and gets others, as docs/api.md of Ollama says."""

    FOREVER = "2318-03-04T05:06:07.123456789+01:00"

    def __init__(self, port: int = 0, **sizes: int):
        super().__init__(port)
        self.port = self._service.port
        self.models = {name.replace("_", ":"): size for name, size in sizes.items()}
        self.loaded: dict[str, str] = {}
        # What it was told, in order: path and body.
        self.told: list[tuple[str, dict]] = []
        # Models that only embed.
        self.embedders: set[str] = set()
        # What a pull says after its beginning; given the function that says a line.
        self.pull: Callable[[str, Callable[[dict], None]], None] = self.whole
        self.left = threading.Event()
        # Prompts are answered when it is set.
        self.gate = threading.Event()
        self.gate.set()
        # Models are loaded when it is set.
        self.loads = threading.Event()
        self.loads.set()

    def whole(self, name: str, say) -> None:
        """Two parts."""
        for part, total in (("sha256:aa", 100_000_000), ("sha256:bb", 500)):
            for share in range(5):
                say({"status": f"pulling {part[7:]}", "digest": part, "total": total, "completed": total * share // 4})
        say({"status": "verifying sha256 digest"})
        say({"status": "success"})
        self.models[name if ":" in name else f"{name}:latest"] = 100_000_500

    def bodies(self, path: str) -> list[dict]:
        return [body for told, body in self.told if told == path]

    def _answer(self, handler, body: bytes) -> None:
        asked = json.loads(body) if body else {}
        path = handler.path
        if path not in ("/api/version", "/api/tags", "/api/ps", "/api/show"):
            self.told.append((path, asked))
        name = asked.get("model") or asked.get("source") or ""
        match path:
            case "/api/tags":
                self._json(handler, {"models": [self._tag(name) for name in list(self.models)]})
            case "/api/ps":
                loaded = [
                    {"name": name, "size": 2_000_000_000, "size_vram": 1_500_000_000, "expires_at": until}
                    for name, until in list(self.loaded.items())
                ]
                self._json(handler, {"models": loaded})
            case "/api/pull":
                self._pull(handler, name)
            case "/api/generate" if not asked.get("prompt"):
                self._load(handler, name, asked["keep_alive"], name not in self.embedders)
            case "/api/embed" if not asked.get("input"):
                self._load(handler, name, asked["keep_alive"], True)
            case "/api/delete" | "/api/copy" if name not in self.models:
                self._json(handler, {"error": f"model '{name}' not found"}, 404)
            case "/api/delete":
                del self.models[name]
                self._json(handler, None)
            case "/api/copy":
                self.models[asked["destination"] + ":latest"] = self.models[name]
                self._json(handler, None)
            case "/api/chat":
                self.gate.wait(GUARD)
                super()._answer(handler, body)
            case _:
                super()._answer(handler, body)

    def _tag(self, name: str) -> dict:
        details = {"family": "llama", "parameter_size": "1.2B", "quantization_level": "Q8_0"}
        return {
            "name": name, "model": name, "digest": f"digest of {name}", "size": self.models[name],
            "modified_at": "2026-03-01T12:00:00.5-07:00", "details": details,
        }  # fmt: skip

    def _load(self, handler, name: str, keep_alive: int, knows: bool) -> None:
        self.loads.wait(GUARD)
        if keep_alive == 0:
            self.loaded.pop(name, None)
        elif not knows:
            return self._json(handler, {"error": f'"{name}" does not support generate'}, 400)
        else:
            self.loaded[name] = self.FOREVER if keep_alive < 0 else "2026-12-31T10:00:00Z"
        self._json(handler, {"model": name, "done": True, "done_reason": "load" if keep_alive else "unload"})

    def _pull(self, handler, name: str) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/x-ndjson")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()

        def say(line: dict) -> None:
            payload = json.dumps(line).encode() + b"\n"
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(payload), payload))
            handler.wfile.flush()

        try:
            say({"status": "pulling manifest"})
            self.pull(name, say)
            handler.wfile.write(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True
            self.left.set()


class FolderOllama(KeepingOllama):
    """One whose models are those of a folder, laid out as Ollama does: blobs that manifests name."""

    def __init__(self, folder: Path):
        super().__init__()
        self.folder = folder
        (folder / "blobs").mkdir(parents=True)
        self.models = {}

    def add(self, name: str, weights: bytes) -> None:
        """A model of `library`, with a template and a licence beside its weights."""
        kinds = {"model": weights, "template": b"{{ .Prompt }}", "license": b"do as you like"}
        layers = [self._blob(f"application/vnd.ollama.image.{kind}", content) for kind, content in kinds.items()]
        config = self._blob("application/vnd.docker.container.image.v1+json", b'{"model_format":"gguf"}')
        manifest = {"schemaVersion": 2, "config": config, "layers": layers}
        path = self.folder / "manifests/registry.ollama.ai/library" / name.replace(":", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(manifest))

    def _blob(self, kind: str, content: bytes) -> dict:
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / "blobs" / f"sha256-{digest}").write_bytes(content)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}

    def files(self) -> dict[str, str]:
        """The digest of each file, by its place in the folder."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    def _answer(self, handler, body: bytes) -> None:
        found = (self.folder / "manifests").glob("registry.ollama.ai/library/*/*")
        self.models = {f"{path.parent.name}:{path.name}": 20_000_000 for path in found}
        super()._answer(handler, body)


class ReadingOllama(Ollama):
    """One that reads what fits the context with which a model is loaded, and of a longer prompt only the end, without a word.

    Four letters are a token. A model is loaded anew whenever it is to have another context.
    """

    DEFAULT = 4_096

    def __init__(self, port: int = 0, capabilities: tuple[str, ...] = ("completion",), **made_for: int):
        super().__init__(port)
        self.port = self._service.port
        self._made_for = {f"{name}:latest": tokens for name, tokens in made_for.items()}
        self._capabilities = list(capabilities)
        self.contexts: dict[str, int] = {}
        self.loads = 0
        self.asked: list[dict] = []

    def _answer(self, handler, body: bytes) -> None:
        asked = json.loads(body) if body else {}
        name = asked.get("model", "")
        name = name if ":" in name else f"{name}:latest"
        match handler.path:
            case "/api/tags":
                models = [{"name": name, "model": name, "digest": f"digest of {name}"} for name in self._made_for]
                self._json(handler, {"models": models})
            case "/api/show":
                info = {"x.context_length": self._made_for[name], "general.architecture": "x"}
                self._json(handler, {"capabilities": self._capabilities, "model_info": info})
            case "/api/ps":
                loaded = [{"name": name, "model": name, "context_length": size} for name, size in self.contexts.items()]
                self._json(handler, {"models": loaded})
            case "/api/chat":
                self._chat(handler, name, asked)
            case _:
                super()._answer(handler, body)

    def _chat(self, handler, name: str, asked: dict) -> None:
        self.asked.append(asked)
        context = asked.get("options", {}).get("num_ctx", self.DEFAULT)
        if self.contexts.get(name) != context:
            self.contexts[name] = context
            self.loads += 1
        read = "\n".join(message["content"] for message in asked["messages"])[-4 * context :]
        needle = re.search(r"the word is (\w+)", read)
        word = {"model": name, "message": {"role": "assistant", "content": needle[1] if needle else "none"}, "done": False}
        end = {**word, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
        if not asked.get("stream", True):
            return self._json(handler, {**end, "message": word["message"]})
        self._write(handler, "application/x-ndjson", f"{json.dumps(word)}\n{json.dumps(end)}\n".encode())
