# SPDX-License-Identifier: Apache-2.0
"""A machine of the owner's that is in the wrong hands: what it can send to the others, and what must hold meanwhile."""
