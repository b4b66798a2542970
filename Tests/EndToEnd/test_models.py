# SPDX-License-Identifier: Apache-2.0
"""`kith model` and `/api/models`: models that are listed, got, loaded and removed, here and on another machine of the owner."""

import http.client
import json
import os
import subprocess
import threading
import time
import unittest
from datetime import datetime, timedelta, timezone

from lab import ports, web
from lab.peer import PeerNode, Refused, befriend
from stub_ollama import KeepingOllama
from surroundings import KITH, fresh_folder

GUARD = 60
# Of the box's graphics card, on which everything fits.
CARD_MIB = 10**10
# A model that answers again within a minute is not counted again; and it is in use when it was counted so often.
MINUTE, MINUTES = 61, 3
# Between two looks of a node that loads ahead whether there is something to load or to keep.
LOOK = 30


class ModelsOfTwoMachines(unittest.TestCase):
    """A desk and a box of one owner, each with an Ollama, and a friend's node; the desk names `small:1b` for prompts that name none."""

    @classmethod
    def setUpClass(cls):
        folder = fresh_folder("models")
        cls.at_desk, cls.at_box = KeepingOllama(), KeepingOllama()
        for ollama in (cls.at_desk, cls.at_box):
            ollama.__enter__()
            cls.addClassCleanup(ollama.__exit__, None, None, None)
        cls.desk = cls.node(folder, "desk", cls.at_desk, KITH_ENGINE_MODEL="small:1b", KITH_ENGINE_DISK_BUDGET="1GiB")
        tools = folder / "tools"
        tools.mkdir()
        (tools / "nvidia-smi").write_text(f"#!/bin/sh\necho '{CARD_MIB}, {CARD_MIB}'\n")
        (tools / "nvidia-smi").chmod(0o755)
        cls.box = cls.node(folder, "box", cls.at_box, PATH=f"{tools}:{os.environ['PATH']}")
        cls.friend = PeerNode(KITH, folder / "friend", "friend", flags=["--mdns", "off"])
        cls.refill()
        nodes = [cls.desk, cls.box, cls.friend]
        for node in nodes:
            cls.addClassCleanup(node.stop)
            node.launch()
        for node in nodes:
            node.wait()
        befriend([cls.desk, cls.box])
        befriend([cls.desk, cls.friend], "kith")
        web.wait_until(lambda: cls.desk.run("model", "list", "--node", "box", *cls.here(cls.desk)).returncode == 0, GUARD, "the box")

    @staticmethod
    def here(node: PeerNode) -> list:
        return ["--data-dir", node.folder]

    @staticmethod
    def node(folder, name: str, ollama: KeepingOllama, **settings: str) -> PeerNode:
        more = {"OLLAMA_BASE_URL": f"http://127.0.0.1:{ollama.port}", **settings}
        return PeerNode(KITH, folder / name, name, None, "ollama", ["--mdns", "off"], more_environment=more)

    @classmethod
    def refill(cls) -> None:
        for ollama in (cls.at_desk, cls.at_box):
            ollama.models = {"small:1b": 700_000_000, "large:8b": 4_700_000_000}
            ollama.loaded.clear()
            ollama.told.clear()
            ollama.embedders.clear()
            ollama.pull = ollama.whole
            ollama.left.clear()
            ollama.gate.set()
            ollama.loads.set()
        cls.at_desk.models = {"small:1b": 700_000_000}

    def setUp(self):
        self.refill()

    def listed(self, *flags: str) -> dict:
        return json.loads(self.desk.do("model", "list", "--json", *flags))

    def model(self, name: str, *flags: str) -> dict:
        return next(model for model in self.listed(*flags)["models"] if model["name"] == name)

    def refused(self, *words: str) -> str:
        with self.assertRaises(Refused) as caught:
            self.desk.do("model", *words)
        return caught.exception.output

    def api(self, method: str, path: str, body: dict | None = None) -> tuple[int, dict]:
        token = json.loads((self.desk.folder / "state/control.json").read_text())["token"]
        connection = http.client.HTTPConnection("127.0.0.1", self.desk.port, timeout=GUARD)
        self.addCleanup(connection.close)
        payload = None if body is None else json.dumps(body)
        connection.request(
            method, path, payload, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        )
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())

    # Looking

    def test_what_is_there_is_listed_with_where_it_is_and_what_it_takes(self):
        self.at_desk.loaded["small:1b"] = KeepingOllama.FOREVER
        model = self.model("small:1b")
        self.assertEqual(model["residency"], "loaded")
        self.assertEqual(model["loaded_until"], "always")
        self.assertEqual((model["size_bytes"], model["memory_bytes"]), (700_000_000, 2_000_000_000))
        self.assertEqual(model["accelerator_memory_bytes"], 1_500_000_000)
        self.assertTrue(model["preferred"])
        self.assertEqual(model["changed_at"][:19], "2026-03-01T19:00:00")
        table = self.desk.do("model", "list")
        self.assertRegex(table, r"small:1b +loaded +700 MB +2\.0 GB")
        self.assertIn("llama, 1.2B, Q8_0", self.desk.do("model", "show", "small:1b"))
        # What routing knows of it, once it has read the list again.
        web.wait_until(lambda: self.model("small:1b").get("context_length") == 32768, GUARD, "its context")

    def test_another_machine_is_asked_by_its_name_and_all_by_one_flag(self):
        self.assertEqual({model["node"] for model in self.listed("--node", "box")["models"]}, {"box"})
        self.assertEqual(
            {(model["node"], model["name"]) for model in self.listed("--all")["models"]},
            {("desk", "small:1b"), ("box", "small:1b"), ("box", "large:8b")},
        )
        self.assertRegex(self.desk.do("model", "list", "--all"), r"large:8b +box +on disk +4\.7 GB")

    def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(self):
        self.assertIn("did you mean small:1b?", self.refused("show", "smal:1b"))
        self.assertIn("no peer is called nobody", self.refused("list", "--node", "nobody"))

    # Getting

    def test_a_pull_shows_how_far_it_is_and_then_the_model_answers(self):
        go = self.held(self.at_desk)
        watching = self.watch("new:1b")
        go.set()
        self.assertIn("pulled new:1b to desk (100 MB)", watching.communicate(timeout=GUARD)[0])
        self.assertEqual(watching.returncode, 0)
        listed = [model["id"] for model in web.get(self.desk.port, "/v1/models").json()["data"]]
        self.assertIn("new:1b", listed)
        pulls = self.listed()["pulls"]
        self.assertEqual([(pull["name"], pull["state"]) for pull in pulls if pull["name"] == "new:1b"], [("new:1b", "done")])

    def held(self, ollama: KeepingOllama) -> threading.Event:
        """Pulls of this Ollama stay at a fourth until the event is set."""
        go = threading.Event()
        self.addCleanup(go.set)

        def pull(name: str, say) -> None:
            while not go.wait(0.02):
                say({"status": "pulling aa", "digest": "sha256:aa", "total": 100_000_000, "completed": 25_000_000})
            ollama.whole(name, say)

        ollama.pull = pull
        return go

    def watch(self, name: str, *flags: str) -> subprocess.Popen:
        """A command that pulls, once it has said that a fourth is there."""
        words = [KITH, "model", "pull", name, *flags, *self.here(self.desk)]
        watching = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(watching.stdout.close)
        self.addCleanup(watching.stderr.close)
        for line in watching.stderr:
            if f"{name}: 25 % of 100 MB" in line:
                return watching
        raise AssertionError(f"it ended: {watching.communicate(timeout=GUARD)}")

    def await_pull(self, name: str, state: str, *flags: str) -> dict:
        def found():
            pulls = self.listed(*flags)["pulls"]
            return next((pull for pull in pulls if (pull["name"], pull["state"]) == (name, state)), None)

        return web.wait_until(found, GUARD, f"{name} to be {state}")

    def test_a_pull_goes_on_when_nobody_watches_and_is_seen_again(self):
        go = self.held(self.at_box)
        watching = self.watch("left:1b", "--node", "box")
        watching.send_signal(2)
        self.assertIn("goes on", watching.communicate(timeout=GUARD)[1])
        self.assertRegex(self.desk.do("model", "list", "--node", "box"), r"left:1b +pulling, 25 % +100 MB")
        again = self.watch("left:1b", "--node", "box")
        go.set()
        self.assertIn("pulled left:1b to box", again.communicate(timeout=GUARD)[0])
        self.assertEqual(len(self.at_box.bodies("/api/pull")), 1)

    def test_a_pull_is_ended_and_the_engine_is_told_by_its_connection(self):
        self.held(self.at_box)
        watching = self.watch("ended:1b", "--node", "box")
        self.desk.do("model", "pull", "ended:1b", "--cancel", "--node", "box")
        self.assertTrue(self.at_box.left.wait(GUARD))
        self.assertIn("was cancelled", watching.communicate(timeout=GUARD)[1])
        self.await_pull("ended:1b", "cancelled", "--node", "box")
        self.assertIn("is not being pulled", self.refused("pull", "ended:1b", "--cancel", "--node", "box"))

    def test_why_a_pull_failed_is_told_at_once_and_later(self):
        self.at_desk.pull = lambda name, say: say({"error": "pull model manifest: file does not exist"})
        self.assertIn("file does not exist", self.refused("pull", "nosuch:1b"))
        self.assertIn("nosuch:1b was not pulled to desk", self.desk.do("model", "list"))

    def test_a_pull_beyond_the_budget_is_refused_with_the_numbers(self):
        def pull(name: str, say) -> None:
            say({"status": "pulling cc", "digest": "sha256:cc", "total": 40_000_000_000, "completed": 0})
            while True:  # until the node hangs up
                say({"status": "pulling cc", "digest": "sha256:cc", "total": 40_000_000_000, "completed": 1})

        self.at_desk.pull = pull
        told = self.refused("pull", "huge:70b")
        for words in ("40.0 GB", "700 MB already", "1.0 GB of engine.disk_budget"):
            self.assertIn(words, told)
        self.assertTrue(self.at_desk.left.wait(GUARD))

    def test_a_name_that_is_none_does_not_reach_the_engine(self):
        for name in ("../../etc/passwd", "a b", "http://10.0.0.1/x", "-rf", "x" * 300):
            status, _ = self.api("POST", "/api/models/pull", {"name": name})
            self.assertEqual(status, 422, name)
        self.assertEqual(self.at_desk.bodies("/api/pull"), [])

    # Where they are

    def test_the_plan_says_where_each_model_is_and_who_would_answer(self):
        self.at_box.loaded["large:8b"] = KeepingOllama.FOREVER

        def planned() -> dict | None:
            # Who would answer is known once the box has looked at its models again.
            plan = json.loads(self.desk.do("place", "large:8b", "--json"))
            return plan if "next" in plan["models"][0] else None

        plan = web.wait_until(planned, GUARD, "the box to be planned")
        machines = {machine["node"]: machine for machine in plan["machines"]}
        self.assertEqual(set(machines), {"desk", "box"})
        self.assertGreater(machines["desk"]["machine"]["memory_bytes"], 10**8)
        self.assertEqual(machines["box"]["machine"]["accelerator_bytes"], CARD_MIB << 20)
        (model,) = plan["models"]
        self.assertEqual({place["node"]: place.get("residency") for place in model["places"]}, {"desk": None, "box": "loaded"})
        self.assertEqual((model["size_bytes"], model["need_bytes"]), (4_700_000_000, 2_000_000_000))
        self.assertEqual(model["next"]["node"], "box")
        table = self.desk.do("place")
        self.assertRegex(table, r"small:1b +840 MB +desk: on disk, box: on disk")
        self.assertRegex(table, r"large:8b +2\.0 GB +box: loaded +box: ")
        self.assertRegex(self.desk.do("place", "large:8b"), r"desk +absent")
        with self.assertRaisesRegex(Refused, "did you mean large:8b?"):
            self.desk.do("place", "larg:8b")

    def test_a_model_is_moved_and_unloaded_only_when_it_is_loaded_in_the_other_place(self):
        self.at_desk.loaded["small:1b"] = KeepingOllama.FOREVER
        told = self.desk.do("place", "small:1b", "--on", "box", "--off", "desk")
        self.assertEqual(told.split("\n")[:2], ["loaded small:1b on box", "unloaded small:1b on desk"])
        self.assertEqual((set(self.at_desk.loaded), set(self.at_box.loaded)), (set(), {"small:1b"}))
        self.at_box.loaded["large:8b"] = KeepingOllama.FOREVER
        with self.assertRaisesRegex(Refused, "there is no model 'large:8b' on desk"):
            self.desk.do("place", "large:8b", "--on", "desk", "--off", "box")
        self.assertIn("large:8b", self.at_box.loaded)

    def test_a_model_is_loaded_on_the_machine_where_it_fits(self):
        for ollama in (self.at_desk, self.at_box):
            ollama.models["huge:1t"] = 10**15
        self.listed("--all")  # so that both nodes look again

        def routed() -> dict | None:
            told = self.desk.run("route", "hello", "--model", "huge:1t", "--json", *self.here(self.desk)).stdout
            decision = json.loads(told) if told else {}
            skipped = {skip["node"]: skip["reason"] for skip in decision.get("skipped", [])}
            return skipped if decision.get("node") == "box" and "no-room" in skipped.get("desk", "") else None

        skipped = web.wait_until(routed, GUARD, "the box to be chosen, where it fits")
        self.assertRegex(skipped["desk"], r"no-room\(\d+\.\d GB short\)")
        self.assertRegex(self.desk.do("peers"), r"FREE +POWER")
        self.assertRegex(self.desk.do("status"), r"memory +[\d.]+ .B of [\d.]+ .B free")

    # Memory

    def test_a_model_is_loaded_until_it_is_unloaded_or_for_a_while(self):
        self.assertIn("loaded small:1b on desk (2.0 GB of memory)", self.desk.do("model", "load", "small:1b"))
        self.assertEqual(self.at_desk.bodies("/api/generate")[-1]["keep_alive"], -1)
        self.desk.do("model", "load", "small:1b", "--for", "2h")
        self.assertEqual(self.at_desk.bodies("/api/generate")[-1]["keep_alive"], 7200)
        self.assertEqual(self.model("small:1b")["loaded_until"][:10], "2026-12-31")
        self.desk.do("model", "unload", "small:1b")
        self.assertEqual(self.model("small:1b")["residency"], "on_disk")

    def test_a_model_on_its_way_into_memory_is_seen_to_be(self):
        self.at_box.loads.clear()
        self.addCleanup(self.at_box.loads.set)
        loading = threading.Thread(target=lambda: self.desk.do("model", "load", "large:8b", "--node", "box"))
        loading.start()
        self.addCleanup(loading.join)
        self.addCleanup(self.at_box.loads.set)
        web.wait_until(lambda: self.model("large:8b", "--node", "box")["residency"] == "loading", GUARD, "the loading")
        self.at_box.loads.set()
        web.wait_until(lambda: self.model("large:8b", "--node", "box")["residency"] == "loaded", GUARD, "the end of it")

    def test_a_model_that_only_embeds_is_loaded_by_embedding_nothing(self):
        self.at_box.embedders.add("small:1b")
        self.desk.do("model", "load", "small:1b", "--node", "box")
        self.assertEqual(self.at_box.bodies("/api/embed")[-1]["input"], [])
        self.assertEqual(self.model("small:1b", "--node", "box")["residency"], "loaded")

    # Removing

    def test_nothing_is_removed_without_a_word(self):
        asked = self.desk.run("model", "remove", "large:8b", "--node", "box", *self.here(self.desk))
        self.assertNotEqual(asked.returncode, 0)
        self.assertIn("large:8b (4.7 GB) is taken off the disk of box", asked.stderr)
        self.assertIn("large:8b", self.at_box.models)
        self.assertIn("removed large:8b from box", self.desk.do("model", "remove", "large:8b", "--node", "box", "--yes"))
        self.assertNotIn("large:8b", self.at_box.models)

    def test_the_model_that_the_settings_name_is_removed_by_force_only(self):
        status, told = self.api("DELETE", "/api/models/small:1b")
        self.assertEqual((status, told["error"]["code"]), (409, "preferred"))
        self.assertIn("small:1b", self.at_desk.models)
        self.desk.do("model", "remove", "small:1b", "--yes", "--force")
        self.assertNotIn("small:1b", self.at_desk.models)

    def test_a_model_that_answers_is_removed_by_force_only(self):
        self.at_box.gate.clear()
        self.at_box.loaded["large:8b"] = KeepingOllama.FOREVER
        body = {"model": "large:8b", "messages": [{"role": "user", "content": "hi"}]}
        asking = threading.Thread(target=lambda: web.post(self.box.port, "/v1/chat/completions", body, timeout=GUARD))
        asking.start()
        self.addCleanup(asking.join)
        self.addCleanup(self.at_box.gate.set)
        web.wait_until(lambda: self.at_box.bodies("/api/chat"), GUARD, "the prompt at the engine")
        told = self.refused("remove", "large:8b", "--node", "box", "--yes")
        self.assertIn("is answering prompts", told)
        self.desk.do("model", "remove", "large:8b", "--node", "box", "--yes", "--force")
        self.assertNotIn("large:8b", self.at_box.models)

    def test_a_second_name_takes_nobody_elses(self):
        self.assertIn("name", self.refused("copy", "small:1b", "--as", "small:1b"))
        self.assertIn("small:1b on desk is helper:latest too", self.desk.do("model", "copy", "small:1b", "--as", "helper"))
        self.assertEqual(self.at_desk.bodies("/api/copy"), [{"source": "small:1b", "destination": "helper"}])

    # Whose they are

    def test_a_friends_node_neither_shows_its_models_nor_changes_ours(self):
        self.assertIn("somebody else's node", self.refused("list", "--node", "friend"))
        done = self.friend.run("model", "pull", "x:1b", "--node", "desk", *self.here(self.friend))
        self.assertIn("somebody else's node", done.stderr)
        self.assertNotIn("friend", {model["node"] for model in self.listed("--all")["models"]})
        self.assertEqual(self.at_desk.bodies("/api/pull"), [])

    def test_an_engine_that_cannot_says_why(self):
        done = self.friend.run("model", "pull", "x:1b", *self.here(self.friend))
        self.assertIn("no engine here gets models; echo: it is a test engine", done.stderr)

    def test_what_changes_models_is_in_the_audit_trail_with_who_had_it_done(self):
        self.desk.do("model", "remove", "large:8b", "--node", "box", "--yes")
        told = self.box.do("audit", "--kind", "models.changed", "--json").splitlines()
        lines = [json.loads(line) for line in told]
        self.assertIn((self.desk.id, "removed"), {(line["subject"], line["reason"]) for line in lines})


