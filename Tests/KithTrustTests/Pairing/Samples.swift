// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

extension NodeID {
    /// A node that exists in tests only.
    static func random(using generator: inout some RandomNumberGenerator) -> NodeID {
        let digest = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return NodeID(digest: digest) ?? .random(using: &generator)
    }
}

extension PeerAddress {
    /// An address, a name, or an IPv6 address in its canonical form.
    static func random(using generator: inout some RandomNumberGenerator) -> PeerAddress {
        func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
        let host: String
        switch number(0...2) {
        case 0: host = "\(number(1...255)).\(number(0...255)).\(number(0...255)).\(number(0...255))"
        case 1: host = "fd\(String(number(16...255), radix: 16))::\(String(number(1...65_535), radix: 16))"
        default: host = "aios-\(number(0...99_999)).local"
        }
        return PeerAddress(host: host, port: number(1...65_535)) ?? .random(using: &generator)
    }
}

extension Result {
    /// What it failed with, if it did.
    var failure: Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}
