# SPDX-License-Identifier: Apache-2.0
"""The seeds' deployments as they stand: AIOS's compose files and synth-mind's script start kith, with their own settings.

And deploy/compose.yaml, whose commands are started with its settings, on hosts in place of containers.
"""

import os
import re
import subprocess
import sys
import time
import unittest

import yaml

from lab import ports, web
from lab.cluster import Cluster
from lab.netns import Host, Lab, why_not
from lab.process import ROOT, environment
from surroundings import KITH, fresh_folder

OBSTACLE = why_not()
GUARD = 60

# What AIOS's own compose files set for each service, and the role that stands for it.
AIOS = {
    "discovery-service": ("discovery", {"DISCOVERY_PORT": "8001", "CELL_ID": "primary"}),
    "vscode-agent-bridge": (
        "bridge",
        {
            "AIOS_DISCOVERY_ADDR": "aios-discovery:8001",
            "AIOS_VAULT_ADDR": "http://192.168.1.128:8200,http://aios-laptop.local:8200",
            "BRIDGE_PORT": "3001",
            "AIOS_DESKTOP_CELL": "http://192.168.1.128:8000",
        },
    ),
    "aios-cell": (
        "cell",
        {
            "AIOS_CELL_ID": "beta",
            "AIOS_BRANCH": "main",
            "AIOS_PEER_DISCOVERY": "true",
            "AIOS_DISCOVERY_ADDR": "aios-discovery:8001",
        },
    ),
    "aios-cell-pure": (
        "cell",
        {"AIOS_CELL_ID": "pure", "AIOS_BRANCH": "main", "AIOS_DISCOVERY_ADDR": "aios-discovery:8001", "PORT": "8002"},
    ),
    # An older file of theirs.
    "bridge-of-a-cell": ("bridge", {"AIOS_CELL_ADDR": "aios-cell:8000", "BRIDGE_PORT": "3002"}),
}

# As printed in the guide.
START_CLUSTER = r"""
#!/bin/bash
# start_cluster.sh

for port in {8080..8088}; do
    mkdir -p "instance_$port/config"
    mkdir -p "instance_$port/state"

    # Create peers.txt excluding current instance
    for peer_port in {8080..8088}; do
        if [ "$peer_port" != "$port" ]; then
            echo "http://localhost:$peer_port/api/generate" >> "instance_$port/config/peers.txt"
        fi
    done

    # Copy code
    cp -r core psychological utils dashboard "instance_$port/"

    # Start instance in background
    cd "instance_$port/dashboard"
    PORT=$port python run_synth_with_dashboard.py &
    cd ../..

    echo "Started instance on port $port"
done

echo "All 9 instances started successfully!"
"""


class Service:
    """A node on a host of the lab, in a home and with a data folder of its own, as a container with a volume has them."""

    def __init__(self, host: Host, name: str, words: list[str], settings: dict[str, str]):
        self.host, self.name = host, name
        self.folder = host.folder / name
        self.folder.mkdir()
        self.settings = {
            "HOME": str(self.folder), "KITH_DATA_DIR": str(self.folder / "data"),
            "KITH_ENGINE_DIR": str(self.folder / "data" / "engine"), **settings,
        }  # fmt: skip
        self.process = host.start(KITH, *words, log=f"{name}/output.log", **self.settings)

    def kith(self, *words: str, input: str = "") -> subprocess.CompletedProcess:
        """As `docker compose exec SERVICE kith …`."""
        return subprocess.run(
            self.host.command(KITH, *words), input=input, capture_output=True, text=True, timeout=GUARD,
            env=self.host.environment(**self.settings),
        )  # fmt: skip

    def get(self, port: int, path: str) -> web.Answer:
        return web.get(port, path, opener=self.host.opener)

    def wait(self, port: int) -> dict:
        """What it says of itself, once it does."""

        def health() -> dict:
            if not self.process.is_running:
                raise RuntimeError(f"{self.name} ended at once:\n{self.process.tail()}")
            return self.get(port, "/health").json()

        return web.wait_until(health, GUARD, f"{self.name} on port {port}")


