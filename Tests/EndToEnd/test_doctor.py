# SPDX-License-Identifier: Apache-2.0
"""`kith doctor` in set-ups that are broken on purpose: the cause it names first has to be the right one."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import time
import unittest
from pathlib import Path

from lab import ports, web
from lab.netns import Lab, why_not
from lab.peer import PeerNode, befriend, wait_for_state
from lab.process import environment
from seed_stand_ins import (
    CELL, DEGRADED_BRIDGE, DISCOVERY, HEALTHY_BRIDGE, SYNTH_MIND, StandIn, registry,
)  # fmt: skip
from surroundings import KITH, fresh_folder

GUARD = 30
NO_LAB = why_not()
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


class Diagnosis:
    """What `kith doctor --json` said."""

    def __init__(self, done: subprocess.CompletedProcess):
        if not done.stdout.strip():
            raise AssertionError(f"kith doctor said nothing; status {done.returncode}: {done.stderr}")
        self.report = json.loads(done.stdout)
        self.status = done.returncode

    @property
    def first(self) -> dict:
        causes = self.report["causes"]
        if not causes:
            raise AssertionError(f"no cause was named: {json.dumps(self.report, indent=1)}")
        return causes[0]

    def findings(self, check: str) -> list[dict]:
        all_findings = (found for section in self.report["sections"] for found in section["findings"])
        return [found for found in all_findings if found["check"] == check]


class Examined(unittest.TestCase):
    def setUp(self):
        self.folder = fresh_folder(f"{type(self).__name__}-{self._testMethodName}")

    def doctor(self, *words, before: list[str] | None = None, env: dict | None = None) -> Diagnosis:
        command = [*(before or []), KITH, "doctor", "--json", *words]
        began = time.monotonic()
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, timeout=60, env=env or environment()
        )
        self.assertLess(time.monotonic() - began, 30, "it takes no longer than it may")
        return Diagnosis(done)

    def assert_first(self, found: Diagnosis, check: str, seen: str, fix: str, status: int) -> dict:
        """The first cause and its fix, in words or as a command."""
        first = found.first
        self.assertEqual(first["check"], check, found.report["causes"])
        self.assertRegex(first["seen"], seen)
        self.assertRegex(f"{first.get('fix', '')} {first.get('command', '')}", fix)
        self.assertEqual(found.status, status, found.report["causes"])
        self.assertEqual(found.report["exit_code"], status)
        return first

    def assert_sound(self, found: Diagnosis) -> None:
        self.assertEqual(found.report["causes"], [])
        self.assertEqual(found.status, 0)

    def settings(self, text: str, folder: Path | None = None) -> Path:
        """A data folder whose node has not been started."""
        folder = folder or self.folder / "node"
        (folder / "config").mkdir(parents=True, exist_ok=True)
        (folder / "config" / "kith.yaml").write_text(text)
        return folder

    def node(self, name: str, *flags: str, engine: str = "echo", **more) -> PeerNode:
        node = PeerNode(KITH, self.folder / name, name, engine=engine, flags=list(flags), **more)
        self.addCleanup(node.stop)
        return node.start(path="/health/live")

    def pair(self) -> tuple[PeerNode, PeerNode]:
        desk, laptop = self.node("desk"), self.node("laptop")
        befriend([desk, laptop])
        wait_for_state([desk], laptop, {"up"}, GUARD, time.monotonic())
        wait_for_state([laptop], desk, {"up"}, GUARD, time.monotonic())
        return desk, laptop

    def stand_in(self, *arguments, **more) -> StandIn:
        service = StandIn(*arguments, **more)
        self.addCleanup(service.stop)
        return service


QUIET = "engine: {kind: echo}\nport: 0\npeer: {port: 0}\n"


class HealthySetUps(Examined):
    def test_two_nodes_that_run_and_know_each_other(self):
        desk, laptop = self.pair()
        for node, other in ((desk, laptop), (laptop, desk)):
            with self.subTest(node=node.name):
                found = self.doctor("--data-dir", node.folder)
                self.assert_sound(found)
                self.assertTrue(found.report["running"])
                self.assertEqual({step["severity"] for step in found.findings("trust")}, {"ok"})
                self.assertEqual({step["severity"] for step in found.findings("clock")}, {"ok"})
                self.assertEqual([step["severity"] for step in found.findings("generation")], ["ok"])
                self.assertEqual({step["subject"] for step in found.findings("connect")}, {other.name})

    def test_a_node_that_was_never_started(self):
        found = self.doctor("--data-dir", self.settings(QUIET))
        self.assert_sound(found)
        self.assertFalse(found.report["running"])
        self.assertEqual(os.listdir(self.folder / "node"), ["config"], "nothing was changed")

    def test_a_stopped_node_whose_kin_runs(self):
        desk, laptop = self.pair()
        desk.stop()
        flags = ["--engine", "echo", "--port", desk.port, "--peer-port", desk.peer_port]
        found = self.doctor("--data-dir", desk.folder, *flags)
        self.assert_sound(found)
        self.assertEqual([step["severity"] for step in found.findings("trust")], ["ok"])
        self.assertEqual(laptop.peers()[desk.known_id]["state"], "left", "the doctor was not taken for the node")

    def test_the_seeds_services_by_their_urls(self):
        services = [
            (self.stand_in({"/health": CELL}), "AIOS cell desktop-primary, level 3.2"),
            (self.stand_in({"/health": HEALTHY_BRIDGE}), "AIOS bridge"),
            (self.stand_in({"/health": DISCOVERY, "/peers": registry(("desk", 2))}), "AIOS discovery"),
            (self.stand_in({"/api/state": SYNTH_MIND}), "synth-mind instance with 12 turns"),
        ]
        found = self.doctor(*(word for service, _ in services for word in ("--url", service.url)))
        self.assert_sound(found)
        said = [step["seen"] for step in found.findings("service")]
        for _, words in services:
            self.assertTrue(any(words in seen for seen in said), (words, said))


class BrokenFiles(Examined):
    """A node that could not be started, and why."""

    def test_the_port_is_held_by_another_program(self):
        with socket.create_server(("127.0.0.1", 0)) as holder:
            port = holder.getsockname()[1]
            folder = self.settings(f"engine: {{kind: echo}}\nport: {port}\npeer: {{port: 0}}\n")
            found = self.doctor("--data-dir", folder)
        self.assert_first(found, "port", rf"taken by .*process {os.getpid()}", rf"kith up --port {port + 1}", 2)

    def test_the_port_is_held_by_another_node(self):
        other = self.node("other")
        folder = self.settings(f"engine: {{kind: echo}}\nport: {other.port}\npeer: {{port: 0}}\n")
        found = self.doctor("--data-dir", folder)
        self.assert_first(found, "port", rf"another kith node .*{other.folder}", "end that node", 2)

    def test_a_setting_is_misspelt(self):
        found = self.doctor("--data-dir", self.settings("prot: 8080\n"))
        fix = r"write port in place of prot .*kith\.yaml, line 1"
        self.assert_first(found, "settings", "unknown setting prot", fix, 2)

    def test_a_line_of_the_peers_file_cannot_be_used(self):
        folder = self.settings(QUIET)
        (folder / "config" / "peers.txt").write_text("htp:/nowhere\n")
        found = self.doctor("--data-dir", folder)
        self.assert_first(found, "peers_file", "line 1: does not begin with an address", "correct that line", 1)

    def test_the_database_is_of_a_newer_version(self):
        node = self.node("desk")
        node.stop()
        with sqlite3.connect(node.folder / "state" / "kith.sqlite") as base:
            base.execute("INSERT INTO grdb_migrations VALUES ('v99')")
        base.close()
        found = self.doctor("--data-dir", node.folder, "--engine", "echo", "--port", "0", "--peer-port", "0")
        self.assert_first(found, "database", "written by a newer version of kith", "update kith", 2)

    def test_the_database_is_damaged(self):
        node = self.node("desk")
        node.stop()
        file = node.folder / "state" / "kith.sqlite"
        content = bytearray(file.read_bytes())
        content[4096:12288] = os.urandom(8192)
        file.write_bytes(content)
        found = self.doctor("--data-dir", node.folder, "--engine", "echo", "--port", "0", "--peer-port", "0")
        self.assert_first(found, "database", "is damaged", "move the files away", 2)

    def test_the_key_can_be_read_by_others(self):
        node = self.node("desk")
        node.stop()
        (node.folder / "state" / "identity" / "key.pem").chmod(0o644)
        found = self.doctor("--data-dir", node.folder, "--engine", "echo", "--port", "0", "--peer-port", "0")
        self.assert_first(found, "identity", "can be read by other users", "chmod 600", 2)

    @unittest.skipIf(IS_ROOT, "root may write everywhere")
    def test_the_folder_may_not_be_written(self):
        folder = self.settings(QUIET)
        folder.chmod(0o500)
        self.addCleanup(folder.chmod, 0o700)
        self.assert_first(self.doctor("--data-dir", folder), "data_folder", "cannot be written", "chown", 2)

    @unittest.skipUnless(IS_ROOT and shutil.which("unshare"), "mounting a small disk needs root")
    def test_the_disk_is_full_or_only_for_reading(self):
        folder = self.settings(QUIET)
        disks = [
            ("size=20m", "disk_space", r"only 20 MB are free", "free some space", 2),
            ("size=400m", "disk_space", r"only 4\d\d MB are free", "free some space", 1),
            ("size=900m,ro", "data_folder", "cannot be written", "mounted for reading only", 2),
        ]
        for options, check, seen, fix, status in disks:
            with self.subTest(disk=options):
                (folder / "state").mkdir(exist_ok=True)
                mount = f"mount -t tmpfs -o {options},mode=700 none '{folder}/state' && exec \"$@\""
                found = self.doctor("--data-dir", folder, before=["unshare", "--mount", "sh", "-c", mount, "sh"])
                self.assert_first(found, check, seen, fix, status)


class BrokenEngines(Examined):
    def test_the_engine_of_a_running_node_is_gone(self):
        port = ports.free_port()
        settings = f"engine: {{openai: {{base_url: 'http://127.0.0.1:{port}/v1'}}}}\n"
        folder = self.settings(settings, self.folder / "desk")
        self.node("desk", engine="openai")
        found = self.doctor("--data-dir", folder)
        self.assert_first(found, "engine", "openai cannot answer: cannot connect to", r"engine\.openai\.base_url", 2)

    def test_the_model_is_missing(self):
        ollama = self.stand_in(
            {"/api/version": {"version": "0.9.0"}, "/api/tags": {"models": [{"name": "qwen3:4b"}]}, "/api/show": {}}
        )
        folder = self.settings(
            "port: 0\npeer: {port: 0}\n"
            f"engine: {{kind: ollama, model: llama3.2, ollama: {{base_url: '{ollama.url}'}}}}\n"
        )
        found = self.doctor("--data-dir", folder)
        self.assert_first(
            found, "engine", r"the model llama3\.2 is not there: it offers qwen3:4b", r"ollama pull llama3\.2", 2
        )

    def test_the_engine_answers_and_does_not_generate(self):
        ollama = self.stand_in(
            {
                "/api/version": {"version": "0.9.0"}, "/api/tags": {"models": [{"name": "qwen3:4b"}]}, "/api/show": {},
                "/api/chat": {"error": "model runner has unexpectedly stopped"},
            },
            statuses={"/api/chat": 500},
        )  # fmt: skip
        engine = f"engine: {{kind: ollama, ollama: {{base_url: '{ollama.url}'}}}}\n"
        folder = self.settings("port: 0\npeer: {port: 0}\n" + engine)
        found = self.doctor("--data-dir", folder)
        self.assert_first(found, "generation", "model runner has unexpectedly stopped", "ollama serve", 2)


class BrokenPeers(Examined):
    def test_the_peer_is_down(self):
        desk, laptop = self.pair()
        laptop.kill()
        first = self.assert_first(
            self.doctor("--data-dir", desk.folder), "connect", rf"127\.0\.0\.1:{laptop.peer_port} refuses connections",
            "start the node laptop", 1,
        )  # fmt: skip
        self.assertEqual(first["subject"], "laptop")

    def test_another_node_answers_at_its_address(self):
        desk, laptop = self.pair()
        laptop.kill()
        other = self.node("other", peer_port=laptop.peer_port)
        seen = rf"another node answers at 127\.0\.0\.1:{laptop.peer_port}: node {other.known_id[:7]} in place of laptop"
        self.assert_first(
            self.doctor("--data-dir", desk.folder), "peer_identity", seen, "has changed hands.*kith forget laptop", 2
        )

    def test_another_program_answers_at_its_address(self):
        desk, laptop = self.pair()
        laptop.kill()
        self.stand_in({"/health": CELL}, port=laptop.peer_port)
        self.assert_first(
            self.doctor("--data-dir", desk.folder), "tls", "another program answers|ends it at once",
            "port its node has", 1,
        )  # fmt: skip

    def test_the_peer_hangs(self):
        desk, laptop = self.pair()
        laptop.freeze()
        self.addCleanup(laptop.thaw)
        self.assert_first(
            self.doctor("--data-dir", desk.folder), "tls", "takes connections and then says nothing", "laptop anew", 1
        )

    def test_the_node_itself_hangs(self):
        desk = self.node("desk")
        desk.freeze()
        self.addCleanup(desk.thaw)
        self.assert_first(
            self.doctor("--data-dir", desk.folder), "node", "holds .* and does not answer", "start the node again", 2
        )

    def test_kin_have_forgotten_this_node(self):
        desk, laptop = self.pair()
        laptop.forget("desk")
        web.wait_until(lambda: desk.state_of(laptop) != "up", GUARD, "the desk to notice")
        self.assert_first(
            self.doctor("--data-dir", desk.folder), "trust", "laptop answers, but has forgotten this node",
            "pair both again.*kith join", 2,
        )  # fmt: skip

    def test_a_bridge_stands_where_the_cell_should_be(self):
        bridge = self.stand_in({"/health": HEALTHY_BRIDGE})
        found = self.doctor("--data-dir", self.settings(QUIET), env=environment(AIOS_DESKTOP_CELL=bridge.url))
        self.assert_first(
            found, "service",
            "an AIOS bridge answers at .* where an AIOS cell should be; that is usually on port 8000",
            "write the address of an AIOS cell", 1,
        )  # fmt: skip

    def test_a_peer_in_the_list_does_not_run(self):
        folder = self.settings(QUIET)
        port = ports.free_port()
        (folder / "config" / "peers.txt").write_text(f"http://localhost:{port}/api/generate\n")
        found = self.doctor("--data-dir", folder)
        first = self.assert_first(found, "connect", f"localhost:{port} refuses connections", "start", 1)
        self.assertEqual(first["subject"], f"http://localhost:{port}")


class BrokenServices(Examined):
    """Plain services of the seeds, with no node anywhere."""

    def test_the_clock_of_a_service_is_ahead(self):
        cell = self.stand_in({"/health": CELL}, ahead=600)
        found = self.doctor("--url", cell.url)
        self.assert_first(found, "clock", r"is (9|10) min ahead of this machine's", "set their clocks|timedatectl", 2)

    def test_the_clock_of_a_service_is_a_little_behind(self):
        cell = self.stand_in({"/health": CELL}, ahead=-20)
        self.assert_first(self.doctor("--url", cell.url), "clock", r"(19|20) s behind", "timedatectl", 1)

    def test_a_web_page_answers(self):
        page = self.stand_in(page="<!DOCTYPE html><html><title>Router</title></html>")
        self.assert_first(
            self.doctor("--url", page.url), "service", "a web page answers at .* it is not a service of the seeds",
            "correct the address or the port|answers on port", 2,
        )  # fmt: skip

    def test_a_service_hangs(self):
        service = self.stand_in(hangs=True)
        self.assert_first(
            self.doctor("--url", service.url), "service", "takes connections and does not answer", "anew", 2
        )

    def test_nothing_listens(self):
        port = ports.free_port()
        self.assert_first(
            self.doctor("--url", f"http://127.0.0.1:{port}/health"), "connect", f"127.0.0.1:{port} refuses", "start", 2
        )

    def test_another_service_in_json(self):
        service = self.stand_in({"/health": {"ok": True}})
        self.assert_first(self.doctor("--url", service.url), "service", "another service answers", "correct|port", 2)

    def test_a_degraded_bridge(self):
        bridge = self.stand_in({"/health": DEGRADED_BRIDGE})
        self.assert_first(
            self.doctor("--url", bridge.url), "service", "degraded: Desktop AIOS cell not reachable",
            "kith doctor --url http://127.0.0.1:9", 1,
        )  # fmt: skip

    def test_a_registry_with_entries_that_are_gone(self):
        service = self.stand_in({"/health": DISCOVERY, "/peers": registry(("desk", 1), ("tablet", 90))})
        self.assert_first(self.doctor("--url", service.url), "registry", "1 of them .*: tablet", "DELETE", 1)


class BrokenVaults(Examined):
    def doctor_with_vault(self, url: str) -> Diagnosis:
        return self.doctor("--data-dir", self.settings(QUIET), env=environment(VAULT_ADDR=url))

    def vault(self, status: int, initialized: bool, sealed: bool) -> StandIn:
        health = {"initialized": initialized, "sealed": sealed, "standby": False, "version": "1.17.2"}
        return self.stand_in({"/v1/sys/health": health}, statuses={"/v1/sys/health": status})

    def test_it_is_sealed(self):
        found = self.doctor_with_vault(self.vault(503, True, True).url)
        self.assert_first(found, "vault", "Vault is sealed", "vault operator unseal", 2)

    def test_it_is_not_initialised(self):
        found = self.doctor_with_vault(self.vault(501, False, True).url)
        self.assert_first(found, "vault", "Vault is not initialised", "vault operator init", 2)

    def test_it_does_not_run(self):
        found = self.doctor_with_vault(f"http://127.0.0.1:{ports.free_port()}")
        self.assert_first(found, "vault", "nothing answers", "start it, or correct vault.address", 2)

    def test_it_is_open(self):
        self.assert_sound(self.doctor_with_vault(self.vault(200, True, False).url))


@unittest.skipIf(NO_LAB, NO_LAB)
class BrokenNetworks(Examined):
    """Two machines in network namespaces; none has a way out, an mDNS daemon or a name server."""

    @classmethod
    def setUpClass(cls):
        folder = fresh_folder(cls.__name__)
        cls.lab = Lab(folder / "hosts", ["aios-laptop", "aios-desktop"], mdns=False)
        cls.lab.__enter__()
        cls.addClassCleanup(cls.lab.__exit__)
        cls.here, cls.there = (
            PeerNode(KITH, folder / host.name, host.name, host, flags=["--mdns", "off"]) for host in cls.lab.hosts
        )
        for node in (cls.here, cls.there):
            node.start(path="/health/live")
        befriend([cls.here, cls.there])
        wait_for_state([cls.here], cls.there, {"up"}, GUARD, time.monotonic())

    def on_the_laptop(self, *words) -> Diagnosis:
        host = self.here.host
        return self.doctor(*words, before=host.command(), env=host.environment())

    def assert_whole_again(self) -> None:
        def is_sound() -> bool:
            return self.on_the_laptop("--data-dir", self.here.folder, "--mdns", "off").status == 0

        web.wait_until(is_sound, GUARD, "the doctor to find nothing wrong")

    def test_packets_are_dropped(self):
        self.assert_whole_again()
        self.there.host.silence_incoming()
        try:
            found = self.on_the_laptop("--data-dir", self.here.folder, "--mdns", "off")
        finally:
            self.there.host.heal()
        self.assert_first(
            found, "connect", "does not answer at all|no way to", "see whether the machine .* is awake|ip route", 1
        )
        self.assertEqual(found.first["subject"], "aios-desktop")
        self.assert_whole_again()

    def test_a_firewall_drops_connections(self):
        self.assert_whole_again()
        host = self.there.host
        rule = "type filter hook input priority 0; policy accept; tcp dport 7443 drop;"
        host.run("nft", f"table inet firewall {{ chain in {{ {rule} }}; }}")
        try:
            found = self.on_the_laptop("--data-dir", self.here.folder, "--mdns", "off")
        finally:
            host.run("nft", "delete table inet firewall")
        self.assert_first(
            found, "connect", "answers ping, but connections are dropped .* a firewall", "let TCP port 7443 through", 1
        )
        self.assert_whole_again()

    def test_a_name_does_not_resolve(self):
        folder = self.settings(QUIET)
        (folder / "config" / "peers.txt").write_text("http://aios-desktp:8080/api/generate\n")
        found = self.on_the_laptop("--data-dir", folder)
        self.assert_first(found, "dns", "the name aios-desktp cannot be resolved", "correct the name", 1)

    def test_there_is_no_mdns_daemon(self):
        folder = self.settings("engine: {kind: echo}\nport: 0\npeer: {port: 0, lan: true}\n")
        found = self.on_the_laptop("--data-dir", folder)
        self.assert_first(found, "mdns", "mDNS is off", "avahi", 1)

    def test_another_machine_cannot_reach_a_node_on_loopback(self):
        node = self.here
        found = self.on_the_laptop("--url", f"http://{self.there.host.address}:8080")
        self.assert_first(found, "connect", "refuses connections: the machine is there", "start", 2)
        self.assertTrue(node.process.is_running)


if __name__ == "__main__":
    unittest.main()
