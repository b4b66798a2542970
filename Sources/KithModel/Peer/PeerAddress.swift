// SPDX-License-Identifier: Apache-2.0

/// Where a peer port may be found: `host:port`, or `[address]:port` for IPv6. Says nothing of who answers there.
package struct PeerAddress: Hashable, Sendable {
    package static let defaultPort = 7443

    /// A host name, an IPv4 address, or an IPv6 address without brackets, perhaps with a zone after `%`.
    package let host: String
    package let port: Int

    /// - Returns: `nil` when the host is empty, longer than 255 bytes or holds a character that no host has, or when the
    ///   port is out of range.
    package init?(host: String, port: Int) {
        let authority = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        guard (1...65_535).contains(port), host.utf8.count <= 255, !host.contains("/"),
            HTTPAddress("http://" + authority) != nil
        else { return nil }
        self.host = host.lowercased()
        self.port = port
    }

    /// Reads the written form; without a port it is ``defaultPort``.
    package init?(_ text: String) {
        guard !text.contains("/"), let parsed = HTTPAddress("http://" + text) else { return nil }
        let namesPort = text.hasPrefix("[") ? !text.hasSuffix("]") : text.contains(":")
        self.init(host: parsed.host, port: namesPort ? parsed.port : Self.defaultPort)
    }
}

extension PeerAddress: CustomStringConvertible {
    package var description: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension PeerAddress: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let address = PeerAddress(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an address and a port")
        }
        self = address
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
