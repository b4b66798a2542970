# SPDX-License-Identifier: Apache-2.0
"""The packages of a release: whether those of this build are the ones that the list names, and a new list of them."""

import argparse
import json
import sys
from pathlib import Path

LIST = Path("deploy/release/packages.json")
RESOLVED = Path("Package.resolved")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--renew", action="store_true", help="write the list anew, from what is resolved now")
    parser.add_argument("--warn", action="store_true", help="say what differs, and succeed all the same")
    wanted = parser.parse_args()
    if not RESOLVED.exists():
        print(f"{RESOLVED} is not there; run: swift package resolve", file=sys.stderr)
        return 0 if wanted.warn else 1
    found = resolved(json.loads(RESOLVED.read_text()))
    if wanted.renew:
        LIST.parent.mkdir(parents=True, exist_ok=True)
        LIST.write_text(json.dumps({"packages": found}, indent=2) + "\n")
        print(f"{LIST} names the {len(found)} packages that are resolved now.")
        return 0
    complaints = differences(json.loads(LIST.read_text())["packages"], found)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    if not complaints:
        print(f"Packages: all {len(found)} are those of {LIST}.")
        return 0
    print(f"This is not what {LIST} names; a release is built of that alone. After a look at what is new: make packages",
          file=sys.stderr)
    return 0 if wanted.warn else 1


def resolved(file: dict) -> list[dict[str, str]]:
    """The packages of a `Package.resolved`, by identity. The revision is the content: a version may be moved."""
    return [
        {
            "identity": pin["identity"],
            "location": pin["location"],
            "version": pin["state"].get("version", ""),
            "revision": pin["state"]["revision"],
        }
        for pin in sorted(file["pins"], key=lambda pin: pin["identity"])
    ]


def differences(listed: list[dict[str, str]], found: list[dict[str, str]]) -> list[str]:
    """In words, one for each package. Where a package was fetched from is not compared: a mirror is as good."""
    old, new = ({package["identity"]: package for package in packages} for packages in (listed, found))
    complaints = [f"{name}: not in the list" for name in sorted(new.keys() - old.keys())]
    complaints += [f"{name}: in the list, and not used" for name in sorted(old.keys() - new.keys())]
    for name in sorted(old.keys() & new.keys()):
        was, now = ((package["version"], package["revision"]) for package in (old[name], new[name]))
        if was != now:
            complaints.append(f"{name}: {now[0]} ({now[1][:12]}) where the list has {was[0]} ({was[1][:12]})")
    return complaints


if __name__ == "__main__":
    sys.exit(main())
