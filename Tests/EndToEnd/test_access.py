# SPDX-License-Identifier: Apache-2.0
"""Who may use what: every operation of the documents, asked by every kind of caller, on nodes with all roles.

What is expected is what docs/openapi.yaml (`x-kith-access`) and the table of docs/aios.md say.
"""

import http.client
import json
import re
import subprocess
import time
import unittest
from dataclasses import dataclass
from pathlib import Path

import yaml
from lab import ports
from lab.node import Node
from lab.process import environment
from surroundings import KITH, fresh_folder

SCOPES = ["chat", "assist", "sync", "peer", "read", "admin"]
DOCS = Path(__file__).parents[2] / "docs"
REFUSED = {401, 403, 421}
# Where the answer to a link that was used already is a refusal by itself.
LINKS = {"/page/enter"}
# Refusals come at once; what takes longer than this, in seconds, is at work for its caller.
PATIENCE = 1.0
# Whether a request that another machine sent through a proxy needs a key, as one that comes straight from there does.
FORWARDED_NEEDS_KEY = True


@dataclass(frozen=True)
class Operation:
    role: str
    method: str
    path: str
    # Scopes of which one is enough; or ["everyone"], ["key"], ["owner"].
    access: tuple[str, ...]

    @property
    def url(self) -> str:
        return re.sub(r"\{\w+\}", "x", self.path)

    def __str__(self) -> str:
        return f"{self.role} {self.method} {self.path}"

    def is_open_to(self, scopes: set[str], is_owner: bool = False) -> bool:
        match self.access:
            case ("everyone",):
                return True
            case ("key",):
                return bool(scopes) or is_owner
            case ("owner",):
                return is_owner
            case _:
                return is_owner or bool(scopes & set(self.access))


def operations() -> list[Operation]:
    """Of all listeners for clients."""
    found = []
    document = yaml.safe_load((DOCS / "openapi.yaml").read_text())
    for path, item in document["paths"].items():
        role = "discovery" if "servers" in item else "node"
        for method, operation in item.items():
            if method not in {"get", "post", "put", "patch", "delete"}:
                continue
            access = operation["x-kith-access"]
            found.append(
                Operation(role, method.upper(), path, tuple([access] if isinstance(access, str) else access))
            )
    table = re.findall(
        r"^\| (cell|bridge) \| `(GET|POST|PUT|DELETE) (\S+)` \| ([a-z, ]+) \|$",
        (DOCS / "aios.md").read_text(), re.MULTILINE,
    )  # fmt: skip
    assert len(table) > 10, "the table of docs/aios.md is not what this test reads"
    return found + [Operation(role, method, path, tuple(access.split(", "))) for role, method, path, access in table]


