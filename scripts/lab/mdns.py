# SPDX-License-Identifier: Apache-2.0
"""A real Avahi daemon, with the message bus that its clients speak to it on, for one host of the lab."""

from __future__ import annotations

import re
import typing

from . import web
from .process import Process

if typing.TYPE_CHECKING:
    from .netns import Host

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
  </policy>
</busconfig>
"""
_AVAHI = """[server]
host-name={name}
use-ipv4=yes
use-ipv6=yes
[wide-area]
enable-wide-area=no
[publish]
publish-hinfo=no
publish-workstation=no
"""


class MulticastDNS:
    """The host's `dbus-daemon` and `avahi-daemon`, where their clients look for them: below the host's own `/run`."""

    def __init__(self, host: Host):
        self._host = host
        self._bus: Process | None = None
        self._avahi: Process | None = None

    def start(self) -> None:
        host = self._host
        bus, avahi = host.folder / "dbus.conf", host.folder / "avahi.conf"
        bus.write_text(_BUS)
        avahi.write_text(_AVAHI.format(name=host.name))
        # No service files of the machine itself are announced from here.
        host.run("sh", "-c", "mkdir -p /run/dbus /run/avahi-daemon && mount -t tmpfs none /etc/avahi")
        self._bus = host.start("dbus-daemon", f"--config-file={bus}", "--nofork", "--nopidfile", log="dbus.log")
        self.start_avahi()

    def start_avahi(self) -> None:
        host = self._host
        web.wait_until(lambda: self._has_file("/run/dbus/system_bus_socket"), 10, f"the message bus of {host.name}")
        (host.folder / "avahi.log").unlink(missing_ok=True)
        self._avahi = host.start(
            "avahi-daemon", "-f", host.folder / "avahi.conf", "--no-drop-root", "--no-chroot", "--no-rlimits",
            log="avahi.log",
        )  # fmt: skip

    def stop_avahi(self) -> None:
        if self._avahi is not None:
            self._avahi.stop()

    def stop(self) -> None:
        """As on a machine that has neither."""
        self.stop_avahi()
        if self._bus is not None:
            self._bus.stop()

    def wait(self, limit: float) -> None:
        """Returns once the host's name is announced."""

        def is_complete() -> bool:
            if not self._avahi.is_running:
                raise RuntimeError(f"avahi-daemon of {self._host.name} ended:\n{self._avahi.tail()}")
            return "Server startup complete" in self._avahi.tail(200)

        web.wait_until(is_complete, limit, f"avahi-daemon of {self._host.name}")

    def addresses_of(self, name: str) -> set[str]:
        """What Avahi finds for `name`, v4 and v6."""
        found = set()
        for family in ("-4", "-6"):
            done = self._host.run("avahi-resolve", family, "-n", name, check=False)
            found.update(re.findall(r"^\S+\s+(\S+)$", done.stdout, re.MULTILINE))
        return found

    def services(self, kind: str) -> str:
        """The services of a kind that Avahi sees, as `avahi-browse --parsable --resolve` prints them."""
        return self._host.run("avahi-browse", "--parsable", "--resolve", "--terminate", kind).stdout

    def _has_file(self, path: str) -> bool:
        return self._host.run("test", "-e", path, check=False).returncode == 0
