// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Tries addresses one after another without waiting long for any, and takes the first that works: the staggered race of
/// RFC 8305, section 5.
struct AddressRace<Winner: Sendable>: Sendable {
    /// Between two attempts while none has failed.
    static var stagger: Duration { .milliseconds(200) }

    let addresses: [PeerAddress]
    let clock: any TimeSource
    let attempt: @Sendable (PeerAddress) async throws -> Winner
    /// Called with what an attempt brought after another had won.
    let discard: @Sendable (Winner) -> Void

    private enum Event: Sendable {
        case won(Winner)
        case lost(LinkFailure)
        case impatient
    }

    /// - Throws: ``LinkFailure``, the most telling one of all attempts.
    func run() async throws -> Winner {
        try await withThrowingTaskGroup(of: Event.self) { group in
            var waiting = addresses[...]
            var running = 0
            var worst = LinkFailure.noAddress
            func startNext() {
                guard let address = waiting.popFirst() else { return }
                running += 1
                group.addTask { await Self.outcome { try await attempt(address) } }
                if !waiting.isEmpty {
                    group.addTask {
                        try await clock.sleep(for: Self.stagger)
                        return .impatient
                    }
                }
            }
            startNext()
            while running > 0, let event = try await group.next() {
                switch event {
                case .won(let winner):
                    group.cancelAll()
                    await discardRest(of: &group)
                    return winner
                case .lost(let failure):
                    running -= 1
                    if failure.rank >= worst.rank { worst = failure }
                    startNext()
                case .impatient: startNext()
                }
            }
            group.cancelAll()
            throw worst
        }
    }

    private func discardRest(of group: inout ThrowingTaskGroup<Event, any Error>) async {
        while let result = await group.nextResult() {
            if case .success(.won(let late)) = result { discard(late) }
        }
    }

    private static func outcome(_ attempt: () async throws -> Winner) async -> Event {
        do { return .won(try await attempt()) } catch { return .lost(LinkFailure(connecting: error)) }
    }
}
