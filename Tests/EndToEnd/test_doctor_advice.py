# SPDX-License-Identifier: Apache-2.0
"""What `kith doctor` advises about a node by itself is done, as it says it, and then it has to be content.

Beside this there are test_doctor_files and test_doctor_peers.
"""

import os
import re
import socket
import sys
import unittest
from pathlib import Path

import doctor_advice
import test_doctor
import test_doctor_files
import test_doctor_peers
from examined import AS_NOBODY, GUARD, QUIET, Followed, as_nobody, follows
from lab import ports, web
from lab.process import Process
from seed_stand_ins import SYNTH_MIND

LINUX = sys.platform == "linux"


class Complete(unittest.TestCase):
    def test_all_that_the_doctor_advises_is_followed_by_a_test_or_excused(self):
        followed = set()
        for module in (sys.modules[__name__], test_doctor, test_doctor_files, test_doctor_peers):
            for case in vars(module).values():
                if isinstance(case, type) and issubclass(case, unittest.TestCase):
                    followed.update(*(getattr(test, "advice", ()) for test in vars(case).values()))
        known, said = followed | set(doctor_advice.EXCUSED), doctor_advice.in_source()
        self.assertEqual(said - known, set(), "follow it in a test, or say in doctor_advice why none can")
        self.assertEqual(known - said, set(), "the doctor does not say that any more")
        self.assertEqual(followed & set(doctor_advice.EXCUSED), set(), "what is followed needs no excuse")


class Settings(Followed):
    def of(self, text: str) -> list:
        return ["--data-dir", self.settings(text)]

    def write(self, place: str, line: str) -> None:
        """Puts it where the doctor says: a file, a comma and a line."""
        file, number = re.fullmatch(r"(.+), line (\d+)", place).groups()
        lines = Path(file).read_text().splitlines()
        lines[int(number) - 1] = line
        Path(file).write_text("\n".join(lines) + "\n")

    @follows("write … in place of … (…)")
    def test_a_misspelt_setting_is_written_as_the_doctor_has_it(self):
        node = self.of("engine: {kind: echo}\nprot: 0\npeer: {port: 0}\n")
        advice = self.advised(self.doctor(*node), "settings", "unknown setting prot", 2)
        right, place = re.match(r"write (\S+) in place of prot \((.+)\)", advice["fix"]).groups()
        self.assertRegex(self.typed(advice["command"]), rf"(?m)^{right} ")
        self.write(place, f"{right}: 0")
        self.assert_mended(*node)

    @follows("remove … (…); the command lists all names")
    def test_a_setting_that_there_is_none_like_is_removed(self):
        node = self.of(QUIET + "zzzzqq: 1\n")
        advice = self.advised(self.doctor(*node), "settings")
        name, place = re.match(r"remove (\S+) \((.+)\);", advice["fix"]).groups()
        self.assertNotIn(name, self.typed(advice["command"]))
        self.write(place, "")
        self.assert_mended(*node)

    @follows("give … … (…)")
    def test_a_value_of_the_wrong_kind_is_made_one_of_the_kind_that_is_named(self):
        node = self.of("engine: {kind: echo}\nport: never\npeer: {port: 0}\n")
        advice = self.advised(self.doctor(*node), "settings")
        least, place = re.search(r"a whole number from (\d+) to 65535 \((.+)\)", advice["fix"]).groups()
        self.typed(advice["command"])
        self.write(place, f"port: {least}")
        self.assert_mended(*node)

    @follows("set a member of it, such as … (…)")
    def test_of_a_group_a_member_is_set(self):
        node = self.of("engine: {kind: echo}\nport: 0\npeer: 7\n")
        said = self.advised(self.doctor(*node), "settings")["fix"]
        group, member, place = re.search(r"such as (\w+)\.(\w+) \((.+)\)", said).groups()
        self.write(place, f"{group}: {{{member}: 127.0.0.0/8}}")
        self.assert_mended(*node)

    @follows("take it out of … and use …")
    def test_what_cannot_stand_in_a_file_is_given_by_the_flag_that_is_named(self):
        folder = self.settings(QUIET + f"data_dir: {self.folder}\n")
        said = self.advised(self.doctor("--data-dir", folder), "settings")["fix"]
        place, flag = re.match(r"take it out of (.+) and use (--\S+)", said).groups()
        self.write(place, "")
        self.assert_mended(flag, folder)

    @follows("make a key for whoever is to ask it, then start it")
    def test_without_a_key_for_those_on_other_machines_one_is_made(self):
        node = self.of(QUIET + "host: 0.0.0.0\ntls: {mode: own}\n")
        advice = self.advised(self.doctor(*node), "settings", "nobody has a key", 2)
        self.assertIn("kith_", self.typed(advice["command"]))
        self.assert_mended(*node)

    @follows("make … a readable file in the form that it says")
    def test_a_file_that_is_no_yaml_is_mended(self):
        node = self.of("engine: {kind: echo\nport: 0\n")
        said = self.advised(self.doctor(*node), "settings")["fix"]
        Path(re.match(r"make (\S+) a readable file", said)[1]).write_text(QUIET)
        self.assert_mended(*node)

    @follows("the sentence says what is missing (…)")
    def test_what_a_setting_needs_beside_it_is_set(self):
        certificate, key = self.certificate(90)
        node = self.of(QUIET + f"tls: {{certificate: '{certificate}'}}\n")
        seen = self.advised(self.doctor(*node), "settings")["seen"]
        self.assert_mended(*node, re.search(r"set tls\.key \((--\S+)\)", seen)[1], key)

    @follows(
        "tls.certificate is the certificate with those that lead to its issuer, tls.key its private key, both in PEM "
        "form"
    )
    def test_a_certificate_that_is_missing_is_put_there(self):
        certificate, key = (self.folder / name for name in ("certificate.pem", "key.pem"))
        node = self.of(QUIET + f"tls: {{certificate: '{certificate}', key: '{key}'}}\n")
        self.advised(self.doctor(*node), "certificate")
        self.certificate(90)
        self.assert_mended(*node)

    @follows("renew it and put the new one in its place; a running node takes it up by itself")
    def test_a_certificate_that_ends_soon_is_renewed(self):
        certificate, key = self.certificate(3)
        node = self.of(QUIET + f"tls: {{certificate: '{certificate}', key: '{key}'}}\n")
        self.advised(self.doctor(*node), "certificate")
        self.certificate(90)
        self.assert_mended(*node)

    @follows("correct that line; the others hold")
    def test_a_line_of_the_peers_file_is_corrected(self):
        peer = self.stand_in({"/api/state": SYNTH_MIND})
        folder = self.settings(QUIET)
        (folder / "config" / "peers.txt").write_text(f"{peer.url}/api/generate\nhtp:/nowhere\n")
        found = self.doctor("--data-dir", folder)
        seen = self.advised(found, "peers_file", "line 2: does not begin with an address", 1)["seen"]
        self.write(re.match(r"(.+, line \d+): ", seen)[1], "")
        self.assert_mended("--data-dir", folder)


