# SPDX-License-Identifier: Apache-2.0
"""Where the program under test is, and a folder of its own for each test class."""

import os
import shutil
from pathlib import Path

from lab import ports
from lab.node import Node
from lab.process import ROOT

KITH = Path(os.environ.get("KITH_BINARY", ROOT / ".build" / "debug" / "kith"))
FOLDER = ROOT / ".build" / "end-to-end" / os.environ.get("KITH_LANE", "")


def fresh_folder(name: str) -> Path:
    """An empty folder, kept after the run so that a failed one can be looked into."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def single_node(folder: str, engine: str, *flags: str) -> Node:
    """A node without peers, not started yet."""
    return Node(KITH, fresh_folder(folder), ports.free_port(), engine, f"{engine}-node", list(flags))
