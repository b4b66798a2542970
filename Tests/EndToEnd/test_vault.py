# SPDX-License-Identifier: Apache-2.0
"""A node whose provider's key is in HashiCorp Vault. Stand-ins answer as Vault's and OpenAI's documentation says."""

import json
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lab import ports, web
from surroundings import single_node

FIRST_KEY, SECOND_KEY = "sk-first-7f3a9c", "sk-second-b81d02"
TOKEN, ROLE, SECRET_ID = "hvs.token-55e1", "role-of-the-node", "secret-id-9931"
PATH = "/v1/secret/data/kith"
# Seconds; guards only. What is promised is said where it is measured.
PATIENCE = 20


class StandIn:
    """An HTTP server on loopback for as long as it is open. A context manager."""

    def __init__(self):
        answer = self.answer

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def respond(self):
                length = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(length) or b"null")
                status, given, content_type = answer(self.command, self.path, self.headers, body)
                payload = given if isinstance(given, bytes) else json.dumps(given).encode()
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = respond

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer((ports.LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://{ports.LOOPBACK}:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method, path, headers, body):
        raise NotImplementedError


class Vault(StandIn):
    def __init__(self):
        self.is_sealed = True
        self.key = FIRST_KEY
        super().__init__()

    def answer(self, method, path, headers, body):
        if path == "/v1/sys/health":
            return self._json(503 if self.is_sealed else 200, {"initialized": True, "sealed": self.is_sealed})
        if self.is_sealed:
            return self._json(503, {"errors": ["Vault is sealed"]})
        lease = {"lease_duration": 3600, "renewable": True}
        if path == "/v1/auth/approle/login":
            if body != {"role_id": ROLE, "secret_id": SECRET_ID}:
                return self._json(400, {"errors": ["invalid role or secret ID"]})
            return self._json(200, {"auth": {"client_token": TOKEN, **lease}})
        if headers["x-vault-token"] != TOKEN:
            return self._json(403, {"errors": ["permission denied"]})
        if path == "/v1/auth/token/lookup-self":
            return self._json(200, {"data": {"ttl": 3600, "renewable": True}})
        if path == "/v1/auth/token/renew-self":
            return self._json(200, {"auth": {"client_token": TOKEN, **lease}})
        if path == PATH:
            return self._json(200, {"data": {"data": {"openai_key": self.key}, "metadata": {"version": 1}}})
        return self._json(404, {"errors": []})

    @staticmethod
    def _json(status, body):
        return status, body, "application/json"


class Provider(StandIn):
    """Speaks OpenAI's API, and only with the right key."""

    def __init__(self):
        self.key = FIRST_KEY
        super().__init__()

    def answer(self, method, path, headers, body):
        if path == "/health":
            return 404, {}, "application/json"
        if headers["authorization"] != f"Bearer {self.key}":
            shown = headers["authorization"]
            return 401, {"error": {"message": f"Incorrect API key provided: {shown}"}}, "application/json"
        if path == "/v1/models":
            return 200, {"object": "list", "data": [{"id": "m", "object": "model"}]}, "application/json"
        piece = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        text = {**piece, "choices": [{"index": 0, "delta": {"content": "hello"}, "finish_reason": None}]}
        end = {**piece, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        if not body.get("stream"):
            message = {"role": "assistant", "content": "hello"}
            whole = {**piece, "object": "chat.completion", "choices": [{"index": 0, "message": message}]}
            return 200, whole, "application/json"
        events = "".join(f"data: {json.dumps(event)}\n\n" for event in (text, end)) + "data: [DONE]\n\n"
        return 200, events.encode(), "text/event-stream"


class AKeyInVault(unittest.TestCase):
    def start(self, **access):
        self.vault = self.enterContext(Vault())
        self.provider = self.enterContext(Provider())
        node = single_node(f"vault-{self._testMethodName}", "openai", "--log-level", "trace")
        node.more_environment = {
            "OPENAI_BASE_URL": f"{self.provider.address}/v1",
            "OPENAI_API_KEY": "vault:secret/data/kith#openai_key",
            "VAULT_ADDR": self.vault.address,
            **access,
        }
        self.addCleanup(node.stop)
        self.node = node
        return node

    def ask(self):
        return web.post(self.node.port, "/api/generate", {"prompt": "hi"}, timeout=PATIENCE)

    def wait_for_answer(self, what):
        answer = web.wait_until(lambda: (reply := self.ask()).status == 200 and reply, PATIENCE, what)
        self.assertEqual(answer.json()["response"], "hello")

    def engine(self):
        return web.get(self.node.port, "/api/status").json()["engine"]

    def tearDown(self):
        said = self.node.process.log.read_text(errors="replace")
        for secret in (FIRST_KEY, SECOND_KEY, TOKEN, SECRET_ID):
            self.assertNotIn(secret, said)

    def test_a_node_starts_beside_a_sealed_vault_says_so_and_works_once_it_is_unsealed(self):
        self.start(VAULT_TOKEN=TOKEN).start(ready=False)
        reason = web.wait_until(
            lambda: "sealed" in (text := json.dumps(self.engine())) and text, PATIENCE, "the reason in the status"
        )
        self.assertIn("its key is in Vault, which is sealed", reason)
        refused = self.ask()
        self.assertEqual(refused.status, 503)
        self.vault.is_sealed = False
        self.wait_for_answer("an answer after the unsealing")

    def test_a_role_lets_the_node_in_and_a_rotated_key_takes_effect(self):
        self.start(VAULT_ROLE_ID=ROLE, VAULT_SECRET_ID=SECRET_ID)
        self.vault.is_sealed = False
        self.node.start()
        self.wait_for_answer("an answer")
        self.provider.key = self.vault.key = SECOND_KEY
        self.wait_for_answer("an answer with the rotated key")

    def test_a_wrong_secret_id_is_told_without_it(self):
        self.start(VAULT_ROLE_ID=ROLE, VAULT_SECRET_ID="not-" + SECRET_ID)
        self.vault.is_sealed = False
        self.node.start(ready=False)
        web.wait_until(
            lambda: "vault.secret_id" in json.dumps(self.engine()), PATIENCE, "the reason in the status"
        )


if __name__ == "__main__":
    unittest.main()
