# SPDX-License-Identifier: Apache-2.0
"""Programs on other machines that check the node's certificate: curl, and Python at its strictest."""

import json
import shutil
import ssl
import subprocess
import sys
import unittest
import urllib.request

from lab import ports
from lab.process import environment
from surroundings import KITH, fresh_folder

NAME = "desk.example"
GUARD = 60


class OneThatTheNodeMakesItself(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = fresh_folder(cls.__name__)
        cls.port = ports.free_port()
        cls.kith(
            "up", "--background", "--engine", "count", "--port", str(cls.port), "--peer-port", "0", "--mdns", "off", "--tls",
            "--require-key", "--allowed-hosts", NAME,
        )  # fmt: skip
        cls.addClassCleanup(cls.kith, "down")
        cls.authority = cls.folder / "state" / "tls" / "authority.pem"
        made = cls.kith("key", "create", "--name", "phone", "--scope", "chat,read", "--json")
        cls.key = json.loads(made.stdout)["key"]

    @classmethod
    def kith(cls, *words: str) -> subprocess.CompletedProcess:
        command = [KITH, *words, "--data-dir", cls.folder]
        return subprocess.run(
            command, env=environment(), capture_output=True, text=True, timeout=GUARD, check=True
        )

    def curl(self, url: str, *more: str) -> subprocess.CompletedProcess:
        command = ["curl", "--silent", "--show-error", "--max-time", str(GUARD), *more, url]
        return subprocess.run(
            [*command, "--header", f"Authorization: Bearer {self.key}"], capture_output=True, text=True, timeout=GUARD
        )

    @unittest.skipUnless(shutil.which("curl"), "curl not found")
    def test_curl_reaches_the_node_by_each_of_its_names(self):
        for name in (NAME, "localhost", "127.0.0.1"):
            with self.subTest(name=name):
                there = f"{name}:{self.port}:127.0.0.1"
                done = self.curl(
                    f"https://{name}:{self.port}/v1/models", "--cacert", self.authority, "--resolve", there
                )
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("count", done.stdout)

    @unittest.skipUnless(shutil.which("curl"), "curl not found")
    def test_curl_refuses_another_name_and_who_does_not_know_the_authority(self):
        url = f"https://other.example:{self.port}/v1/models"
        there = f"other.example:{self.port}:127.0.0.1"
        self.assertEqual(self.curl(url, "--cacert", self.authority, "--resolve", there).returncode, 60)
        self.assertEqual(self.curl(f"https://localhost:{self.port}/v1/models").returncode, 60)

    def test_python_accepts_it_by_the_strictest_rules(self):
        context = ssl.create_default_context(cafile=self.authority)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        request = urllib.request.Request(
            f"https://localhost:{self.port}/v1/models", headers={"Authorization": f"Bearer {self.key}"}
        )
        with urllib.request.urlopen(request, context=context, timeout=GUARD) as answer:
            self.assertEqual(answer.status, 200)

    def test_the_openai_client_checks_it_with_nothing_but_the_environment(self):
        words = (
            "from openai import OpenAI; print(OpenAI().chat.completions.create("
            "model='count', messages=[{'role': 'user', 'content': 'hi'}], max_tokens=3).choices[0].message.content)"
        )
        settings = {
            "OPENAI_BASE_URL": f"https://localhost:{self.port}/v1", "OPENAI_API_KEY": self.key,
            "SSL_CERT_FILE": str(self.authority),
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", words], env={**environment(), **settings}, capture_output=True, text=True, timeout=GUARD
        )
        self.assertEqual(done.stdout, "1 2 3\n", done.stderr)

    def test_commands_of_kith_know_the_node_by_its_fingerprint(self):
        fingerprint = self.kith("id").stdout.split("fingerprint")[1].split()[0]
        settings = {
            "KITH_URL": f"https://127.0.0.1:{self.port}", "KITH_KEY": self.key, "KITH_FINGERPRINT": fingerprint,
        }  # fmt: skip
        done = subprocess.run(
            [KITH, "ask", "--max-tokens", "3", "hi"], env=environment(**settings), capture_output=True, text=True, timeout=GUARD
        )
        self.assertEqual(done.stdout, "1 2 3\n", done.stderr)


if __name__ == "__main__":
    unittest.main()
