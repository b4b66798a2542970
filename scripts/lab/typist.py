# SPDX-License-Identifier: Apache-2.0
"""Types the commands of pages into terminals of the lab's hosts, as a person would who reads them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from . import web
from .docs import Page, Step
from .netns import Host, Lab
from .process import ENGINE_DIRECTORY
from .screen import GUARD, Screen
from .tunnel import Tunnel

# Seconds. A command may generate tokens on a machine that is busy with other tests, and a small model now and then goes on to
# its limit of 2,048.
LIMIT = 240
# Of conversations: the model may talk for as long as it likes, and what is tried here is whether the commands work.
SHORT_ANSWERS = {"KITH_LIMITS_DEFAULT_MAX_TOKENS": "12"}
_CODE = re.compile(r"\b(?:[A-Z2-7]{8}-){4,8}[A-Z2-7]{1,8}\b")
_KEY = re.compile(r"\bkith_[\w-]{20,}")
_FINGERPRINT = re.compile(r"\bfingerprint\s+([0-9a-f]{64})\b")
_DARK = "(not shown)"
# The name in a page for the machine that hands have stopped.
_STOPPED = "stopped"


class Disagreement(AssertionError):
    """A block does not do what its page says."""


class Terminal(Screen):
    """A shell of a host, with nothing of the user's own, that notes how each command ended.

    `pace` is the seconds that a key takes, for who wants to see it typed.
    """

    def __init__(self, host: Host, kith: Path, number: int, pace: float, settings: dict[str, str]):
        self.prompt = f"{host.name}$ "
        self.home = host.folder / "home"
        self.home.mkdir(exist_ok=True)
        programs = host.folder / "bin"
        programs.mkdir(exist_ok=True)
        if not (programs / "kith").exists():
            (programs / "kith").symlink_to(kith)
        self._statuses = host.folder / f"statuses-{number}"
        self._statuses.touch()
        shell = [
            "env", "-i", f"HOME={self.home}", f"PATH={programs}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "TERM=xterm-256color", "LC_ALL=C.UTF-8", "NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost",
            f"PROMPT_COMMAND=echo $? >>'{self._statuses}'", f"PS1={self.prompt}",
            *(f"{name}={value}" for name, value in (host.environment() | settings).items()
              if name.startswith("LAB_") or name in settings),
            "sh", "-c", f"cd '{self.home}' && exec bash --norc --noprofile -i",
        ]  # fmt: skip
        super().__init__(host.folder, 100, 50, host.command(*shell))
        self._typed = 0
        self._pace = pace

    @property
    def text(self) -> str:
        """All lines, also those that have gone, and long ones whole."""
        command = [*self.tmux, "capture-pane", "-pJ", "-S", "-3000"]
        return subprocess.run(command, capture_output=True, text=True, timeout=GUARD).stdout

    @property
    def is_free(self) -> bool:
        return len(self._ended()) == self._typed + 1

    def enter(self, command: str) -> None:
        web.wait_until(lambda: self.is_free, GUARD, "the shell's prompt")
        self._typed += 1
        for line in command.split("\n"):
            for part in line if self._pace else [line]:
                self.type("-l", part)
                time.sleep(self._pace)
            self.type("Enter")

    def submit(self, line: str) -> None:
        """All at once, as what is pasted."""
        self.type("-l", line)
        self.type("Enter")

    def wait_for_prompt(self, limit: float, what: str) -> int:
        """How the last command ended."""
        try:
            web.wait_until(lambda: self.is_free, limit, what)
        except TimeoutError as failure:
            raise Disagreement(f"{failure}; the screen says:\n{self.tail()}") from None
        return int(self._ended()[-1])

    def tail(self, lines: int = 25) -> str:
        return "\n".join([line for line in self.text.splitlines() if line.strip()][-lines:])

    def _ended(self) -> list[str]:
        return self._statuses.read_text().split()


class Typist:
    """Terminals of the hosts of one lab. A context manager: they end with it, and what runs in them with the lab."""

    def __init__(self, lab: Lab, kith: Path, pace: float = 0, settings: dict[str, str] = SHORT_ANSWERS):
        self._kith = kith
        self._pace, self._settings = pace, settings
        self._hosts = {host.name: host for host in lab.hosts}
        self._terminals: dict[str, list[Terminal]] = {name: [] for name in self._hosts}
        self._tunnels: list[Tunnel] = []
        self.stopped = ""
        self.hands = Hands(self)
        names = "".join(f"{host.address} {host.name}\n" for host in lab.hosts)
        for host in lab.hosts:  # as the name service of a router at home
            with (host.folder / "hosts").open("a") as file:
                file.write(names)

    def __enter__(self) -> "Typist":
        return self

    def __exit__(self, *_: object) -> None:
        for name, several in self._terminals.items():
            for number, terminal in enumerate(several, 1):
                (self._hosts[name].folder / f"terminal-{number}.txt").write_text(terminal.text)
                terminal.__exit__()
        for tunnel in self._tunnels:
            tunnel.__exit__()
        for name in self._hosts:  # what failed is left to be looked into, but for this
            shutil.rmtree(self._engine_of(name), ignore_errors=True)

    def type_page(self, page: Page) -> None:
        for step in page.steps:
            began = time.monotonic()
            if step.why_not is not None:
                print(f"    {step} not typed: {step.why_not}")
                continue
            if step.deed is not None:
                self.hands.do(step.deed)
                continue
            try:
                self._type(step)
            except (Disagreement, TimeoutError) as failure:
                raise Disagreement(f"{step} on {step.host}: {failure}") from None
            first = step.commands[0].split("#")[0].strip()
            print(f"    {step} on {step.host}: {first} … {time.monotonic() - began:.1f} s")

    def _type(self, step: Step) -> None:
        terminal = self.free_terminal(step.host)
        seen = len(terminal.text.rstrip())
        commands = [self._filled(command, step.values_from) for command in step.commands]
        for number, command in enumerate(commands, 1):
            if "kith engine install" in command or "kith setup" in command and "--no-engine" not in command:
                self._have_engine(step.host)
            terminal.enter(command)
            if number == len(commands):
                self._finish(step, command, terminal, seen)
            elif terminal.wait_for_prompt(LIMIT, f"the end of '{command}'") != 0 and step.ends is not None:
                raise Disagreement(f"'{command}' failed:\n{terminal.tail()}")

    def _finish(self, step: Step, command: str, terminal: Terminal, seen: int) -> None:
        if step.code_from is not None:
            code = self.shown(step.code_from, _CODE, "a pairing code")
            self._wait(terminal, seen, _DARK, "the question for the code")
            terminal.submit(code)
        if step.answer is not None:
            web.wait_until(lambda: "?" in terminal.text[seen + len(command) :], LIMIT, f"a question of '{command}'")
            terminal.submit(step.answer)
        if step.meanwhile is not None:
            self.hands.do(step.meanwhile, terminal)
        if step.until is not None:
            self._wait(terminal, seen, step.until, f"'{step.until}' after '{command}'")
            if step.key is None:
                return
            terminal.type(step.key)
        status = terminal.wait_for_prompt(LIMIT, f"the end of '{command}'")
        if step.key is None and step.soon is None and step.ends not in (None, status):
            raise Disagreement(f"'{command}' ended with {status}, not {step.ends}:\n{terminal.tail()}")
        if step.soon is not None:
            self._type_until(step.soon, command, terminal, seen)
        for words in step.shows:
            self._wait(terminal, seen, words, f"'{words}' after '{command}'", GUARD)

    def _type_until(self, words: str, command: str, terminal: Terminal, seen: int) -> None:
        deadline = time.monotonic() + LIMIT
        while not self._stands(words, terminal, seen):
            if time.monotonic() > deadline:
                raise Disagreement(f"no '{words}' after '{command}'; the screen says:\n{terminal.tail()}")
            time.sleep(0.3)
            terminal.enter(command)
            terminal.wait_for_prompt(LIMIT, f"the end of '{command}'")

    def _filled(self, command: str, source: str | None) -> str:
        """The command with what another screen shows in place of the page's `…`."""
        if source is not None and "kith_…" in command:
            command = command.replace("kith_…", self.shown(source, _KEY, "a key"))
        if source is not None and "FINGERPRINT=…" in command:
            shown = self.shown(source, _FINGERPRINT, "a fingerprint")
            command = command.replace("FINGERPRINT=…", f"FINGERPRINT={shown}")
        return command

    @staticmethod
    def _stands(words: str, terminal: Terminal, seen: int) -> bool:
        """Whether commands have said the words since, whatever spaces or line ends are between them."""
        pattern = r"\s+".join(re.escape(word) for word in words.split())
        lines = terminal.text[seen:].splitlines()[1:]  # the first is what was typed
        said = "\n".join(line for line in lines if not line.startswith(terminal.prompt))
        return re.search(pattern, said) is not None

    def _wait(self, terminal: Terminal, seen: int, words: str, what: str, limit: float = LIMIT) -> None:
        try:
            web.wait_until(lambda: self._stands(words, terminal, seen), limit, what)
        except TimeoutError as failure:
            raise Disagreement(f"{failure}; the screen says:\n{terminal.tail()}") from None

    @property
    def names(self) -> list[str]:
        return list(self._hosts)

    def host(self, name: str) -> Host:
        return self._hosts[name]

    def ends_with_it(self, tunnel: Tunnel) -> None:
        self._tunnels.append(tunnel)

    def free_terminal(self, name: str) -> Terminal:
        """The first whose last command has ended: a person opens another one only if all are taken."""
        name = self.stopped if name == _STOPPED else name
        several = self._terminals[name]
        for terminal in several:
            if terminal.is_free:
                return terminal
        terminal = Terminal(self._hosts[name], self._kith, len(several) + 1, self._pace, self._settings)
        several.append(terminal)
        terminal.__enter__()
        terminal.wait_for_prompt(GUARD, "the first prompt")
        return terminal

    def terminals(self, name: str) -> list[Terminal]:
        return self._terminals[name]

    def shown(self, name: str, pattern: re.Pattern, what: str) -> str:
        """What was shown last of its kind on a host's screens."""
        found = [one for terminal in self._terminals[name] for one in pattern.findall(terminal.text)]
        if not found:
            raise Disagreement(f"{what} is on no screen of {name}")
        return found[-1]

    def _engine_of(self, name: str) -> Path:
        host = self._hosts[self.stopped if name == _STOPPED else name]
        return host.folder / "home" / ".local" / "share" / "kith" / "engine"

    def _have_engine(self, name: str) -> None:
        """What an installation downloads is there already: hosts have no way out. The command still looks at all of it.

        A copy, since an installation writes down where it is. Large files have one more name in place of more bytes.
        """
        engine = self._engine_of(name)
        if not engine.exists():
            shutil.copytree(ENGINE_DIRECTORY, engine, symlinks=True, copy_function=_copied)


