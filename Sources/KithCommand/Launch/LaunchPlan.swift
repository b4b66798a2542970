// SPDX-License-Identifier: Apache-2.0

import KithModel

/// How one program is started against a node: its command line and its environment. Nothing of the user's configuration
/// is changed.
package struct LaunchPlan: Sendable {
    package let program: LaunchProgram
    package let target: LaunchTarget
    private let settings: LaunchSettings
    /// What follows the name of the program.
    package let arguments: [String]

    /// - Parameter arguments: The user's own.
    package init(_ program: LaunchProgram, for target: LaunchTarget, arguments: [String] = []) {
        self.program = program
        self.target = target
        settings = program.settings(target)
        self.arguments = program.arguments(settings.arguments, arguments)
    }

    /// The environment of the program.
    ///
    /// - Parameter surroundings: That of the command.
    package func environment(in surroundings: [String: String]) -> [String: String] {
        var environment = surroundings
        for name in settings.removed { environment[name] = nil }
        for variable in settings.environment { environment[variable.name] = variable.value }
        return environment
    }

    /// A script for a POSIX shell that does the same, with the key in it.
    package var script: [String] {
        let removed = settings.removed.isEmpty ? [] : ["unset " + settings.removed.joined(separator: " ")]
        let exports = settings.environment.map { "export \($0.name)=\(Self.quoted($0.value))" }
        return removed + exports + [command]
    }

    /// What is set, for people, without the key.
    ///
    /// - Parameter surroundings: The environment of the command: only what is there is said to be left out.
    package func summary(in surroundings: [String: String]) -> [String] {
        var lines = ["\(program.title) asks \(target.node), model \(target.model.printable)"]
        lines += settings.environment.map { "  \($0.name)=\($0.isSecret ? "…" : ShellWord.quoted($0.value.printable))" }
        let removed = settings.removed.filter { surroundings[$0] != nil }
        if !removed.isEmpty { lines.append("  without \(removed.joined(separator: ", "))") }
        lines.append("  \(command.printable)")
        return lines + notes.map { "note: \($0)" }
    }

    /// What the user should know before a long session.
    package var notes: [String] {
        var notes = settings.notes
        if let context = target.context, let opening = program.openingTokens, context <= opening {
            notes.insert(
                "\(target.model.printable) holds \(context) tokens, and \(program.title) begins with about \(opening); "
                    + "choose another with --model",
                at: 0)
        }
        if target.node.scheme == .https {
            let file = target.authority.map { ", that of \(ShellWord.quoted($0.printable))" } ?? ""
            notes.append(
                "the node speaks TLS, so \(program.title) has to trust its authority\(file): programs of Node.js do by "
                    + "NODE_EXTRA_CA_CERTS, others often by SSL_CERT_FILE")
        }
        return notes
    }

    private var command: String {
        ([program.name] + arguments).map(ShellWord.quoted).joined(separator: " ")
    }

    /// In quotes in any case, so that each line looks alike.
    private static func quoted(_ value: String) -> String {
        let word = ShellWord.quoted(value)
        return word == value ? "'\(value)'" : word
    }
}
