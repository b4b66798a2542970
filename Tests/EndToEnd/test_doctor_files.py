# SPDX-License-Identifier: Apache-2.0
"""What `kith doctor` advises about a node's files is done, as it says it, and then it has to be content."""

import os
import re
import shutil
import sqlite3
import sys
import unittest
from pathlib import Path

from examined import AS_NOBODY, GUARD, IS_ROOT, NOBODY, QUIET, Followed, as_nobody, follows
from lab import web
from lab.peer import PeerNode
from lab.process import Process
from surroundings import KITH, fresh_folder

HOLD = """
import sqlite3, sys, time
base = sqlite3.connect(sys.argv[1])
base.execute("PRAGMA locking_mode = EXCLUSIVE")
base.execute("BEGIN EXCLUSIVE")
print(1, flush=True)
time.sleep(60)
"""
BARE = ["--engine", "echo", "--port", "0", "--peer-port", "0"]
mounts = unittest.skipUnless(IS_ROOT and shutil.which("unshare"), "mounting a small disk needs root")


MODELS: dict[str, PeerNode] = {}


def setUpModule():
    """Two nodes that have run, once for all tests; each gets copies."""
    folder = fresh_folder("Stopped")
    for name in ("desk", "other"):
        node = PeerNode(KITH, folder / name, name)
        unittest.addModuleCleanup(node.stop)
        node.start(path="/health/live")
        node.known_id  # asked while it runs
        node.stop()
        MODELS[name] = node


class Stopped(Followed):
    def stopped(self, name: str = "desk") -> PeerNode:
        node = PeerNode(KITH, shutil.copytree(MODELS[name].folder, self.folder / name), name)
        self.addCleanup(node.stop)
        return node

    def assert_the_same(self, node: PeerNode) -> None:
        self.assert_mended("--data-dir", node.folder, *BARE)
        said = self.doctor("--data-dir", node.folder, *BARE).findings("identity")[0]["seen"]
        self.assertIn(MODELS[node.name].known_id[:7], said)


class Database(Stopped):
    @follows("update kith on this machine, or choose another folder with --data-dir")
    def test_beside_a_database_of_a_newer_kith_another_folder_is_chosen(self):
        node = self.stopped()
        with sqlite3.connect(node.folder / "state" / "kith.sqlite") as base:
            base.execute("INSERT INTO grdb_migrations VALUES ('v99')")
        base.close()
        found = self.doctor("--data-dir", node.folder, *BARE)
        advice = self.advised(found, "database", "written by a newer version of kith", 2)
        self.assertRegex(self.typed(advice["command"]), r"\d+\.\d+")
        self.assert_mended("--data-dir", self.folder / "other", *BARE)

    @follows("choose another folder with --data-dir")
    def test_beside_the_database_of_another_program_another_folder_is_chosen(self):
        node = self.stopped()
        file = node.folder / "state" / "kith.sqlite"
        file.unlink()
        with sqlite3.connect(file) as base:
            base.execute("CREATE TABLE recipes (name TEXT)")
        base.close()
        self.advised(self.doctor("--data-dir", node.folder, *BARE), "database")
        self.assert_mended("--data-dir", self.folder / "other", *BARE)

    @follows(
        "stop the node, move the files away and start it again: it begins anew, and what kin share comes back from "
        "them; or put a backup there"
    )
    def test_a_damaged_database_is_moved_away_and_kin_bring_back_what_they_share(self):
        desk, laptop = self.pair()
        laptop.do("context", "set", "branch", "main")
        desk.stop()
        file = desk.folder / "state" / "kith.sqlite"
        content = bytearray(file.read_bytes())
        content[4096:12288] = os.urandom(8192)
        file.write_bytes(content)
        found = self.doctor("--data-dir", desk.folder, *BARE)
        self.typed(self.advised(found, "database", "is damaged", 2)["command"])
        desk.start(path="/health/live")
        self.assert_mended("--data-dir", desk.folder)
        web.wait_until(lambda: "main" in desk.do("context", "show"), GUARD, "what kin share to be back")
        self.assertEqual(desk.state_of(laptop), "up", "they are paired as before")
        self.assertEqual(laptop.state_of(desk), "up")

    @unittest.skipUnless(shutil.which("fuser"), "the command is not here")
    @follows("end the other program that has it open")
    def test_a_program_that_holds_the_database_is_found_and_ended(self):
        node = self.stopped()
        file = node.folder / "state" / "kith.sqlite"
        words = [sys.executable, "-c", HOLD, file]
        holder = Process(words, self.folder / "holder.log", self.shell_environment(), self.folder)
        self.addCleanup(holder.stop)
        web.wait_until(lambda: holder.tail() == "1", GUARD, "the database to be held")
        command = self.advised(self.doctor("--data-dir", node.folder, *BARE), "database")["command"]
        self.assertIn(str(holder.pid), self.typed(command))
        holder.kill()
        self.assert_mended("--data-dir", node.folder, *BARE)