@unittest.skipIf(OBSTACLE, OBSTACLE)
class OnHosts(unittest.TestCase):
    def hosts(self, *names: str) -> list[Host]:
        lab = Lab(fresh_folder(type(self).__name__), list(names), mdns=False)
        self.addCleanup(lab.__exit__)
        return lab.__enter__().hosts


class TheComposeFilesOfAIOS(OnHosts):
    def test_their_settings_start_each_service_on_its_port(self):
        [host] = self.hosts("laptop")
        (host.folder / "hosts").write_text("127.0.0.1 localhost aios-discovery aios-cell\n")
        # Containers have networks of their own, and so the same peer port each; and by which names a service on loopback
        # is called is something that kith wants to be told.
        own = {"KITH_ENGINE": "none", "KITH_PEER_PORT": "0", "KITH_ALLOWED_HOSTS": "aios-discovery,aios-cell"}
        services = {
            name: Service(host, name, ["up", "--role", role], {**own, **settings})
            for name, (role, settings) in AIOS.items()
        }

        registry = services["discovery-service"]
        self.assertEqual(registry.wait(8001)["cell_id"], "primary")
        for name, port, cell in (("aios-cell", 8000, "beta"), ("aios-cell-pure", 8002, "pure")):
            health = services[name].wait(port)
            self.assertEqual((health["status"], health["cell_id"], health["branch"]), ("healthy", cell, "main"))

        def registered() -> set[str]:
            return {peer["cell_id"] for peer in registry.get(8001, "/peers").json()["peers"]}

        web.wait_until(lambda: registered() >= {"beta", "pure"}, GUARD, "both cells in the registry")

        bridge = services["vscode-agent-bridge"]
        health = bridge.wait(3001)
        self.assertEqual((health["status"], health["desktop_cell_url"]), ("degraded", "http://192.168.1.128:8000"))
        self.assertEqual(bridge.get(3001, "/vault-status").json()["status"], "error")

        def listed() -> set[str]:
            return {peer["cell_id"] for peer in bridge.get(3001, "/network-peers").json()["peers"]}

        web.wait_until(lambda: listed() >= {"beta", "pure"}, GUARD, "both cells among the bridge's")
        other = services["bridge-of-a-cell"]
        web.wait_until(lambda: other.wait(3002)["status"] == "healthy", GUARD, "the bridge to find its cell")
        self.assertEqual(other.wait(3002)["desktop_cell_info"]["cell_id"], "beta")


class TheScriptOfTheGuide(OnHosts):
    PORTS = range(8080, 8089)

    def test_typed_as_it_is_it_starts_nine_nodes_each_with_its_own_folder(self):
        [host] = self.hosts("desk")
        folder = host.folder / "synth-mind"
        for part in ("core", "psychological", "utils", "dashboard", "bin"):
            (folder / part).mkdir(parents=True)
        # The guide's program; kith in its place is all that is changed.
        (folder / "dashboard" / "run_synth_with_dashboard.py").write_text(
            f'import os\nos.execv("{KITH}", ["kith", "up", "--engine", "echo"])\n'
        )
        python = folder / "bin" / "python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        (folder / "start_cluster.sh").write_text(START_CLUSTER.lstrip())
        settings = {"HOME": str(folder)}
        # Entering a host ends in its root folder.
        typed = f"cd '{folder}' && PATH='{folder}/bin':$PATH bash start_cluster.sh && exec sleep infinity"
        script = host.start("bash", "-c", typed, log="script.log", **settings)

        def get(port: int, path: str) -> web.Answer:
            return web.get(port, path, opener=host.opener)

        for port in self.PORTS:
            try:
                web.wait_until(lambda: get(port, "/health/ready").status == 200, GUARD, f"the node on port {port}")
            except TimeoutError as failure:
                self.fail(f"{failure}\n{script.tail()}")
        self.assertIn("All 9 instances started successfully!", script.log.read_text())
        nodes = {port: get(port, "/api/status").json() for port in self.PORTS}
        self.assertEqual(len({status["node"] for status in nodes.values()}), 9)
        for port, status in nodes.items():
            with self.subTest(port=port):
                instance = folder / f"instance_{port}"
                self.assertTrue((instance / "state" / "identity").exists())
                self.assertEqual([peer["tier"] for peer in status["peers"]], ["kith"] * 8)
                # Its owner's commands find it from where it was started.
                typed = f"cd '{instance}/dashboard' && '{KITH}' id"
                done = subprocess.run(
                    host.command("bash", "-c", typed), capture_output=True, text=True, timeout=GUARD,
                    env=host.environment(**settings),
                )  # fmt: skip
                self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len({(folder / f"instance_{port}/state/identity").stat().st_ino for port in self.PORTS}), 9)
        self.assertFalse((folder / ".kith").exists())
        answer = web.request(8084, "POST", "/api/generate", {"prompt": "test"}, GUARD, opener=host.opener)
        self.assertEqual((answer.status, answer.json()["response"]), (200, "test"))


