# SPDX-License-Identifier: Apache-2.0
"""Alerts of three devices of one owner: who tells people, how often, and what they are told."""

import base64
import hashlib
import hmac
import json
import threading
import time
import unittest

from lab import web
from lab.peer import PeerNode, befriend, wait_for_state
from loopback_service import LoopbackService
from surroundings import KITH, fresh_folder

GUARD = 30
SECRET = "whsec_" + base64.b64encode(b"what both sides know").decode()


class Receiver(LoopbackService):
    """A webhook that takes only what is signed, and fails when it is told to."""

    def __init__(self):
        super().__init__(self.take)
        self.fails = False
        self.refused: list[str] = []
        self.messages: list[dict] = []
        self.wrong: list[str] = []
        self._lock = threading.Lock()

    def take(self, request, body: bytes) -> None:
        name, moment, signature = (request.headers.get(f"webhook-{word}", "") for word in ("id", "timestamp", "signature"))
        with self._lock:
            wanted = hmac.new(b"what both sides know", f"{name}.{moment}.".encode() + body, hashlib.sha256).digest()
            if signature != "v1," + base64.b64encode(wanted).decode() or abs(time.time() - int(moment or 0)) > 60:
                self.wrong.append(f"{signature} of {name}")
            elif request.path != "/hook/?channel=kith":
                self.wrong.append(request.path)
            elif self.fails:
                self.refused.append(name)
            else:
                self.messages.append({**json.loads(body), "webhook-id": name})
        request.send_response(503 if self.fails else 204)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def about(self, node: PeerNode) -> list[dict]:
        with self._lock:
            return [message for message in self.messages if message["subject"]["id"] == node.known_id]

    def states(self, node: PeerNode) -> list[str]:
        return [message["state"] for message in self.about(node)]


class AlertsOfKin(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = fresh_folder(cls.__name__)
        cls.receiver = Receiver()
        cls.enterClassContext(cls.receiver)
        cls.notified = folder / "notified"
        notifier = folder / "notify"
        notifier.write_text(f'#!/bin/sh\necho "$KITH_ALERT_STATE $KITH_ALERT $KITH_ALERT_SUBJECT" >> {cls.notified}\n')
        notifier.chmod(0o700)
        settings = {
            "KITH_ALERTS_WEBHOOKS": f"http://127.0.0.1:{cls.receiver.port}/hook/?channel=kith",
            "KITH_ALERTS_WEBHOOK_SECRET": SECRET, "KITH_ALERTS_COMMAND": str(notifier),
            "KITH_ALERTS_FOR": "peer-down=2", "KITH_ALERTS_KEEP": "1", "KITH_ALERTS_INTERVAL": "0.3",
            # The machine that runs the test may well have a full disk.
            "KITH_ALERTS_OFF": "disk,degraded",
        }  # fmt: skip
        names = ("desk", "laptop", "phone")
        cls.nodes = [PeerNode(KITH, folder / name, name, more_environment=settings) for name in names]
        for node in cls.nodes:
            cls.addClassCleanup(node.stop)
            node.launch()
        for node in cls.nodes:
            node.wait(path="/health/live")
        befriend(cls.nodes)
        for node in cls.nodes:
            others = [other for other in cls.nodes if other is not node]
            wait_for_state(others, node, {"up"}, GUARD, time.monotonic())
        # The one that speaks first: kin speak in the order of their ids.
        cls.nodes.sort(key=lambda node: digest(node.known_id))

    def alerts(self, node: PeerNode) -> list[dict]:
        return json.loads(node.do("alerts", "--json"))["alerts"]

    def shown(self, at: PeerNode, about: PeerNode) -> dict | None:
        return next((alert for alert in self.alerts(at) if alert["subject"]["id"] == about.known_id), None)

    def await_states(self, node: PeerNode, states: list[str]) -> None:
        web.wait_until(lambda: self.receiver.states(node) == states, GUARD, f"{states} to be told of {node.name}")

    def come_back(self, node: PeerNode) -> None:
        node.start(path="/health/live")
        self.await_states(node, ["firing", "resolved"])

    def test_a_lost_node_is_told_once_after_its_silence_and_the_receivers_failures(self):
        speaker, other, lost = self.nodes
        made = json.loads(
            other.do("alerts", "silence", "peer-down", "--subject", lost.name, "--for", "1h", "--reason", "moving", "--json")
        )
        lost.kill()
        for node in (speaker, other):
            def silenced() -> bool:
                alert = self.shown(node, lost)
                return alert is not None and alert["state"] == "firing" and alert["silence"] == made["id"]

            web.wait_until(silenced, GUARD, f"the silenced alert at {node.name}")
        self.assertIn(f"silence {made['id']}", speaker.do("alerts"))
        self.assertEqual(self.receiver.states(lost) + self.receiver.refused, [])
        self.receiver.fails = True
        self.assertIn("is over", speaker.do("alerts", "unsilence", made["id"]))
        web.wait_until(lambda: len(self.receiver.refused) >= 2, GUARD, "the webhook to be tried again")
        self.receiver.fails = False
        self.await_states(lost, ["firing"])
        self.come_back(lost)
        firing, resolved = self.receiver.about(lost)
        self.assertEqual(set(self.receiver.refused), {firing["webhook-id"]})
        self.assertEqual((firing["alert"], firing["node"]["name"]), ("peer-down", speaker.name))
        self.assertEqual((firing["fingerprint"], firing["since"]), (resolved["fingerprint"], resolved["since"]))
        self.assertIn(lost.name, firing["text"])
        self.assertEqual(self.receiver.wrong, [])
        told = [f"{state} peer-down {lost.name}" for state in ("firing", "resolved")]
        web.wait_until(lambda: self.notified.read_text().splitlines()[:2] == told, GUARD, "the command to be run")
        web.wait_until(
            lambda: (self.shown(other, lost) or {}).get("state") == "resolved", GUARD, "the alert to be shown as over"
        )

    def test_when_the_speaker_dies_another_tells_of_it_once(self):
        speaker, next_one, last = self.nodes
        speaker.kill()
        self.await_states(speaker, ["firing"])
        self.assertEqual(self.receiver.about(speaker)[0]["node"]["name"], next_one.name)
        told = self.shown(last, speaker)
        self.assertEqual((told["state"], set(told["seen_by"])), ("firing", {next_one.name, last.name}))
        self.come_back(speaker)
        log = "".join(node.log() for node in self.nodes)
        self.assertNotIn("what both sides know", log)
        self.assertNotIn(SECRET, log)
        self.assertNotIn("channel=kith", log)


def digest(text: str) -> bytes:
    """Of a node's id: 52 characters of base32, with a check character after each 13."""
    letters = text.replace("-", "")
    return base64.b32decode("".join(letters[start : start + 13] for start in range(0, 56, 14)) + "====")


if __name__ == "__main__":
    unittest.main()
