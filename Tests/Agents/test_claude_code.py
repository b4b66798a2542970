# SPDX-License-Identifier: Apache-2.0
"""Claude Code as people run it, without a person at it, against a node whose kin have the engines."""

import unittest

from agent_checks import AgentChecks
from agents import ClaudeCode


class ClaudeCodeAtANode(AgentChecks, unittest.TestCase):
    agent = ClaudeCode()


if __name__ == "__main__":
    unittest.main()
