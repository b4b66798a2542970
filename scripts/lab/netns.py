# SPDX-License-Identifier: Apache-2.0
"""Hosts in network namespaces of their own, joined by a bridge that stands in one more: a laboratory for networks.

Nothing of it is in the machine's own network, and no host has a route to anywhere else. Each host has its own interface
`eth0`, host name, `/run`, resolver settings, and, if asked for, its own D-Bus and Avahi daemons. To look into one:
`nsenter -t PID -a sh`, with the id that `Host.keeper` has.
"""

import ctypes
import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

from . import web
from .mdns import MulticastDNS
from .process import Process, environment

# Which lab a process belongs to, in its environment: so that one whose lab died by `kill -9` can be told and ended.
_MARK = "LAB_OF_KITH"
_CLONE_NEWNET = 0x4000_0000
# Ends a command with the thread that started it, so that nothing outlives a test run that is killed.
_DIE_WITH_US = ["setpriv", "--pdeathsig", "KILL"]
_TOOLS = {
    "ip": "iproute2", "nft": "nftables", "tcpdump": "tcpdump", "dbus-daemon": "dbus", "avahi-daemon": "avahi-daemon",
    "avahi-browse": "avahi-utils", "unshare": "util-linux", "nsenter": "util-linux", "setpriv": "util-linux",
}  # fmt: skip


def why_not() -> str | None:
    """Why this machine or user cannot have a lab; `None` if it can."""
    if not hasattr(os, "geteuid") or os.uname().sysname != "Linux":
        return "network namespaces are there on Linux only"
    if os.geteuid() != 0:
        return "making network namespaces needs root"
    missing = sorted({package for tool, package in _TOOLS.items() if program(tool) is None})
    if missing:
        return f"missing: {', '.join(missing)} (scripts/install-deps --network installs them)"
    # Also tells whether the kernel has veth, bridges and packet filters at the interface.
    trial = (
        "mount -t tmpfs none /run && ip link add name v1 type veth peer name v2 && ip link add name b1 type bridge"
        " && nft 'table netdev t { chain c { type filter hook ingress device v1 priority 0; policy drop; }; }'"
    )
    command = ["unshare", "--net", "--mount", "--uts", "sh", "-c", trial]
    tried = subprocess.run(command, capture_output=True, text=True, timeout=20, env=_environment())
    if tried.returncode != 0:
        return f"the kernel does not permit it here: {tried.stderr.strip() or f'unshare ended with {tried.returncode}'}"
    return None


def program(name: str) -> str | None:
    return shutil.which(name, path=_environment()["PATH"])


class Namespace:
    """A network, a mount table and a host name of their own, held by a process that sleeps."""

    def __init__(self, lab: "Lab", name: str, folder: Path):
        self.lab = lab
        self.name = name
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in (
            ("hosts", "127.0.0.1 localhost\n::1 localhost\n"),
            ("resolv.conf", ""),
            ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files mdns_minimal [NOTFOUND=return]\n"),
            ("hostname", f"{name}\n"),
        ):
            (folder / file).write_text(text)
        own_files = " && ".join(
            f"{{ [ ! -e /etc/{file} ] || mount --bind '{folder}/{file}' /etc/{file}; }}"
            for file in ("hosts", "resolv.conf", "nsswitch.conf", "hostname")
        )
        setup = f"mount -t tmpfs none /run && {own_files} && hostname '{name}' && ip link set lo up && echo ready"
        command = [
            *_DIE_WITH_US, "unshare", "--net", "--mount", "--uts", "--propagation", "private",
            "sh", "-c", f"{setup} && exec sleep infinity",
        ]  # fmt: skip
        self.keeper = Process(command, folder / "keeper.log", self.environment(), folder)

    def environment(self, **more: str) -> dict[str, str]:
        return _environment(**{_MARK: self.lab.mark}, **more)

    def command(self, *words) -> list[str]:
        """`words` as a command that runs in here. It keeps its process id, and dies with the thread that starts it."""
        enter = ["nsenter", f"--target={self.keeper.pid}", "--net", "--mount", "--uts"]
        return [*enter, *_DIE_WITH_US, *(str(word) for word in words)]

    def run(self, *words, input: str | None = None, timeout: float = 20, check: bool = True):
        """Runs a command to its end, and returns what it printed with its status."""
        done = subprocess.run(
            self.command(*words), input=input, capture_output=True, text=True, timeout=timeout, env=self.environment()
        )
        if check and done.returncode != 0:
            line = " ".join(map(str, words))
            raise RuntimeError(f"{line} in {self.name} ended with {done.returncode}: {done.stderr}")
        return done

    def start(self, *words, log: str, **more: str) -> Process:
        """Starts a command that goes on until it is stopped or the lab ends; its output is in the file `log` here."""
        process = Process(self.command(*words), self.folder / log, self.environment(**more), self.folder)
        self.lab.processes.append(process)
        return process

    def ip(self, *lines: str) -> None:
        """Carries out some commands of `ip`, all or the first that fails with it."""
        self.run("ip", "-batch", "-", input="\n".join(lines))

    def drop(self, device: str, table: str, rule: str) -> None:
        """Lets packets that come in at `device` be dropped as `rule` says, ARP and multicast too."""
        chain = f"type filter hook ingress device {device} priority 0; policy accept; {rule};"
        self.run("nft", f"table netdev {table} {{ chain in {{ {chain} }}; }}")

    def accept(self, table: str) -> None:
        self.run("nft", f"delete table netdev {table}", check=False)


