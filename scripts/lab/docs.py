# SPDX-License-Identifier: Apache-2.0
"""The command blocks of a page, and what the comments before them say to a machine that types them.

A block of commands (```` ```sh ````, or `console` with a `$` before each) has one comment before it:

    <!-- on: desk -->                           it is typed on the host of this name
    <!-- on: desk; until: listens on -->        its last command keeps running; it is done when the screen says so
    <!-- on: desk; shows: done -->              the screen has to say this after it; may be repeated
    <!-- on: desk; paste: code from laptop -->  its last command asks for a code: the last one on laptop's screens
    <!-- on: desk; values: key from laptop -->  `kith_…` and `FINGERPRINT=…` stand for what laptop's screens show
    <!-- on: desk; soon: server -->             its last command is typed again until the screen says this
    <!-- on: desk; ends: 5 -->                  its last command ends with this status, not 0; or all with `any`
    <!-- on: desk; answer: y -->                its last command asks something, and this is the answer
    <!-- on: desk; then: C-c -->                this key is pressed when `until` is there
    <!-- on: desk; meanwhile: … -->             something that hands do while the last command runs
    <!-- not typed: it needs … -->              nobody types it here, for this reason

With `<!-- after: three-machines.md -->` at its top a page goes on with the hosts as that one leaves them. A comment
that stands alone, `<!-- do: … -->`, is something that a person does with hands; those of `lab.typist` know a few things.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

_COMMENT = re.compile(r"<!-- (?P<marks>(?:on|not typed|do|after): .*?) -->\s*$")
_FENCE = re.compile(r"^(?P<fence>```+)(?P<language>\w*)\s*$")
_TYPED = {"sh", "console", "bash"}
_KNOWN = {"on", "until", "shows", "soon", "paste", "values", "ends", "answer", "then", "meanwhile"}


@dataclass
class Step:
    """A block of commands, or something that hands do."""

    page: Path
    line: int
    host: str = ""
    commands: list[str] = field(default_factory=list)
    until: str | None = None
    shows: list[str] = field(default_factory=list)
    soon: str | None = None
    code_from: str | None = None
    values_from: str | None = None
    ends: int | None = 0
    answer: str | None = None
    key: str | None = None
    meanwhile: str | None = None
    deed: str | None = None
    why_not: str | None = None

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


@dataclass
class Page:
    path: Path
    steps: list[Step]
    after: str | None

    @property
    def hosts(self) -> list[str]:
        return list(dict.fromkeys(step.host for step in self.steps if step.host))

    @property
    def is_marked(self) -> bool:
        """Whether anybody has said of the page how it is typed."""
        return any(step.host or step.why_not is not None for step in self.steps)

    @property
    def blocks(self) -> list[Step]:
        return [step for step in self.steps if step.deed is None]

    @property
    def unmarked(self) -> list[Step]:
        return [step for step in self.blocks if not step.host and step.why_not is None]


def read(path: Path) -> Page:
    steps: list[Step] = []
    after, marks, fence, language, block = None, None, None, "", None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if fence is not None:
            if line.rstrip() == fence:
                fence, block = None, None
            elif block is not None and language != "console":
                block.commands.append(line)
            elif block is not None and line.startswith("$ "):
                block.commands.append(line.removeprefix("$ "))  # the other lines are what comes of it
        elif opened := _FENCE.match(line):
            fence, language = opened["fence"], opened["language"]
            if language in _TYPED:
                block = _step(path, number, marks or {})
                steps.append(block)
            marks = None
        elif comment := _COMMENT.match(line):
            marks = _marks(comment["marks"], path, number)
            if "after" in marks:
                after, marks = marks["after"][0], None
            elif "do" in marks:
                steps.append(Step(path, number, deed=marks["do"][0]))
                marks = None
        elif line.strip():
            marks = None
    for step in steps:
        step.commands = _joined(step.commands)
    return Page(path, steps, after)


def _marks(text: str, path: Path, number: int) -> dict[str, list[str]]:
    first, _, rest = text.partition(": ")
    if first in ("not typed", "do", "after"):
        return {first: [rest]}
    found: dict[str, list[str]] = {}
    for part in text.split("; "):
        name, colon, value = part.partition(": ")
        if name not in _KNOWN or not colon:
            raise ValueError(f"{path.name}:{number}: nobody knows what '{part}' means")
        found.setdefault(name, []).append(value)
    return found


def _step(path: Path, number: int, marks: dict[str, list[str]]) -> Step:
    one = {name: values[0] for name, values in marks.items()}
    ends = one.get("ends", "0")
    return Step(
        path, number, host=one.get("on", ""), until=one.get("until"), shows=marks.get("shows", []),
        soon=one.get("soon"), code_from=_source(one.get("paste")), values_from=_source(one.get("values")),
        ends=None if ends == "any" else int(ends), answer=one.get("answer"), key=one.get("then"),
        meanwhile=one.get("meanwhile"), why_not=one.get("not typed"),
    )  # fmt: skip


def _source(text: str | None) -> str | None:
    """The host in `code from laptop`."""
    return text and text.rpartition(" from ")[2]


def _joined(lines: list[str]) -> list[str]:
    """One entry a command: with its lines where it goes on after a backslash or a quote."""
    commands: list[str] = []
    for line in lines:
        if commands and _goes_on(commands[-1]):
            commands[-1] += f"\n{line}"
        elif line.strip():
            commands.append(line)
    return commands


def _goes_on(command: str) -> bool:
    code = re.sub(r"\s#.*", "", command)
    return code.endswith("\\") or code.count("'") % 2 == 1 or code.count('"') % 2 == 1
