// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Which of several ports that answer with the same id is the cell's: the one that stands first in the file, for as long
/// as it answers. A pure value.
struct HostsClaims {
    private struct Claim {
        var index: Int
        var until: Moment
    }

    private var claims: [String: Claim] = [:]

    /// - Parameter index: of the port in the file.
    /// - Returns: Whether the id is that port's now.
    mutating func claim(_ id: String, by index: Int, at now: Moment) -> Bool {
        claims = claims.filter { now < $0.value.until }
        if let holder = claims[id], holder.index < index { return false }
        claims[id] = Claim(index: index, until: now + Registry.expiry)
        return true
    }
}
