# SPDX-License-Identifier: Apache-2.0
"""What `kith doctor` advises about peers and services is done, as it says it, and then it has to be content."""

import re
import sys
import time
import unittest
from pathlib import Path

from examined import GUARD, QUIET, Diagnosis, Followed, follows, put_settings
from lab import ports, web
from lab.peer import PeerNode, befriend, wait_for_state
from lab.process import environment
from seed_stand_ins import CELL, DISCOVERY, HEALTHY_BRIDGE, SYNTH_MIND, registry
from surroundings import KITH, fresh_folder

# Loopback addresses of which only Linux has more than one: each has the usual ports of the seeds to itself.
several_addresses = unittest.skipUnless(sys.platform == "linux", "this system has one address of loopback")


class Kin(Followed):
    """Two for all tests; each leaves them paired as they were."""

    @classmethod
    def setUpClass(cls):
        folder = fresh_folder(cls.__name__)
        cls.desk, cls.laptop = (PeerNode(KITH, folder / name, name) for name in ("desk", "laptop"))
        for node in (cls.desk, cls.laptop):
            cls.addClassCleanup(node.stop)
            node.start(path="/health/live")
            ports_of_it = f"port: {node.port}\npeer: {{port: {node.peer_port}}}\n"  # for `kith up` alone
            put_settings(node.folder, f"name: {node.name}\nengine: {{kind: echo}}\n{ports_of_it}")
        befriend([cls.desk, cls.laptop])

    def setUp(self):
        super().setUp()
        for node in (self.desk, self.laptop):
            if not node.process.is_running:
                node.start(path="/health/live")
        wait_for_state([self.desk], self.laptop, {"up"}, GUARD, time.monotonic())
        wait_for_state([self.laptop], self.desk, {"up"}, GUARD, time.monotonic())

    def seen_by_the_desk(self) -> Diagnosis:
        return self.doctor("--data-dir", self.desk.folder)

    def assert_paired(self) -> None:
        for node, other in ((self.desk, self.laptop), (self.laptop, self.desk)):
            self.assert_mended("--data-dir", node.folder)
            self.assertEqual((node.peers()[other.known_id]["tier"], node.state_of(other)), ("kin", "up"))

    def test_a_look_is_no_matter_of_the_audit_of_those_that_are_looked_at(self):
        for node in (self.desk, self.laptop, self.desk):
            self.doctor("--data-dir", node.folder)
        time.sleep(2)  # lines are on the disk within a second
        for node in (self.desk, self.laptop):
            self.assertEqual([line["kind"] for line in node.audit() if line["kind"].endswith("refused")], [])

    @follows("start the node …; if it is on another machine, type there: kith setup --yes --lan")
    def test_a_peer_that_is_down_is_started(self):
        self.laptop.kill()
        seen = rf"127\.0\.0\.1:{self.laptop.peer_port} refuses connections"
        advice = self.advised(self.seen_by_the_desk(), "connect", seen, 1)
        self.assertEqual((advice["subject"], advice["fix"]), ("laptop", "start the node laptop; if it is on another machine, type there: kith setup --yes --lan"))
        self.typed_to_stay(advice["command"], self.laptop.folder)
        self.assert_paired()

    @follows("start the node of … anew")
    def test_a_peer_that_hangs_is_started_anew(self):
        self.laptop.freeze()
        self.advised(self.seen_by_the_desk(), "tls", "takes connections and then says nothing", 1)
        self.laptop.kill()
        self.laptop.start(path="/health/live")
        self.assert_paired()

    @follows(
        "if … was set up anew, or is gone for good, type here: kith forget …, and pair what is there now; else another machine has "
        "its address, and … tells its new one once it is started"
    )
    def test_a_peer_whose_address_has_changed_hands_is_started_at_another(self):
        self.laptop.kill()
        port = self.laptop.peer_port
        other = self.node("other", peer_port=port)
        seen = rf"another node answers at 127\.0\.0\.1:{port}: node {other.known_id[:7]} in place of laptop"
        self.advised(self.seen_by_the_desk(), "peer_identity", seen, 2)
        self.laptop.peer_port = ports.free_port()
        self.laptop.start(path="/health/live")
        self.assert_paired()

    @follows("see on the machine of … which port its node has for peers, and let the node have it alone")
    def test_the_port_of_a_peer_is_left_to_it_alone(self):
        self.laptop.kill()
        program = self.stand_in({"/health": CELL}, port=self.laptop.peer_port)
        seen = "another program answers|ends it at once"
        command = self.advised(self.seen_by_the_desk(), "tls", seen, 1)["command"]
        program.stop()
        self.laptop.start(path="/health/live")
        self.assertIn(f":{self.laptop.peer_port}", self.typed(command, self.laptop.folder))
        self.assert_paired()

    @follows("run this on the machine of …, with this node's name")
    def test_a_node_that_kin_count_as_kith_is_made_kin_there(self):
        self.laptop.do("tier", "desk", "kith")
        command = self.advised(self.seen_by_the_desk(), "trust", "counts this node as kith only", 1)["command"]
        self.typed(command.replace("NAME", "desk"), self.laptop.folder)
        self.assert_paired()

    @follows("pair both again: kith invite --tier … there, kith join here; or let it go with kith forget …")
    def test_a_node_that_was_forgotten_is_paired_again(self):
        self.laptop.forget("desk")
        web.wait_until(lambda: self.desk.state_of(self.laptop) != "up", GUARD, "the desk to notice")
        advice = self.advised(self.seen_by_the_desk(), "trust", "laptop answers, but has forgotten this node", 2)
        invite = re.search(r"kith invite --tier \w+", advice["fix"])[0]
        code = self.typed(invite, self.laptop.folder).split()[-1]
        self.typed(f"echo {code} | {advice['command']}", self.desk.folder)
        self.assert_paired()


