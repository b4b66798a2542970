// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What a node says of itself in the TXT record of its advertisement (RFC 6763, section 6): `id`, `v`, the program's
/// version, and `p`, the protocol's.
struct ServiceText: Hashable, Sendable {
    /// Bytes of a record that is looked at; longer ones are cut.
    static let maximumBytes = 1_300
    /// Strings of a record that are looked at.
    static let maximumStrings = 64

    var id: NodeID?
    var version: String?
    var protocolVersion: Int?

    init(id: NodeID?, version: String?, protocolVersion: Int?) {
        self.id = id
        self.version = version
        self.protocolVersion = protocolVersion
    }

    /// Reads any bytes from the network; what cannot be read is left out. If a key occurs twice, the first counts; its
    /// case does not matter (RFC 6763, section 6.4).
    init(record: some Collection<UInt8>) {
        var values: [String: [UInt8]] = [:]
        var rest = Array(record.prefix(Self.maximumBytes))[...]
        for _ in 0..<Self.maximumStrings {
            guard let length = rest.popFirst() else { break }
            let string = rest.prefix(Int(length))
            rest = rest.dropFirst(Int(length))
            guard let equals = string.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let key = String(decoding: string[..<equals], as: UTF8.self).lowercased()
            guard values[key] == nil else { continue }
            values[key] = Array(string[string.index(after: equals)...])
        }
        func text(_ key: String) -> String? { values[key].flatMap { String(validating: $0, as: UTF8.self) } }
        id = text("id").flatMap { NodeID($0) }
        version = text("v")
        protocolVersion = text("p").flatMap { Int($0) }
    }

    var record: [UInt8] {
        [("id", id?.description), ("v", version), ("p", protocolVersion.map(String.init))].flatMap { key, value in
            guard let value else { return [UInt8]() }
            let string = Array("\(key)=\(value)".utf8.prefix(255))
            return [UInt8(truncatingIfNeeded: string.count)] + string
        }
    }
}

/// The name under which a node is advertised (RFC 6763, section 4.1.1): its own name, and enough of its id to be unique.
enum InstanceName {
    /// At most 63 bytes, as DNS allows for a label.
    static func of(_ name: NodeName, _ id: NodeID) -> String { "\(name.rawValue.prefix(48)) \(id.short)" }

    /// The node's name in any advertised name: what precedes the first space.
    static func nodeName(in instance: String) -> NodeName? {
        NodeName(String(instance.prefix { $0 != " " }))
    }
}
