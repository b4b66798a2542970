# SPDX-License-Identifier: Apache-2.0
"""How each agent is started without a person at it, and what it says in the end."""

from __future__ import annotations

import json
from dataclasses import dataclass

import programs
from stub_engine import MODEL
from workplace import Finished, Outside, Workplace

KEY = "unused"


@dataclass
class Session:
    """What came of one task."""

    finished: Finished
    words: str
    # What the agent itself calls a failure.
    failure: str | None


class ClaudeCode:
    """Speaks Anthropic's dialect."""

    program = programs.CLAUDE_CODE

    def work(self, place: Workplace, url: str, outside: Outside) -> Session:
        models = ("MODEL", "SMALL_FAST_MODEL", "DEFAULT_HAIKU_MODEL", "DEFAULT_SONNET_MODEL", "DEFAULT_OPUS_MODEL")
        quiet = (
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "DISABLE_TELEMETRY", "DISABLE_AUTOUPDATER",
            "DISABLE_ERROR_REPORTING", "DISABLE_BUG_COMMAND", "CLAUDE_CODE_DISABLE_TERMINAL_TITLE",
        )  # fmt: skip
        finished = place.run(
            [
                self.program.path, "-p", place.prompt, "--output-format", "stream-json", "--verbose",
                "--permission-mode", "acceptEdits", "--allowedTools", "Write,Read,Bash,Edit",
            ],
            outside, ANTHROPIC_BASE_URL=url, ANTHROPIC_AUTH_TOKEN=KEY, CLAUDE_CODE_SUBAGENT_MODEL=MODEL,
            **{f"ANTHROPIC_{name}": MODEL for name in models}, **{name: "1" for name in quiet},
        )  # fmt: skip
        words, failure = "", "it told no result"
        for event in _events(finished):
            if event.get("type") == "result":
                words = str(event.get("result") or "")
                failure = str(event.get("errors") or words) if event.get("is_error") else None
        return Session(finished, words, failure)


CODEX_SETTINGS = """\
model = "{model}"
model_provider = "kith"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false

[model_providers.kith]
name = "kith"
base_url = "{url}/v1"
env_key = "KITH_KEY"
wire_api = "responses"

[features]
plugins = false
remote_plugin = false

[analytics]
enabled = false

[otel]
exporter = "none"
"""


class Codex:
    """Speaks OpenAI's Responses dialect."""

    program = programs.CODEX

    def work(self, place: Workplace, url: str, outside: Outside) -> Session:
        home = place.home / ".codex"
        home.mkdir()
        (home / "config.toml").write_text(CODEX_SETTINGS.format(model=MODEL, url=url))
        finished = place.run(
            [
                self.program.path, "exec", "--json", "--skip-git-repo-check",
                "--dangerously-bypass-approvals-and-sandbox", place.prompt,
            ],
            outside, CODEX_HOME=str(home), KITH_KEY=KEY,
        )  # fmt: skip
        words, failure = "", "it told no end of its turn"
        for event in _events(finished):
            item = event.get("item") or {}
            if event.get("type") == "item.completed" and item.get("type") == "agent_message":
                words = item.get("text") or ""
            elif event.get("type") == "turn.completed":
                failure = None
            elif event.get("type") == "turn.failed":
                failure = json.dumps(event.get("error"))
        return Session(finished, words, failure)


def _events(finished: Finished) -> list[dict]:
    """The lines of the output that are JSON objects."""
    found = []
    for line in finished.output.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue  # a word to people
        if isinstance(event, dict):
            found.append(event)
    return found
