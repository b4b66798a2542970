// SPDX-License-Identifier: Apache-2.0

/// What somebody is told who is new here.
package enum SetupWords {
    /// After a setup.
    ///
    /// - Parameters:
    ///   - canAnswer: Whether there is an engine, or another machine that may have one.
    ///   - lacksModel: Whether the engine has no model yet, and can get one.
    ///   - address: Of the node, for programs.
    ///   - isPaired: Whether it has other machines, or waits for one.
    ///   - flags: What each command needs to mean this node, with a space before it; empty for the usual folder.
    package static func next(
        canAnswer: Bool, lacksModel: Bool = false, isPaired: Bool, address: String, flags: String = ""
    ) -> TerminalText {
        if lacksModel {
            return steps(
                "The node runs, and Ollama here has no model yet. Get one:",
                [
                    ("kith model pull llama3.2:1b" + flags, "a small one, of 1.3 GB; others: ollama.com/search"),
                    ("kith model list" + flags, "which there are"),
                ])
        }
        guard canAnswer else {
            return steps(
                "The node runs, but nothing can answer yet. Either:",
                [
                    ("kith setup --engine" + flags, "install a small model here (110 MB)"),
                    ("kith setup --join" + flags, "a machine of yours answers; you need its code"),
                ])
        }
        var lines = [
            ("kith ask\(flags) why is the sky blue", "Ctrl-C stops an answer"),
            ("kith dashboard" + flags, "the node's page"),
            (address + "/v1", "base URL for programs made for OpenAI"),
        ]
        if !isPaired { lines.append(("kith setup --yes --lan" + flags, "pair another machine of yours")) }
        return steps("Ready. Try:", lines)
    }

    private static func steps(_ heading: String, _ steps: [(command: String, meaning: String)]) -> TerminalText {
        let width = max(28, steps.map(\.command.displayWidth).max() ?? 0)
        return TerminalText(
            lines: ["", heading]
                + steps.map { step in
                    "  " + step.command + String(repeating: " ", count: width - step.command.displayWidth + 3)
                        + step.meaning
                })
    }

    /// For `kith` without a command, while a node runs here.
    package static func running(at address: String) -> [String] {
        [
            "A node runs here, at \(address).",
            "Next: kith ask, kith chat, kith dashboard, kith status",
            "      kith --help              all commands",
        ]
    }

    /// For `kith` without a command, where a node was set up that does not run.
    package static let stopped = [
        "No node runs here now.",
        "Next: kith setup               starts it as it was",
        "      kith --help              all commands",
    ]

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