class Ports(Followed):
    def taken(self) -> tuple[int, Path]:
        holder = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(holder.close)
        port = holder.getsockname()[1]
        return port, self.settings(f"engine: {{kind: echo}}\nport: {port}\npeer: {{port: 0}}\n")

    @follows("end …, or choose another port")
    def test_beside_a_port_that_is_taken_another_one_is_chosen(self):
        port, folder = self.taken()
        seen = rf"taken by .*process {os.getpid()}"
        command = self.advised(self.doctor("--data-dir", folder), "port", seen, 2)["command"]
        self.assertEqual(command, f"kith setup --yes --port {port + 1}")
        self.set_up(command, folder)
        self.assert_mended("--data-dir", folder)

    @as_nobody
    @follows("see who has it with: sudo ss -ltnp 'sport = :…'; end that program, or choose another port")
    def test_who_may_not_see_the_holder_chooses_another_port_too(self):
        _, folder = self.taken()
        self.hand_over(folder)
        command = self.advised(self.doctor("--data-dir", folder, before=AS_NOBODY), "port")["command"]
        self.set_up(command, folder, before=AS_NOBODY)
        self.assert_mended("--data-dir", folder, before=AS_NOBODY)

    @as_nobody
    @follows("choose one above 1023")
    def test_in_place_of_a_port_of_the_systems_one_above_them_is_chosen(self):
        folder = self.settings("engine: {kind: echo}\nport: 917\npeer: {port: 0}\n")
        self.hand_over(folder)
        command = self.advised(self.doctor("--data-dir", folder, before=AS_NOBODY), "port")["command"]
        self.set_up(command, folder, before=AS_NOBODY)
        self.assert_mended("--data-dir", folder, before=AS_NOBODY)

    @unittest.skipUnless(LINUX, "the command is one of Linux")
    @follows("choose one that it has; the command lists them")
    def test_in_place_of_an_address_of_another_machine_one_of_this_is_chosen(self):
        folder = self.settings("engine: {kind: echo}\nport: 0\npeer: {host: 192.0.2.1, port: 7443}\n")
        command = self.advised(self.doctor("--data-dir", folder), "port")["command"]
        own = re.search(r"inet (127\.\S+)/8", self.typed(command))[1]
        self.assert_mended("--data-dir", folder, "--peer-host", own, "--peer-port", "0")

    @follows(
        "the node runs without this role: the settings changed since its start, or its flags said otherwise; start it "
        "again"
    )
    def test_a_role_that_was_added_is_there_once_the_node_was_started_again(self):
        folder = self.settings(QUIET)
        node = self.typed_to_stay("kith up", folder)
        more = f"roles: node,cell\ncell: {{port: {ports.free_port()}}}\n"
        (folder / "config" / "kith.yaml").write_text(QUIET + more)
        command = self.advised(self.doctor("--data-dir", folder), "connect")["command"]
        node.stop()
        self.typed_to_stay(command, folder)
        self.assert_mended("--data-dir", folder)

    @follows("end that process, start the node again, and look into its log")
    def test_a_node_that_hangs_is_ended_and_started_again(self):
        folder = self.settings(QUIET)
        node = self.typed_to_stay("kith up", folder)
        node.pause()
        found = self.doctor("--data-dir", folder)
        command = self.advised(found, "node", "holds .* and does not answer", 2)["command"]
        node.kill()
        self.typed_to_stay(command, folder)
        self.assert_mended("--data-dir", folder)


