// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The addresses that begin with the same bits (CIDR, RFC 4632 and RFC 4291, section 2.3); one address is a range of one.
///
/// An IPv4 address in its IPv6 form (`::ffff:0:0/96`) is the IPv4 address: whoever is in a range of the one is in the same
/// range of the other. No range holds addresses of both kinds, so `::/0` is every IPv6 address and no other.
package struct AddressRange: Hashable, Sendable {
    /// Whether it holds IPv4 addresses; else it holds IPv6 addresses.
    package let isIPv4: Bool
    /// How many bits its addresses have in common: up to 32, or 128.
    package let length: Int
    /// The first address, beginning at the highest bit; every bit after `length` is zero.
    private let high: UInt64
    private let low: UInt64

    private init(isIPv4: Bool, high: UInt64, low: UInt64, length: Int) {
        self.isIPv4 = isIPv4
        self.length = length
        self.high = high & Self.mask(length)
        self.low = low & Self.mask(length - 64)
    }

    /// One address.
    ///
    /// - Parameter bytes: In network order.
    /// - Returns: `nil` unless there are 4 or 16 bytes.
    package init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self.init(isIPv4: true, high: Self.number(bytes) << 32, low: 0, length: 32)
        case 16:
            let (high, low) = (Self.number(bytes.prefix(8)), Self.number(bytes.dropFirst(8)))
            if high == 0, low >> 32 == 0xFFFF {
                self.init(isIPv4: true, high: low << 32, low: 0, length: 32)
            } else {
                self.init(isIPv4: false, high: high, low: low, length: 128)
            }
        default: return nil
        }
    }

    /// Reads an address, such as `10.0.0.7` or `2001:db8::7`, or a range, such as `10.0.0.0/8` or `2001:db8::/32`.
    ///
    /// - Returns: `nil` for what is neither, and for a range whose address has bits after the common ones: whether
    ///   `10.0.0.7/8` means one address or many, only the person who wrote it knows.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let (bytes, address) = Self.address(String(first)) else { return nil }
        guard parts.count == 2 else {
            self = address
            return
        }
        guard let written = Self.length(parts[1]), written <= bytes * 8 else { return nil }
        // The IPv4 part of a range of IPv4 addresses that is written as one of IPv6 begins after 96 bits.
        let length = address.isIPv4 && bytes == 16 ? written - 96 : written
        guard length >= 0 else { return nil }
        self.init(isIPv4: address.isIPv4, high: address.high, low: address.low, length: length)
        guard high == address.high, low == address.low else { return nil }
    }

    /// - Parameter other: An address or a range.
    /// - Returns: Whether all of it is in this range.
    package func contains(_ other: AddressRange) -> Bool {
        isIPv4 == other.isIPv4 && length <= other.length && other.high & Self.mask(length) == high
            && other.low & Self.mask(length - 64) == low
    }

    /// What one subscriber of a network is given as a rule: an IPv4 address, or the first 64 bits of an IPv6 address
    /// (RFC 4291, section 2.5.1; RFC 6177). Within the latter, whoever has one address has as many as they like.
    package var subscriber: AddressRange {
        isIPv4 ? self : AddressRange(isIPv4: false, high: high, low: low, length: min(length, 64))
    }

    /// The range of this length that begins as this one does, such as the network that an address is in; all of this one for a
    /// greater length.
    package func network(ofLength length: Int) -> AddressRange {
        AddressRange(isIPv4: isIPv4, high: high, low: low, length: min(max(0, length), self.length))
    }

    /// 127.0.0.0/8 and ::1.
    package var isLoopback: Bool {
        isIPv4 ? length >= 8 && high >> 56 == 127 : length == 128 && high == 0 && low == 1
    }

    private static func mask(_ length: Int) -> UInt64 {
        length <= 0 ? 0 : length >= 64 ? .max : ~(.max >> UInt64(length))
    }

    private static func number(_ bytes: some Collection<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    /// An address without brackets, perhaps with a zone after `%`, which says nothing about the range that it is in.
    ///
    /// - Returns: How many bytes were written, and what they mean.
    private static func address(_ text: String) -> (bytes: Int, AddressRange)? {
        guard text.utf8.count <= 80, let plain = text.split(separator: "%", omittingEmptySubsequences: false).first
        else {
            return nil
        }
        // What follows a zero the C library would not see.
        guard !plain.utf8.contains(0) else { return nil }
        let isIPv6 = plain.utf8.contains(UInt8(ascii: ":"))
        guard plain.utf8.count == text.utf8.count || isIPv6 else { return nil }
        var bytes = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
        guard inet_pton(isIPv6 ? AF_INET6 : AF_INET, String(plain), &bytes) == 1 else { return nil }
        return AddressRange(bytes: bytes).map { (bytes.count, $0) }
    }

    private static func length(_ digits: some StringProtocol) -> Int? {
        guard (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        return Int(digits)
    }
}

extension AddressRange: CustomStringConvertible {
    /// An address without its length, a range with it.
    package var description: String {
        let words = isIPv4 ? [high >> 32] : [high >> 32, high, low >> 32, low]
        let bytes = words.flatMap { word in
            stride(from: UInt64(24), through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) }
        }
        var text = [CChar](repeating: 0, count: 64)
        guard inet_ntop(isIPv4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count)) != nil else { return "?" }
        let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return length == bytes.count * 8 ? address : "\(address)/\(length)"
    }
}

extension Sequence<AddressRange> {
    /// Whether an address, or all of a range, is in one of these.
    package func contain(_ other: AddressRange) -> Bool { contains { $0.contains(other) } }
}
