// SPDX-License-Identifier: Apache-2.0

import KithTrust

/// Why a pairing was refused; the body of a 403 on the pairing routes is `{"pairing": …}`.
struct PairingRejection: Error, Codable, Hashable, Sendable {
    var pairing: PairingRefusal
}
