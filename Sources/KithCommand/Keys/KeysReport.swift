// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel

/// The keys of clients, for people.
package struct KeysReport: Sendable {
    private let keys: [ControlMessage.Key]
    private let width: Int?
    private let style: TerminalStyle

    package init(_ keys: [ControlMessage.Key], width: Int?, style: TerminalStyle) {
        self.keys = keys
        self.width = width
        self.style = style
    }

    package var lines: [String] {
        guard !keys.isEmpty else { return ["no keys; kith key create makes one"] }
        var table = TextTable([
            .init("ID"), .init("NAME", shrinks: true), .init("SCOPES", shrinks: true), .init("STATE"),
            .init("CREATED"), .init("EXPIRES"),
        ])
        for key in keys {
            table.add([
                key.id, key.name, Self.list(key), key.state.rawValue, TimeText.minute(key.createdAt),
                key.expiresAt.map(TimeText.minute) ?? "never",
            ])
        }
        return table.lines(width: width, style: style)
    }

    /// What goes to standard error beside a new key.
    package static func notes(_ key: ControlMessage.Key) -> [String] {
        let end = key.expiresAt.map { "until \(TimeText.minute($0))" } ?? "until it is revoked"
        return [
            "this is shown once: keep it where the client finds it, as KITH_KEY or OPENAI_API_KEY",
            "it may \(list(key)), \(end); kith key revoke \(key.id.printable) ends it at once",
        ]
    }

    package static func revoked(_ key: ControlMessage.Key) -> [String] {
        ["revoked \(key.id.printable) (\(key.name.printable)); requests with it are refused from now on"]
    }

    private static func list(_ key: ControlMessage.Key) -> String {
        key.scopes.map(\.rawValue).joined(separator: ", ")
    }
}