class Engines(Followed):
    def engine(self, kind: str, url: str, more: str = "") -> Path:
        engine = f"engine: {{kind: {kind}, {kind}: {{base_url: '{url}'}}{more}}}\n"
        return self.settings("port: 0\npeer: {port: 0}\n" + engine)

    @staticmethod
    def openai(*models: str) -> dict:
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        choice = {"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}
        return {
            "/v1/models": {"data": [{"id": model} for model in models]},
            "/v1/chat/completions": {"id": "c", "model": "m", "choices": [choice], "usage": usage},
        }

    @follows("start that server, or correct engine.openai.base_url (OPENAI_BASE_URL) and its key")
    def test_a_server_of_openais_kind_that_is_down_is_started(self):
        port = ports.free_port()
        folder = self.engine("openai", f"http://127.0.0.1:{port}/v1")
        self.advised(self.doctor("--data-dir", folder), "engine")
        self.stand_in(self.openai("m"), port=port)
        self.assert_mended("--data-dir", folder)

    @follows("start that program again, as it was started before")
    def test_a_server_that_was_found_and_is_gone_is_started_again(self):
        server = self.stand_in(self.openai("m"))
        port = int(server.url.rpartition(":")[2])
        found = {"KITH_ENGINE_SERVERS": server.url, "OLLAMA_BASE_URL": "http://127.0.0.1:9", "PATH": "/usr/bin:/bin"}
        flags = ["--engine-dir", self.folder / "no-engine", "--mdns", "off"]
        node = self.node("desk", *flags, engine="auto", more_environment=found)
        web.wait_until(lambda: web.get(node.port, "/health/ready").status == 200, GUARD, "the server is found")
        server.stop()
        web.wait_until(lambda: web.get(node.port, "/health/ready").status != 200, GUARD, "it is missed")
        self.advised(self.doctor("--data-dir", node.folder), "engine", "cannot connect to .* at http://127", 2)
        self.stand_in(self.openai("m"), port=port)
        web.wait_until(lambda: web.get(node.port, "/health/ready").status == 200, GUARD, "it is back")
        self.assert_mended("--data-dir", node.folder)

    @follows("load a model there, or name one that it offers with --model")
    def test_a_model_that_is_not_there_gives_way_to_one_that_is(self):
        folder = self.engine("openai", self.stand_in(self.openai("small")).url + "/v1", ", model: large")
        seen = self.advised(self.doctor("--data-dir", folder), "engine")["seen"]
        self.assert_mended("--data-dir", folder, "--model", re.search(r"it offers (\S+)", seen)[1])

    def ollama(self, port: int) -> None:
        """Two commands of Ollama's: the server of the test, and its list of models."""
        (self.folder / "models").write_text("[]")
        self.shell_environment()
        program = self.folder / "bin" / "ollama"
        program.write_text(OLLAMA.format(python=sys.executable, port=port, models=self.folder / "models"))
        program.chmod(0o755)

    @follows(
        "start Ollama, or correct engine.ollama.base_url", "let Ollama fetch it, or name one that is there",
    )  # fmt: skip
    def test_ollama_is_started_and_fetches_the_model(self):
        port = ports.free_port()
        self.ollama(port)
        folder = self.engine("ollama", f"http://127.0.0.1:{port}", ", model: llama3.2")
        serve = self.advised(self.doctor("--data-dir", folder), "engine")["command"]
        server = Process(["sh", "-c", f"exec {serve}"], self.folder / "ollama.log", self.shell_environment(), self.folder)
        self.addCleanup(server.stop)
        self.typed(f"until curl -s http://127.0.0.1:{port}/api/version; do sleep 0.1; done")
        seen = r"the model llama3\.2 is not there: it offers other:latest"
        self.typed(self.advised(self.doctor("--data-dir", folder), "engine", seen, 2)["command"])
        self.assert_mended("--data-dir", folder)


OLLAMA = """#!{python}
import http.server, json, pathlib, sys
models = pathlib.Path("{models}")
if sys.argv[1] == "pull":
    models.write_text(json.dumps([{{"name": sys.argv[2] + ":latest"}}]))
    sys.exit()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        offered = json.loads(models.read_text()) or [{{"name": "other:latest"}}]
        self.say({{"version": "0.9.0"}} if self.path == "/api/version" else {{"models": offered}})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        words = {{"message": {{"role": "assistant", "content": "yes"}}, "done": True, "eval_count": 1}}
        self.say(words if self.path == "/api/chat" else {{}})

    def say(self, answer):
        body = json.dumps(answer).encode() + b"\\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson" if self.path == "/api/chat" else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", {port}), Handler).serve_forever()
"""


if __name__ == "__main__":
    unittest.main()
