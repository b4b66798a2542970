// SPDX-License-Identifier: Apache-2.0

import KithModel

/// A program that `kith launch` knows.
package struct LaunchProgram: Sendable {
    /// What the user types: the name of the executable.
    package var name: String
    package var title: String
    /// How it is installed.
    package var installation: String
    /// Tokens of its first request before the user has said anything; `nil` when nobody has measured it.
    package var openingTokens: Int?
    package var settings: @Sendable (LaunchTarget) -> LaunchSettings
    /// Makes one command line of the arguments that the settings need and the user's own.
    package var arguments: @Sendable (_ needed: [String], _ own: [String]) -> [String]

    package init(
        name: String, title: String, installation: String, openingTokens: Int? = nil,
        settings: @escaping @Sendable (LaunchTarget) -> LaunchSettings,
        arguments: @escaping @Sendable (_ needed: [String], _ own: [String]) -> [String] = { $0 + $1 }
    ) {
        self.name = name
        self.title = title
        self.installation = installation
        self.openingTokens = openingTokens
        self.settings = settings
        self.arguments = arguments
    }

    package static let all: [LaunchProgram] = [
        .claudeCode, .codex, .openCode, .aider, .copilot, .goose, .miniSWEAgent, .qwenCode, .mistralVibe,
    ]

    /// - Throws: ``CommandError`` with `usage` that lists the programs, or names the one that was probably meant.
    package static func named(_ name: String) throws(CommandError) -> LaunchProgram {
        let wanted = name.lowercased()
        if let program = all.first(where: { $0.name == wanted }) { return program }
        let names = all.map(\.name)
        let nearest = NameSuggestion.nearest(to: wanted, among: names, limit: 2)
        let hint = nearest.map { "did you mean \($0)?" } ?? "it knows \(names.joined(separator: ", "))"
        let shown = name.printable.truncated(toWidth: 40)
        throw CommandError(.usage, "kith launch does not know '\(shown)'; \(hint)")
    }

    /// The error for a program that is not on the `PATH`.
    package var missing: CommandError {
        CommandError(
            .failed, "\(title) is not installed: there is no '\(name)' on the PATH; install it with: \(installation)")
    }
}