class Host(Namespace):
    """A machine on the lab's network."""

    def __init__(self, lab: "Lab", number: int, name: str):
        super().__init__(lab, name, lab.folder / name)
        self.number = number
        self.port_name = f"port-{number}"
        self.hardware_address = f"02:6b:69:74:68:{number:02x}"
        self.mdns = MulticastDNS(self)
        self._sockets: ThreadPoolExecutor | None = None

    @property
    def address(self) -> str:
        return f"10.71.7.{self.number}"

    @property
    def address6(self) -> str:
        return f"fd71:6b69:7468::{self.number:x}"

    def connect_to_the_bridge(self) -> None:
        self.lab.switch.ip(
            f"link add {self.port_name} type veth peer name eth0 netns {self.keeper.pid}",
            f"link set {self.port_name} master br0 up",
        )
        # Addresses of our own making, and without waiting whether somebody else has them.
        self.ip(f"link set eth0 address {self.hardware_address} addrgenmode none up", *self._addresses("add"))

    def move_to(self, number: int) -> None:
        """Gives the host other addresses, as another DHCP server or another network would."""
        old = self._addresses("del")
        self.number = number
        self.ip(*old, *self._addresses("add"))

    def _addresses(self, verb: str) -> list[str]:
        end = "nodad" if verb == "add" else ""
        six = (self.address6, f"fe80::{self.number:x}")
        return [
            f"address {verb} {self.address}/24 dev eth0",
            *(f"address {verb} {address}/64 dev eth0 {end}" for address in six),
        ]

    def unplug(self) -> None:
        """Takes the cable out: the interface has no carrier."""
        self.lab.switch.ip(f"link set {self.port_name} down")

    def plug_in(self) -> None:
        self.lab.switch.ip(f"link set {self.port_name} up")

    def silence_outgoing(self) -> None:
        """What the host sends is dropped without a sign; what is sent to it arrives."""
        self.lab.switch.drop(self.port_name, self.port_name, "drop")

    def silence_incoming(self, sender: "Host | None" = None) -> None:
        """What is sent to the host, by anybody or by `sender`, is dropped without a sign; what it sends arrives."""
        self.drop("eth0", "incoming", f"ether saddr {sender.hardware_address} drop" if sender else "drop")

    def lose(self, percent: int) -> None:
        """Drops this share of what the host sends, at random."""
        self.lab.switch.drop(self.port_name, self.port_name, f"numgen random mod 100 < {percent} drop")

    def heal(self) -> None:
        """Undoes `silence_outgoing`, `silence_incoming` and `lose`."""
        self.lab.switch.accept(self.port_name)
        self.accept("incoming")

    def socket(self, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM) -> socket.socket:
        """A socket in the host's network; it stays there whichever thread uses it."""
        return self.inside(socket.socket, family, kind)

    def inside(self, call: Callable, *arguments):
        """Calls in a thread that is in the host's network: what it opens stays there."""
        if self._sockets is None:
            self._sockets = ThreadPoolExecutor(1, initializer=_enter_network, initargs=(self.keeper.pid,))
        return self._sockets.submit(call, *arguments).result(timeout=10)

    def opener(self, port: int, timeout: float) -> http.client.HTTPConnection:
        """A client of the host's own loopback, for `web.request`."""
        return _LoopbackOf(self, port, timeout)

    def close(self) -> None:
        if self._sockets is not None:
            self._sockets.shutdown()


