// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import KithModel

/// Where a request comes from, as far as that can be believed.
package struct RequestSource: Hashable, Sendable {
    package enum Passage: Hashable, Sendable {
        /// By whoever is at the connection's other end.
        case direct
        /// By somebody whose word for where it comes from does not count, or who says nothing that can be understood.
        case passedOn
        /// By a proxy that the owner named.
        case byNamedProxy
    }

    /// Of the client where it is known, else of the connection's other end; `nil` where there is none.
    package var address: AddressRange?
    package var passage: Passage

    package init(address: AddressRange?, passage: Passage = .direct) {
        self.address = address
        self.passage = passage
    }

    /// Whether it may be from a program on this machine, as far as the request itself says. A program sends its requests
    /// itself; what a proxy passes on may come from anywhere.
    package var mayBeOfThisMachine: Bool {
        switch passage {
        case .direct: true
        case .passedOn: false
        case .byNamedProxy: address?.isLoopback ?? false
        }
    }

    /// - Parameters:
    ///   - connection: The address of the connection's other end.
    ///   - named: The proxies whose word counts; looked up only where there is one.
    init(_ fields: HTTPFields, over connection: AddressRange?, trusting named: @autoclosure () -> [AddressRange]) {
        self.init(address: connection)
        guard fields.contains(where: { ForwardingFields.isOne($0.name.canonicalName) }) else { return }
        passage = .passedOn
        let proxies = named()
        guard let connection, proxies.contain(connection),
            let client = Self.client(fields, over: connection, trusting: proxies)
        else { return }
        (address, passage) = (client, .byNamedProxy)
    }

    /// Where no proxy's word counts.
    package init(_ head: HTTPRequest, over connection: AddressRange?) {
        self.init(head.headerFields, over: connection, trusting: [])
    }

    /// The one that the request comes from, if all fields that name one agree: a proxy passes on what it does not set itself as
    /// the client wrote it.
    private static func client(
        _ fields: HTTPFields, over connection: AddressRange, trusting proxies: [AddressRange]
    ) -> AddressRange? {
        var outside: AddressRange?
        var inside: AddressRange?
        for chain in ForwardingFields.chains(fields) {
            // The last of those that are no proxies: what stands before it is the client's own claim.
            var last: AddressRange?
            var isNear = connection.isLoopback
            for hop in chain.reversed() {
                // What another machine calls loopback is itself.
                guard let hop, isNear || !hop.isLoopback else { return nil }
                last = hop
                isNear = isNear && hop.isLoopback
                if !proxies.contain(hop) { break }
            }
            guard let last else { return nil }
            if proxies.contain(last) {
                inside = last
            } else if outside == nil || outside == last {
                outside = last
            } else {
                return nil
            }
        }
        return outside ?? inside
    }
}

/// What proxies write into the requests that they pass on: `Forwarded` (RFC 7239), `Via` (RFC 9110, section 7.6.3), and
/// what is older and more common than both.
package enum ForwardingFields {
    private static let prefix = "x-forwarded"
    private static let names: Set<String> = [
        "forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-remote-ip", "x-remote-addr",
        "x-original-forwarded-for", "x-originating-ip", "x-envoy-external-address", "true-client-ip",
        "cf-connecting-ip", "cf-connecting-ipv6", "fastly-client-ip",
    ]
    /// Hops of one chain, from its end, that are looked at.
    private static let hopLimit = 32

    /// - Parameter name: Of a field, in lower case.
    package static func isOne(_ name: String) -> Bool {
        // Asked for every field of every request: most are told by a letter or two.
        var bytes = name.utf8.makeIterator()
        switch bytes.next() {
        case UInt8(ascii: "x"):
            guard bytes.next() == UInt8(ascii: "-"), let third = bytes.next(), "force".utf8.contains(third) else {
                return false
            }
            return name.hasPrefix(prefix) || names.contains(name)
        case UInt8(ascii: "f"), UInt8(ascii: "v"), UInt8(ascii: "t"), UInt8(ascii: "c"): return names.contains(name)
        default: return false
        }
    }

    /// The way of a request as each field that is there tells it: from the client to the last proxy but one. A hop that is not
    /// an address is `nil`.
    static func chains(_ fields: HTTPFields) -> [[AddressRange?]] {
        var chains: [[AddressRange?]] = []
        for (name, read) in [(HTTPField.Name.forwarded, address(ofElement:)), (.xForwardedFor, address(_:))] {
            let hops = fields[values: name].flatMap { split($0, at: ",")?.map(read) ?? [nil] }
            if !hops.isEmpty { chains.append(hops.suffix(hopLimit)) }
        }
        let named = fields[values: .xRealIP]
        if !named.isEmpty { chains.append(named.map { address($0[...]) }) }
        return chains
    }

    /// An element of `Forwarded`, such as `for="[2001:db8::7]:4711";proto=https`.
    private static func address(ofElement element: Substring) -> AddressRange? {
        for pair in split(String(element), at: ";") ?? [] {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, trimmed(parts[0]).lowercased() == "for" else { continue }
            var value = trimmed(parts[1])
            if value.count >= 2, value.first == "\"", value.last == "\"" { value = value.dropFirst().dropLast() }
            return address(value)
        }
        return nil
    }

    /// An address, perhaps with a port, and then in brackets if it is one of IPv6.
    private static func address(_ text: Substring) -> AddressRange? {
        let text = trimmed(text)
        guard text.utf8.count <= 64, !text.contains("/") else { return nil }
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || isPort(rest) else { return nil }
            return AddressRange(text[text.index(after: text.startIndex)..<end])
        }
        if let colon = text.firstIndex(of: ":"), text.lastIndex(of: ":") == colon {
            return isPort(text[colon...]) ? AddressRange(text[..<colon]) : nil
        }
        return AddressRange(text)
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.first == ":" && (1...5).contains(text.dropFirst().utf8.count)
            && text.dropFirst().utf8.allSatisfy { 0x30...0x39 ~= $0 }
    }

    /// The parts between the separators that are not within quotes (RFC 9110, section 5.6.4), without those that are empty.
    ///
    /// - Returns: `nil` where a quote does not end: what stands behind it is not what it seems.
    private static func split(_ text: String, at separator: Character) -> [Substring]? {
        var isQuoted = false
        var isEscaped = false
        let parts = text.split { character in
            if isEscaped {
                isEscaped = false
                return false
            }
            if character == "\\" { isEscaped = isQuoted }
            if character == "\"" { isQuoted.toggle() }
            return character == separator && !isQuoted
        }
        return isQuoted || isEscaped ? nil : parts.map { trimmed($0) }.filter { !$0.isEmpty }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        guard let first = text.firstIndex(where: { $0 != " " && $0 != "\t" }),
            let last = text.lastIndex(where: { $0 != " " && $0 != "\t" })
        else { return "" }
        return text[first...last]
    }
}

extension HTTPField.Name {
    fileprivate static let forwarded = Self.known("forwarded")
    fileprivate static let xForwardedFor = Self.known("x-forwarded-for")
    fileprivate static let xRealIP = Self.known("x-real-ip")
}
