// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// Spares membership a call for every token: a sign of life twice a second is as good.
final class ContactPace: Sendable {
    static let pause = Duration.milliseconds(500)

    private let next = Mutex(Moment.zero)

    func isDue(now: Moment) -> Bool {
        next.withLock { next in
            guard now >= next else { return false }
            next = now + Self.pause
            return true
        }
    }
}
