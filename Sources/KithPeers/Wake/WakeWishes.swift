// SPDX-License-Identifier: Apache-2.0

/// How a node's owner wants machines to be woken for prompts.
package struct WakeWishes: Hashable, Sendable {
    /// Whether prompts that come here wake others, and whether this machine lets itself be woken for those of others.
    package var byPrompts: Bool
    /// How long a prompt waits for a machine.
    package var limit: Duration

    package init(byPrompts: Bool = true, limit: Duration = .seconds(60)) {
        self.byPrompts = byPrompts
        self.limit = limit
    }
}
