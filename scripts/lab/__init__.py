# SPDX-License-Identifier: Apache-2.0
"""Runs real nodes for the demonstration, the benchmarks and the end-to-end tests. Standard library only."""
