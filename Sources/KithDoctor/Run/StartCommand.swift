// SPDX-License-Identifier: Apache-2.0

/// What an owner types to start a node: `kith setup` starts one again as it ran last, in the background or as a service, while
/// `kith up` has nothing but its own flags.
package enum StartCommand: String, Sendable {
    case byHand = "kith up"
    case bySetup = "kith setup --yes"

    /// `kith setup` has no flags for the listeners of roles.
    private static let flagsOfSetup: Set<String> = ["--lan", "--port"]

    func command(_ flags: String...) -> String {
        let isKnown = flags.first.map(Self.flagsOfSetup.contains) ?? true
        return ([isKnown ? rawValue : Self.byHand.rawValue] + flags).joined(separator: " ")
    }
}