@unittest.skipUnless(os.environ.get("KITH_SLOW_TESTS"), "it waits for the minutes in which a model is counted: KITH_SLOW_TESTS=1")
class ModelsThatAreInUse(unittest.TestCase):
    """A machine that loads ahead, and one that does not, each with an Ollama that has two small models and a large one."""

    @classmethod
    def setUpClass(cls):
        folder = fresh_folder("models-in-use")
        cls.ollamas = {name: KeepingOllama() for name in ("eager", "idle")}
        cls.nodes = {}
        for name, ollama in cls.ollamas.items():
            ollama.__enter__()
            cls.addClassCleanup(ollama.__exit__, None, None, None)
            ollama.models = {"often:1b": 50_000_000, "seldom:1b": 50_000_000, "large:8b": 4_700_000_000}
            more = {"OLLAMA_BASE_URL": f"http://127.0.0.1:{ollama.port}"}
            if name == "eager":
                more["KITH_ROUTING_LOAD_AHEAD"] = "on"
            cls.nodes[name] = PeerNode(KITH, folder / name, name, None, "ollama", ["--mdns", "off"], more_environment=more)
            cls.addClassCleanup(cls.nodes[name].stop)
            cls.nodes[name].launch()
        for node in cls.nodes.values():
            node.wait()

    def ask(self, model: str) -> None:
        for node in self.nodes.values():
            body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
            answer = node.post("/v1/chat/completions", body)
            self.assertEqual(answer.status, 200, answer.body)

    def orders(self, name: str) -> list[dict]:
        """What an Ollama was told to load, or to keep."""
        return self.ollamas[name].bodies("/api/generate")

    def plan(self, name: str) -> dict:
        return json.loads(self.nodes[name].do("place", "--json"))

    def test_are_kept_in_memory_and_loaded_where_nothing_is_in_it(self):
        (machine,) = self.plan("eager")["machines"]
        if machine["machine"].get("power") == "battery":
            self.skipTest("nothing is loaded ahead on battery")
        eager = self.ollamas["eager"]
        eager.loaded["large:8b"] = KeepingOllama.FOREVER
        for _ in range(10):
            self.ask("seldom:1b")
        for minute in range(MINUTES):
            if minute:
                time.sleep(MINUTE)
            self.ask("often:1b")
        self.assertNotIn("ahead", self.plan("eager"), "nothing is loaded beside another model")
        self.assertEqual(self.orders("eager"), [])
        order = {"model": "often:1b", "keep_alive": 900, "stream": False}
        eager.loaded["often:1b"] = (datetime.now(timezone.utc) + timedelta(seconds=80)).isoformat()
        web.wait_until(lambda: self.orders("eager"), 2 * LOOK, "the model that is in use to be kept")
        self.assertEqual(self.orders("eager"), [order])
        eager.loaded.clear()
        web.wait_until(lambda: "often:1b" in eager.loaded, 2 * LOOK, "the model that is in use to be loaded")
        self.assertEqual(self.orders("eager"), [order, order])
        self.assertNotIn("ahead", self.plan("idle"))
        self.assertEqual(self.orders("idle"), [], "a machine whose owner did not say so loads nothing")


if __name__ == "__main__":
    unittest.main()
