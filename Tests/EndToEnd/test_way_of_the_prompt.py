# SPDX-License-Identifier: Apache-2.0
"""What happens to others: one client's fault, an engine that goes and comes back, clients that leave or come all at once."""

import asyncio
import random
import threading
import time
import unittest
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from lab import measuring, ports, web
from lab.family import pause_until
from lab.leaving import Tally, Worker
from lab.marked_engine import Engine
from lab.peer import PeerNode, befriend
from stub_engine import HungUp, Reply, Request, StubEngine
from stub_nodes import GUARD, Heard, ask, ask_at_once, node_with, pair_with
from surroundings import KITH, fresh_folder

STREAMED = {"plain": {}, "streamed": {"stream": True}}
PICTURE = [
    {"role": "user", "content": [
        {"type": "text", "text": "a picture"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
    ]}
]  # fmt: skip


class ClientsThatLeave(unittest.TestCase):
    """Half of sixteen clients at a time leave, through a kin whose engine keeps its connections open."""

    SECONDS, WORKERS = 5, 16

    def test_nobody_else_loses_an_answer_and_no_node_dies(self):
        seed = random.randrange(1 << 32)
        print(f"\n    seed {seed}", flush=True)
        nodes = asked, answering = self.start()
        tally = Tally()
        asyncio.run(self.work(asked.port, tally, random.Random(seed), 0.02))
        for node in nodes:
            self.assertTrue(node.process.is_running, node.log()[-2000:])
        print(f"    {dict(tally.ends)}")
        self.assertEqual(tally.faults, [])
        self.assertGreater(tally.ends["whole"], 0)
        web.wait_until(lambda: answering.status()["engine"]["active"] == 0, GUARD, "slots that are free")

    def test_leave_nothing_behind(self):
        """A stream that was not let go once cost 3 KB an answer."""
        nodes = self.start()
        chance = random.Random(1)

        def answers() -> int:
            tally = Tally()
            asyncio.run(self.work(nodes[0].port, tally, chance, 0))
            return tally.ends["whole"] + tally.ends["left by the client"]

        answers()  # what the first ones cost once is not growth
        before = [measuring.memory([node.process.pid])["Anonymous"] for node in nodes]
        count = answers() + answers()
        for node, memory in zip(nodes, before):
            growth = measuring.memory([node.process.pid])["Anonymous"] - memory
            print(f"\n    {node.name}: {growth / 1024:.0f} KB more after {count} answers", end="")
            self.assertLess(growth, count * 1024 + (1 << 20))
        print()

    def start(self) -> list[PeerNode]:
        port = ports.free_port()
        self.serve_marked_answers(port)
        settings = {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "KITH_ENGINE_SLOTS": "256"}
        folder = fresh_folder(self.id().rsplit(".", 1)[-1])
        nodes = [
            PeerNode(KITH, folder / name, name, None, engine, ["--mdns", "off"], more_environment=settings)
            for name, engine in (("asked", "none"), ("answering", "openai"))
        ]
        for node in nodes:
            self.addCleanup(node.stop)
            node.start(path="/health/live")
        befriend(nodes)
        nodes[0].wait()
        return nodes

    def serve_marked_answers(self, port: int) -> None:
        loop, over = asyncio.new_event_loop(), asyncio.Event()

        async def serve():
            server = await asyncio.start_server(Engine().serve, "127.0.0.1", port, backlog=512)
            await over.wait()
            server.close()

        thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
        thread.start()
        self.addCleanup(loop.call_soon_threadsafe, over.set)
        web.wait_until(lambda: web.get(port, "/v1/models", timeout=2).status == 200, GUARD, "the engine")

    async def work(self, port: int, tally: Tally, chance: random.Random, pause: float) -> None:
        over = asyncio.Event()
        workers = [Worker(port, random.Random(chance.random()), tally, 0.5).work(over, pause) for _ in range(self.WORKERS)]
        running = asyncio.gather(*workers)
        await asyncio.sleep(self.SECONDS)
        over.set()
        await running


class OneClientsFault(unittest.TestCase):
    """What one client's request does wrong leaves the next client's route as it was."""

    # What the engine says to it, and what the client sends beside its words, which are the name.
    FAULTS = {
        "a bad request": (400, "Unknown parameter: 'zulu'.", {"zulu": 1}),
        "a field that is not there": (404, "There is no such thing here.", {"alpha": 1}),
        "a request that cannot be processed": (422, "Field required", {}),
        "a body that is too large": (413, "Request too large.", {}),
        "a key that is refused once": (401, "Incorrect API key provided.", {}),
        "a right that is missing once": (403, "You are not allowed to sample.", {}),
        "a picture": (400, "This model does not support image input.", {"messages": PICTURE}),
        "a response format": (400, "response_format is not supported.", {"response_format": {"type": "json_object"}}),
        "a tool": (500, "tools param requires --jinja flag", {"tools": [{"type": "function", "function": {"name": "f"}}]}),
        "vectors": (501, "This server does not support embeddings.", {"path": "/v1/embeddings", "input": "vectors"}),
        "vectors of no such route": (404, "Not Found", {"path": "/v1/embeddings", "input": "vectors of no such route"}),
    }

    @classmethod
    def setUpClass(cls):
        cls.engine = StubEngine(cls.answer)
        cls.addClassCleanup(cls.engine.stop)
        cls.pair = pair_with(cls.engine, fresh_folder(cls.__name__))
        cls.addClassCleanup(cls.pair.stop)

    @classmethod
    def answer(cls, request: Request, reply: Reply) -> None:
        fault = next((fault for name, fault in cls.FAULTS.items() if f'"{name}"'.encode() in request.body), None)
        if fault:
            reply.error(*fault[:2])
        else:
            reply.say(request, "hello")

    def test_does_not_hold_back_the_next_client(self):
        for name, (_, _, fields) in self.FAULTS.items():
            for kind, stream in STREAMED.items():
                if stream and "path" in fields:
                    continue
                for way, node in self.pair.ways.items():
                    with self.subTest(name, kind=kind, way=way):
                        refused = ask(node, name, **stream, **fields)
                        self.assertGreaterEqual(refused.status, 400, refused)
                        heard = ask(node, **stream)
                        self.assertEqual((heard.status, heard.status == 200 and heard.text), (200, "hello"), heard)

    def test_is_said_as_the_client_s_fault(self):
        for way, node in self.pair.ways.items():
            for name, status in (("a bad request", 400), ("a request that cannot be processed", 422), ("a picture", 400)):
                with self.subTest(name, way=way):
                    refused = ask(node, name, **self.FAULTS[name][2])
                    self.assertEqual(refused.status, status, refused)
                    # That a model takes no pictures is remembered, and then said without asking it.
                    words = (self.FAULTS[name][1], "no engine that has the model offers pictures")
                    self.assertIn(refused.error["message"], words if name == "a picture" else words[:1])

    def test_is_no_reason_to_come_again_when_it_asks_for_a_node_that_is_not_there(self):
        for way, node in self.pair.ways.items():
            with self.subTest(way=way):
                refused = ask(node, headers={"x-kith-node": "nosuch"})
                self.assertIn(refused.status, range(400, 500), refused)
                self.assertIn("nosuch", refused.error["message"])


class AnEngineThatGoes(unittest.TestCase):
    DOWN = 4.0

    def setUp(self):
        self.engine = StubEngine()
        self.addCleanup(self.engine.stop)
        self.folder = fresh_folder(f"{type(self).__name__}-{self._testMethodName}")

    def assert_comes_again(self, heard: Heard) -> None:
        self.assertEqual(heard.status, 503, heard)
        self.assertGreaterEqual(int(heard.headers["retry-after"] or 0), 1, heard)

    def test_before_it_ever_was_there_is_told_as_something_that_passes(self):
        self.engine.stop()
        node = node_with(self.engine, self.folder)
        self.addCleanup(node.stop)
        node.start(path="/health/live")
        for model in ("auto", "m"):
            for kind, stream in STREAMED.items():
                with self.subTest(model=model, kind=kind):
                    self.assert_comes_again(ask(node, model=model, **stream))

    def test_is_told_as_something_that_passes_and_a_model_that_nobody_has_as_final(self):
        pair = pair_with(self.engine, self.folder)
        self.addCleanup(pair.stop)
        for way, node in pair.ways.items():
            with self.subTest("there", way=way):
                self.assertEqual(ask(node, model="m").status, 200)
                self.assertEqual(ask(node, model="nosuch").status, 404)
        self.engine.stop()
        for way, node in pair.ways.items():
            for model in ("m", "auto"):
                for kind, stream in STREAMED.items():
                    with self.subTest("gone", way=way, model=model, kind=kind):
                        heard = ask(node, model=model, **stream)
                        self.assertIn(heard.status, (502, 503, 504), heard)
                        heard = ask(node, model=model, **stream)
                        self.assert_comes_again(heard)

    def test_serves_again_as_soon_as_it_is_back(self):
        pair = pair_with(self.engine, self.folder)
        self.addCleanup(pair.stop)
        for node in pair.ways.values():
            self.assertEqual(ask(node).status, 200)
        self.engine.stop()
        gone = Counter()
        over = time.monotonic() + self.DOWN
        while time.monotonic() < over:
            # As clients do that do not give up: their failures are not to count against the engine that is back.
            gone.update(ask(node).status for node in pair.ways.values())
            pause_until(time.monotonic() + 0.05)
        self.assertNotIn(200, gone)
        self.assertNotIn(404, gone)
        self.engine.start()
        back = time.monotonic()

        def served(node: PeerNode) -> float:
            web.wait_until(lambda: ask(node).status == 200, GUARD, f"{node.name} to be served")
            return time.monotonic() - back

        with ThreadPoolExecutor(2) as pool:
            took = dict(zip(pair.ways, pool.map(served, pair.ways.values())))
        print(f"\n    served again after {', '.join(f'{seconds:.2f} s {way}' for way, seconds in took.items())}")
        # Two seconds are the aim; the rest is for a machine that does other things too.
        self.assertLess(max(took.values()), 6)


class AHundredAtOnce(unittest.TestCase):
    SLOTS, QUEUE, CLIENTS = 4, 64, 100

    def test_are_answered_or_told_when_to_come_again(self):
        self.running, self.most, self.lock = 0, 0, threading.Lock()
        engine = StubEngine(self.answer)
        self.addCleanup(engine.stop)
        pair = pair_with(engine, fresh_folder(type(self).__name__), "--slots", str(self.SLOTS))
        self.addCleanup(pair.stop)
        for way, node in pair.ways.items():
            with self.subTest(way=way):
                began = time.monotonic()
                heard = ask_at_once(node, self.CLIENTS)
                statuses = Counter(one.status for one in heard)
                print(f"\n    {way}: {dict(statuses)} in {time.monotonic() - began:.1f} s, at most {self.most} at once")
                refused = [one for one in heard if one.status != 200]
                for one in refused:
                    self.assertEqual(one.status, 429, one)
                    self.assertGreaterEqual(int(one.headers["retry-after"] or 0), 1, one)
                self.assertGreaterEqual(statuses[200], self.SLOTS + self.QUEUE, "refused while there was room")
                self.assertLessEqual(self.most, self.SLOTS)
                for number, one in enumerate(heard):
                    if one.status == 200:
                        self.assertEqual(one.text, f"hello {number}")

    def answer(self, request: Request, reply: Reply) -> None:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(0.05)
        with self.lock:
            self.running -= 1
        reply.say(request, f"hello {request.words}")


class ARequestThatMayHaveBeenRead(unittest.TestCase):
    """An engine that closes a connection which it kept, after it has read the next request on it."""

    def test_is_never_sent_again(self):
        engine = StubEngine(self.answer)
        self.addCleanup(engine.stop)
        pair = pair_with(engine, fresh_folder(type(self).__name__))
        self.addCleanup(pair.stop)
        for way, node in pair.ways.items():
            for kind, stream in STREAMED.items():
                for moment in ("at once", "after a while", "in the head"):
                    with self.subTest(moment, way=way, kind=kind):
                        words = f"close {moment}, {way}, {kind}"
                        self.assertEqual(ask(node, **stream).status, 200)
                        heard = ask(node, words, **stream)
                        self.assertTrue(heard.status >= 500 or heard.error, heard)
                        came = [request for request in engine.requests if request.words == words]
                        self.assertEqual(len(came), 1)

    @staticmethod
    def answer(request: Request, reply: Reply) -> None:
        if not request.words.startswith("close"):
            reply.say(request, "hello")
            return
        if "after a while" in request.words:
            time.sleep(0.2)
        if "in the head" in request.words:
            reply.part(b"HTTP/1.1 200 OK\r\nContent-Ty")
        raise HungUp


if __name__ == "__main__":
    unittest.main()