class Listening:
    """A node with every role."""

    def __init__(self, folder: Path, requires_key: bool):
        base = ports.free_block(5, 18_900 if requires_key else 18_950)
        self.ports = dict(zip(["node", "cell", "bridge", "discovery"], range(base, base + 4)))
        more = {
            f"KITH_{role.upper()}_PORT": str(port) for role, port in self.ports.items() if role != "node"
        } | {"KITH_SOCIAL_COMPANION": "off"}
        flags = ["--role", "node,cell,bridge,discovery"]
        self.node = Node(KITH, folder, self.ports["node"], "echo", folder.name, flags, base + 4, more)
        if requires_key:
            self.node.flags.append("--require-key")
        self.node.start(ready=False)
        self.owner = json.loads((folder / "state" / "control.json").read_text())["token"]

    def command(self, *words: str) -> str:
        done = subprocess.run(
            [KITH, *words, "--data-dir", self.node.directory], capture_output=True, text=True, timeout=60,
            env=environment(),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def key(self, scope: str, *flags: str) -> str:
        return self.command("key", "create", "--name", scope, "--scope", scope, *flags)

    def ask(self, operation: Operation, headers: dict[str, str]) -> int:
        """The status; 0 where there is none in time."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[operation.role], timeout=PATIENCE)
        try:
            connection.request(operation.method, operation.url, headers=headers)
            return connection.getresponse().status
        except TimeoutError:
            return 0
        finally:
            connection.close()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


class WhoMayUseWhat(unittest.TestCase):
    """The tests are one for each kind of caller; each asks for everything."""

    @classmethod
    def setUpClass(cls):
        folder = fresh_folder("access")
        cls.locked = Listening(folder / "locked", requires_key=True)
        cls.addClassCleanup(cls.locked.node.stop)
        cls.free = Listening(folder / "free", requires_key=False)
        cls.addClassCleanup(cls.free.node.stop)
        cls.operations = operations()

    def expect(self, listening: Listening, headers: dict[str, str], is_open) -> None:
        wrong = []
        for operation in self.operations:
            status = listening.ask(operation, headers)
            self.assertLess(status, 600, operation)
            if operation.path not in LINKS and (status not in REFUSED) != is_open(operation):
                wrong.append(f"{operation}: {status}")
            if status >= 500 and status not in {501, 502, 503, 504}:
                wrong.append(f"{operation}: {status}")
        self.assertEqual(wrong, [])

    def refused(self, listening: Listening, headers: dict[str, str]) -> None:
        self.expect(listening, headers, lambda operation: operation.access == ("everyone",))

    def test_nobody_without_a_key_where_one_is_needed(self):
        self.refused(self.locked, {})

    def test_nobody_with_a_wrong_key(self):
        for key in ["kith_abcdefgh_" + "a" * 52, "kith_", "sk-unused"]:
            with self.subTest(key=key):
                self.refused(self.locked, bearer(key))

    def test_nobody_with_a_key_that_expired(self):
        key = self.locked.key("chat,assist,sync,peer,read,admin", "--expires", "1s")
        time.sleep(1.1)
        self.refused(self.locked, bearer(key))

    def test_nobody_with_a_key_that_was_revoked(self):
        key = self.locked.key("chat,assist,sync,peer,read,admin")
        self.locked.command("key", "revoke", key.split("_")[1])
        self.refused(self.locked, bearer(key))

    def test_nobody_with_a_key_from_an_address_that_it_does_not_name(self):
        key = self.locked.key("chat,assist,sync,peer,read,admin", "--allow", "10.0.0.0/8,2001:db8::/32")
        self.expect(self.locked, bearer(key), lambda operation: False)

    def test_nobody_with_two_different_keys(self):
        keys = [self.locked.key("chat,assist,sync,peer,read,admin") for _ in range(2)]
        self.refused(self.locked, bearer(keys[0]) | {"X-API-Key": keys[1]})

    def test_a_key_opens_what_its_scope_opens_and_nothing_else(self):
        for scope in SCOPES:
            with self.subTest(scope=scope):
                headers = bearer(self.locked.key(scope))
                self.expect(self.locked, headers, lambda operation: operation.is_open_to({scope}))

    def test_the_owner_may_everything(self):
        self.expect(self.locked, bearer(self.locked.owner), lambda operation: operation.is_open_to(set(), True))

    def test_a_program_on_this_machine_may_all_but_what_changes_trust(self):
        scopes = set(SCOPES) - {"admin"}
        self.expect(
            self.free, {},
            lambda operation: operation.access != ("key",) and operation.is_open_to(scopes),
        )  # fmt: skip

    def test_a_wrong_key_is_refused_on_this_machine_too(self):
        self.refused(self.free, bearer("kith_abcdefgh_" + "a" * 52))

    def test_a_page_of_another_origin_gets_nothing(self):
        headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}
        self.expect(self.free, headers, lambda operation: False)

    def test_what_another_machine_sent_through_a_proxy(self):
        scopes = set(SCOPES) - {"admin"}
        for name, value in [("X-Forwarded-For", "192.0.2.7"), ("Forwarded", "for=192.0.2.7"), ("X-Real-IP", "192.0.2.7")]:
            with self.subTest(field=name):
                if FORWARDED_NEEDS_KEY:
                    self.refused(self.free, {name: value})
                else:
                    self.expect(
                        self.free, {name: value},
                        lambda operation: operation.access != ("key",) and operation.is_open_to(scopes),
                    )  # fmt: skip

    def test_under_another_name_than_its_own_a_node_tells_at_most_that_it_lives(self):
        headers = {"Host": "evil.example:8080"}
        wanted = [operation for operation in self.operations if operation.access != ("everyone",)]
        statuses = {str(operation): self.free.ask(operation, headers) for operation in wanted}
        self.assertEqual({operation: status for operation, status in statuses.items() if status not in REFUSED}, {})


if __name__ == "__main__":
    unittest.main()
