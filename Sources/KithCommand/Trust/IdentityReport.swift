// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel

/// Who a node is, for people.
package struct IdentityReport: Sendable {
    private let identity: ControlMessage.Identity
    private let style: TerminalStyle

    package init(_ identity: ControlMessage.Identity, style: TerminalStyle) {
        self.identity = identity
        self.style = style
    }

    package var lines: [String] {
        let addresses = identity.addresses.map(\.description).joined(separator: ", ")
        var lines = [
            "id           \(style.bold(identity.id.description))",
            "name         \(identity.name)",
            "fingerprint  \(identity.fingerprint.printable)",
            "addresses    \(addresses.isEmpty ? "none: the peer port is not open" : addresses)",
        ]
        if identity.isCloned { lines.append(style.red(Self.cloned)) }
        return lines
    }

    private static let cloned =
        "CLONED: another running node has this identity, as after a data folder was copied. "
        + "Stop the copy and run there: kith rekey --yes"
}
