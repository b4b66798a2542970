// SPDX-License-Identifier: Apache-2.0

import Crypto
import KithModel

enum TestDigest {
    /// Bytes as the text of a pairing code, with the check that belongs to them.
    static func packed(_ bytes: [UInt8]) -> String {
        String(decoding: Base32.encode(bytes + SHA256.hash(data: bytes).prefix(4)), as: UTF8.self)
    }
}
