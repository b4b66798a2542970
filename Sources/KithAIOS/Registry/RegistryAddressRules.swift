// SPDX-License-Identifier: Apache-2.0

import KithMembership

/// Which addresses may be registered: those that lead no one out of the house.
///
/// Whoever reads `/peers` may connect to what it lists, so an address on the internet could make them attack it.
package struct RegistryAddressRules: Sendable {
    /// Suffixes of names that are resolved within the house (RFC 6762, RFC 8375, and by custom).
    private static let localSuffixes = [".local", ".lan", ".internal", ".home", ".home.arpa", ".localhost"]

    /// Addresses and names outside, that are allowed all the same.
    package var allowed: Set<String>

    package init(allowed: Set<String> = []) { self.allowed = Set(allowed.map { $0.lowercased() }) }

    /// - Returns: Why the address is refused; `nil` when it is not.
    package func refusal(of address: String) -> String? {
        let host = address.lowercased()
        if allowed.contains(host) { return nil }
        if let ip = IPAddress(host) {
            guard ip.isUnicast else { return "'ip' must be the address of one host" }
            guard ip.isLoopback || ip.isPrivate else {
                return "'ip' is outside loopback and private ranges; the registry's owner can allow it"
            }
            return nil
        }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        let isName =
            (1...253).contains(host.utf8.count) && labels.allSatisfy(Self.isLabel)
            && labels.last?.utf8.allSatisfy { (0x30...0x39).contains($0) } == false
        guard isName else { return "'ip' must be an address or a host name" }
        guard labels.count == 1 || Self.localSuffixes.contains(where: host.hasSuffix) else {
            return "'ip' is a name outside this network; the registry's owner can allow it"
        }
        return nil
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count)
            && label.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