class TheComposeFileOfKith(OnHosts):
    FILE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    DESKTOP, LAPTOP = ("aios-cell", "discovery-service"), ("vscode-agent-bridge",)

    def start(self, host: Host, name: str, surroundings: dict[str, str]) -> Service:
        service = self.FILE["services"][name]
        settings = {key: interpolated(value, surroundings) for key, value in service["environment"].items()}
        return Service(host, name, service["command"], settings)

    def test_each_service_is_locked_up_and_looked_after(self):
        self.assertEqual(set(self.FILE["services"]), {*self.DESKTOP, *self.LAPTOP})
        recipe = (ROOT / "scripts" / "package" / "image").read_text()
        user, tag = re.search(r"user=(\d+)", recipe)[1], re.search(r"tag=(\S+):", recipe)[1]
        for name, service in self.FILE["services"].items():
            with self.subTest(service=name):
                self.assertEqual(interpolated(service["image"], {"KITH_VERSION": "1.2.3"}), f"{tag}:1.2.3")
                self.assertEqual(service["user"], f"{user}:{user}")
                self.assertIs(service["read_only"], True)
                self.assertEqual(service["restart"], "unless-stopped")
                [volume] = service["volumes"]
                source, target = volume.split(":")
                self.assertIn(source, self.FILE["volumes"])
                self.assertIn(f"--volume {target}", recipe)
                with self.assertRaises(KeyError):
                    interpolated(service["image"], {})

    def test_a_desktop_and_a_laptop_work_together(self):
        desktop, laptop = self.hosts("desktop", "laptop")
        opened = {"KITH_LAN": "on"}
        cell, registry = (self.start(desktop, name, opened) for name in self.DESKTOP)
        bridge = self.start(laptop, *self.LAPTOP, opened)

        self.assertEqual(cell.wait(8000)["cell_id"], "primary")
        self.assertEqual(registry.wait(8001)["cell_id"], "discovery")
        self.assertEqual(bridge.wait(3001)["status"], "degraded")
        for service in (cell, registry, bridge):
            self.check_health(service)

        def registered() -> list[str]:
            return [peer["cell_id"] for peer in registry.get(8001, "/peers").json()["peers"]]

        web.wait_until(lambda: "primary" in registered(), GUARD, "the cell in the registry")

        invitation = cell.kith("invite", "--tier", "kin")
        self.assertEqual(invitation.returncode, 0, invitation.stderr)
        joined = bridge.kith("join", input=invitation.stdout.split()[-1] + "\n")
        self.assertEqual(joined.returncode, 0, joined.stderr)
        web.wait_until(lambda: bridge.wait(3001)["status"] == "healthy", GUARD, "the bridge to find the desktop")
        self.assertEqual(bridge.wait(3001)["desktop_cell_info"]["cell_id"], "primary")

    def test_on_one_machine_the_bridge_finds_the_cell_beside_it(self):
        [host] = self.hosts("machine")
        cell, registry, bridge = (self.start(host, name, {}) for name in (*self.DESKTOP, *self.LAPTOP))
        for service, port in ((cell, 8000), (registry, 8001), (bridge, 3001)):
            service.wait(port)
        web.wait_until(lambda: bridge.wait(3001)["status"] == "healthy", GUARD, "the bridge to find the cell")

    def check_health(self, service: Service) -> None:
        kind, program, *words = self.FILE["services"][service.name]["healthcheck"]["test"]
        self.assertEqual((kind, program), ("CMD", "kith"))
        done = service.kith(*words)
        self.assertEqual(done.returncode, 0, f"{service.name}: {done.stderr}")


