# SPDX-License-Identifier: Apache-2.0
"""Debian's Prometheus reads three nodes over TLS, each with a key, by the files in deploy/, and tells Debian's Alertmanager."""

import http.client
import json
import re
import shutil
import ssl
import threading
import time
import unittest

from lab import ports, prometheus, web
from lab.peer import PeerNode, befriend
from lab.process import ROOT
from lab.prometheus import Alertmanager, Prometheus
from loopback_service import LoopbackService
from surroundings import KITH, fresh_folder

GUARD = 30
# What Grafana puts in place of its variables, for the pace at which the test reads.
INTERVAL = "500ms"
VARIABLES = {"$__rate_interval": "15s", "$node": ".*"}
ALERTMANAGER = """
route:
  receiver: people
  group_by: [alertname, peer]
  group_wait: 0s
  group_interval: 1s
receivers:
  - name: people
    webhook_configs:
      - url: {people}
"""
TRUSTING = ssl._create_unverified_context()  # the test looks at what is said, and Prometheus at who says it


class SecuredNode(PeerNode):
    """Speaks TLS with its own certificate and wants a key, which is made before it starts."""

    def prepare(self) -> None:
        self.flags = [*self.flags, "--tls", "--require-key", "--mdns", "off"]
        self.folder.mkdir(parents=True)
        self.key = self.do("key", "create", "--name", "prometheus", "--scope", "read,chat").strip()

    @property
    def _opener(self) -> web.Opener:
        return lambda port, timeout: http.client.HTTPSConnection(ports.LOOPBACK, port, timeout=timeout, context=TRUSTING)

    def get(self, path: str, timeout: float = 10, port: int | None = None, **headers: str) -> web.Answer:
        headers = {"Authorization": f"Bearer {self.key}", **headers}
        return web.request(port or self.port, "GET", path, None, timeout, headers, self._opener)

    def count(self, words: str = "count for me", **more) -> web.Answer:
        body = {"messages": [{"role": "user", "content": words}], "max_tokens": 5, **more}
        return self.post("/v1/chat/completions", body, 20, {"Authorization": f"Bearer {self.key}"})

    @property
    def certificate(self) -> str:
        return (self.folder / "state" / "tls" / "authority.pem").read_text()


