# SPDX-License-Identifier: Apache-2.0
"""What holds for every agent; to be mixed into a test case that says which one it is."""

from __future__ import annotations

import task
from agents import Session
from answering import Mesh
from scripted_model import Place
from surroundings import fresh_folder
from workplace import Outside, Workplace

TURNS = 3
SILENCE = 40


class AgentChecks:
    agent = None

    @classmethod
    def setUpClass(cls):
        cls.agent.program.fetched()
        cls.folder = fresh_folder(cls.__name__)
        cls.mesh = Mesh(cls.folder)
        cls.mesh.__enter__()
        cls.addClassCleanup(cls.mesh.__exit__)

    def setUp(self):
        self.outside = Outside()
        self.addCleanup(self.outside.close)
        self.begin()

    def begin(self) -> None:
        """Has all nodes back, and forgets what was asked so far."""
        self.mesh.restore()
        self.known = {request["id"] for request in self.mesh.journal()}

    def work(self, what: str) -> Session:
        """Has the agent do the task, which has to end well; prints what it took."""
        place = Workplace(self.folder / f"{self.id().rpartition('.')[2]}-{len(list(self.folder.iterdir()))}")
        session = self.agent.work(place, self.mesh.asked.url, self.outside)
        asked = [request for request in self.mesh.journal() if request["id"] not in self.known]
        self.asked_again = len(asked) - TURNS
        continued = sum(len(request["continuations"]) for request in asked)
        print(
            f"\n    {what}: {session.finished.seconds:.1f} s; the agent asked {len(asked)} times, of which {TURNS} are "
            f"needed; the mesh went on {continued} times by itself; the engines were asked {len(self.mesh.bodies())} times",
            flush=True,
        )
        said = f"{session.finished.tail()}\n{asked}"
        self.assertIsNone(session.failure, said)
        self.assertEqual(session.finished.status, 0, said)
        self.assertEqual(place.written, task.content_of(place.hello), said)
        self.assertIn(place.alpha, session.words, said)
        self.assertIn(place.beta, session.words, said)
        self.assertEqual(self.outside.wanted, [], "it wanted to leave this machine")
        return session

    def work_losing(self, place: Place) -> Session:
        self.mesh.kill_at(place)
        session = self.work(f"kill -9 in turn {place.turn}, {place.kind}, piece {place.number}")
        self.assertEqual(len(self.mesh.lost), 1, "the answering node was not killed")
        return session

    def test_it_writes_a_file_makes_two_calls_at_once_and_tells_what_they_gave(self):
        self.work("undisturbed")
        self.assertEqual(self.asked_again, 0)
        self.assertEqual(len(self.mesh.bodies()), TURNS)
        self.assertTrue(any(map(task.has_both_results_of_one_turn, self.mesh.bodies())))

    def test_what_was_sent_before_stays_the_same_so_that_engines_know_it_again(self):
        self.work("undisturbed")
        bodies = sorted(self.mesh.bodies(), key=lambda body: len(body["messages"]))
        for earlier, later in zip(bodies, bodies[1:]):
            self.assertEqual(_text(later["tools"]), _text(earlier["tools"]))
            for before, after in zip(earlier["messages"], later["messages"]):
                self.assertEqual(_text(after), _text(before))

    def test_its_thoughts_come_back_to_the_model(self):
        self.work("undisturbed")
        last = max(self.mesh.bodies(), key=lambda body: len(body["messages"]))
        thoughts = [message.get("reasoning_content") for message in last["messages"] if message["role"] == "assistant"]
        self.assertEqual(thoughts, [task.THOUGHTS] * (TURNS - 1))

    def test_it_waits_for_an_engine_that_is_silent_at_first(self):
        self.work("undisturbed")  # so that the node knows how fast the engine usually is
        self.begin()
        self.mesh.be_silent(SILENCE)
        session = self.work(f"{SILENCE} s of silence")
        self.assertGreaterEqual(session.finished.seconds, SILENCE)
        self.assertEqual(self.asked_again, 0)
        self.assertEqual(len(self.mesh.bodies()), TURNS)

    def test_it_outlives_a_node_that_is_killed_in_a_thought(self):
        self.work_losing(Place(1, "thought", 3))

    def test_it_outlives_a_node_that_is_killed_in_the_text_before_a_call(self):
        self.work_losing(Place(1, "text", 3))

    def test_it_outlives_a_node_that_is_killed_in_a_call(self):
        self.work_losing(Place(1, "call 1", 5))

    def test_it_outlives_a_node_that_is_killed_in_the_second_of_two_calls(self):
        self.work_losing(Place(2, "call 2", 2))

    def test_it_outlives_a_node_that_is_killed_in_the_last_words(self):
        self.work_losing(Place(3, "text", 5))


def _text(value: object) -> str:
    """With members in the order in which they came."""
    return task.arguments_text(value)