class Identity(Stopped):
    @follows("If nobody did so, run: chmod … '…'; otherwise …")
    def test_a_key_that_others_can_read_is_made_the_owners_again(self):
        node = self.stopped()
        folder = node.folder / "state" / "identity"
        (folder / "key.pem").chmod(0o644)
        found = self.doctor("--data-dir", node.folder, *BARE)
        said = self.advised(found, "identity", "can be read by other users", 2)["fix"]
        self.typed(re.search(r"run: (chmod \d+ '[^']+')", said)[1])
        self.assert_the_same(node)

    @follows("Restore it from a backup; or …")
    def test_a_key_that_is_gone_comes_back_from_a_backup(self):
        node = self.stopped()
        folder = node.folder / "state" / "identity"
        backup = shutil.copytree(folder, self.folder / "backup")
        (folder / "key.pem").unlink()
        self.advised(self.doctor("--data-dir", node.folder, *BARE), "identity")
        shutil.copytree(backup, folder, dirs_exist_ok=True)
        self.assert_the_same(node)

    @follows(
        "Restore both files from the same backup",
        'Restore this node\'s own files; or "kith rekey" makes a new identity, which has to be paired again',
    )
    def test_files_of_another_node_give_way_to_the_nodes_own(self):
        node = self.stopped()
        folder = node.folder / "state" / "identity"
        backup = shutil.copytree(folder, self.folder / "backup")
        other = self.stopped("other")
        for name in ("certificate.pem", "key.pem"):
            shutil.copy2(other.folder / "state" / "identity" / name, folder / name)
            self.advised(self.doctor("--data-dir", node.folder, *BARE), "identity")
        shutil.copytree(backup, folder, dirs_exist_ok=True)
        self.assert_the_same(node)


class Folders(Stopped):
    @follows("take that right from them")
    def test_a_folder_that_others_may_write_is_made_the_owners(self):
        folder = self.settings(QUIET)
        (folder / "state").mkdir()
        (folder / "state").chmod(0o777)
        self.typed(self.advised(self.doctor("--data-dir", folder), "data_folder")["command"])
        self.assert_mended("--data-dir", folder)

    @as_nobody
    @follows("give it to the user who runs the node, or choose another folder with --data-dir")
    def test_a_folder_of_another_user_is_given_to_the_one_who_runs_the_node(self):
        folder = self.settings(QUIET)
        command = self.advised(self.doctor("--data-dir", folder, before=AS_NOBODY), "data_folder")["command"]
        self.typed(command, USER=str(NOBODY))
        self.assert_mended("--data-dir", folder, before=AS_NOBODY)

    @as_nobody
    @follows("give its owner the right to read it")
    def test_a_list_of_peers_that_its_owner_may_not_read_is_made_readable(self):
        folder = self.settings(QUIET)
        peers = folder / "config" / "peers.txt"
        peers.write_text("")
        peers.chmod(0)
        self.hand_over(folder)
        command = self.advised(self.doctor("--data-dir", folder, before=AS_NOBODY), "peers_file")["command"]
        self.typed(command, before=AS_NOBODY)
        self.assert_mended("--data-dir", folder, before=AS_NOBODY)

    @as_nobody
    @follows("give it to the user who runs the node")
    def test_a_database_of_another_user_is_given_to_the_one_who_runs_the_node(self):
        node = self.stopped()
        self.hand_over(node.folder)
        file = node.folder / "state" / "kith.sqlite"
        file.chmod(0o600)
        os.chown(file, 0, 0)
        found = self.doctor("--data-dir", node.folder, *BARE, before=AS_NOBODY)
        self.assertIn("root", self.typed(self.advised(found, "database")["command"]))
        self.hand_over(file)
        self.assert_mended("--data-dir", node.folder, *BARE, before=AS_NOBODY)

    def on_a_disk(self, options: str, folder: Path) -> list[str]:
        """What comes before a command that is to see a small disk in place of the node's state."""
        (folder / "state").mkdir()
        mount = f"mount -t tmpfs -o {options},mode=700 none '{folder}/state' && echo mounted && exec sleep 60"
        holder = Process(["unshare", "--mount", "sh", "-c", mount], folder / "mount.log", self.shell_environment(), folder)
        self.addCleanup(holder.kill)
        web.wait_until(lambda: "mounted" in holder.tail(), GUARD, "the disk to be there")
        return ["nsenter", f"--mount=/proc/{holder.pid}/ns/mnt"]

    @mounts
    @follows("free some space there, or move the node's folder to a larger disk; the command shows what takes it")
    def test_what_fills_the_disk_is_shown_and_removed(self):
        folder = self.settings(QUIET)
        inside = self.on_a_disk("size=520m", folder)
        old = folder / "state" / "old"
        self.typed(f"mkdir '{old}' && head -c 64000000 /dev/zero >'{old}/film'", before=inside)
        command = self.advised(self.doctor("--data-dir", folder, before=inside), "disk_space")["command"]
        largest = re.search(r"M\s+(\S+/old)$", self.typed(command, before=inside), re.MULTILINE)[1]
        self.typed(f"rm -r '{largest}'", before=inside)
        self.assert_mended("--data-dir", folder, before=inside)

    @mounts
    @follows(
        "its disk is mounted for reading only, as after a disk error: mount it for writing, or choose another folder "
        "with --data-dir"
    )
    def test_a_disk_that_is_for_reading_only_is_mounted_for_writing(self):
        folder = self.settings(QUIET)
        inside = self.on_a_disk("size=900m,ro", folder)
        command = self.advised(self.doctor("--data-dir", folder, before=inside), "data_folder")["command"]
        disk = self.typed(command, before=inside).splitlines()[1].split()[0]
        self.typed(f"mount -o remount,rw '{disk}'", before=inside)
        self.assert_mended("--data-dir", folder, before=inside)


if __name__ == "__main__":
    unittest.main()