class Hands:
    """What a person does besides typing."""

    def __init__(self, typist: Typist):
        self._typist = typist

    def do(self, deed: str, terminal: Terminal | None = None) -> None:
        for pattern, act in (
            (r"press (\S+) on (\w+)", self._press),
            (r"press (\S+) on the machine that answers", lambda key: self._stop_the_answering(key, terminal)),
            (r"(\w+) and (\w+) join a VPN", self._join_vpn),
            (r"(\w+) leaves home", self._leave),
            (r"copy authority.pem from (\w+) to (\w+)", self._copy_authority),
        ):
            if found := re.fullmatch(pattern, deed):
                act(*found.groups())
                print(f"    {deed}")
                return
        raise ValueError(f"hands do not know how to '{deed}'")

    def _press(self, key: str, name: str) -> None:
        """In the terminal that has something running in it."""
        busy = [terminal for terminal in self._typist.terminals(name) if not terminal.is_free]
        if not busy:
            raise Disagreement(f"nothing runs in a terminal of {name}")
        busy[0].type(key)
        busy[0].wait_for_prompt(LIMIT, f"the end of what ran on {name}")

    def _stop_the_answering(self, key: str, asking: Terminal) -> None:
        began = len(asking.text.split())

        def answering() -> str | None:
            if len(asking.text.split()) < began + 6:
                return None  # a few words are to be there before it ends
            return next((name for name in self._typist.names if self._is_answering(name)), None)

        name = web.wait_until(answering, LIMIT, "a machine that answers")
        self._press(key, name)
        self._typist.stopped = name

    def _is_answering(self, name: str) -> bool:
        try:
            opener = self._typist.host(name).opener
            return web.get(8080, "/api/status", timeout=2, opener=opener).json()["engine"]["active"] > 0
        except (OSError, KeyError, TypeError):
            return False

    def _leave(self, name: str) -> None:
        """The cable is out; what the machine has besides stays."""
        self._typist.host(name).unplug()

    def _copy_authority(self, source: str, target: str) -> None:
        homes = [self._typist.host(name).folder / "home" for name in (source, target)]
        shutil.copy(homes[0] / ".kith" / "state" / "tls" / "authority.pem", homes[1])

    def _join_vpn(self, here: str, there: str) -> None:
        tunnel = Tunnel(self._typist.host(here), self._typist.host(there))
        self._typist.ends_with_it(tunnel)
        tunnel.__enter__()


def _copied(source: str, target: str) -> None:
    if os.path.getsize(source) > 1_000_000:
        try:
            return os.link(source, target)
        except OSError:
            pass  # another file system
    shutil.copy2(source, target)


def have_tmux() -> bool:
    return shutil.which("tmux", path=os.environ.get("PATH")) is not None
