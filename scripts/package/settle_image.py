# SPDX-License-Identifier: Apache-2.0
"""Takes out of an unpacked image what differs each time: the name of the container that it was made in, and of its parent.

    python3 scripts/package/settle_image.py FOLDER
"""

import hashlib
import json
import shutil
import sys
from pathlib import Path


def main() -> int:
    folder = Path(sys.argv[1])
    manifest = json.loads((folder / "manifest.json").read_text())
    for image in manifest:
        old = folder / image["Config"]
        config = {key: value for key, value in json.loads(old.read_text()).items() if key not in ("container", "parent")}
        text = json.dumps(config, sort_keys=True, separators=(",", ":")).encode()
        image["Config"] = f"{hashlib.sha256(text).hexdigest()}.json"
        old.unlink()
        (folder / image["Config"]).write_bytes(text)
    (folder / "manifest.json").write_text(json.dumps(manifest, sort_keys=True))
    # The older form of the same, for programs from before 2016.
    (folder / "repositories").unlink(missing_ok=True)
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
    return 0


if __name__ == "__main__":
    sys.exit(main())
