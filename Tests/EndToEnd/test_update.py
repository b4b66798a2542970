# SPDX-License-Identifier: Apache-2.0
"""kith self-update: a newer version, and releases that are spoilt, signed by somebody else, older, or do not start."""

import hashlib
import http.server
import platform
import shutil
import sqlite3
import subprocess
import tarfile
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

from lab import ports, web
from lab.process import ROOT, environment
from surroundings import KITH, fresh_folder

GUARD = 120
MACHINE = platform.machine()
INSTALL = ROOT / "deploy" / "package" / "tarball" / "install.sh"
# What stands for the program of a newer version: the present one, which says another version.
WORKS = '#!/bin/sh\n[ "$1" = --version ] && exec echo {version}\nexec {kith} "$@"\n'
# One that changes the database as a newer version may, and ends.
SPOILS = """#!/bin/sh
[ "$1" = --version ] && exec echo {version}
[ "$1" = up ] && {{ echo new >{state}/kith.sqlite; echo 'kith: no such processor here' >&2; exit 1; }}
exec {kith} "$@"
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@unittest.skipUnless(shutil.which("openssl"), "openssl not found")
class SelfUpdate(unittest.TestCase):
    def setUp(self):
        self.folder = fresh_folder(self._testMethodName)
        self.prefix, self.home, self.release = (self.folder / name for name in ("prefix", "home", "release"))
        for folder in (self.home, self.release):
            folder.mkdir()
        self.port = ports.free_port()
        self.key, self.public = self.make_key("own")
        first = self.content("0.1.0", None)
        subprocess.run(["/bin/sh", "install.sh", "--prefix", self.prefix], cwd=first, check=True, capture_output=True)
        started = self.kith(
            "up", "--background", "--engine", "count", "--port", str(self.port), "--peer-port", "0", "--mdns", "off"
        )
        self.assertEqual(started.returncode, 0, started.stderr)
        self.addCleanup(subprocess.run, [KITH, "down"], env=self.environment, capture_output=True, timeout=GUARD)
        self.kith("key", "create", "--name", "kept", "--scope", "chat")

    @property
    def environment(self) -> dict[str, str]:
        return environment(HOME=str(self.home))

    def kith(self, *words: str) -> subprocess.CompletedProcess:
        command = [self.prefix / "bin" / "kith", *words]
        return subprocess.run(command, env=self.environment, cwd=self.home, capture_output=True, text=True, timeout=GUARD)

    def make_key(self, name: str) -> tuple[Path, Path]:
        key, public = self.folder / f"{name}.pem", self.folder / f"{name}.pub.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
        subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True)
        return key, public

    def content(self, version: str, program: str | None) -> Path:
        """What is in an archive, as make package makes it; without `program` with the program under test."""
        root = self.folder / "made" / f"kith-{version}-linux-{MACHINE}"
        (root / "bin").mkdir(parents=True)
        (root / "share" / "kith").mkdir(parents=True)
        (root / "share" / "systemd" / "user").mkdir(parents=True)
        shutil.copy(ROOT / "deploy" / "systemd" / "user" / "kith.service", root / "share" / "systemd" / "user")
        (root / "share" / "kith" / "version").write_text(version + "\n")
        script = INSTALL.read_text().replace("@VERSION@", version).replace("@MACHINE@", MACHINE)
        (root / "install.sh").write_text(script.replace("@GLIBC@", "2.17"))
        if program is None:
            shutil.copy(KITH, root / "bin" / "kith")
        else:
            state = self.home / ".kith" / "state"
            (root / "bin" / "kith").write_text(program.format(version=version, kith=KITH, state=state))
            (root / "bin" / "kith").chmod(0o755)
        return root

    def archive(self, version: str, program: str) -> Path:
        return self.pack(self.content(version, program))

    def pack(self, root: Path) -> Path:
        packed = self.release / f"{root.name}.tar.gz"
        with tarfile.open(packed, "w:gz") as tar:
            tar.add(root, root.name)
        return packed

    def sign(self, key: Path | None = None) -> None:
        sums = "".join(
            f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(self.release.glob("*.tar.gz"))
        )
        (self.release / "SHA256SUMS").write_text(sums)
        subprocess.run(
            ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key or self.key, "-in", self.release / "SHA256SUMS", "-out",
             self.release / "SHA256SUMS.sig"], check=True,
        )  # fmt: skip

    def update(self, *more: str, place: str | None = None) -> subprocess.CompletedProcess:
        return self.kith("self-update", "--from", place or str(self.release), "--key", str(self.public), *more)

    def check_that_all_is_as_before(self, done: subprocess.CompletedProcess, *words: str) -> None:
        self.assertEqual(done.returncode, 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.check_that_it_runs("0.1.0")

    def check_that_it_runs(self, version: str) -> None:
        self.assertEqual((self.prefix / "share" / "kith" / "version").read_text().strip(), version)
        self.assertFalse((self.prefix / "share" / "kith" / "update").exists(), "something is left over")
        self.assertFalse((self.home / ".kith" / "state" / "before-update").exists(), "something is left over")
        self.assertEqual(web.get(self.port, "/health/live").status, 200)
        self.assertIn("kept", self.kith("key", "list").stdout)

    def test_a_newer_version_is_taken_and_the_node_runs_on_with_all_that_it_knew(self):
        self.assertIn("0.1.0", self.kith("--version").stdout)
        self.archive("0.2.0", WORKS)
        self.sign()
        self.assertIn("0.2.0 is there", self.update("--check").stdout)
        self.check_that_it_runs("0.1.0")
        done = self.update()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("kith is 0.2.0 now", done.stderr)
        self.check_that_it_runs("0.2.0")
        self.assertIn("0.2.0", self.kith("--version").stdout)

    def test_it_comes_from_a_server_too(self):
        self.archive("0.2.0", WORKS)
        self.sign()
        handler = partial(Quiet, directory=self.folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = self.update(place=f"http://127.0.0.1:{server.server_port}/release")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check_that_it_runs("0.2.0")

    def test_a_spoilt_archive_changes_nothing(self):
        packed = self.archive("0.2.0", WORKS)
        self.sign()
        content = bytearray(packed.read_bytes())
        content[len(content) // 2] ^= 1
        packed.write_bytes(content)
        self.check_that_all_is_as_before(self.update(), "not what the signed sums say")

    def test_another_signature_changes_nothing(self):
        self.archive("0.2.0", WORKS)
        self.sign(self.make_key("stranger")[0])
        self.check_that_all_is_as_before(self.update(), "not signed")

    def test_sums_that_were_changed_after_they_were_signed_change_nothing(self):
        self.archive("0.2.0", WORKS)
        self.sign()
        with open(self.release / "SHA256SUMS", "a") as sums:
            sums.write(f"{'0' * 64}  kith-9.9.9-linux-{MACHINE}.tar.gz\n")
        self.check_that_all_is_as_before(self.update(), "not signed")

    def test_one_that_does_not_start_is_taken_back_and_so_is_what_it_did_to_the_data(self):
        self.archive("0.2.0", SPOILS)
        self.sign()
        self.check_that_all_is_as_before(self.update(), "no such processor here", "0.1.0 is back")

    def test_one_that_was_killed_in_the_middle_is_gone_back_from_by_the_next(self):
        root = self.content("0.2.0", WORKS)
        script = (root / "install.sh").read_text()
        # The program that runs the script is its parent.
        (root / "install.sh").write_text(script.replace("check_system\n    mkdir", "kill -9 $PPID; exit 1\n    mkdir"))
        self.pack(root)
        self.sign()
        killed = self.update()
        self.assertEqual(killed.returncode, -9, killed.stderr)
        self.assertEqual(self.kith("status").returncode, 3, "the node was stopped for the update")
        self.archive("0.3.0", WORKS)
        self.sign()
        done = self.update()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("did not come to its end", done.stderr)
        self.check_that_it_runs("0.3.0")

    def test_two_at_once_are_one(self):
        self.archive("0.2.0", WORKS)
        self.sign()
        with ThreadPoolExecutor(2) as both:
            ends = [end.result() for end in [both.submit(self.update) for _ in range(2)]]
        refused = [end for end in ends if end.returncode]
        self.assertLessEqual(len(refused), 1, [end.stderr for end in ends])
        for end in refused:
            self.assertIn("another update is under way", end.stderr)
        self.check_that_it_runs("0.2.0")

    def test_an_older_one_is_refused_and_the_same_is_no_news(self):
        self.archive("0.0.9", WORKS)
        self.sign()
        self.check_that_all_is_as_before(self.update(), "older than what runs here")
        (self.release / f"kith-0.0.9-linux-{MACHINE}.tar.gz").rename(self.release / f"kith-0.1.0-linux-{MACHINE}.tar.gz")
        self.sign()
        same = self.update()
        self.assertEqual(same.returncode, 0, same.stderr)
        self.assertIn("is what runs here", same.stderr)

    def test_data_of_a_newer_version_are_refused_in_words_and_left_as_they_are(self):
        self.kith("down")
        database = self.home / ".kith" / "state" / "kith.sqlite"
        with closing(sqlite3.connect(database)) as store, store:
            store.execute("INSERT INTO grdb_migrations VALUES ('of a newer version')")
        before = database.read_bytes()
        refused = self.kith("up", "--background", "--engine", "count", "--port", str(self.port), "--peer-port", "0")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("newer version of kith", refused.stderr)
        self.assertEqual(database.read_bytes(), before)

    def test_a_program_that_came_in_another_way_says_how_it_is_updated(self):
        words = ["self-update", "--from", self.release, "--key", self.public]
        done = subprocess.run([KITH, *words], env=self.environment, capture_output=True, text=True, timeout=GUARD)
        self.assertEqual(done.returncode, 1)
        self.assertIn("was not installed by install.sh", done.stderr)


if __name__ == "__main__":
    unittest.main()
