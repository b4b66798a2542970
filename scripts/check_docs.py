# SPDX-License-Identifier: Apache-2.0
"""Checks of the documentation: links between files, the API description, and the tests that the threat model names."""

import re
import subprocess
import sys
from pathlib import Path

import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*$", re.MULTILINE)
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)
API = Path("docs/openapi.yaml")
THREATS = Path("docs/threat-model.md")


def main() -> int:
    files = _markdown_files()
    complaints = [complaint for file in files for complaint in broken_links(file)] + api_errors(API)
    complaints += missing_tests(THREATS)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    if not complaints:
        print(f"Documentation: the links of {len(files)} pages and {API} are sound.")
    return 1 if complaints else 0


def _markdown_files() -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [path for name in listed if (path := Path(name)).exists()]


def broken_links(file: Path) -> list[str]:
    prose = CODE.sub("", FENCE.sub("", file.read_text()))
    return [
        f"{file}: the link to '{link}' leads nowhere"
        for link in LINK.findall(prose)
        if not ELSEWHERE.match(link) and not _leads_somewhere(file, link)
    ]


def _leads_somewhere(file: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = file.parent / path if path else file
    if not target.exists():
        return False
    return not anchor or target.suffix != ".md" or anchor in _anchors(target)


def _anchors(file: Path) -> set[str]:
    return {_slug(heading) for heading in HEADING.findall(FENCE.sub("", file.read_text()))}


def _slug(heading: str) -> str:
    """The anchor that code hosts give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def missing_tests(page: Path) -> list[str]:
    """Tests that the last column of a table names and that are not there: titles, suites, modules, or targets of make."""
    swift = "\n".join(file.read_text() for file in sorted(Path("Tests").rglob("*.swift")))
    titles = set(re.findall(r'@Test\(\s*"([^"]+)"', swift)) | set(re.findall(r"func `([^`]+)`", swift))
    titles |= set(re.findall(r"struct (\w+Tests)\b", swift))
    for file in Path("Tests/EndToEnd").glob("test_*.py"):
        titles |= {file.stem, *(f"{file.stem}.{name}" for name in re.findall(r"def (test_\w+)", file.read_text()))}
    titles |= {f"make {target}" for target in re.findall(r"^([a-z-]+):", Path("Makefile").read_text(), re.MULTILINE)}
    rows = [line.rstrip(" |").rsplit(" | ", 1)[-1] for line in page.read_text().splitlines() if line.startswith("| ")]
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    return [f"{page}: there is no test '{name}'" for name in named if name not in titles]


def api_errors(file: Path) -> list[str]:
    try:
        description = yaml.safe_load(file.read_text())
    except (OSError, yaml.YAMLError) as failure:
        return [f"{file}: {failure}"]
    return [
        f"{file}: {'/'.join(map(str, error.absolute_path))}: {error.message}"
        for error in OpenAPIV31SpecValidator(description).iter_errors()
    ]


if __name__ == "__main__":
    sys.exit(main())
