// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel

/// The text of a client's key: `kith_`, its id, `_`, and 256 random bits in base32.
package enum ClientKey {
    package static func make(
        name: String, scopes: Set<Scope>, lifetime: Duration?, now: WallTime
    ) -> (text: Secret, record: ClientKeyRecord) {
        var generator = SystemRandomNumberGenerator()
        func random(_ count: Int) -> String {
            let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            return String(decoding: Base32.encode(bytes), as: UTF8.self).lowercased()
        }
        let id = random(5)
        let secret = random(32)
        let record = ClientKeyRecord(
            id: id, name: name, scopes: scopes, digest: Array(SHA256.hash(data: Array(secret.utf8))), createdAt: now,
            expiresAt: lifetime.map { now.advanced(by: $0) })
        return (Secret("kith_\(id)_\(secret)"), record)
    }
}