class Alone(Followed):
    @follows(
        "pair a machine that has an engine; or start this node without --engine none, and take engine.kind: none out of its "
        "settings, if it shall use one of its own"
    )
    def test_a_node_that_is_to_have_no_engine_is_paired_with_one_that_has(self):
        desk, laptop = self.node("desk"), self.node("laptop", engine="none")
        found = self.doctor("--data-dir", laptop.folder)
        command = self.advised(found, "engine", "the settings say that this node has no engine", 1)["command"]
        code = self.typed(command, desk.folder).split()[-1]
        self.typed(f"echo {code} | kith join", laptop.folder)
        wait_for_state([laptop], desk, {"up"}, GUARD, time.monotonic())
        self.assert_mended("--data-dir", laptop.folder)


class Services(Followed):
    @several_addresses
    @follows("start it there; or, as … answers on port … of that machine, correct the port")
    def test_where_a_service_has_another_port_that_one_is_written(self):
        self.stand_in({"/health": CELL}, host="127.0.0.91", port=8000)
        found = self.doctor("--url", f"http://127.0.0.91:{ports.free_port()}")
        self.assertIn("All is well", self.typed(self.advised(found, "connect")["command"]))

    @several_addresses
    @follows("write the address of … in place of this one")
    def test_in_place_of_a_bridge_the_address_of_the_cell_is_written(self):
        bridge = self.stand_in({"/health": HEALTHY_BRIDGE}, host="127.0.0.92")
        self.stand_in({"/health": CELL}, host="127.0.0.92", port=8000)
        node = ["--data-dir", self.settings(QUIET)]
        found = self.doctor(*node, env=environment(AIOS_DESKTOP_CELL=bridge.url))
        seen = "an AIOS bridge answers at .* where an AIOS cell should be; that is usually on port 8000"
        command = self.advised(found, "service", seen, 1)["command"]
        self.assertIn(CELL["cell_id"], self.typed(command))
        cell = re.search(r"(http\S+)/health", command)[1]
        self.assert_mended(*node, env=environment(AIOS_DESKTOP_CELL=cell))

    @several_addresses
    @follows("correct the address or the port…")
    def test_in_place_of_a_web_page_the_address_of_the_service_is_written(self):
        page = self.stand_in(page="<!DOCTYPE html><html></html>", host="127.0.0.94")
        self.advised(self.doctor("--url", page.url), "service", "a web page answers at .* it is not a service", 2)
        self.assert_mended("--url", self.stand_in({"/health": CELL}).url)

    @several_addresses
    @follows("… answers on port … of that machine: write …://…:…")
    def test_in_place_of_a_web_page_the_port_of_the_service_is_written(self):
        page = self.stand_in(page="<!DOCTYPE html><html></html>", host="127.0.0.93")
        self.stand_in({"/health": CELL}, host="127.0.0.93", port=8000)
        said = self.advised(self.doctor("--url", page.url), "service")["fix"]
        self.assert_mended("--url", re.search(r"write (http\S+)", said)[1])

    @follows("start the program at … anew, and look into its log")
    def test_a_service_that_hangs_is_started_anew(self):
        service = self.stand_in(hangs=True)
        self.advised(self.doctor("--url", service.url), "service", "takes connections and does not answer", 2)
        service.stop()
        self.stand_in({"/health": CELL}, port=service.port)
        self.assert_mended("--url", service.url)

    @follows("it speaks no TLS (then write http), or its certificate is not vouched for by this machine's roots")
    def test_for_a_service_without_tls_http_is_written(self):
        service = self.stand_in({"/health": CELL})
        self.advised(self.doctor("--url", service.url.replace("http:", "https:")), "service")
        self.assert_mended("--url", service.url)

    @follows("try the other scheme")
    def test_a_service_that_wants_tls_answers_when_it_is_asked_so(self):
        service = self.stand_in({"/health": CELL}, tls=self.certificate(90))
        found = self.doctor("--url", service.url.replace("https:", "http:"))
        self.assertIn(CELL["cell_id"], self.typed(self.advised(found, "service")["command"]))

    @follows("make a key there, and write it after the address as key=…")
    def test_a_service_that_wants_a_key_is_asked_with_one(self):
        service = self.stand_in({"/api/state": SYNTH_MIND}, wants_key=True)
        folder = self.settings(QUIET)
        peers = folder / "config" / "peers.txt"
        peers.write_text(f"{service.url}/api/generate\n")
        command = self.advised(self.doctor("--data-dir", folder), "service", "wants a key", 1)["command"]
        key = self.typed(command, self.node("other").folder).split()[0]
        peers.write_text(f"{service.url}/api/generate key={key}\n")
        self.assert_mended("--data-dir", folder)

    @follows("see whether they run; what is gone can be taken out of the registry")
    def test_what_is_gone_is_taken_out_of_the_registry(self):
        answers = {"/health": DISCOVERY, "/peers": registry(("desk", 1), ("tablet", 90))}

        def remove(path: str) -> None:
            entries = answers["/peers"]["peers"]
            entries[:] = [entry for entry in entries if path != f"/peer/{entry['cell_id']}"]

        service = self.stand_in(answers, removing=remove)
        advice = self.advised(self.doctor("--url", service.url), "registry", "1 of them .*: tablet", 1)
        gone = re.search(r"15 s: (\S+)$", advice["seen"])[1]
        self.typed(advice["command"].replace("ID", gone))
        self.assert_mended("--url", service.url)

    def bridge(self) -> tuple[PeerNode, Path]:
        folder = self.folder / "desk"
        self.settings(f"roles: node,bridge\nbridge: {{port: {ports.free_port()}}}\n", folder)
        return self.node("desk"), folder

    @follows("tell the bridge of a cell, in bridge.upstreams (AIOS_DESKTOP_CELL), or pair a machine that is one")
    def test_a_bridge_that_knows_no_cell_is_told_of_one(self):
        cell = self.stand_in({"/health": CELL})
        node, folder = self.bridge()
        said = self.advised(self.doctor("--data-dir", folder), "service")["fix"]
        named = {re.search(r"\((\w+)\)", said)[1]: cell.url}
        node.stop()
        node.more_environment = named
        node.start(path="/health/live")
        self.assert_mended("--data-dir", folder, env=environment(**named))

    @follows(
        "the cell is what is missing: on the bridge's machine, see which step to it fails",
        "start the service there, or correct the port",
    )
    def test_the_cell_of_a_degraded_bridge_is_looked_at_and_started(self):
        port = ports.free_port()
        missing = {"services": {"desktop_cell": False}, "desktop_cell_url": f"http://127.0.0.1:{port}"}
        bridge = self.stand_in({"/health": {"status": "degraded", **missing}})
        command = self.advised(self.doctor("--url", bridge.url), "service", "degraded", 1)["command"]
        cell = re.fullmatch(r"kith doctor --url (\S+)", command)[1]
        self.advised(self.doctor("--url", f"{cell}/health"), "connect", f"127.0.0.1:{port} refuses", 2)
        self.stand_in({"/health": CELL}, port=port)
        self.assert_mended("--url", cell)

    def peer_named(self, name: str) -> tuple[Path, Diagnosis]:
        folder = self.settings(QUIET)
        (folder / "config" / "peers.txt").write_text(f"http://{name}:{self.peer.port}/api/generate\n")
        return folder, self.doctor("--data-dir", folder)

    def in_figures(self, name: str) -> None:
        self.peer = self.stand_in({"/api/state": SYNTH_MIND})
        folder, found = self.peer_named(name)
        self.assertIn("in figures", self.advised(found, "dns")["fix"])
        self.peer_named("127.0.0.1")
        self.assert_mended("--data-dir", folder)

    @follows("correct the name, or write the address in figures; a name of your own network can stand in /etc/hosts")
    def test_for_a_name_that_is_none_the_address_is_written(self):
        self.in_figures("kith-has-no-such-name.invalid")

    @follows(
        "names ending in .local need mDNS on both machines (Debian: libnss-mdns and avahi-daemon); or write the "
        "address in figures"
    )
    def test_for_a_name_of_mdns_that_nobody_has_the_address_is_written(self):
        self.in_figures("kith-has-no-such-name.local")


