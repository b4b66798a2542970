// SPDX-License-Identifier: Apache-2.0

/// What a kin has said of how it is woken, and what was learned of it: remembered beside its addresses, and told nobody.
package struct WakeNotes: Hashable, Sendable {
    /// The last times that are kept.
    package static let timeLimit = 5
    /// A machine that takes longer than this was started by somebody else.
    package static let longestTime = Duration.seconds(900)

    /// As the kin itself has said; at most ``NetworkCard/limit``.
    package var cards: [NetworkCard]
    /// Whether its owner lets prompts wake it.
    package var allowsPrompts: Bool
    /// From the packet until it was there, the latest last; at most ``timeLimit``.
    package var times: [Duration]
    /// When it said that it goes to sleep; `nil` once it was heard again.
    package var asleepSince: WallTime?
    /// What its engine offered then, as it has told that; at most ``modelsLimit`` bytes, empty where it was more.
    package private(set) var models: [UInt8]

    /// Bytes.
    package static let modelsLimit = 64 << 10

    package init(
        cards: [NetworkCard] = [], allowsPrompts: Bool = true, times: [Duration] = [], asleepSince: WallTime? = nil,
        models: [UInt8] = []
    ) {
        self.cards = Array(cards.prefix(NetworkCard.limit))
        self.allowsPrompts = allowsPrompts
        self.times = Array(times.suffix(Self.timeLimit))
        self.asleepSince = asleepSince
        self.models = models.count <= Self.modelsLimit ? models : []
    }

    package var isEmpty: Bool { self == WakeNotes() }

    /// How long it takes to wake, as far as is known: the median, which one slow start does not move.
    package var usualTime: Duration? { times.isEmpty ? nil : times.sorted()[times.count / 2] }

    /// It said that it goes to sleep.
    ///
    /// - Parameter models: What its engine offers.
    package mutating func fellAsleep(at now: WallTime, models: [UInt8]) {
        asleepSince = now
        self.models = models.count <= Self.modelsLimit ? models : []
    }

    /// It was there this long after the first packet.
    package mutating func woke(after time: Duration) {
        guard time >= .zero, time <= Self.longestTime else { return }
        times = Array((times + [time]).suffix(Self.timeLimit))
    }
}
