# SPDX-License-Identifier: Apache-2.0
"""All that the doctor advises, as its source has it, and what of that no test follows."""

import re

from lab.process import ROOT

HANDS = "it takes hands, or a machine that is not there"
SYSTEM = "it would change the machine that the tests run on"
LOOK = "it says where to look, and leaves open what is to be done"
OTHERS = "it takes a program, an account or a version that the tests do not have"
RARE = "a test cannot bring about what it is for: a disk, a listener or a resolver that fails in just this way"
ELSEWHERE = "where nodes are: test_network moves whole machines to other addresses, test_pairing tells copies apart"
FETCHES = "it fetches some 100 MB: test_embedded_engine does it, and the tests of packages"
QUOTED = "it is no sentence of its own: what is said stands elsewhere, and is looked at there"

# No test follows these, and why. All others are followed in test_doctor, test_doctor_advice, test_doctor_files and
# test_doctor_peers.
EXCUSED = {
    "plug the cable in, or join the wireless network": HANDS,
    "this machine is not in that network, or its cable or wireless network is off; the command shows the routes": HANDS,
    "System Settings, Privacy & Security, Local Network: allow it for the terminal or for kith, then try again": HANDS,
    "let both machines set their clocks by the network; the command shows whether one does": SYSTEM,
    "let all machines set their clocks by the network": SYSTEM,
    "Check the machine's clock: it says …": SYSTEM,
    "start the mDNS daemon, or pair by code, which needs none": SYSTEM,
    "start the daemon, or pair by code, which needs none": SYSTEM,
    "install it, or pair by code, which needs none": SYSTEM,
    "a name server in /etc/resolv.conf does not answer: remove it, and put … into /etc/hosts": SYSTEM,
    "one of the name servers in /etc/resolv.conf does not answer: remove it, or write the address … in place of the "
    "name": SYSTEM,
    "look there; for a kith node kith doctor says more on its own machine": LOOK,
    "look into the log of the program at …": LOOK,
    "look whether keys and peers are as they should be, and put a backup back if there is a newer one; keys that were "
    "revoked stay revoked": LOOK,
    "see whether the active node of its cluster runs": LOOK,
    "wait: the engine is busy, slow, or still loading its model": LOOK,
    "Check its owner, its permissions and the space on its disk": LOOK,
    "Try again": LOOK,
    "unseal it, with as many of its keys as it asks for": OTHERS,
    "initialise it, and keep its keys": OTHERS,
    "name a Vault that belongs to the cluster in vault.address": OTHERS,
    "check ANTHROPIC_API_KEY and the way to the internet": OTHERS,
    "update the older of both nodes": OTHERS,
    "choose a folder on a disk of this machine with --data-dir": RARE,
    "free some space on its disk": RARE,
    "stop the node and start it again": RARE,
    "start the node again": RARE,
    "It must be a file that belongs to the user who runs kith": RARE,
    "run this on both machines, so that each learns the other's addresses anew": ELSEWHERE,
    "run this on both machines so that they find each other, or write kith://ADDRESS into config/peers.txt": ELSEWHERE,
    "type on the machine of …: kith setup --yes --lan": ELSEWHERE,
    "stop the copy, which is told of for three minutes more, and run there": ELSEWHERE,
    "put an engine and a small model on this machine, or pair one that has them": FETCHES,
    "mend the installation; its log is in state/engine/engine.log": FETCHES,
    "install it again": FETCHES,
    "trimmed(error.fix)": QUOTED,
    "String(remedy)": QUOTED,
}  # fmt: skip


def in_source() -> set[str]:
    """Each sentence of advice once; what is put in when it is said stands as `…`."""
    found: set[str] = set()
    for file in sorted((ROOT / "Sources" / "KithDoctor").rglob("*.swift")):
        text = file.read_text()
        for call in re.finditer(r"Finding\.Fix\(", text):
            found.update(_sentences(text, call.end()))
    for file in sorted((ROOT / "Sources" / "KithTrust" / "Identity").rglob("*.swift")):
        text = file.read_text()
        for label in re.finditer(r'\bfix: (?=")', text):
            found.update(_sentences(text, label.end()))
    return found


def pattern(sentence: str) -> re.Pattern:
    """What the sentence looks like when it is said."""
    return re.compile(".+?".join(re.escape(part) for part in sentence.split("…")) + "$", re.DOTALL)


def _sentences(text: str, at: int) -> list[str]:
    """What the argument that begins there can say: its literals, put together; two where it asks which."""
    said, code, depth = [""], "", 0
    while depth > 0 or text[at] not in ",)":
        if text[at] == '"':
            literal, at = _literal(text, at)
            said[-1] += literal
            continue
        if text[at] == ":" and depth == 0 and "?" in code:
            said.append("")
        depth += (text[at] in "([{") - (text[at] in ")]}")
        code += text[at]
        at += 1
    return [one.rstrip(".") for one in said if one] or [" ".join(code.split())]


def _literal(text: str, at: int) -> tuple[str, int]:
    """A literal of Swift without its marks, and where the text goes on."""
    mark = '"""' if text.startswith('"""', at) else '"'
    at += len(mark)
    said = ""
    while not text.startswith(mark, at):
        if text.startswith("\\(", at):
            at = _past_interpolation(text, at + 2)
            said += "…"
        elif text[at] == "\\":
            said += text[at + 1]
            at += 2
        else:
            said += text[at]
            at += 1
    return " ".join(said.split()) if mark != '"' else said, at + len(mark)


def _past_interpolation(text: str, at: int) -> int:
    depth = 1
    while depth > 0:
        if text[at] == '"':
            at = _literal(text, at)[1]
            continue
        depth += (text[at] == "(") - (text[at] == ")")
        at += 1
    return at