@unittest.skipIf(prometheus.missing(), prometheus.missing())
class Monitoring(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = fresh_folder(cls.__name__)
        cls.ports = {role: ports.free_port() for role in ("cell", "bridge", "discovery")}
        roles = ["--role", "node,cell,bridge,discovery"]
        for role, port in cls.ports.items():
            roles += [f"--{role}-port", str(port)]
        cls.desk = SecuredNode(KITH, cls.folder / "desk", "desk", engine="count", flags=roles)
        cls.laptop = SecuredNode(KITH, cls.folder / "laptop", "laptop", engine="count")
        cls.tablet = SecuredNode(KITH, cls.folder / "tablet", "tablet", engine="none")
        cls.nodes = [cls.desk, cls.laptop, cls.tablet]
        for node in cls.nodes:
            node.prepare()
            cls.addClassCleanup(node.stop)
            node.launch()
        for node in cls.nodes:
            node.wait(path="/health/live")
        befriend(cls.nodes)
        web.wait_until(cls.know_each_other, GUARD, "both to know each other")
        cls.told: list[dict] = []
        people = cls.entered(LoopbackService(cls.hear))
        cls.alertmanager = Alertmanager(cls.folder)
        cls.configure(f"http://127.0.0.1:{people.port}/alerts")
        cls.entered(cls.alertmanager)
        cls.prometheus = cls.entered(Prometheus(cls.folder))
        cls.stop = threading.Event()
        worker = threading.Thread(target=cls.work)
        worker.start()
        cls.addClassCleanup(worker.join)
        cls.addClassCleanup(cls.stop.set)

    @classmethod
    def know_each_other(cls) -> bool:
        for node in cls.nodes:
            peers = [peer for peer in node.status()["peers"] if peer["tier"] == "kin"]
            up = [peer for peer in peers if peer["state"] == "up" and peer.get("client_address")]
            if len(up) < len(cls.nodes) - 1 or not any(peer["models"] for peer in up):
                return False
        return True

    @classmethod
    def entered(cls, context):
        cls.addClassCleanup(context.__exit__, None, None, None)
        return context.__enter__()

    @classmethod
    def hear(cls, request, body: bytes) -> None:
        cls.told += [{**alert["labels"], "status": alert["status"]} for alert in json.loads(body)["alerts"]]
        request.send_response(200)
        request.send_header("Content-Length", "0")
        request.end_headers()

    @classmethod
    def configure(cls, people: str) -> None:
        """The files of deploy/, at another pace, with a job for each node since each has its own key."""
        for file in (ROOT / "deploy" / "prometheus").iterdir():
            shutil.copy(file, cls.folder)
        rules = (cls.folder / "kith.rules.yml").read_text()
        (cls.folder / "kith.rules.yml").write_text(re.sub(r"(for|keep_firing_for): \d+m", r"\1: 1s", rules))
        (cls.folder / "alertmanager.yml").write_text(ALERTMANAGER.format(people=people))
        shutil.copy(cls.folder / "prometheus.yml", cls.folder / "shipped.yml")
        (cls.folder / "kith-nodes.pem").write_text("".join(node.certificate for node in cls.nodes))
        (cls.folder / "kith.key").write_text(cls.desk.key)
        cls.desk.do("peers", "--prometheus-sd", "--output", cls.folder / "kith.json")
        text = (cls.folder / "prometheus.yml").read_text().replace("interval: 15s", f"interval: {INTERVAL}")
        text = text.replace("127.0.0.1:9093", f"127.0.0.1:{cls.alertmanager.port}")
        head, job = text.split("scrape_configs:\n")
        for node in cls.nodes:
            (cls.folder / f"{node.name}.key").write_text(node.key)
        jobs = [
            job.replace("job_name: kith", f"job_name: kith-{node.name}")
            .replace("regex: .+", f"regex: {node.name}")
            .replace("kith.key", f"{node.name}.key")
            for node in cls.nodes
        ]
        (cls.folder / "prometheus.yml").write_text(head + "scrape_configs:\n" + "".join(jobs))

    @classmethod
    def work(cls) -> None:
        """Something to be counted, all the time."""
        number = 0
        while not cls.stop.wait(0.05):
            number += 1
            for node in (cls.desk, cls.laptop):
                node.count(f"count for me, {number}", stream=number % 2 == 0)
            cls.desk.count(model="no such model")
            web.request(cls.laptop.port, "GET", "/api/status", opener=cls.laptop._opener)

    def test_every_listener_says_what_promtool_has_nothing_against(self):
        for role, port in {"node": self.desk.port, **self.ports}.items():
            with self.subTest(role):
                self.desk.get("/health", port=port)  # something that is counted
                answer = self.desk.get("/metrics", port=port)
                self.assertEqual(answer.status, 200, answer.body)
                self.assertTrue(answer.headers["content-type"].startswith("text/plain; version=0.0.4"))
                self.assertEqual(prometheus.check("metrics", given=answer.body), "")
                self.assertIn(f'kith_requests_total{{role="{role}"', answer.body.decode())

    def test_the_shipped_configuration_is_one(self):
        for name in ("shipped.yml", "prometheus.yml"):
            self.assertEqual(prometheus.check("config", name, folder=self.folder), "")

    def test_discovery_names_the_node_and_its_kin_and_both_are_read(self):
        groups = json.loads((self.folder / "kith.json").read_text())
        self.assertEqual(
            {group["labels"]["kith_node"]: group["targets"] for group in groups},
            {node.name: [f"127.0.0.1:{node.port}"] for node in self.nodes},
        )
        self.assertEqual((self.folder / "kith.json").stat().st_mode & 0o777, 0o644)
        self.wait_for(lambda: len(self.prometheus.query("up == 1")) == 3, "all nodes to be read")
        self.assertEqual({target["lastError"] for target in self.prometheus.targets()}, {""})

    def test_a_node_is_not_read_without_a_key(self):
        answer = web.request(self.desk.port, "GET", "/metrics", opener=self.desk._opener)
        self.assertEqual(answer.status, 401)

    def test_every_query_of_the_dashboards_gives_data(self):
        queries = {}
        for file in (ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"):
            for panel in json.loads(file.read_text())["panels"]:
                for target in panel.get("targets", []):
                    query = target["expr"]
                    for name, value in VARIABLES.items():
                        query = query.replace(name, value)
                    queries[query] = panel["title"]
        self.assertGreater(len(queries), 30)

        def lacking() -> list[str]:
            return [f"{title}: {query}" for query, title in queries.items() if not self.has_numbers(query)]

        limit = time.monotonic() + GUARD
        while (without := lacking()) and time.monotonic() < limit:
            time.sleep(0.5)
        self.assertEqual(without, [])

    def has_numbers(self, query: str) -> bool:
        return any(series["value"][1] != "NaN" for series in self.prometheus.query(query))

    def test_a_slow_answer_leads_to_its_request(self):
        def found() -> set[str]:
            now = time.time()
            series = self.prometheus.exemplars("kith_time_to_first_token_seconds_bucket", now - 60, now + 1)
            return {exemplar["labels"]["request_id"] for one in series for exemplar in one["exemplars"]}

        self.wait_for(found, "exemplars")
        recent = self.desk.get("/api/routes/recent?limit=200").json()["requests"]
        others = self.laptop.get("/api/routes/recent?limit=200").json()["requests"]
        self.assertTrue(found() & {request["id"] for request in recent + others})

    def test_a_node_that_is_killed_is_told_of_once_and_so_is_its_return(self):
        def told() -> list[tuple[str, str]]:
            return sorted({(one["status"], one["peer"]) for one in self.told if one["alertname"] == "KithPeerDown"})

        self.wait_for(lambda: self.prometheus.query('kith_peer_up{peer="tablet"} == 1'), "the tablet to be counted as up")
        self.assertEqual(told(), [])
        self.tablet.kill()
        self.wait_for(lambda: told() == [("firing", "tablet")], "people to be told of the tablet")
        self.tablet.start(path="/health/live")
        self.wait_for(lambda: told() == [("firing", "tablet"), ("resolved", "tablet")], "people to be told that it is back")
        self.wait_for(lambda: len(self.prometheus.query("up == 1")) == 3, "all nodes to be read")

    def wait_for(self, condition, what: str) -> None:
        try:
            web.wait_until(condition, GUARD, what)
        except TimeoutError as failure:
            raise TimeoutError(f"{failure}\n{self.prometheus.process.tail()}") from None


if __name__ == "__main__":
    unittest.main()
