# SPDX-License-Identifier: Apache-2.0
"""A VPN between two hosts of the lab, such as WireGuard makes: an interface at each, and the way between them.

What one host sends to its interface comes out at the other's, whatever becomes of their cables. Nothing is encrypted:
kith does that itself, and takes nobody's word for who is there.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import threading
from pathlib import Path

from .netns import Host

# Of the range that providers keep for themselves, from which VPNs take addresses too.
NETWORK = "100.64.0"
DEVICE = "tun0"
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_LARGEST = 65_536


def why_not() -> str | None:
    return None if Path("/dev/net/tun").exists() else "there is no /dev/net/tun here"


class Tunnel:
    """A context manager."""

    def __init__(self, *ends: Host):
        self._ends = ends
        self._files: list[int] = []
        self._stop = threading.Event()
        self._carrier = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self) -> "Tunnel":
        for host in self._ends:
            self._files.append(host.inside(_open_device))
            host.ip(f"address add {self.address(host)}/24 dev {DEVICE}", f"link set {DEVICE} mtu 1280 up")
        self._carrier.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._carrier.join(timeout=5)
        for file in self._files:
            os.close(file)

    def address(self, host: Host) -> str:
        return f"{NETWORK}.{host.number}"

    def _carry(self) -> None:
        here, there = self._files
        while not self._stop.is_set():
            for file in select.select(self._files, [], [], 0.2)[0]:
                try:
                    os.write(there if file == here else here, os.read(file, _LARGEST))
                except OSError:
                    continue  # an end is down: the packet is lost, as on any network


def _open_device() -> int:
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(file, _TUNSETIFF, struct.pack("16sH", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
    except OSError:
        os.close(file)
        raise
    return file
