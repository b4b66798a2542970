# SPDX-License-Identifier: Apache-2.0
"""What came of it, as tables."""

from __future__ import annotations

import argparse
from collections import Counter

from lab.report import heading, percentile, table

from .honest import Honest
from .thief import BEYOND, KINDS

MEMORY, WRITE, START, FORGET = 200, 0.050, 2, 1


def judged(value: float, bar: float, text: str) -> str:
    return text if value <= bar else f"{text}: MISSED"


def report(
    honest: Honest, forgetting: dict[str, float], settled: float, told: tuple, faults: list[str],
    options: argparse.Namespace,
) -> None:  # fmt: skip
    answers, sizes, share, long = told
    only = "" if options.only == KINDS else f" --only {','.join(options.only)}"
    print(f"\n{heading(f'scripts/soak-hostile --minutes {options.minutes:g} --seed {options.seed}{only}')}\n")
    rows: list[tuple] = [("what", "bar", "figure")]
    for name, highest in sorted(honest.highest.items()):
        rows.append((f"memory of {name}, at most", f"{MEMORY} MB", judged(highest, MEMORY, f"{highest:.0f} MB")))
    took = [took for _, took, _ in honest.model.durations]
    p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
    figures = f"{p50 * 1e3:.1f}, {p99 * 1e3:.1f}, {max(took, default=0) * 1e3:.1f} ms of {len(took):,}"
    rows.append(("honest writes: p50, p99, max", f"p99 {WRITE * 1e3:g} ms", judged(p99, WRITE, figures)))
    for name, seconds in honest.starts:
        rows.append((f"start of {name} after kill -9", f"{START} s", judged(seconds, START, f"{seconds:.2f} s")))
    for what, seconds in forgetting.items():
        bar = f"{FORGET} s" if what != "the command" else ""
        rows.append((f"forgetting: {what}", bar, judged(seconds, FORGET if bar else 1e9, f"{seconds:.2f} s")))
    rows.append(("the state was right after", "", f"{settled:.1f} s"))
    rows.append(("the thief's own share of a core", "", f"{share:.2f}"))
    print(table(*rows))
    kinds: dict[str, Counter] = {}
    for (kind, how), number in answers.items():
        kinds.setdefault(kind, Counter())[how] += number
    order = {kind: place for place, kind in enumerate([*KINDS, *BEYOND, "all"])}
    print()
    print(table(
        ("sent", "requests", "megabytes", "answers"),
        *(
            (kind, f"{ends.total():,}", f"{sizes[kind] / 1e6:.1f}", told_ends(ends))
            for kind, ends in sorted(kinds.items(), key=lambda pair: order[pair[0]])
        ),
    ))  # fmt: skip
    blame = blamed(honest, long)
    if blame:
        print(f"\nUnder way at the node during its writes of more than {WRITE * 1e3:g} ms: {blame}")
    if faults:
        print(f"\nFound ({len(faults)}):\n" + "\n".join(f"- {fault}" for fault in faults[:30]))


def told_ends(ends: Counter) -> str:
    return ", ".join(f"{how}: {number:,}" for how, number in sorted(ends.items()))


def blamed(honest: Honest, long: list[tuple[float, float, str, str]]) -> str:
    """The kinds that were under way most often while a write was slow, beside how often they are under way at all."""
    slow, all_of, kinds = Counter(), Counter(), set()
    writes = [(honest.began + at, honest.began + at + took, took, node) for at, took, node in honest.model.durations]
    if not writes or not long:
        return ""
    for began, ended, took, node in writes:
        under_way = {kind for first, last, kind, at in long if at == node and first < ended and last > began}
        all_of.update(under_way)
        if took > WRITE:
            slow.update(under_way)
    kinds = sorted(slow, key=lambda kind: (-slow[kind] / all_of[kind], kind))
    return ", ".join(f"{kind} {slow[kind]} of {all_of[kind]}" for kind in kinds)
