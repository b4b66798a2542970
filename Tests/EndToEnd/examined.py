# SPDX-License-Identifier: Apache-2.0
"""What tests of `kith doctor` share: how it is run, what it said, and how its advice is followed."""

import functools
import json
import os
import shutil
import subprocess
import time
import unittest
from pathlib import Path

import doctor_advice
from lab import web
from lab.peer import PeerNode, befriend, wait_for_state
from lab.process import Process, environment
from seed_stand_ins import StandIn
from surroundings import KITH, fresh_folder

GUARD = 30
NOBODY = 65534
# A user who may do nothing: root may do everything, and finds no fault in that.
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
as_nobody = unittest.skipUnless(IS_ROOT and shutil.which("setpriv"), "acting as another user needs root")
QUIET = "engine: {kind: echo}\nport: 0\npeer: {port: 0}\n"


def follows(*advice: str):
    """Marks a test that does what these sentences of the doctor advise; it fails where the doctor has not said them."""

    def mark(test):
        @functools.wraps(test)
        def following(self):
            self.to_be_said = list(advice)
            test(self)
            self.assertEqual(self.to_be_said, [], "the doctor said this, and it was followed")

        following.advice = advice
        return following

    return mark


def put_settings(folder: Path, text: str) -> Path:
    (folder / "config").mkdir(parents=True, exist_ok=True)
    (folder / "config" / "kith.yaml").write_text(text)
    return folder


class Diagnosis:
    """What `kith doctor --json` said."""

    def __init__(self, done: subprocess.CompletedProcess):
        if not done.stdout.strip():
            raise AssertionError(f"kith doctor said nothing; status {done.returncode}: {done.stderr}")
        self.report = json.loads(done.stdout)
        self.status = done.returncode

    @property
    def first(self) -> dict:
        causes = self.report["causes"]
        if not causes:
            raise AssertionError(f"no cause was named: {json.dumps(self.report, indent=1)}")
        return causes[0]

    def findings(self, check: str) -> list[dict]:
        all_findings = (found for section in self.report["sections"] for found in section["findings"])
        return [found for found in all_findings if found["check"] == check]


class Examined(unittest.TestCase):
    def setUp(self):
        self.folder = fresh_folder(f"{type(self).__name__}-{self._testMethodName}")

    def doctor(self, *words, before: list[str] | None = None, env: dict | None = None) -> Diagnosis:
        command = [*(before or []), KITH, "doctor", "--json", *words]
        began = time.monotonic()
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, timeout=60, env=env or environment()
        )
        self.assertLess(time.monotonic() - began, 30, "it takes no longer than it may")
        return Diagnosis(done)

    def assert_first(self, found: Diagnosis, check: str, seen: str, fix: str, status: int) -> dict:
        """The first cause and its fix, in words or as a command."""
        first = found.first
        self.assertEqual(first["check"], check, found.report["causes"])
        self.assertRegex(first["seen"], seen)
        self.assertRegex(f"{first.get('fix', '')} {first.get('command', '')}", fix)
        self.assertEqual(found.status, status, found.report["causes"])
        self.assertEqual(found.report["exit_code"], status)
        return first

    def assert_sound(self, found: Diagnosis) -> None:
        self.assertEqual(found.report["causes"], [])
        self.assertEqual(found.status, 0)

    def settings(self, text: str, folder: Path | None = None) -> Path:
        """A data folder whose node has not been started."""
        return put_settings(folder or self.folder / "node", text)

    def node(self, name: str, *flags: str, engine: str = "echo", **more) -> PeerNode:
        node = PeerNode(KITH, self.folder / name, name, engine=engine, flags=list(flags), **more)
        self.addCleanup(node.stop)
        return node.start(path="/health/live")

    def pair(self) -> tuple[PeerNode, PeerNode]:
        desk, laptop = self.node("desk"), self.node("laptop")
        befriend([desk, laptop])
        wait_for_state([desk], laptop, {"up"}, GUARD, time.monotonic())
        wait_for_state([laptop], desk, {"up"}, GUARD, time.monotonic())
        return desk, laptop

    def stand_in(self, *arguments, **more) -> StandIn:
        service = StandIn(*arguments, **more)
        self.addCleanup(service.stop)
        return service


class Followed(Examined):
    """Tests that do what the doctor says, as far as it can be typed, and ask it once more."""

    def advised(self, found: Diagnosis, check: str, seen: str = ".", status: int | None = None) -> dict:
        """The first cause, which has to be of this check, and to advise what the test is marked to follow."""
        first = found.first
        self.assertEqual(first["check"], check, found.report["causes"])
        self.assertRegex(first["seen"], seen)
        said = [one for one in self.to_be_said if doctor_advice.pattern(one).match(first.get("fix", ""))]
        self.assertTrue(said, f"{first} says none of {self.to_be_said}")
        self.to_be_said.remove(said[0])
        if status is not None:
            self.assertEqual(found.status, status, found.report["causes"])
        return first

    def shell_environment(self, folder: Path | None = None, **more: str) -> dict[str, str]:
        """In which `kith` is the program under test, and the folder its node's; root needs no sudo."""
        programs = self.folder / "bin"
        if not programs.exists():
            programs.mkdir()
            (programs / "kith").symlink_to(KITH)
            (programs / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
            (programs / "sudo").chmod(0o755)
        own = {"KITH_DATA_DIR": str(folder)} if folder else {}
        return environment(PATH=f"{programs}:{os.environ['PATH']}", **own, **more)

    def typed(self, command: str, folder: Path | None = None, before: list[str] | None = None, **more: str) -> str:
        """What a command prints that is typed as the doctor wrote it."""
        done = subprocess.run(
            [*(before or []), "sh", "-c", command], capture_output=True, text=True, timeout=60,
            env=self.shell_environment(folder, **more), cwd=self.folder,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def typed_to_stay(self, command: str, folder: Path, before: list[str] | None = None, **more: str) -> Process:
        """A node that such a command starts; returns once it answers."""
        own = self.shell_environment(folder, **more)
        words = [*(before or []), "sh", "-c", f"exec {command}"]
        process = Process(words, folder / "typed.log", own, self.folder)
        self.addCleanup(process.stop)

        def answers() -> bool:
            self.assertTrue(process.is_running, process.tail())
            asked = subprocess.run([*(before or []), KITH, "status"], capture_output=True, env=own, timeout=20)
            return asked.returncode == 0

        web.wait_until(answers, GUARD, f"the node that '{command}' starts")
        return process

    def set_up(self, command: str, folder: Path, before: list[str] | None = None, **more: str) -> None:
        """A node in the background, until the test is over; on no machine does a test make a service."""
        self.addCleanup(self.typed, "kith down", folder, before)
        self.typed(f"{command} --no-service", folder, before, **more)

    def certificate(self, days: int) -> tuple[Path, Path]:
        """One for this machine that vouches for itself, in place of the one before."""
        certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", str(days),
                "-keyout", key, "-out", certificate,
            ], check=True, capture_output=True, timeout=30,
        )  # fmt: skip
        return certificate, key

    def hand_over(self, folder: Path, user: int = NOBODY) -> None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user, user)

    def assert_mended(self, *words, **more) -> None:
        """In the end; peers take a moment to find each other again."""

        def is_sound() -> bool:
            nonlocal found
            found = self.doctor(*words, **more)
            return found.status == 0

        found = None
        try:
            web.wait_until(is_sound, GUARD, "the doctor to be content")
        except TimeoutError:
            self.assert_sound(found)
