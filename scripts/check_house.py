# SPDX-License-Identifier: Apache-2.0
"""Checks of the house: which target imports which, as docs/architecture.md says, and how large files are."""

import json
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path("docs/architecture.md")
SOURCES = Path("Sources")
ROW = re.compile(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \|")
IMPORT = re.compile(
    r"^\s*(?:@\w+\s+)*(?:(?:package|public|internal|private)\s+)?import\s+(?:(?:struct|enum|class|func)\s+)?(\w+)", re.MULTILINE
)
# The language's own, and the C library of each system.
EVERYWHERE = {"Foundation", "FoundationEssentials", "Synchronization", "Dispatch", "Darwin", "Glibc", "Musl"}
# What no pure target may know: it decides, and others do.
IMPURE = re.compile(r"^(NIO\w*|FoundationNetworking|Hummingbird\w*|GRDB|Subprocess|AsyncHTTPClient)$")
PURE = {"KithModel", "KithDialects", "KithSync", "KithAssist", "KithCulture", "KithMembership", "KithAlerts"}
LONGEST, NINE_OF_TEN = 400, 300


def main() -> int:
    table = allowed_imports(PAGE.read_text())
    complaints = [c for target in sorted(targets()) for c in wrong_imports(target, table)]
    complaints += [f"{PAGE}: there is no target {name}" for name in sorted(set(table) - targets())]
    complaints += cycles(table) + undeclared(table)
    lengths = sorted((len(file.read_text().splitlines()), file) for file in swift_files(SOURCES))
    complaints += [f"{file}: {count} lines; a file has at most {LONGEST}" for count, file in lengths if count > LONGEST]
    tenth = lengths[len(lengths) * 9 // 10][0]
    if tenth > NINE_OF_TEN:
        complaints.append(f"one file in ten has more than {NINE_OF_TEN} lines: {tenth} and more")
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    if not complaints:
        median = lengths[len(lengths) // 2][0]
        print(
            f"House: {len(table)} targets import what {PAGE} says; {len(lengths)} files, median {median} lines, "
            f"nine of ten at most {tenth}, the longest {lengths[-1][0]}."
        )
    return 1 if complaints else 0


def swift_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.swift"))


def targets() -> set[str]:
    return {folder.name for folder in SOURCES.iterdir() if folder.is_dir() and any(folder.rglob("*.swift"))}


def allowed_imports(page: str) -> dict[str, set[str]]:
    """The rows of the table of targets: kith's own targets and libraries that each may import."""
    table = {}
    for line in page.splitlines():
        if match := ROW.match(line):
            names = re.findall(r"\w+\*?", match[2] + " " + match[3])
            table[match[1]] = {f"Kith{name}" if f"Kith{name}" in _listed(page) else name for name in names}
    return table


def _listed(page: str) -> set[str]:
    return {match[1] for line in page.splitlines() if (match := ROW.match(line))}


def wrong_imports(target: str, table: dict[str, set[str]]) -> list[str]:
    if target not in table:
        return [f"{PAGE}: the target {target} is not in the table"]
    allowed = table[target]
    families = {name[:-1] for name in allowed if name.endswith("*")}
    complaints, used = [], set()
    for file in swift_files(SOURCES / target):
        for name in IMPORT.findall(file.read_text()):
            used.add(name)
            if target in PURE and IMPURE.match(name):
                complaints.append(f"{file}: imports {name}, and {target} is pure")
            elif name not in allowed | EVERYWHERE and not any(name.startswith(family) for family in families):
                complaints.append(f"{file}: imports {name}, which {PAGE} does not allow {target}")
    idle = {n for n in allowed if not n.endswith("*") and n not in used} | {f + "*" for f in families if not any(u.startswith(f) for u in used)}
    return complaints + [f"{PAGE}: {target} does not import {name}" for name in sorted(idle)]


def cycles(table: dict[str, set[str]]) -> list[str]:
    """Package.swift could have none; the page could."""
    def reaches(start: str, goal: str, seen: set[str]) -> bool:
        return any(
            n == goal or (n not in seen and reaches(n, goal, seen | {n})) for n in table.get(start, set()) if n in table
        )

    return [f"{PAGE}: {target} imports itself by way of others" for target in table if reaches(target, target, set())]


def undeclared(table: dict[str, set[str]]) -> list[str]:
    """Package.swift must name the same arrows between kith's own targets as the page."""
    dump = subprocess.run(["swift", "package", "--scratch-path", ".build/house", "dump-package"], check=True, capture_output=True, text=True).stdout
    complaints = []
    for target in json.loads(dump)["targets"]:
        name = target["name"]
        if name not in table:
            continue
        declared = {d["byName"][0] for d in target["dependencies"] if "byName" in d} & set(table)
        for extra in sorted(declared - table[name]):
            complaints.append(f"Package.swift: {name} depends on {extra}, which {PAGE} does not say")
    return complaints


if __name__ == "__main__":
    sys.exit(main())
