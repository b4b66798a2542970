# SPDX-License-Identifier: Apache-2.0
"""Lays the layers of an image upon each other, and writes down what its configuration says to a runtime.

    python3 scripts/package/unpack_image.py ARCHIVE_FOLDER ROOT_FOLDER
"""

import json
import shlex
import subprocess
import sys
from pathlib import Path


def main() -> int:
    archive, root = Path(sys.argv[1]), Path(sys.argv[2])
    [image] = json.loads((archive / "manifest.json").read_text())
    for layer in image["Layers"]:
        subprocess.run(["tar", "--directory", root, "--extract", "--numeric-owner", "--file", archive / layer], check=True)
    config = json.loads((archive / image["Config"]).read_text())["config"]
    (root / "image-user").write_text(config["User"])
    (root / "image-environment").write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in _pairs(config["Env"])))
    kind, *words = config["Healthcheck"]["Test"]
    (root / "image-health").write_text(words[0] if kind == "CMD-SHELL" else shlex.join(words))
    assert config["Entrypoint"] == ["/usr/bin/kith"] and config["Cmd"] == ["up"], config
    assert config["Volumes"] == {"/var/lib/kith": {}}, config
    return 0


def _pairs(environment: list[str]):
    return (entry.split("=", 1) for entry in environment)


if __name__ == "__main__":
    sys.exit(main())
