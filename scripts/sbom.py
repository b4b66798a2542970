# SPDX-License-Identifier: Apache-2.0
"""A bill of materials of kith as CycloneDX 1.6: the packages it is built of, what it installs, and what it bundles."""

import json
import os
import re
import subprocess
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from packages import RESOLVED, resolved

RELEASE = Path("Sources/KithInference/Engines/Llama/EmbeddedRelease.swift")
NODE = Path("Sources/KithNode/Node.swift")
# Where Debian keeps what the page is bundled with.
D3 = Path("/usr/share/nodejs/d3/package.json")


def main() -> int:
    target = Path(sys.argv[1])
    text = json.dumps(bill(), indent=2, sort_keys=True) + "\n"
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        print(f"{target}: {error}", file=sys.stderr)
        return 1
    target.write_text(text)
    print(f"{target}: {len(json.loads(text)['components'])} components, CycloneDX 1.6.")
    return 0


def bill() -> dict:
    version = _only(r'static let text = "([^"]+)"', NODE.read_text())
    commit = _git("rev-parse", "HEAD")
    program = {
        "type": "application", "bom-ref": "kith", "name": "kith", "version": version,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
        "properties": [{"name": "kith:commit", "value": commit}],
    }
    packages = [_package(package) for package in resolved(json.loads(RESOLVED.read_text()))]
    components = packages + wheels(RELEASE.read_text()) + bundled()
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([program, components], sort_keys=True)).urn,
        "metadata": {"timestamp": _time().isoformat(), "component": program},
        "components": components,
        "dependencies": [{"ref": "kith", "dependsOn": sorted(component["bom-ref"] for component in components)}],
    }


def _package(package: dict[str, str]) -> dict:
    place = re.sub(r"^https://|\.git$", "", package["location"])
    name = f"pkg:swift/{place}@{package['version']}"
    return {
        "type": "library", "bom-ref": name, "purl": name, "name": package["identity"], "version": package["version"],
        "externalReferences": [{"type": "vcs", "url": package["location"], "comment": f"revision {package['revision']}"}],
    }


def wheels(source: str) -> list[dict]:
    """What `kith engine install` fetches, with the hashes of all files that it would take."""
    hashes = source[source.index("static let hashes") :]
    found = []
    for field, name, version in re.findall(r'let (\w+) = PinnedPackage\(name: "([^"]+)", version: "([^"]+)"\)', source):
        table = hashes[hashes.index(f"{field}.name: [") :]
        purl = f"pkg:pypi/{name}@{version}"
        found.append({
            "type": "library", "bom-ref": purl, "purl": purl, "name": name, "version": version, "scope": "optional",
            "components": [
                {"type": "file", "bom-ref": f"{purl}#{digest[:16]}", "name": f"{name}-{version}.whl",
                 "hashes": [{"alg": "SHA-256", "content": digest}]}
                for digest in re.findall(r'"([0-9a-f]{64})"', table[: table.index("]")])
            ],
        })
    return found


def bundled() -> list[dict]:
    """D3 is the system's, and part of the page; where it is not installed the page was not built here."""
    if not D3.exists():
        return []
    version = json.loads(D3.read_text())["version"]
    purl = f"pkg:npm/d3@{version}"
    return [{"type": "library", "bom-ref": purl, "purl": purl, "name": "d3", "version": version}]


def _time() -> datetime:
    """Of the commit, or what reproducible builds set: the same sources have the same bill."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct")
    return datetime.fromtimestamp(int(seconds), timezone.utc)


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def _only(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if not match:
        raise SystemExit(f"nothing like {pattern} is in the sources any more")
    return match[1]


if __name__ == "__main__":
    sys.exit(main())
