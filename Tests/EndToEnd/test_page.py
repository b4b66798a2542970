# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser, at a real mesh of three nodes.

Screenshots of every view are left in .build/page.
"""

import re
import time
import unittest

from browser import DESKTOP, PHONE, WHY_NOT
from lab import web
from lab.family import Family
from lab.peer import PeerNode
from selenium.webdriver.common.keys import Keys
from surroundings import KITH, ROOT, fresh_folder

if WHY_NOT is None:
    from browser import Browser

VIEWS = ["mesh", "ask", "work", "culture", "health"]
SHOTS = ROOT / ".build" / "page"


def numbers(last: int) -> str:
    return " ".join(str(number) for number in range(1, last + 1))


@unittest.skipIf(WHY_NOT, WHY_NOT)
class ThePage(unittest.TestCase):
    """One mesh and one browser for all tests: the asked node, and two kin that say slowly what they are asked."""

    @classmethod
    def setUpClass(cls):
        folder = fresh_folder("ThePage")
        slow = ["--tokens-per-second", "15"]
        cls.family = Family(KITH, folder, ["echo", "echo"], [slow, slow]).__enter__()
        cls.addClassCleanup(cls.family.__exit__)
        cls.node = cls.family.asked
        cls.browser = cls.enterClassContext(Browser(folder / "browser"))
        cls.folder = folder
        cls.enter(cls.node)

    @classmethod
    def enter(cls, node: PeerNode) -> None:
        """As `kith dashboard` opens it: by a link that is good once."""
        link = re.search(r"http\S+", node.do("dashboard", "--print")).group()
        cls.browser.open(link)
        cls.browser.wait("h1", "Mesh")

    def setUp(self):
        self.browser.resize(DESKTOP)
        self.browser.prefer(color_scheme="light")
        self.browser.listen()
        self.browser.complaints.clear()
        self.browser.requested.clear()

    def open(self, view: str, query: str = "", node: PeerNode | None = None) -> None:
        self.browser.open(f"{(node or self.node).url}/ui/{view}{query}")
        self.browser.until(lambda: self.browser.find("main[aria-busy=false]"), f"the view {view}")

    def assert_quiet(self):
        """Nothing on the console, and nobody asked but the node."""
        self.browser.listen()
        self.assertEqual(self.browser.complaints, [])
        self.assertEqual(self.browser.foreign(self.node.url.removeprefix("http://")), [])

    def ask(self, message: str) -> None:
        """In a conversation of its own."""
        self.open("ask")
        self.browser.click("button", "New conversation")
        self.browser.wait("#message").send_keys(message, Keys.ENTER)

    # What every view must be

    def test_each_view_opens_without_a_complaint_and_asks_nobody_else(self):
        self.node.do("context", "set", "branch", "main")
        for view in VIEWS:
            with self.subTest(view=view):
                self.open(view)
                self.assert_quiet()

    def test_each_view_is_for_people_who_cannot_see_it_well_too(self):
        for scheme in ["light", "dark"]:
            self.browser.prefer(color_scheme=scheme)
            for view in VIEWS:
                with self.subTest(view=view, scheme=scheme):
                    self.open(view)
                    self.browser.screenshot(SHOTS / f"{view}-{scheme}.png")
                    self.assertEqual(self.browser.violations(), [])

    def test_each_view_fits_on_a_phone(self):
        self.browser.resize(PHONE)
        for view in VIEWS:
            with self.subTest(view=view):
                self.open(view)
                width = self.browser.driver.execute_script("return document.documentElement.scrollWidth")
                self.browser.screenshot(SHOTS / f"{view}-phone.png")
                self.assertLessEqual(width, PHONE[0])

    def test_nobody_else_may_frame_the_page_or_run_scripts_in_it(self):
        policy = web.request(self.node.port, "GET", "/ui/mesh").headers["content-security-policy"]
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"]:
            self.assertIn(part, policy)
        self.assertNotIn("unsafe", policy)

    # Asking

    def test_an_answer_comes_word_by_word_and_says_where_it_is_from(self):
        self.ask(numbers(10))
        self.browser.wait(".message.assistant .said", "3")
        self.assertIsNotNone(self.browser.find(".composer button", "Stop"), "it can be stopped while it comes")
        self.browser.wait(".message.assistant footer", "kin-")
        self.browser.until(lambda: not self.browser.find(".composer button", "Stop"), "the end of the answer")
        self.browser.screenshot(SHOTS / "ask-answered.png")
        self.browser.click(".route summary")
        self.browser.wait(".route dl", "Answered by")
        self.assert_quiet()

    def test_a_reload_in_the_middle_of_an_answer_goes_on_with_it(self):
        self.ask(numbers(30))
        self.browser.wait(".message.assistant .said", "4")
        self.browser.driver.refresh()
        said = self.browser.wait(".message.assistant .said", "3", limit=30)
        self.browser.until(lambda: not self.browser.find(".composer button", "Stop") and "30" in self.last_answer(), "the end", 30)
        self.assertIn("29 30", self.browser.find(".message.user").text)
        self.assertEqual(len(self.browser.driver.find_elements("css selector", ".message.user")), 1, said.text)
        self.assert_quiet()

    def test_stop_ends_the_answer(self):
        self.ask(numbers(200))
        self.browser.wait(".message.assistant .said", "3")
        self.browser.click(".composer button", "Stop")
        self.browser.wait(".mark", "Stopped")

    def test_an_answer_goes_on_when_its_machine_is_killed_and_the_mesh_shows_it(self):
        self.ask(numbers(40))
        self.browser.wait(".message.assistant .said", "5")
        lost = self.family.named(re.search(r"kin-\d", self.browser.find(".message.assistant footer").text).group())
        lost.kill()
        try:
            self.browser.wait(".mark", "went on after")
            self.browser.until(lambda: "40" in self.last_answer(), "the end of the answer", 30)
            self.assertEqual(self.last_answer(), numbers(40), "nothing lost and nothing twice")
            self.browser.screenshot(SHOTS / "ask-continued.png")
            self.browser.click("nav a", "Mesh")
            self.browser.until(lambda: self.state_of(lost.name) in ("down", "suspect"), f"{lost.name} to be shown as lost")
            self.browser.until(lambda: self.state_of(lost.name) == "down", f"{lost.name} to be shown as down")
        finally:
            lost.start(path="/health/ready")
        self.browser.until(lambda: self.state_of(lost.name) == "up", f"{lost.name} to be shown as back", 30)
        self.assert_quiet()
        self.family.wait()

    def last_answer(self) -> str:
        answers = self.browser.driver.find_elements("css selector", ".message.assistant .said")
        return answers[-1].text if answers else ""

    def state_of(self, name: str) -> str | None:
        row = next((row for row in self.browser.driver.find_elements("css selector", "tbody tr") if name in row.text), None)
        return row.find_element("css selector", ".state").text if row else None

    # Working with it

    def test_everything_can_be_done_with_the_keyboard(self):
        self.open("mesh")
        reached = []
        for _ in range(12):
            self.browser.press(Keys.TAB)
            reached.append(self.browser.focused)
            if self.browser.focused == "Invite a machine":
                break
        self.assertIn("Invite a machine", reached)
        self.browser.press(Keys.ENTER)
        self.browser.wait("dialog h2", "Invite a machine")
        self.browser.press(Keys.ESCAPE)
        self.browser.until(lambda: not self.browser.find("dialog"), "the dialog to close")
        self.assertEqual(self.browser.focused, "Invite a machine", "the keyboard is where it was")
        while self.browser.focused != "Ask":
            self.browser.press(Keys.SHIFT + Keys.TAB + Keys.NULL)
        self.browser.press(Keys.ENTER)
        self.browser.until(lambda: self.browser.focused == "Message", "the field for the message")
        self.browser.press(numbers(3), Keys.ENTER)
        self.browser.wait(".message.assistant footer", "kin-")
        self.assert_quiet()

    def test_two_tabs_show_the_same(self):
        self.open("work")
        first = self.browser.driver.current_window_handle
        self.browser.driver.switch_to.new_window("tab")
        try:
            self.open("work")
            self.browser.click(".card-head button", "Add")
            self.browser.wait("#context-key").send_keys("file")
            self.browser.wait("#context-value").send_keys("Main.swift")
            self.browser.click("dialog button", "Save")
            self.browser.wait(".rows", "Main.swift")
        finally:
            self.browser.driver.close()
            self.browser.driver.switch_to.window(first)
        self.browser.wait(".rows", "Main.swift")

    def test_a_machine_is_paired_through_the_pages_of_both(self):
        other = PeerNode(KITH, self.folder / "other", "other", engine="echo", flags=["--mdns", "off"])
        self.addCleanup(other.stop)
        other.start(path="/health/live")
        self.open("mesh")
        self.browser.click("button", "Invite a machine")
        self.browser.click(".choice", "Mine")
        code = self.browser.wait(".pairing-code").text
        self.browser.wait("svg.qr")
        self.browser.screenshot(SHOTS / "mesh-invitation.png")
        first = self.browser.driver.current_window_handle
        self.browser.driver.switch_to.new_window("tab")
        try:
            self.enter(other)
            self.browser.wait("svg g.node.own")  # one that is alone is drawn too
            self.browser.screenshot(SHOTS / "mesh-alone.png")
            self.browser.click("button", "Enter a code")
            self.browser.wait("#join-code").send_keys(code)
            self.browser.click("dialog button[type=submit]", "Pair")
            self.browser.wait(".notice", "Paired with asked")
        finally:
            self.browser.driver.close()
            self.browser.driver.switch_to.window(first)
        self.browser.wait(".notice", "other is paired")
        self.browser.until(lambda: self.state_of("other") == "up", "the new machine in the table")
        self.browser.click("tr summary[aria-label='Actions for other']")
        self.browser.click("tr .menu-items button", "Forget")
        self.browser.click("dialog button", "Forget it")
        self.browser.until(lambda: self.state_of("other") is None, "the machine to be forgotten")

    def test_a_lost_node_is_said_and_found_again_without_a_reload(self):
        self.open("mesh")
        self.browser.driver.execute_script("window.marked = true")
        self.node.kill()
        began = time.monotonic()
        try:
            self.browser.wait(".connection", "Not connected")
            print(f"\n    a killed node was said after {time.monotonic() - began:.2f} s", flush=True)
        finally:
            self.node.start(path="/health/live")
        # Who had signed in is forgotten with the process; what every program here may see is shown again.
        self.browser.wait(".notice", "signed out", limit=30)
        self.browser.wait(".connection", self.node.name)
        self.assertTrue(self.browser.driver.execute_script("return window.marked"), "the page was not loaded anew")
        type(self).enter(self.node)


if __name__ == "__main__":
    unittest.main()
