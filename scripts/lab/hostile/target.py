# SPDX-License-Identifier: Apache-2.0
"""One node as the thief sees it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from .forms import Replica, Signer


@dataclass
class Target:
    name: str
    port: int
    chance: random.Random
    thief: Signer
    # Of all kin, the thief's included.
    members: list[bytes]
    names: list[str]
    # What the node last said that it knows of the shared state.
    known: dict[Replica, int] = field(default_factory=dict)
    written: int = 0
    # Statements of the thief about who is kin that were sent here.
    stated: int = 2
    epoch: int = 0
    incarnation: int = 1
    started: int = 0

    def __post_init__(self):
        self.begin_log()

    @property
    def own_log(self) -> Replica:
        return self.thief.digest, self.epoch

    def begin_log(self) -> None:
        self.epoch, self.written = self.chance.randrange(1 << 64), 0

    @property
    def others(self) -> list[bytes]:
        return [node for node in self.members if node != self.thief.digest]
