# SPDX-License-Identifier: Apache-2.0
"""The task that every agent gets, and what a model that does it says: a function of the conversation, so that it says
the same to one who asks again."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

THOUGHTS = "The folder is known, so that the next step is plain."
# In the order of choice: tools for files before shells.
WRITERS = ("Write", "exec_command", "shell_command", "shell")
READERS = ("Read", "exec_command", "shell_command", "shell")
MARKS = ("ALPHA", "BETA")


def prompt(folder: object, hello: str) -> str:
    return (
        f"WORKDIR={folder}\n"
        f"Create the file hello.txt in that folder, its first line being {hello}. "
        "Then read alpha.txt and beta.txt there, both at once, and answer with the two marks found in them."
    )


def content_of(hello: str) -> str:
    """What hello.txt is to hold: with all that a translation could spoil."""
    return f'{hello}\nquote " backslash \\ dollar $HOME tab\there\nümlaut – 漢字 💡\n'


@dataclass
class Turn:
    """What the model says next: 1 writes the file, 2 reads the two marks, 3 tells them; 0 is for those without tools."""

    number: int
    text: str
    # The id, the tool's name and the arguments of each call.
    calls: list[tuple[str, str, dict]] = field(default_factory=list)


def next_turn(body: dict) -> Turn:
    """The answer to a request of OpenAI's chat dialect."""
    tools = {tool["function"]["name"]: tool["function"].get("parameters") or {} for tool in body.get("tools") or []}
    writer = next((name for name in WRITERS if name in tools), None)
    reader = next((name for name in READERS if name in tools), None)
    if writer is None or reader is None:
        return Turn(0, "A short answer beside the task.")

    said = [(message["role"], _text(message.get("content"))) for message in body["messages"]]
    asked = "\n".join(text for role, text in said if role in ("system", "developer", "user"))
    results = [text for role, text in said if role == "tool"]
    folder = _found(r"WORKDIR=([^\s\"'\\<]+)", asked)
    found = {name: _found(rf"({name}-[0-9a-f]+)", "\n".join(results)) for name in MARKS}
    missing = [name for name in MARKS if not found[name]]

    def call(place: int, tool: str, arguments: dict) -> tuple[str, str, dict]:
        return f"call_{len(results)}_{place}", tool, arguments

    if not results:
        content = content_of(_found(r"(HELLO-[0-9a-f]+)", asked))
        arguments = _writing(writer, tools[writer], f"{folder}/hello.txt", content)
        return Turn(1, "First I write the file hello.txt, as I was asked to.", [call(0, writer, arguments)])
    if missing:
        paths = [f"{folder}/{name.lower()}.txt" for name in missing]
        calls = [call(place, reader, _reading(reader, tools[reader], path)) for place, path in enumerate(paths)]
        return Turn(2, "Now I read what has the marks, all of it at once.", calls)
    return Turn(3, f"All is done. The marks that I found are {found['ALPHA']} and {found['BETA']}, in this order.")


def has_both_results_of_one_turn(body: dict) -> bool:
    """Whether the conversation has two calls in one message, each with its result."""
    answered = {message.get("tool_call_id") for message in body["messages"] if message["role"] == "tool"}
    calls = [message.get("tool_calls") or [] for message in body["messages"]]
    return any(len(made) == 2 and {call["id"] for call in made} <= answered for made in calls)


def _writing(tool: str, schema: dict, path: str, content: str) -> dict:
    if tool == "Write":
        return {"file_path": path, "content": content}
    return _in_shell(schema, f"cat > {path} <<'END_OF_HELLO'\n{content}END_OF_HELLO")


def _reading(tool: str, schema: dict, path: str) -> dict:
    return {"file_path": path} if tool == "Read" else _in_shell(schema, f"cat {path}")


def _in_shell(schema: dict, script: str) -> dict:
    fields = schema.get("properties") or {}
    if "cmd" in fields:
        return {"cmd": script}
    is_list = (fields.get("command") or {}).get("type") == "array"
    return {"command": ["bash", "-lc", script] if is_list else script}


def _text(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(part.get("text") or "" for part in content)
    return content if isinstance(content, str) else ""


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else ""


def arguments_text(arguments: dict) -> str:
    return json.dumps(arguments, ensure_ascii=False)
