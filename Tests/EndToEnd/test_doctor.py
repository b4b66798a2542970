# SPDX-License-Identifier: Apache-2.0
"""`kith doctor` in set-ups that are broken on purpose: the cause it names first has to be the right one."""

import os
import shutil
import time
import unittest

from examined import GUARD, QUIET, Diagnosis, Examined, Followed, follows, put_settings
from lab import ports, web
from lab.netns import Lab, why_not
from lab.peer import PeerNode, befriend, wait_for_state
from lab.process import environment
from seed_stand_ins import CELL, DISCOVERY, HEALTHY_BRIDGE, SYNTH_MIND, StandIn, registry
from surroundings import KITH, fresh_folder

NO_LAB = why_not()
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


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

    def test_the_port_is_held_by_another_node(self):
        other = self.node("other")
        folder = self.settings(f"engine: {{kind: echo}}\nport: {other.port}\npeer: {{port: 0}}\n")
        found = self.doctor("--data-dir", folder)
        self.assert_first(found, "port", rf"another kith node .*{other.folder}", "end that node", 2)

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
        self.assert_first(found, "engine", "the engine cannot answer: cannot connect to", r"engine\.openai\.base_url", 2)

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

    def test_another_service_in_json(self):
        service = self.stand_in({"/health": {"ok": True}})
        self.assert_first(self.doctor("--url", service.url), "service", "another service answers", "correct|port", 2)

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

    def test_it_is_open(self):
        self.assert_sound(self.doctor_with_vault(self.vault(200, True, False).url))


@unittest.skipIf(NO_LAB, NO_LAB)
class BrokenNetworks(Followed):
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
            put_settings(node.folder, f"name: {node.name}\nengine: {{kind: echo}}\n")
        befriend([cls.here, cls.there])
        wait_for_state([cls.here], cls.there, {"up"}, GUARD, time.monotonic())

    def setUp(self):
        super().setUp()
        for node in (self.here, self.there):
            if not node.process.is_running:
                node.start(path="/health/live")

    def on_the_laptop(self, *words) -> Diagnosis:
        host = self.here.host
        return self.doctor(*words, before=host.command(), env=host.environment())

    def assert_whole_again(self) -> None:
        def is_sound() -> bool:
            return self.on_the_laptop("--data-dir", self.here.folder, "--mdns", "off").status == 0

        web.wait_until(is_sound, GUARD, "the doctor to find nothing wrong")

    @follows(
        "see whether the machine of … is awake and still has the address …; if so, let TCP port … through its firewall"
    )
    def test_packets_are_dropped(self):
        self.assert_whole_again()
        self.there.host.silence_incoming()
        try:
            found = self.on_the_laptop("--data-dir", self.here.folder, "--mdns", "off")
        finally:
            self.there.host.heal()
        self.assertEqual(self.advised(found, "connect", "does not answer at all", 1)["subject"], "aios-desktop")
        self.assert_whole_again()

    @follows("let TCP port … through on the machine of …, and on the router between")
    def test_a_firewall_drops_connections(self):
        self.assert_whole_again()
        host = self.there.host
        rule = "type filter hook input priority 0; policy accept; tcp dport 7443 drop;"
        host.run("nft", f"table inet firewall {{ chain in {{ {rule} }}; }}")
        try:
            found = self.on_the_laptop("--data-dir", self.here.folder, "--mdns", "off")
        finally:
            host.run("nft", "delete table inet firewall")
        said = self.advised(found, "connect", "answers ping, but connections are dropped .* a firewall", 1)
        self.assertRegex(said["fix"], "let TCP port 7443 through")
        self.assert_whole_again()

    @follows("start the node on the machine of …, by typing there: kith setup --yes --lan")
    def test_the_node_of_another_machine_does_not_run(self):
        self.assert_whole_again()
        self.there.stop()
        found = self.on_the_laptop("--data-dir", self.here.folder, "--mdns", "off")
        self.advised(found, "connect", "refuses connections", 1)
        self.set_up("kith setup --yes --lan", self.there.folder, before=self.there.host.command(), KITH_MDNS="off")
        self.assert_whole_again()

    def test_a_node_starts_where_there_is_no_network_and_is_reached_once_there_is(self):
        self.assert_whole_again()
        self.here.stop()
        self.here.host.unplug()
        self.addCleanup(self.here.host.plug_in)
        self.here.start(path="/health/live")
        found = self.on_the_laptop("--data-dir", self.here.folder, "--mdns", "off")
        self.assert_first(found, "interfaces", "no network interface with an address is up", "plug the cable in", 1)
        self.here.host.plug_in()
        self.assert_whole_again()

    @follows("let it listen on the network")
    def test_a_node_listens_on_its_own_machine_only(self):
        self.assert_whole_again()
        self.here.stop()
        alone = self.typed_to_stay("kith up --mdns off", self.here.folder, before=self.here.host.command())
        found = self.on_the_laptop("--data-dir", self.here.folder, "--mdns", "off")
        command = self.advised(found, "interfaces", "open to this machine only", 1)["command"]
        alone.stop()
        self.typed_to_stay(command + " --mdns off", self.here.folder, before=self.here.host.command())
        self.assert_whole_again()

    def test_a_name_does_not_resolve(self):
        folder = self.settings(QUIET)
        (folder / "config" / "peers.txt").write_text("http://aios-desktp:8080/api/generate\n")
        found = self.on_the_laptop("--data-dir", folder)
        self.assert_first(found, "dns", "the name aios-desktp cannot be resolved", "correct the name", 1)

    def test_there_is_no_mdns_daemon(self):
        folder = self.settings("engine: {kind: echo}\nport: 0\npeer: {port: 0, lan: true}\n")
        found = self.on_the_laptop("--data-dir", folder)
        told = found.findings("mdns")[0]
        self.assertEqual((told["severity"], "mDNS is off" in told["seen"], "avahi" in told["command"]), ("notice", True, True))
        self.assertEqual(found.status, 0, "paired machines tell each other where they are")

    def test_another_machine_cannot_reach_a_node_on_loopback(self):
        node = self.here
        found = self.on_the_laptop("--url", f"http://{self.there.host.address}:8080")
        self.assert_first(found, "connect", "refuses connections: the machine is there", "start", 2)
        self.assertTrue(node.process.is_running)


if __name__ == "__main__":
    unittest.main()
