# SPDX-License-Identifier: Apache-2.0
"""A small disk of our own that can be filled, fail, and lose its power.

It is an ext4 file system in a file. Its mount is seen by this process and its children only, and is gone with them.
"""

import ctypes
import errno
import fcntl
import os
import shutil
import struct
import subprocess
from pathlib import Path

_TOOLS = {"mkfs.ext4": "e2fsprogs", "mount": "mount", "umount": "mount"}
_CLONE_NEWNS = 0x0002_0000
_MS_REC_PRIVATE = 0x4000 | 1 << 18
# EXT4_IOC_SHUTDOWN without writing the journal: what was not on the disk yet is lost, as in a power cut.
_SHUTDOWN = 0x8004_587D
_WITHOUT_JOURNAL = 2


def why_not(folder: Path) -> str | None:
    """Why this machine or user cannot have such a disk; `None` if it can."""
    if os.uname().sysname != "Linux":
        return "disks in files are mounted on Linux only"
    if os.geteuid() != 0:
        return "mounting a disk needs root"
    missing = sorted({package for tool, package in _TOOLS.items() if shutil.which(tool, path=_path()) is None})
    if missing:
        return f"missing: {', '.join(missing)}"
    try:
        disk = Disk(folder, megabytes=8)
        disk.cut_power()
        disk.unmount()
        disk.mount()
        disk.unmount()
    except (OSError, subprocess.CalledProcessError) as failure:
        trouble = getattr(failure, "stderr", None) or failure
        return f"the kernel does not permit it here: {str(trouble).strip()}"
    return None


class Disk:
    _is_private = False

    def __init__(self, folder: Path, megabytes: int):
        self.image = folder / "disk.image"
        self.path = folder / "disk"
        folder.mkdir(parents=True, exist_ok=True)
        self.path.mkdir(exist_ok=True)
        with self.image.open("wb") as image:
            image.truncate(megabytes << 20)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", self.image)
        self._keep_mounts_private()
        self.mount()

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"

    def mount(self) -> None:
        _run("mount", "-o", "loop", self.image, self.path)

    def unmount(self) -> None:
        """Nobody may have a file open on it. Does nothing when it is not mounted."""
        if os.path.ismount(self.path):
            _run("umount", self.path)

    def fill(self) -> None:
        """Leaves not one block."""
        ballast = os.open(self._ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = 1 << 20
            while size:
                try:
                    os.write(ballast, b"x" * size)
                except OSError as failure:
                    if failure.errno != errno.ENOSPC:
                        raise
                    size //= 2
        finally:
            os.close(ballast)

    def make_room(self) -> None:
        self._ballast.unlink()

    def protect(self) -> None:
        """From now on it can only be read, until it is mounted again. Nobody may have a file open for writing."""
        _run("mount", "-o", "remount,ro", self.path)

    # While these two are at work, ext4 may say of what is being made safe that it is although it is not (seen with Linux
    # 6.18). So nobody may be writing then: see `Process.pause`.

    def fail(self) -> None:
        """Whoever has a file open for writing can only read it from now on, as after an error of the hardware."""
        _run("mount", "-o", "remount,abort", self.path)

    def cut_power(self) -> None:
        """What is not on it by now is lost; it can be used again when it has been unmounted and mounted."""
        folder = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, _SHUTDOWN, struct.pack("I", _WITHOUT_JOURNAL))
        finally:
            os.close(folder)

    @classmethod
    def _keep_mounts_private(cls) -> None:
        if cls._is_private:
            return
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNS) or libc.mount(b"none", b"/", None, _MS_REC_PRIVATE, None):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        cls._is_private = True


def _run(*command: object) -> None:
    words = [str(word) for word in command]
    env = {**os.environ, "PATH": _path()}
    subprocess.run(words, check=True, capture_output=True, text=True, timeout=60, env=env)


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
