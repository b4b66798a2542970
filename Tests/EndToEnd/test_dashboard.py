# SPDX-License-Identifier: Apache-2.0
"""The page of a running node: how a browser signs in by the owner's link, over TLS too, and follows what happens."""

import http.client
import ssl
import unittest
from urllib.parse import urlsplit

from lab import web
from lab.peer import PeerNode
from surroundings import KITH, fresh_folder

GUARD = 30
BROWSER = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Site": "none"}


class OneNode:
    """Each test in the clear, and over TLS where every caller needs a key."""

    flags: list[str] = []
    # What the owner's cookie is refused with where it does not count.
    refusal = 403

    @classmethod
    def setUpClass(cls):
        cls.node = PeerNode(KITH, fresh_folder(cls.__name__) / "desk", "desk", flags=cls.flags)
        cls.addClassCleanup(cls.node.stop)
        cls.node.launch()
        command = ("status", "--data-dir", cls.node.folder)
        web.wait_until(lambda: cls.node.run(*command).returncode == 0, GUARD, "the node to answer")

    def connection(self) -> http.client.HTTPConnection:
        return web.loopback(self.node.port, GUARD)

    def ask(self, method: str, path: str, headers: dict) -> http.client.HTTPResponse:
        connection = self.connection()
        self.addCleanup(connection.close)
        connection.request(method, path, headers=headers)
        return connection.getresponse()

    def sign_in(self) -> tuple[str, str]:
        """Returns the field that sets the cookie, and what the page keeps."""
        link = urlsplit(self.node.do("dashboard", "--print").strip())
        self.assertEqual(link.port, self.node.port)
        path = f"{link.path}?{link.query}"
        answer = self.ask("GET", path, BROWSER)
        self.assertEqual(answer.status, 303)
        self.assertEqual(self.ask("GET", path, BROWSER).status, 403)
        self.assertNotIn(link.query.split("=")[1], self.node.log())
        return answer.headers["set-cookie"], answer.headers["location"].removeprefix("/#")

    def own(self, cookie: str, proof: str) -> dict:
        return {"Cookie": cookie.split(";")[0], "Sec-Fetch-Site": "same-origin", "X-Kith-Page": proof}

    def test_is_signed_in_to_by_the_owner_s_link(self):
        own = self.own(*self.sign_in())
        self.assertEqual(self.ask("GET", "/api/keys", own).status, 200)
        self.assertEqual(self.ask("GET", "/api/keys", own | {"Sec-Fetch-Site": "same-site"}).status, 403)
        self.assertEqual(self.ask("POST", "/api/page/links", own).status, 201)
        self.assertEqual(self.ask("DELETE", "/api/page/session", own).status, 204)
        self.assertEqual(self.ask("GET", "/api/keys", own).status, self.refusal)
        self.assertNotIn(own["Cookie"].split("=")[1], self.node.log())
        web.wait_until(
            lambda: {"link.created", "session.opened", "session.closed"} <= {line["kind"] for line in self.node.audit()},
            GUARD, "the audit trail to say so",
        )  # fmt: skip

    def test_is_served_with_everything_that_it_names(self):
        answer = self.ask("GET", "/", BROWSER)
        page = answer.read().decode()
        if "<html" not in page:
            self.skipTest("this program was built without the page")
        self.assertIn("script-src 'self'", answer.headers["content-security-policy"])
        parts = [part.split('"')[0] for part in page.split('="/page/')[1:]]
        self.assertGreaterEqual(len(parts), 3)
        for part in parts:
            self.assertEqual(self.ask("GET", f"/page/{part}", {}).status, 200, part)

    def test_goes_on_with_events_where_a_lost_connection_was(self):
        own = self.own(*self.sign_in())
        path = "/api/events?kinds=context"
        first = self.ask("GET", path, own)
        self.node.do("context", "set", "branch", "one")
        seen = self.lines(first, "data: ")
        self.assertIn('"one"', seen[-1])
        place = [line for line in seen if line.startswith("id: ")][-1].removeprefix("id: ")
        first.close()
        self.node.do("context", "set", "branch", "two")
        again = self.lines(self.ask("GET", path, own | {"Last-Event-ID": place}), "data: ")
        self.assertIn('"two"', again[-1])
        lost = self.lines(self.ask("GET", f"{path}&last-event-id=1-1", own), "event: ")
        self.assertEqual(lost[-1], "event: gap")

    def lines(self, answer: http.client.HTTPResponse, last: str) -> list[str]:
        """The lines up to one that begins so."""
        lines = []
        while not lines or not lines[-1].startswith(last):
            line = answer.readline()
            self.assertTrue(line, "the stream ended")
            lines.append(line.decode().rstrip("\n"))
        return lines


class ThePage(OneNode, unittest.TestCase):
    def test_leaves_programs_their_text(self):
        answer = self.node.get("/")
        self.assertTrue(answer.body.startswith(b"kith "), answer.body)


class ThePageOverTLS(OneNode, unittest.TestCase):
    flags = ["--tls", "--require-key"]
    refusal = 401

    def connection(self) -> http.client.HTTPConnection:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.node.port, timeout=GUARD, context=context)

    def test_has_a_cookie_that_is_sent_over_tls_alone(self):
        cookie, _ = self.sign_in()
        self.assertTrue(cookie.startswith(f"__Host-kith-page-{self.node.port}="), cookie)
        for attribute in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(attribute, cookie)