class Vaults(Followed):
    OPEN = {"/v1/sys/health": {"initialized": True, "sealed": False, "standby": False, "version": "1.17.2"}}

    def node(self) -> list:
        return ["--data-dir", self.settings(QUIET)]

    @follows("start it, or correct vault.address (VAULT_ADDR)")
    def test_a_vault_that_does_not_run_is_started(self):
        port = ports.free_port()
        there = environment(VAULT_ADDR=f"http://127.0.0.1:{port}")
        command = self.advised(self.doctor(*self.node(), env=there), "vault", "nothing answers", 2)["command"]
        self.stand_in(self.OPEN, port=port)
        self.assertIn("sealed", self.typed(command))
        self.assert_mended(*self.node(), env=there)

    @follows("correct vault.address (VAULT_ADDR); with TLS it begins with https")
    def test_an_address_that_is_not_vaults_is_corrected(self):
        page = self.stand_in(page="<!DOCTYPE html><html></html>")
        said = self.advised(self.doctor(*self.node(), env=environment(VAULT_ADDR=page.url)), "vault")["fix"]
        corrected = {re.search(r"\((\w+)\)", said)[1]: self.stand_in(self.OPEN).url}
        self.assert_mended(*self.node(), env=environment(**corrected))

    @follows("let vault.ca_certificate name the PEM file that vouches for Vault")
    def test_the_file_that_vouches_for_vault_is_named(self):
        certificate, key = self.certificate(90)
        vault = self.stand_in(self.OPEN, tls=(certificate, key))
        there = environment(VAULT_ADDR=vault.url)
        said = self.advised(self.doctor(*self.node(), env=there), "vault")["fix"]
        group, name = re.search(r"(vault)\.(\w+)", said).groups()
        folder = self.settings(QUIET + f"{group}: {{{name}: '{certificate}'}}\n")
        self.assert_mended("--data-dir", folder, env=there)


if __name__ == "__main__":
    unittest.main()
