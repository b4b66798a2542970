# SPDX-License-Identifier: Apache-2.0
"""The end: the thief is forgotten, and what the owner is shown must be what the honest nodes alone have made."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from urllib.parse import quote

from intruder import Caller, Identity
from lab import web
from lab.peer import PeerNode

from .honest import Model

GUARD = 60
# Seconds until the state must be right: an alert goes on for a minute after its cause.
SETTLED = 100
# What the owner is shown, and where the thief's mark must not be.
ALERTS = "/api/alerts"
SHOWN = ("/api/context", "/api/levels", "/api/culture", ALERTS, "/api/status", "/api/peers/nearby", "/api/sync")
MARK = "thief-"


def refusal(node: PeerNode, identity: Identity) -> str | None:
    """How the node refuses the thief; nothing while it does not."""
    try:
        with Caller(node.peer_port, "127.0.0.1", identity, 5) as caller:
            return caller.get("/peer/v1/models").refusal
    except (OSError, ssl.SSLError) as failure:
        return "closed" if isinstance(failure, (ConnectionError, ssl.SSLError)) else None


def forget(nodes: list[PeerNode], thief: PeerNode, identity: Identity) -> dict[str, float]:
    """The seconds the command took; and from its end, those until each node lists the thief no more and refuses it."""
    began = time.monotonic()
    nodes[0].do("forget", thief.known_id, "--stolen", "--yes")
    ended = time.monotonic()
    took = {"the command": ended - began}

    def watch(node: PeerNode) -> None:
        try:
            web.wait_until(lambda: thief.known_id not in node.peers(), GUARD, "")
            took[f"{node.name} lists it no more"] = time.monotonic() - ended
            web.wait_until(lambda: refusal(node, identity) in ("forgotten", "stranger"), GUARD, "")
            took[f"{node.name} refuses it"] = time.monotonic() - ended
        except TimeoutError:
            took[f"{node.name} never did"] = float("inf")

    threads = [threading.Thread(target=watch, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def context(node: PeerNode) -> dict[str, list]:
    """Every key with its values, as the owner reads it page by page."""
    found, after = {}, ""
    while True:
        page = node.get("/api/context" + after, GUARD).json()
        for entry in page["context"]:
            found[entry["key"]] = sorted(
                (each["value"], each["source"], each["node"]) for each in map(_plain, entry["values"])
            )
        if not page.get("more") or not page["context"]:
            return found
        after = f"?after={quote(page['context'][-1]['key'], safe='')}"


def _plain(value: dict) -> dict:
    return {"value": json.dumps(value["value"], sort_keys=True), "source": value["source"], "node": value["node"]}


def levels(node: PeerNode) -> dict[str, float]:
    return {each["source"]: each["level"] for each in node.get("/api/levels").json()["levels"]}


def differences(nodes: list[PeerNode], model: Model) -> list[str]:
    """What is not as it must be, now."""
    wrong: list[str] = []
    contexts = {node.name: context(node) for node in nodes}
    first = contexts[nodes[0].name]
    for node in nodes:
        mine = contexts[node.name]
        if mine != first:
            odd = sorted(key for key in mine.keys() | first.keys() if mine.get(key) != first.get(key))
            wrong.append(f"context of {node.name} and {nodes[0].name} differ in {len(odd)} keys, such as {odd[:3]}")
        wrong += _against_model(node.name, mine, model)
        declared = levels(node)
        for name, allowed in model.levels.items():
            if declared.get(f"honest-{name}") not in allowed:
                wrong.append(f"level of {name} is {declared.get(f'honest-{name}')} at {node.name}, not {allowed}")
        wrong += _left(node, nodes)
    return wrong


def _against_model(name: str, mine: dict[str, list], model: Model) -> list[str]:
    wrong = []
    lost = [key for key in model.safe if key not in mine]
    if lost:
        wrong.append(
            f"{len(lost)} of {len(model.safe)} acknowledged writes are lost at {name}, such as {sorted(lost)[:3]}"
        )
    foreign = sorted(key for key in mine if not model.allowed(key))
    if foreign:
        some = [key[:40] for key in foreign[:3]]
        wrong.append(f"{name} knows {len(foreign)} keys that nobody honest wrote, such as {some}")
    for key, values in mine.items():
        allowed = [json.dumps(value, sort_keys=True) for value in model.allowed(key)]
        if allowed and (len(values) != 1 or values[0][0] not in allowed):
            wrong.append(f"{key} at {name} is {values}, not {allowed}")
    return wrong


def _left(node: PeerNode, nodes: list[PeerNode]) -> list[str]:
    """What is left of the thief at one node, and whether it knows the other honest ones and nobody else."""
    wrong = []
    for path in SHOWN:
        answer = node.get(path, GUARD)
        if answer.status != 200:
            wrong.append(f"{path} of {node.name} answers {answer.status}")
            continue
        shown = answer.body.decode(errors="replace")
        if path == ALERTS:
            # One that is over is told of for a while.
            shown = json.dumps([each for each in answer.json()["alerts"] if each["state"] != "resolved"])
        if (at := shown.find(MARK)) >= 0:
            wrong.append(f"{path} of {node.name} has something of the thief's: …{shown[max(0, at - 80) : at + 80]}…")
    clean = node.get("/api/peers/forgotten").json()
    if not clean.get("clean"):
        wrong.append(f"{node.name} says that something is left: {json.dumps(clean)[:300]}")
    peers = node.peers()
    expected = {other.known_id for other in nodes if other is not node}
    if set(peers) != expected:
        wrong.append(f"{node.name} lists {len(peers)} peers, not its {len(expected)} kin")
    for other in nodes:
        if other is not node and (known := peers.get(other.known_id)):
            if (known["name"], known["state"]) != (other.name, "up"):
                wrong.append(f"{other.name} is {known['name']}, {known['state']} for {node.name}")
    return wrong


def conversations(nodes: list[PeerNode], model: Model) -> list[str]:
    wrong = []
    for node in nodes:
        listed = {each["id"]: each["turn_count"] for each in json.loads(node.do("session", "list", "--json"))}
        if left := [name for name in listed if name.startswith(MARK)]:
            wrong.append(f"{len(left)} conversations of the thief's are left at {node.name}, such as {left[:3]}")
        for name, turns in model.talks[node.name].items():
            if listed.get(name, 0) < turns:
                wrong.append(f"{node.name} has {listed.get(name, 0)} of {turns} exchanges of {name}")
    return wrong


def settle(nodes: list[PeerNode], model: Model, limit: float = SETTLED) -> tuple[float, list[str]]:
    """The seconds until nothing is wrong any more, or what still is after the limit."""
    began = time.monotonic()
    while True:
        try:
            wrong = differences(nodes, model)
        except (OSError, http.client.HTTPException, ValueError, KeyError) as failure:
            wrong = [f"a node did not tell its state: {failure!r}"]
        if not wrong or time.monotonic() - began > limit:
            return time.monotonic() - began, wrong
        time.sleep(0.5)


def logs(node: PeerNode) -> int:
    """How many logs of the shared state it knows."""
    return len(node.get("/api/sync").json()["versions"])
