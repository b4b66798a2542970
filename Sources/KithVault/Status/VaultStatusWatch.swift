// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// Asks Vault how it is again and again, so that whoever wants to know is answered with what is known, and when it was
/// learned.
package final class VaultStatusWatch: Sendable {
    package static let pause = Duration.seconds(5)
    /// For one question.
    package static let limit = Duration.seconds(2)

    /// What Vault answered, and when.
    package struct Sighting: Hashable, Sendable {
        package var status: VaultStatus
        package var at: Moment
    }

    private let clock: any TimeSource
    private let ask: @Sendable () async -> VaultStatus
    private let last = Mutex<Sighting?>(nil)

    package init(client: VaultClient, clock: any TimeSource = MonotonicClock(), limit: Duration = limit) {
        self.clock = clock
        ask = { await client.status(limit: limit) }
    }

    /// Asks until the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            _ = await refresh()
            do { try await clock.sleep(for: Self.pause) } catch { return }
        }
    }

    /// What is known; asks, and waits for at most ``limit``, only while nothing is.
    package func latest() async -> Sighting {
        if let known = last.withLock({ $0 }) { return known }
        return await refresh()
    }

    /// The answer to `GET /vault-status`.
    package func body() async -> VaultStatusBody {
        let sighting = await latest()
        return VaultStatusBody(sighting.status, age: clock.now - sighting.at)
    }

    private func refresh() async -> Sighting {
        let status = await ask()
        let sighting = Sighting(status: status, at: clock.now)
        // What a stopping node asked was cut short: it says nothing of Vault.
        if !Task.isCancelled { last.withLock { $0 = sighting } }
        return sighting
    }
}
