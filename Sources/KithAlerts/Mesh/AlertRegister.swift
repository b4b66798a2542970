// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The places of the shared state that hold what nodes say of alerts. Each has one writer, whose id is part of its name.
package enum AlertRegister: Hashable, Sendable {
    /// What the writer says of an alert.
    case statement(AlertKey, writer: NodeID)
    /// Whether the writer has a way to tell people.
    case channels(writer: NodeID)

    private static let channels = "channels"
    /// Characters of the writer's id in a name: enough for kin not to share a register.
    private static let writerLength = 15

    package var writer: NodeID {
        switch self {
        case .statement(_, let writer), .channels(let writer): writer
        }
    }

    package var name: String {
        switch self {
        case .statement(let key, let writer): "\(key.fingerprint)/\(writer.description.prefix(Self.writerLength))"
        case .channels(let writer): "\(Self.channels)/\(writer)"
        }
    }

    /// - Parameter writer: Who wrote what stands there.
    /// - Returns: `nil` when the name is of another kind, or not the writer's own.
    package init?(name: String, writer: NodeID) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2, parts[0] == Self.channels {
            self = .channels(writer: writer)
        } else if parts.count == 3, let condition = AlertCondition(rawValue: parts[0]), let subject = NodeID(parts[1]) {
            self = .statement(AlertKey(condition, subject), writer: writer)
        } else {
            return nil
        }
        guard self.name == name else { return nil }
    }
}
