# SPDX-License-Identifier: Apache-2.0
"""Codex as people run it, without a person at it, against a node whose kin have the engines."""

import unittest

from agent_checks import AgentChecks
from agents import Codex


class CodexAtANode(AgentChecks, unittest.TestCase):
    agent = Codex()


if __name__ == "__main__":
    unittest.main()
