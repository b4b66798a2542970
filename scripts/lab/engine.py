# SPDX-License-Identifier: Apache-2.0
"""The embedded engine's own server behind a node, asked directly. Linux only."""

from __future__ import annotations

from . import ports, web
from .peer import PeerNode
from .process import descendants
from .streaming import Streamed, stream


def port_of(node: PeerNode) -> int:
    """The port of llama.cpp's server, which is a child of the node."""
    for pid in descendants(node.process.pid):
        listening = ports.listening(pid)
        if listening:
            return listening[0]
    raise RuntimeError(f"no process under {node.name} listens")


def ask(node: PeerNode, body: dict, timeout: float = 120) -> Streamed:
    """Asks the engine itself, streamed: in a plain answer it would repeat the beginning that it was given."""
    opener = node.host.opener if node.host else web.loopback
    return stream(port_of(node), body, timeout=timeout, opener=opener)
