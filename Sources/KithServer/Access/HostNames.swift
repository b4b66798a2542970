// SPDX-License-Identifier: Apache-2.0

/// The names under which a loopback listener is asked for: those that no name server can point elsewhere, and those that
/// the owner added.
///
/// A page of another site whose name has come to mean 127.0.0.1 (DNS rebinding) still sends its own name.
package struct HostNames: Hashable, Sendable {
    private let added: Set<String>

    package init(_ added: some Sequence<String> = []) {
        self.added = Set(added.map { Self.normalised(Substring($0)) })
    }

    /// - Parameter authority: a host with or without a port, as in a `Host` header.
    func contains(authority: String) -> Bool {
        guard let host = Self.host(of: authority) else { return false }
        if host.isEmpty { return false }
        return Self.isLoopback(host) || added.contains(Self.normalised(host))
    }

    /// Names that end in `localhost` mean this machine and nothing else (RFC 6761, section 6.3).
    static func isLoopback(_ host: Substring) -> Bool {
        if host == "localhost" || host == "127.0.0.1" || host == "[::1]" || host == "::1" { return true }
        let parts = host.utf8.split(separator: UInt8(ascii: "."), maxSplits: 4, omittingEmptySubsequences: false)
        if parts.count == 4, parts[0].elementsEqual("127".utf8) {
            return parts.allSatisfy(isOctet)
        }
        let name = normalised(host)
        return name == "localhost" || name.hasSuffix(".localhost")
    }

    private static func isOctet(_ digits: Substring.UTF8View) -> Bool {
        (1...3).contains(digits.count) && digits.allSatisfy { 0x30...0x39 ~= $0 }
            && digits.reduce(0) { 10 * $0 + Int($1 - 0x30) } <= 255
    }

    /// - Returns: `nil` when what follows the host is not a port.
    private static func host(of authority: String) -> Substring? {
        let bytes = authority.utf8
        let end: String.Index
        if bytes.first == UInt8(ascii: "[") {
            guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            end = bytes.index(after: bracket)
        } else {
            end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
        }
        let rest = bytes[end...]
        guard rest.isEmpty || rest.first == UInt8(ascii: ":"), rest.dropFirst().allSatisfy({ 0x30...0x39 ~= $0 }) else {
            return nil
        }
        return authority[..<end]
    }

    /// Without the dot that may end a full name, and without the brackets of an IPv6 address.
    private static func normalised(_ host: Substring) -> String {
        var host = host
        if host.hasSuffix(".") { host = host.dropLast() }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return host.lowercased()
    }
}
