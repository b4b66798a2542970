# SPDX-License-Identifier: Apache-2.0
"""Manual pages of kith and of each of its commands, made from what the commands say of themselves.

    kith --experimental-dump-help | python3 scripts/manpages.py FOLDER --version 0.1.0 --date 2026-01-31
"""

import argparse
import json
import re
import sys
from pathlib import Path

# Headings within a command's text: what stands below them is laid out already.
BLOCK = re.compile(r"^([A-Z][A-Z ]+):$")
FILES = [
    ("config/kith.yaml", "A node's settings, in its data folder."),
    ("state/", "What a node knows, in its data folder: its identity, its peers, its conversations."),
    ("~/.kith", "The data folder, unless the current folder is a node's or --data-dir or KITH_DATA_DIR says otherwise."),
    ("~/.local/share/kith/engine", "The embedded engine, one for all nodes of a user."),
    ("/etc/kith/kith.yaml", "The settings of the system's node, where kith was installed as a package."),
    ("/var/lib/kith", "The data folder of the system's node, where kith was installed as a package."),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--date", required=True)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    root = json.load(sys.stdin)["command"]
    pages = list(commands(root, []))
    for words, command in pages:
        text = page(words, command, pages, options)
        (options.folder / f"{'-'.join(words)}.1").write_text(text)
    print(f"{options.folder}: {len(pages)} manual pages.", file=sys.stderr)
    return 0


def commands(command: dict, above: list[str]):
    """A command and all below it, but for `help`, whose page would say nothing."""
    words = [*above, command["commandName"]]
    if not command.get("shouldDisplay", True) or words == ["kith", "help"]:
        return
    yield words, command
    for sub in command.get("subcommands", []):
        yield from commands(sub, words)


def page(words: list[str], command: dict, pages: list, options) -> str:
    name = "-".join(words)
    abstract = command["abstract"].rstrip(".")
    lines = [
        '.\\" SPDX-License-Identifier: Apache-2.0',
        f'.TH "{name.upper()}" "1" "{options.date}" "kith {options.version}" "kith"',
        ".SH NAME",
        f"{plain(name)} \\- {plain(abstract[0].lower() + abstract[1:])}",
        ".SH SYNOPSIS",
        *synopsis(words, command),
    ]
    if discussion := command.get("discussion"):
        lines += described(discussion)
    lines += listed_options(command)
    if command.get("subcommands"):
        lines += listed_commands(words, command)
    if len(words) == 1:
        lines += [".SH FILES", *(row for path, what in FILES for row in (".TP", f".I {plain(path)}", plain(what)))]
    return "\n".join([*lines, *related(words, pages)]) + "\n"


def synopsis(words: list[str], command: dict) -> list[str]:
    head = f".B {plain(' '.join(words))}"
    if command.get("subcommands"):
        return [head, r"\fIcommand\fR" if "defaultSubcommand" not in command else r"[\fIcommand\fR]"]
    rest = []
    for argument in shown(command):
        word = usage(argument)
        if argument["kind"] != "positional" and argument["preferredName"]["name"] in ("help", "version"):
            continue
        if argument.get("isRepeating"):
            word += " .\\|.\\|."
        rest.append(f"[{word}]" if argument.get("isOptional") else word)
    return [head, *rest]


def shown(command: dict) -> list[dict]:
    return [a for a in command.get("arguments", []) if a.get("shouldDisplay", True)]


def usage(argument: dict) -> str:
    value = rf"\fI{plain(argument['valueName'])}\fR"
    if argument["kind"] == "positional":
        return value
    name = rf"\fB{plain(dashed(argument['preferredName']))}\fR"
    return name if argument["kind"] == "flag" else f"{name} {value}"


def dashed(name: dict) -> str:
    return ("-" if name["kind"] == "short" else "--") + name["name"]


def described(text: str) -> list[str]:
    """The text of a command: paragraphs are filled, and what stands below a heading is kept as it is."""
    lines, block, started = [], None, False
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        rows = paragraph.splitlines()
        if heading := BLOCK.match(rows[0]):
            block, rows = heading[1], rows[1:]
            lines += [f".SH {block}", ".nf", *(plain(dedented(row)) for row in rows), ".fi"]
            continue
        if not started:
            lines.append(".SH DESCRIPTION")
            started = True
        elif block:  # prose after a heading of its own
            lines.append(".SH NOTES")
            block = None
        else:
            lines.append(".PP")
        lines += [plain(row.strip()) for row in rows if row.strip()]
    return lines


def dedented(row: str) -> str:
    return row[2:] if row.startswith("  ") else row


def listed_options(command: dict) -> list[str]:
    lines, heading = [], None
    for argument in sorted(shown(command), key=lambda a: a["kind"] != "positional"):
        section = argument.get("sectionTitle") or ("ARGUMENTS" if argument["kind"] == "positional" else "OPTIONS")
        if section != heading:
            lines.append(f".SH {plain(section.upper())}")
            heading = section
        lines += [".TP", term(argument), *explanation(argument)]
    return lines


def term(argument: dict) -> str:
    if argument["kind"] == "positional":
        return rf"\fI{plain(argument['valueName'])}\fR"
    names = sorted(argument.get("names", []), key=lambda n: n["kind"] != "short")
    text = ", ".join(rf"\fB{plain(dashed(name))}\fR" for name in names)
    return text if argument["kind"] == "flag" else rf"{text} \fI{plain(argument['valueName'])}\fR"


def explanation(argument: dict) -> list[str]:
    lines = [plain(argument["abstract"])] if argument.get("abstract") else []
    for row in (argument.get("discussion") or "").splitlines():
        lines.append(plain(row.strip()) if row.strip() else ".br")
    if default := argument.get("defaultValue"):
        lines.append(f"The default is {plain(default)}.")
    return lines or ["Nothing more is said of it."]


def listed_commands(words: list[str], command: dict) -> list[str]:
    lines = [".SH COMMANDS"]
    for sub in command["subcommands"]:
        if sub.get("shouldDisplay", True) and sub["commandName"] != "help":
            name = "-".join([*words, sub["commandName"]])
            lines += [".TP", rf"\fB{plain(name)}\fR(1)", plain(sub["abstract"])]
    return lines


def related(words: list[str], pages: list) -> list[str]:
    above = ["-".join(words[:-1])] if len(words) > 1 else []
    beside = ["-".join(w) for w, _ in pages if w[:-1] == (words if len(words) == 1 else words[:-1]) and w != words]
    names = above + beside
    rows = [f".BR {plain(name)} (1){',' if name != names[-1] else ''}" for name in names]
    return [".SH SEE ALSO", *rows] if rows else []


def plain(text: str) -> str:
    """Text in which roff finds nothing to do."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("`", r"\(ga").replace("^", r"\(ha").replace("~", r"\(ti")
    text = text.replace('"', r"\(dq").replace("'", r"\(aq") if text[:1] in ".'" else text.replace("'", r"\(aq")
    text = text.replace("…", ".\\|.\\|.")
    return rf"\&{text}" if text[:1] in (".", "'") or text.startswith(r"\(aq") else text


if __name__ == "__main__":
    sys.exit(main())
