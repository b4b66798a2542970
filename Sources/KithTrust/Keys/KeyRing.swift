// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel

package enum KeyVerdict: Sendable {
    case granted(ClientKeyRecord)
    case refused(String)
}

package struct KeyRing: Sendable {
    private var records: [String: ClientKeyRecord] = [:]

    package init(_ records: [ClientKeyRecord]) { for record in records { insert(record) } }

    package mutating func insert(_ record: ClientKeyRecord) { records[record.id] = record }

    package mutating func revoke(_ id: String, at time: WallTime) { records[id]?.revokedAt = time }

    package func hasUsableKey(now: WallTime) -> Bool {
        records.values.contains { $0.revokedAt == nil && ($0.expiresAt.map { now < $0 } ?? true) }
    }

    package func check(_ presented: some Collection<UInt8>, now: WallTime) -> KeyVerdict {
        let parts = presented.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].elementsEqual("kith".utf8),
            let record = records[String(decoding: parts[1], as: UTF8.self)]
        else { return .refused("it is unknown") }
        var difference: UInt8 = 0
        for (left, right) in zip(SHA256.hash(data: Array(parts[2])), record.digest) { difference |= left ^ right }
        if difference != 0 { return .refused("it is unknown") }
        if record.revokedAt != nil { return .refused("it has been revoked") }
        if let expiry = record.expiresAt, expiry <= now { return .refused("it has expired") }
        return .granted(record)
    }
}
