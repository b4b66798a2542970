// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The pulls of a node, those under way and those that ended lately: a pure value.
struct PullBook: Sendable {
    /// At once.
    static let limit = 4
    /// Pulls that have ended and are told of.
    static let endedLimit = 16
    /// How long one that has ended is told of.
    static let remembers = Duration.seconds(3_600)

    enum End: Hashable, Sendable {
        case done
        case cancelled
        case failed(ModelRefusal)
    }

    struct Pull: Hashable, Sendable {
        let number: Int
        let model: ModelID
        let place: ModelPlace
        let began: WallTime
        fileprivate let beganAt: MonotonicInstant
        var tally = PullTally()
        var end: End?
        fileprivate var endedAt: MonotonicInstant?
    }

    enum Beginning: Hashable, Sendable {
        case began(Pull)
        /// The same is under way already.
        case joined(Pull)
        case refused(ModelRefusal)
    }

    private var running: [Pull] = []
    private var ended: [Pull] = []
    private var next = 0

    /// All that are told of, the oldest first.
    mutating func pulls(now: MonotonicInstant) -> [Pull] {
        forget(now: now)
        return ended + running
    }

    /// For so long a pull keeps its machine awake; one that an engine never ends must not do so for ever.
    private static let wakefulness = Duration.seconds(6 * 3_600)

    /// Whether something is being pulled that the machine should stay awake for.
    func keepsAwake(now: MonotonicInstant) -> Bool { running.contains { now - $0.beganAt < Self.wakefulness } }

    /// The names of all parts that are being got.
    var parts: Set<String> { Set(running.flatMap(\.tally.names)) }

    func underWay(_ model: ModelID) -> Pull? { running.first { $0.model.isMeant(by: model) } }

    mutating func begin(_ model: ModelID, at place: ModelPlace, now: MonotonicInstant, time: WallTime) -> Beginning {
        forget(now: now)
        if let same = underWay(model) { return .joined(same) }
        guard running.count < Self.limit else {
            return .refused(
                ModelRefusal(.busy, "\(Self.limit) models are being pulled already; wait for one, or cancel one"))
        }
        ended.removeAll { $0.model.isMeant(by: model) }
        next += 1
        let pull = Pull(number: next, model: model, place: place, began: time, beganAt: now)
        running.append(pull)
        return .began(pull)
    }

    /// How a pull stands after a sign of it.
    struct Noted: Sendable {
        var pull: Pull
        /// Whether more is to be got than was known before.
        var grew: Bool
        /// What others take beside it.
        var beside: (total: Int, missing: Int)
    }

    /// - Returns: `nil` for one that is not under way.
    mutating func note(_ sign: PullSign, of number: Int) -> Noted? {
        guard let place = running.firstIndex(where: { $0.number == number }) else { return nil }
        let grew = running[place].tally.take(sign)
        return Noted(pull: running[place], grew: grew, beside: grew ? beside(number) : (0, 0))
    }

    /// What other pulls to the same place take of its room, beside what was there when this one began.
    ///
    /// - Returns: Bytes of them all, and bytes that are still to come.
    func beside(_ number: Int) -> (total: Int, missing: Int) {
        guard let own = running.first(where: { $0.number == number }) else { return (0, 0) }
        let done = ended.filter { $0.end == .done && $0.endedAt.map { $0 >= own.beganAt } ?? false }
        let others = running.filter { $0.number != number }
        return (others + done).filter { $0.place == own.place }.reduce(into: (0, 0)) { sum, pull in
            sum.0 = sum.0.saturatingAdding(pull.tally.total)
            if pull.end == nil { sum.1 = sum.1.saturatingAdding(pull.tally.missing) }
        }
    }

    /// - Returns: How it stands at its end; `nil` for one that is not under way.
    mutating func end(_ number: Int, _ end: End, now: MonotonicInstant) -> Pull? {
        guard let place = running.firstIndex(where: { $0.number == number }) else { return nil }
        var pull = running.remove(at: place)
        pull.end = end
        pull.endedAt = now
        ended.append(pull)
        forget(now: now)
        return pull
    }

    private mutating func forget(now: MonotonicInstant) {
        ended.removeAll { $0.endedAt.map { now - $0 > Self.remembers } ?? true }
        if ended.count > Self.endedLimit { ended.removeFirst(ended.count - Self.endedLimit) }
    }
}