def interpolated(text: str, surroundings: dict[str, str]) -> str:
    """As Compose replaces `${NAME:-default}` and `${NAME:?what is missing}`; raises `KeyError` for the latter."""

    def value(match: re.Match) -> str:
        name, rule, rest = match.groups()
        if given := surroundings.get(name):
            return given
        if rule == "?":
            raise KeyError(rest)
        return rest

    return re.sub(r"\$\{(\w+):([-?])([^}]*)\}", value, text)


class ANodeOfAClusterThatDied(unittest.TestCase):
    def cluster(self, *flags: str) -> Cluster:
        folder = fresh_folder(self._testMethodName)
        cluster = Cluster(KITH, folder, 2, ports.free_block(2, 18_280), ["--engine", "echo", *flags])
        self.addCleanup(cluster.stop)
        # Before it says that all answer, a death is a failure to start.
        web.wait_until(
            lambda: "nodes answer" in cluster.process.tail() or not cluster.process.is_running, GUARD, "both nodes"
        )
        self.assertIn("nodes answer", cluster.process.tail())
        return cluster

    def states(self, cluster: Cluster) -> list[str]:
        command = [KITH, "cluster", "status", "--dir", cluster.directory, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=GUARD, env=environment(), check=True)
        return [node["state"] for node in yaml.safe_load(done.stdout)]

    def test_is_started_again_as_often_as_it_dies(self):
        cluster = self.cluster()
        port = cluster.ports[1]
        for _ in range(3):
            died = cluster.node(port)
            died.kill()
            began = time.monotonic()

            def is_back() -> bool:
                listener = ports.listener(port)
                return listener not in (None, died.pid) and web.get(port, "/health/ready").status == 200

            web.wait_until(is_back, GUARD, "the node to be back")
            print(f"\n    ready {time.monotonic() - began:.2f} s after kill -9")
        self.assertEqual(cluster.process.log.read_text().count("ended: signal 9; it is started again"), 3)
        self.assertEqual(self.states(cluster), ["running", "running"])
        self.assertEqual(cluster.stop(), 0)

    def test_stays_dead_with_no_restart(self):
        cluster = self.cluster("--no-restart")
        cluster.node(cluster.ports[1]).kill()
        self.check_that_it_stays_away(cluster, "ended: signal 9\n")

    def test_stays_away_when_it_was_stopped(self):
        cluster = self.cluster()
        os.kill(cluster.node(cluster.ports[1]).pid, 15)
        self.check_that_it_stays_away(cluster, "ended: exit status 0\n")

    def check_that_it_stays_away(self, cluster: Cluster, words: str) -> None:
        log = cluster.process.log
        web.wait_until(lambda: words in log.read_text(), GUARD, f"kith cluster up to say {words!r}")
        # One that was to come back would do so after a tenth of a second.
        time.sleep(2)
        self.assertIsNone(ports.listener(cluster.ports[1]))
        self.assertEqual(self.states(cluster), ["running", "stopped"])
        self.assertEqual(web.get(cluster.ports[0], "/health/ready").status, 200)


if __name__ == "__main__":
    unittest.main()
