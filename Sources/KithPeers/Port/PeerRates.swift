// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// How often friends' nodes may ask anything of this one, each by itself; kin are not counted.
///
/// What they may have answered is less, and counted elsewhere: see `CompanionHost`.
final class PeerRates: Sendable {
    /// A node greets and talks; this is far more than either takes.
    static let ofKith = RequestRate(600, per: .minute)
    /// Room for four thousand friends, as many peers as a node keeps.
    private static let sets = 256

    private let table = Mutex(RateTable(sets: PeerRates.sets))

    /// - Returns: When to ask again; `nil` for a request that may be answered.
    func wait(for id: NodeID, now: MonotonicInstant) -> Duration? {
        guard let rate = Self.ofKith else { return nil }
        let verdict = table.withLock { $0.decide(id.hashValue, rate, now: now) }
        return verdict.isAllowed ? nil : verdict.wait
    }
}
