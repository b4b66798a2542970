# SPDX-License-Identifier: Apache-2.0
"""A hostile page in a real browser, against every listener of a node and the port of its engine: nothing changed, nothing read."""

import json
import re
import unittest
from pathlib import Path

from browser import WHY_NOT
from hostile_web import ATTACK, REBOUND, HostileWeb
from lab import ports, web
from lab.peer import PeerNode
from lab.process import descendants, install_engine
from surroundings import KITH, ROOT, fresh_folder

if WHY_NOT is None:
    from browser import Browser

ROLES = ("cell", "bridge", "discovery")
# One body for all: something of it fits each route.
BODY = json.dumps({
    "message": "evil", "prompt": "evil", "session_id": "evil", "messages": [{"role": "user", "content": "evil"}],
    "model": "auto", "max_tokens": 3, "key": "evil", "value": "evil", "level": 7, "consciousness_level": 7, "context": {"evil": 1},
    "id": "evil", "name": "evil", "address": "http://127.0.0.1:9", "url": "http://127.0.0.1:9", "input": "evil", "code": "evil",
    "was_successful": True, "satisfaction": 1, "scope": "admin", "draining": True, "text": "evil", "insights": [],
})  # fmt: skip
# Said by a refusal and by a node that is asked how it is, and worth nothing to anybody.
HARMLESS = re.compile(r'^\s*\{\s*"(error|status)"')


def operations() -> list[tuple[str, str]]:
    """Every operation that the documents of the node and its roles have, with something in place of what varies."""
    found, path = [], ""
    for line in (ROOT / "docs" / "openapi.yaml").read_text().splitlines():
        if match := re.fullmatch(r"  (/\S*):", line):
            path = re.sub(r"\{[^}]+\}", "evil", match[1])
        elif match := re.fullmatch(r"    (get|post|put|patch|delete|head):", line):
            found.append((match[1].upper(), path))
    return found


def listening_ports(pids: list[int]) -> set[int]:
    """The TCP ports of IPv4 on which some processes listen."""
    sockets = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                name = str(descriptor.readlink())
            except OSError:
                continue
            if match := re.fullmatch(r"socket:\[(\d+)\]", name):
                sockets.add(match[1])
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(line[1].split(":")[1], 16) for line in lines if line[3] == "0A" and line[9] in sockets}


def without_times(said):
    """Times go on by themselves."""
    if isinstance(said, list):
        return [without_times(one) for one in said]
    if isinstance(said, dict):
        return {name: without_times(one) for name, one in said.items() if not re.search(r"seconds|_ms|_at$|ago", name)}
    return said


@unittest.skipIf(WHY_NOT, WHY_NOT)
class AHostilePage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install_engine(KITH)
        cls.folder = fresh_folder(cls.__name__)
        cls.ports = {role: ports.free_port() for role in ROLES}
        flags = ["--role", "node,cell,bridge,discovery", "--mdns", "off"]
        for role, port in cls.ports.items():
            flags += [f"--{role}-port", str(port)]
        cls.node = PeerNode(KITH, cls.folder / "node", "node", engine="embedded", flags=flags)
        cls.addClassCleanup(cls.node.stop)
        cls.node.start(limit=120)
        cls.ports |= {"node": cls.node.port, "peer": cls.node.peer_port}
        engine = listening_ports(descendants(cls.node.process.pid))
        cls.ports |= {f"engine-{number}": port for number, port in enumerate(sorted(engine))}
        cls.node.do("context", "set", "branch", "main")
        cls.node.do("level", "set", "1")
        cls.web = HostileWeb().__enter__()
        cls.addClassCleanup(cls.web.__exit__)
        cls.browser = Browser(cls.folder / "browser", cls.web.port).__enter__()
        cls.addClassCleanup(cls.browser.__exit__)
        cls.browser.driver.set_script_timeout(180)

    def state(self) -> dict:
        """All that somebody could have changed, as the owner sees it."""
        paths = [
            "/api/sessions", "/api/context", "/api/levels", "/api/culture", "/api/keys", "/api/peers", "/api/alerts",
            "/api/companion", "/api/peers/nearby",
        ]  # fmt: skip
        status = self.node.status()
        state = {path: self.owner(path) for path in paths}
        state["status"] = {name: status[name] for name in ("sessions", "turn_count", "level", "draining", "peers")}
        state["requests"] = self.owner("/api/routes/recent?limit=50")
        state["registry"] = web.get(self.ports["discovery"], "/peers").json()
        return state

    def owner(self, path: str):
        token = json.loads((self.node.folder / "state" / "control.json").read_text())["token"]
        answer = web.request(self.node.port, "GET", path, headers={"Authorization": f"Bearer {token}"})
        return answer.status, without_times(answer.json())

    def attacked_from(self, address: str, bases: list[str], reads: bool = True) -> list[str]:
        """With everything, or with what changes something only, and what a few routes say."""
        self.browser.open(address)
        script = "const done = arguments[arguments.length - 1]; attack(arguments[0], arguments[1], arguments[2], done);"
        return self.browser.driver.execute_async_script(
            script, bases, [(method, path) for method, path in operations() if reads or method != "GET"], BODY
        )

    def bases(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports.values()]

    def test_a_page_of_another_origin_changes_nothing_and_reads_nothing(self):
        before = self.state()
        read = self.attacked_from("http://evil.test/", self.bases())
        self.assertEqual([line for line in read if not HARMLESS.match(line.partition(": ")[2])], [])
        self.assertEqual(self.state(), before)
        for name, port in self.ports.items():
            self.assertGreater(self.web.forwarded[("127.0.0.1", port)], 50, f"the page reached the {name}'s port")

    def test_a_page_on_another_port_of_this_machine_changes_nothing_and_reads_nothing(self):
        before = self.state()
        read = self.attacked_from(f"http://127.0.0.1:{ports.free_port()}{ATTACK}", self.bases(), reads=False)
        self.assertEqual([line for line in read if not HARMLESS.match(line.partition(": ")[2])], [])
        self.assertEqual(self.state(), before)

    def test_a_page_whose_name_comes_to_stand_for_this_machine_changes_nothing_and_reads_nothing(self):
        # The peer port speaks with nobody who shows no certificate.
        for name, port in self.ports.items():
            if name == "peer":
                continue
            with self.subTest(name):
                before = self.state()
                read = self.attacked_from(f"http://{REBOUND}:{port}{ATTACK}", [""])
                worth = [line for line in read if not line.startswith("fetch 4") and not HARMLESS.match(line.partition(": ")[2])]
                self.assertEqual(worth, [])
                self.assertEqual(self.state(), before)
                self.assertGreater(self.web.forwarded[(REBOUND, port)], 50)


if __name__ == "__main__":
    unittest.main()
