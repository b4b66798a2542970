# SPDX-License-Identifier: Apache-2.0
"""`kith model copy --from`: the weights of a model go from one machine of the owner to another, without the internet."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import threading
import time
import unittest
from pathlib import Path

from fewer_layers import shortened
from lab import netns, web
from lab.peer import PeerNode, Refused, befriend
from lab.process import install_engine
from stub_ollama import FolderOllama
from surroundings import KITH, fresh_folder

GUARD = 60
MEGABYTE = 1 << 20
PIECE = 4 * MEGABYTE
STUB = Path(__file__).with_name("stub_llama.py")
LIMIT = 6 * MEGABYTE
ENGINE = Path(os.environ.get("KITH_ENGINE_DIR", ""))


def stubbed(folder: Path, name: str, content: bytes, host: netns.Host | None = None, **settings: str) -> PeerNode:
    """A node with a llama-server whose own model has the name of the node, and this content."""
    models = folder / f"models of {name}"
    models.mkdir()
    (models / f"{name}.gguf").write_bytes(content)
    more = {
        "KITH_ENGINE_LLAMA_SERVER_EXECUTABLE": str(STUB),
        "KITH_ENGINE_LLAMA_SERVER_MODEL": str(models / f"{name}.gguf"),
        "KITH_ENGINE_DIR": str(folder / f"engine of {name}"),
        "KITH_ENGINE_SERVERS": "http://127.0.0.1:9",
        "OLLAMA_BASE_URL": "http://127.0.0.1:9",
        **settings,
    }
    return PeerNode(KITH, folder / name, name, host, "auto", ["--mdns", "off"], more_environment=more)


class WeightsBetweenMachines(unittest.TestCase):
    """A desk, an attic and a box of one owner, each with a llama-server of a model of its own, and a friend's node."""

    @classmethod
    def setUpClass(cls):
        cls.folder = fresh_folder("weights")
        seed = random.randrange(1 << 30)
        print(f"seed {seed}")
        cls.content = b"GGUF" + random.Random(seed).randbytes(5 * PIECE + 12_345)
        cls.desk = stubbed(cls.folder, "desk", cls.content, KITH_ENGINE_COPY_LIMIT="6MiB")
        cls.attic = stubbed(cls.folder, "attic", b"GGUF of the attic")
        cls.box = stubbed(cls.folder, "box", b"GGUF of the box", KITH_ENGINE_DISK_BUDGET="64MiB")
        cls.friend = PeerNode(KITH, cls.folder / "friend", "friend", flags=["--mdns", "off"])
        nodes = [cls.desk, cls.attic, cls.box, cls.friend]
        for node in nodes:
            cls.addClassCleanup(node.stop)
            node.launch()
        for node in nodes:
            node.wait()
        befriend([cls.desk, cls.attic, cls.box])
        befriend([cls.desk, cls.friend], "kith")
        for node in (cls.desk, cls.attic, cls.box):
            web.wait_until(lambda: cls.sees(node, 2), GUARD, f"{node.name}'s kin")

    @staticmethod
    def sees(node: PeerNode, count: int) -> bool:
        return [peer["state"] for peer in node.status()["peers"] if peer["tier"] == "kin"].count("up") >= count

    def shelf(self, node: PeerNode) -> Path:
        return node.folder / "models" / "desk.gguf"

    def at_desk(self) -> Path:
        return self.folder / "models of desk" / "desk.gguf"

    def setUp(self):
        for node in (self.attic, self.box):
            shutil.rmtree(node.folder / "models", ignore_errors=True)
        for name in ("OUT", "ASKED"):
            (self.at_desk().parent / name).unlink(missing_ok=True)

    def copy(self, node: PeerNode, *flags: str) -> list[dict]:
        """What is told of a copy from the desk."""
        return [json.loads(line) for line in node.do("model", "copy", "desk", "--from", "desk", "--json", *flags).splitlines()]

    def refused(self, node: PeerNode, *words: str) -> str:
        with self.assertRaises(Refused) as caught:
            node.do("model", *words)
        return caught.exception.output

    def flip(self, offset: int) -> None:
        """Turns one bit of the desk's file, as a bad disk does: nothing else tells of it."""
        file = self.at_desk()
        times = file.stat()
        with file.open("r+b") as opened:
            opened.seek(offset)
            opened.write(bytes([self.content[offset] ^ 1]))
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        self.addCleanup(self.mend, times)

    def mend(self, times: os.stat_result) -> None:
        self.at_desk().write_bytes(self.content)
        os.utime(self.at_desk(), ns=(times.st_atime_ns, times.st_mtime_ns))

    def test_a_model_is_copied_listed_loaded_and_answers(self):
        told = self.box.do("model", "copy", "desk", "--from", "desk")
        self.assertIn("copied desk to box (20 MB)", told)
        self.assertEqual(self.shelf(self.box).read_bytes(), self.content)
        self.assertRegex(self.box.do("model", "list"), r"desk +on disk +20 MB")
        self.assertIn("desk is on box already", self.refused(self.box, "copy", "desk", "--from", "desk"))
        self.assertIn("loaded desk on box", self.box.do("model", "load", "desk"))
        done = self.box.ask("which are you?", "box")
        self.assertIn("desk", done.stdout, done.stderr)
        self.assertRegex(self.box.do("model", "list"), r"box +on disk")
        self.box.do("model", "remove", "desk", "--yes", "--force")
        self.assertFalse(self.shelf(self.box).exists())
        web.wait_until(lambda: "box" in self.box.ask("which are you?", "box").stdout, GUARD, "the model before")
        # Lines of the same kind from one address are one, and all machines here have one address.
        self.assertIn("offered", {reason for _, reason in self.audited(self.desk)})
        self.assertIn("copied here", {reason for _, reason in self.audited(self.box)})

    def audited(self, node: PeerNode) -> set[tuple[str | None, str]]:
        """Who had what done with a node's models."""
        lines = map(json.loads, node.do("audit", "--kind", "models.changed", "--json").splitlines())
        return {(line.get("subject"), line["reason"]) for line in lines}

    def test_a_third_machine_has_it_done_and_pieces_come_from_all_that_have_them(self):
        self.copy(self.attic)
        said = [json.loads(line) for line in self.desk.do(
            "model", "copy", "desk", "--from", "desk", "--node", "box", "--json").splitlines()]  # fmt: skip
        self.assertEqual((said[-1]["state"], said[-1]["node"]), ("done", "box"))
        self.assertIn("copying from desk, attic", {line["status"] for line in said})
        self.assertEqual(self.shelf(self.box).read_bytes(), self.content)

    def test_a_flipped_byte_is_named_and_got_from_another_machine_or_refused(self):
        self.copy(self.attic)
        self.flip(77)  # the desk is asked for the first piece, whoever else has it
        said = self.copy(self.box)
        self.assertEqual(said[-1]["state"], "done")
        self.assertIn("piece of weights was damaged and is got again", self.box.log())
        self.assertIn(f"first_byte=0 from=desk last_byte={PIECE - 1}", self.box.log())
        self.assertEqual(self.shelf(self.box).read_bytes(), self.content)
        self.shelf(self.attic).unlink()
        self.shelf(self.box).unlink()
        told = self.refused(self.box, "copy", "desk", "--from", "desk")
        digest = hashlib.sha256(self.content).hexdigest()
        self.assertIn(f"the bytes 0 to {PIECE - 1} of sha256:{digest} are damaged on desk", told)
        self.assertFalse(self.shelf(self.box).exists())

    def test_while_the_desk_answers_it_sends_slowly_and_a_copy_goes_on_where_it_was_killed(self):
        threading.Thread(target=lambda: self.desk.ask("slow", "desk")).start()
        self.addCleanup((self.at_desk().parent / "OUT").touch)
        web.wait_until(lambda: (self.at_desk().parent / "ASKED").exists(), GUARD, "the prompt")
        began = time.monotonic()
        watching = subprocess.Popen(
            [KITH, "model", "copy", "desk", "--from", "desk", "--json", "--data-dir", self.box.folder],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.addCleanup(watching.communicate)
        for line in watching.stdout:
            if (come := json.loads(line)["completed_bytes"]) >= 2 * PIECE + MEGABYTE:
                break
        self.assertLess(come / (time.monotonic() - began), 1.3 * LIMIT)
        self.box.kill()
        (self.at_desk().parent / "OUT").touch()
        self.box.start()
        web.wait_until(lambda: self.sees(self.box, 2), GUARD, "the box's kin")
        said = self.copy(self.box)
        first = next(line["completed_bytes"] for line in said if line.get("total_bytes"))
        self.assertGreaterEqual(first, 2 * PIECE)
        self.assertEqual(self.shelf(self.box).read_bytes(), self.content)

    def test_what_does_not_fit_is_refused_with_the_numbers_and_friends_get_nothing(self):
        (self.box.folder / "models").mkdir(exist_ok=True)
        with (self.box.folder / "models" / "large.gguf").open("wb") as large:
            large.truncate(60 * MEGABYTE)
        told = self.refused(self.box, "copy", "desk", "--from", "desk")
        self.assertIn("engine.disk_budget", told)
        self.assertIn("20 MB", told)
        self.assertIn("somebody else's node", self.refused(self.friend, "copy", "desk", "--from", "desk"))
        self.assertIn("no peer is called nobody", self.refused(self.box, "copy", "desk", "--from", "nobody"))
        self.assertIn("there is no model 'other'", self.refused(self.box, "copy", "other", "--from", "desk"))


class ModelsOfOllamaBetweenMachines(unittest.TestCase):
    """A desk and a box, each with an Ollama and its folder."""

    @classmethod
    def setUpClass(cls):
        cls.folder = fresh_folder("weights of ollama")
        cls.desk, cls.at_desk = cls.node("desk")
        cls.box, cls.at_box = cls.node("box")
        cls.weights = b"GGUF" + random.randbytes(2 * PIECE)
        cls.at_desk.add("tiny:1b", cls.weights)
        cls.at_box.add("other:1b", b"GGUF of another")
        for node in (cls.desk, cls.box):
            node.wait()
        befriend([cls.desk, cls.box])
        web.wait_until(lambda: WeightsBetweenMachines.sees(cls.box, 1), GUARD, "the desk")

    @classmethod
    def node(cls, name: str) -> tuple[PeerNode, FolderOllama]:
        ollama = FolderOllama(cls.folder / f"ollama of {name}")
        ollama.__enter__()
        cls.addClassCleanup(ollama.__exit__, None, None, None)
        more = {"OLLAMA_BASE_URL": f"http://127.0.0.1:{ollama.port}", "OLLAMA_MODELS": str(ollama.folder)}
        node = PeerNode(KITH, cls.folder / name, name, None, "ollama", ["--mdns", "off"], more_environment=more)
        cls.addClassCleanup(node.stop)
        node.launch()
        return node, ollama

    def test_a_model_of_ollama_has_the_same_files_there_and_is_asked_for_at_once(self):
        before = self.at_box.files()
        told = self.box.do("model", "copy", "tiny:1b", "--from", "desk")
        self.assertIn("copied tiny:1b to box (8 MB)", told)
        self.assertEqual(self.at_box.files(), {**before, **self.at_desk.files()})
        self.assertEqual(list((self.box.folder / "models/arriving").iterdir()), [])
        listed = [model["id"] for model in web.get(self.box.port, "/v1/models").json()["data"]]
        self.assertIn("tiny:1b", listed)

    def test_what_cannot_be_read_or_is_damaged_is_refused_with_the_reason(self):
        self.at_desk.add("spoilt:1b", b"GGUF" + random.randbytes(100_000))
        manifest = json.loads((self.at_desk.folder / "manifests/registry.ollama.ai/library/spoilt/1b").read_text())
        digest = manifest["layers"][0]["digest"]
        blob = self.at_desk.folder / "blobs" / digest.replace(":", "-")
        blob.write_bytes(b"GGUF and something else")
        told = self.refused("spoilt:1b")
        self.assertIn(f"should be {digest}", told)
        blob.unlink()
        told = self.refused("spoilt:1b")
        self.assertIn("cannot be read by this node", told)

    def refused(self, name: str) -> str:
        with self.assertRaises(Refused) as caught:
            self.box.do("model", "copy", name, "--from", "desk")
        return caught.exception.output


class WeightsBetweenHosts(unittest.TestCase):
    """A desk and a box, each on a host of its own."""

    def test_a_copy_goes_on_by_itself_when_the_machine_that_sends_was_away(self):
        if reason := netns.why_not():
            self.skipTest(reason)
        folder = fresh_folder("weights between hosts")
        lab = netns.Lab(folder / "lab", ["desk", "box"], mdns=False)
        lab.__enter__()
        self.addCleanup(lab.__exit__)
        content = b"GGUF" + random.randbytes(6 * PIECE)
        desk, box = (stubbed(folder, host.name, body, host) for host, body in zip(lab.hosts, (content, b"GGUF of the box")))
        for node in (desk, box):
            node.start()
        befriend([desk, box])
        # So slow that it is killed in the middle.
        lab.hosts[0].run("tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "80mbit", "burst", "64kb", "latency", "50ms")
        watching = subprocess.Popen(
            box.host.command(KITH, "model", "copy", "desk", "--from", "desk", "--json", "--data-dir", box.folder),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=box.host.environment(),
        )  # fmt: skip
        self.addCleanup(watching.communicate)
        told = map(json.loads, watching.stdout)
        next(line for line in told if line["completed_bytes"] > PIECE)
        desk.kill()
        lab.hosts[0].run("tc", "qdisc", "del", "dev", "eth0", "root")
        desk.start()
        last = list(told)[-1]
        self.assertEqual(last["state"], "done", last)
        self.assertEqual((box.folder / "models" / "desk.gguf").read_bytes(), content)


@unittest.skipIf(netns.why_not(), netns.why_not())
class TheEmbeddedEngine(unittest.TestCase):
    """llama.cpp itself with two models of different size: a desk has both, an attic the larger one, and a box no engine."""

    def setUp(self):
        if not (ENGINE / "venv/kith-install.json").exists():
            install_engine(KITH)
        folder = fresh_folder("weights of llama.cpp")
        lab = netns.Lab(folder / "lab", ["desk", "attic", "box"], mdns=False)
        lab.__enter__()
        self.addCleanup(lab.__exit__)
        own = Path(json.loads((ENGINE / "venv/kith-install.json").read_text())["modelFile"])
        (folder / "desk" / "models").mkdir(parents=True)
        shortened(own, folder / "desk" / "models" / "tiny.gguf", layers=6)
        engines = {"KITH_ENGINE_DIR": str(ENGINE)}
        self.desk, self.attic, self.box = (
            PeerNode(KITH, folder / host.name, host.name, host, engine, ["--mdns", "off"], more_environment=engines)
            for host, engine in zip(lab.hosts, ("embedded", "embedded", "none"))
        )
        for node in (self.desk, self.attic, self.box):
            node.launch()
        for node in (self.desk, self.attic):
            node.wait()
        self.box.wait(path="/health/live")
        befriend([self.desk, self.attic, self.box])

    def ask(self, model: str) -> tuple[int, str, bool]:
        """Which node answered the box, and whether with a text."""
        body = {"model": model, "max_tokens": 4, "messages": [{"role": "user", "content": "hi"}]}
        answer = self.box.post("/v1/chat/completions", body, GUARD)
        said = answer.status == 200 and bool(answer.json()["choices"][0]["message"]["content"])
        return answer.status, answer.node, said

    def test_answers_from_where_a_model_is_and_from_where_it_was_copied_to(self):
        large = self.desk.status()["engine"]["models"][0]
        self.assertIn("loaded tiny on desk", self.desk.do("model", "load", "tiny"))
        web.wait_until(lambda: self.ask("tiny") == (200, "desk", True), GUARD, "the desk to be known to serve it")
        self.assertEqual(self.ask(large), (200, "attic", True))
        self.assertIn("copied tiny to attic (45 MB)", self.attic.do("model", "copy", "tiny", "--from", "desk"))
        self.desk.kill()
        self.assertIn("loaded tiny on attic", self.attic.do("model", "load", "tiny"))
        web.wait_until(lambda: self.ask("tiny") == (200, "attic", True), GUARD, "the attic to answer in its place")


if __name__ == "__main__":
    unittest.main()