class Lab:
    """Some hosts on one bridge. A context manager: nothing of it is left, not even after `kill -9`."""

    def __init__(self, folder: Path, names: list[str], mdns: bool = True):
        self.folder = folder
        self.mark = f"kith-{os.getpid()}-{_started(os.getpid())}"
        self._with_mdns = mdns
        self._names = names
        self._all: list[Namespace] = []
        self.hosts: list[Host] = []
        self.processes: list[Process] = []

    def __enter__(self) -> "Lab":
        end_stale_labs()
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for host in self.hosts:
            host.close()
        end_processes(self.mark)
        for process in [*self.processes, *(namespace.keeper for namespace in self._all)]:
            process.kill()  # has ended by now; this takes note of it

    def _build(self) -> None:
        self.switch = Namespace(self, "switch", self.folder / "switch")
        self._all.append(self.switch)
        for number, name in enumerate(self._names, 11):
            self.hosts.append(Host(self, number, name))
            self._all.append(self.hosts[-1])
        for namespace in self._all:
            web.wait_until(lambda: self._is_ready(namespace), 10, f"the namespaces of {namespace.name}")
        # Multicast goes to every port: there is no router here that would tell the bridge who listens.
        self.switch.ip("link add br0 type bridge mcast_snooping 0", "link set br0 addrgenmode none up")
        for host in self.hosts:
            host.connect_to_the_bridge()
        if self._with_mdns:
            for host in self.hosts:
                host.mdns.start()
            for host in self.hosts:
                host.mdns.wait(15)

    @staticmethod
    def _is_ready(namespace: Namespace) -> bool:
        if not namespace.keeper.is_running:
            raise RuntimeError(f"no namespaces for {namespace.name}: {namespace.keeper.tail()}")
        return "ready" in namespace.keeper.tail()


class _LoopbackOf(http.client.HTTPConnection):
    def __init__(self, host: Host, port: int, timeout: float):
        super().__init__("127.0.0.1", port, timeout=timeout)
        self._host = host

    def connect(self) -> None:
        self.sock = self._host.socket()
        self.sock.settimeout(self.timeout)
        self.sock.connect(("127.0.0.1", self.port))


def end_stale_labs() -> None:
    """Ends what labs left behind whose own process is gone. Their namespaces go with their last process."""
    for mark in {mark for _, mark in _marked()}:
        pid, _, started = mark.removeprefix("kith-").partition("-")
        if not pid.isdigit() or _started(int(pid)) != started:
            end_processes(mark)


def end_processes(mark: str, limit: float = 10) -> None:
    """Ends every process of one lab, and returns when they are gone."""
    deadline = time.monotonic() + limit
    while left := [pid for pid, found in _marked() if found == mark and pid != os.getpid()]:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if time.monotonic() > deadline:
            raise RuntimeError(f"processes {left} of {mark} do not end")
        time.sleep(0.01)


def _marked() -> list[tuple[int, str]]:
    """Every running process that belongs to a lab, with the lab's mark."""
    found, key = [], f"{_MARK}=kith-".encode()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            variables = entry.read_bytes().split(b"\0")
        except OSError:
            continue  # it ended while we looked; one that has ended but is not taken note of has no environment
        mark = next((variable for variable in variables if variable.startswith(key)), None)
        if mark is not None:
            found.append((int(entry.parent.name), mark.decode().partition("=")[2]))
    return found


def _started(pid: int) -> str | None:
    """When a process started, in the kernel's count: with the id it names the process for good."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


def _enter_network(pid: int) -> None:
    """Moves the calling thread into the network of process `pid`."""
    handle = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(handle, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(handle)


def _environment(**more: str) -> dict[str, str]:
    """Debian keeps these tools where an ordinary PATH does not look."""
    return environment(PATH=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]), **more)
