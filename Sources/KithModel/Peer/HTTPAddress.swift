// SPDX-License-Identifier: Apache-2.0

/// Where another node, or a plain seed-style service, is reached, and how far it is trusted.
package struct PeerEndpoint: Hashable, Sendable {
    package var address: HTTPAddress
    package var tier: Tier
    /// Sent as a bearer token to this peer.
    package var key: Secret?

    package init(address: HTTPAddress, tier: Tier, key: Secret? = nil) {
        self.address = address
        self.tier = tier
        self.key = key
    }
}

/// The origin of an HTTP service and the path under which its routes begin, without a trailing slash.
package struct HTTPAddress: Hashable, Sendable, CustomStringConvertible {
    package enum Scheme: String, Sendable { case http, https }

    package var scheme: Scheme
    /// A host name, an IPv4 address, or an IPv6 address without brackets.
    package var host: String
    package var port: Int
    /// Empty, or begins with `/` and does not end with it.
    package var basePath: String

    package init(scheme: Scheme = .http, host: String, port: Int, basePath: String = "") {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.basePath = basePath
    }

    /// Parses an absolute `http` or `https` URL without credentials, query or fragment (RFC 3986).
    ///
    /// - Returns: `nil` when `text` is not such a URL.
    package init?(_ text: String) {
        guard let separator = text.firstRange(of: "://"),
            let scheme = Scheme(rawValue: text[..<separator.lowerBound].lowercased())
        else { return nil }
        let rest = text[separator.upperBound...]
        let authorityEnd = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<authorityEnd]
        var path = String(rest[authorityEnd...])
        while path.hasSuffix("/") { path.removeLast() }
        guard
            !path.utf8.contains(where: {
                $0 <= 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#")
            })
        else { return nil }

        let host: Substring
        let portText: Substring?
        if authority.hasPrefix("[") {
            guard let close = authority.firstIndex(of: "]") else { return nil }
            host = Substring(authority[authority.index(after: authority.startIndex)..<close])
            let tail = authority[authority.index(after: close)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { return nil }
            guard host.utf8.contains(UInt8(ascii: ":")), Self.isIPv6(host) else { return nil }
            portText = tail.isEmpty ? nil : Substring(tail.dropFirst())
        } else {
            let colon = authority.firstIndex(of: ":")
            host = Substring(authority[..<(colon ?? authority.endIndex)])
            portText = colon.map { Substring(authority[authority.index(after: $0)...]) }
            guard !host.isEmpty, host.utf8.allSatisfy(Self.isHostByte) else { return nil }
        }
        guard let port = portText.map({ Int($0) }) ?? (scheme == .https ? 443 : 80), (1...65_535).contains(port) else {
            return nil
        }
        self.init(scheme: scheme, host: String(host), port: port, basePath: path)
    }

    package var description: String { "\(scheme.rawValue)://\(authority)\(basePath)" }

    /// Host and port as they stand in a `Host` header.
    package var authority: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return port == (scheme == .https ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// Whether nobody on the way can read what is sent there: over TLS, or within this machine.
    package var keepsSecrets: Bool {
        scheme == .https || host == "localhost" || host == "::1"
            || host.hasPrefix("127.") && host.utf8.allSatisfy { $0 < 0x3A }
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// Checks the characters only; the resolver decides whether it is an address. A zone may follow `%`.
    private static func isIPv6(_ host: Substring) -> Bool {
        let parts = host.split(separator: "%", omittingEmptySubsequences: false)
        guard let address = parts.first, parts.count <= 2 else { return false }
        let isAddress = address.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ":"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        return isAddress && (parts.count == 1 || (!parts[1].isEmpty && parts[1].utf8.allSatisfy(isHostByte)))
    }
}

extension HTTPAddress {
    /// Whether it is this machine's own, which no other machine reaches.
    package var isOnLoopback: Bool { host == "localhost" || AddressRange(host)?.isLoopback ?? false }
}

/// Where a peer port may be found: `host:port`, or `[address]:port` for IPv6. Says nothing about who answers there.
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

extension PeerAddress {
    /// Whether it is reached from the machine itself only.
    package var isLoopback: Bool { host == "localhost" || AddressRange(host)?.isLoopback ?? false }
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
