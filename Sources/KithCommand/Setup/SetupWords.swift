// SPDX-License-Identifier: Apache-2.0

/// What somebody is told who is new here.
package enum SetupWords {
    /// After a setup.
    package static func next(isOpen: Bool) -> TerminalText {
        var lines = [
            "",
            "Ready. Try:",
            "  kith ask why is the sky blue",
            "  kith dashboard                 the node's page",
        ]
        if !isOpen { lines.append("  kith setup --lan --yes         pair another machine of yours") }
        return TerminalText(lines: lines)
    }

    /// For `kith` without a command, on a machine that has no node yet.
    ///
    /// - Parameter engine: A sentence without its end about what would answer prompts; `nil` where there is nothing.
    package static func first(engine: String?) -> [String] {
        [
            engine.map { "\($0), and a node of kith will use it." }
                ?? "No engine is on this machine yet; kith setup installs a small one.",
            "Next: kith setup               a node that runs, in a minute",
            "      kith --help              all commands",
        ]
    }
}
