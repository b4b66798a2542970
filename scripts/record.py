# SPDX-License-Identifier: Apache-2.0
"""A laptop without a model, two machines with one, and a prompt whose answering machine is killed in the middle."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from lab import web
from lab.peer import PeerNode, befriend, wait_for_state
from lab.process import ROOT, environment
from lab.screen import wrapped

KITH = Path(os.environ["KITH_BINARY"])
RECORDING = ROOT / "docs" / "recording.txt"
README = ROOT / "README.md"
STORY = ["ask", "Write a long story about a lighthouse keeper.", "--max-tokens", "120"]
NEXT = ["ask", "Say hello in five words."]
WIDTH, LIMIT = 100, 180


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="kith-record-"))
    nodes = [
        PeerNode(KITH, folder / name, name, engine=engine)
        for name, engine in (("laptop", "none"), ("desk", "embedded"), ("server", "embedded"))
    ]
    laptop, *others = nodes
    try:
        for node in nodes:
            node.start(path="/health/live")
        befriend(nodes)
        for node in others:
            node.wait()
            wait_for_state([laptop], node, {"up"}, LIMIT, time.monotonic())
        show(laptop, others)
    finally:
        for node in nodes:
            node.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def show(laptop: PeerNode, others: list[PeerNode]) -> None:
    story, killed = killed_in_the_middle(laptop, others)
    if f"{next(node.name for node in others if node is not killed)} went on" not in story:
        raise RuntimeError(f"nobody went on:\n{story}")
    recorded = [f"laptop$ kith {' '.join(map(quoted, STORY))}", story]
    recorded += [f"laptop$ kith {' '.join(map(quoted, NEXT))}", ask(laptop, NEXT)]
    text = "\n".join(recorded).rstrip() + "\n"
    RECORDING.write_text(text)
    page = README.read_text()
    old = re.search(r"```text\n(laptop\$ .*?|RECORDING\n)```\n", page, re.DOTALL)
    README.write_text(page.replace(old[0], f"```text\n{text}```\n"))
    print(text)


def ask(laptop: PeerNode, words: list[str]) -> str:
    done = subprocess.run(
        [KITH, *words], capture_output=True, text=True, timeout=LIMIT, env=environment(KITH_URL=laptop.url)
    )
    if done.returncode != 0:
        raise RuntimeError(f"kith {words} ended with {done.returncode}: {done.stderr}")
    return wrapped(done.stdout, WIDTH) + "\n".join(done.stderr.splitlines()) + "\n"


def killed_in_the_middle(laptop: PeerNode, others: list[PeerNode]) -> tuple[str, PeerNode]:
    """The answer, with a remark where the answering machine was killed, and that machine."""
    child = subprocess.Popen(
        [KITH, *STORY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=0,
        env=environment(KITH_URL=laptop.url),
    )  # fmt: skip
    guard = threading.Timer(LIMIT, child.kill)
    guard.start()
    killed, text = None, ""
    while piece := child.stdout.read(1):
        text += piece
        if killed is None and len(text.split()) > 25 and piece == " ":
            killed = web.wait_until(lambda: next(filter(is_answering, others), None), LIMIT, "a machine that answers")
            killed.kill()
            text += f"[kill -9: {killed.name} is gone] "
    status = child.wait(timeout=LIMIT)
    guard.cancel()
    if status != 0 or killed is None:
        raise RuntimeError(f"the answer was not to be killed in the middle, or ended with {status}")
    return wrapped(text, WIDTH) + child.stderr.read().splitlines()[-1] + "\n", killed


def is_answering(node: PeerNode) -> bool:
    return node.status()["engine"]["active"] > 0


def quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


if __name__ == "__main__":
    sys.exit(main())
