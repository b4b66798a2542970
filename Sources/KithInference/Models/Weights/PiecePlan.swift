// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Which piece of a file is asked of which machine next: a pure value.
///
/// A piece is missing, under way, or there. What came damaged or not at all is missing again, and asked of another machine
/// if there is one; a machine that fails too often is left. Pieces under way always end by one of ``arrived(_:from:now:)``,
/// ``damaged(_:from:)`` and ``failed(_:from:now:)``.
struct PiecePlan: Sendable {
    /// A machine that has the file, by its place among all.
    typealias Holder = Int

    /// Pieces that one machine is asked for at once, so that none is idle between two.
    static let lanes = 2
    /// A piece that came damaged from a machine is asked of it once more, should it have been the memory.
    static let triesOfDamaged = 2
    /// Damaged pieces, of any numbers, after which a machine is left.
    static let damageLimit = 4
    /// Failures in a row after which a machine is left: some fifteen seconds with the pauses between them.
    static let failureLimit = 6
    private static let firstPause = Duration.milliseconds(500)
    /// How much longer than others a piece may be under way before a machine that has nothing to do is asked for it.
    private static let patience = 8
    static let leastPatience = Duration.seconds(20)

    struct Order: Hashable, Sendable {
        var holder: Holder
        var piece: Int
    }

    /// A piece that came other than it should be.
    struct Damage: Hashable, Sendable {
        var piece: Int
        var holder: Holder
    }

    enum Outcome: Hashable, Sendable {
        /// Something is under way, or can be asked for now or later.
        case going
        case whole
        /// No machine is left that could send what is missing; the last piece that came damaged, if one did.
        case stuck(Damage?)
    }

    private struct UnderWay {
        var order: Order
        var since: MonotonicInstant
        var isGivenUp = false
    }

    private struct Standing {
        var underWay = 0
        /// In a row.
        var failures = 0
        var damaged = 0
        var mayAskFrom: MonotonicInstant?
        var isLeft: Bool { failures >= PiecePlan.failureLimit || damaged >= PiecePlan.damageLimit }
    }

    let count: Int
    private var isThere: [Bool]
    private var underWay: [Int: UnderWay] = [:]
    /// That pieces took which arrived, all together.
    private var taken = Duration.zero
    private var holders: [Standing]
    /// How often each piece came damaged, by the machine.
    private var damages: [Int: [Holder: Int]] = [:]
    private var lastDamage: Damage?
    /// No piece before it is missing.
    private var firstMissing = 0
    private(set) var arrivedCount = 0
    /// Without those that were there.
    private var arrivedHere = 0

    /// - Parameters:
    ///   - holders: How many machines have the file.
    ///   - there: Pieces that are there already.
    init(count: Int, holders: Int, there: Set<Int> = []) {
        self.count = count
        isThere = (0..<count).map(there.contains)
        self.holders = Array(repeating: Standing(), count: holders)
        arrivedCount = isThere.count { $0 }
    }

    func has(_ piece: Int) -> Bool { isThere[piece] }

    func isLeft(_ holder: Holder) -> Bool { holders[holder].isLeft }

    /// What is to be asked for now, each of which is under way then. Machines take turns, the first piece that is missing first.
    mutating func next(now: MonotonicInstant) -> [Order] {
        var orders: [Order] = []
        var found = true
        while found {
            found = false
            for holder in holders.indices {
                guard mayAsk(holder, now: now), let piece = piece(for: holder) else { continue }
                let order = Order(holder: holder, piece: piece)
                underWay[piece] = UnderWay(order: order, since: now)
                holders[holder].underWay += 1
                orders.append(order)
                found = true
            }
        }
        return orders
    }

    /// When a machine that has failed may be asked again, or a piece that is under way is late; `nil` when nothing waits for that.
    func nextTry(after now: MonotonicInstant) -> MonotonicInstant? {
        let tries = holders.filter { !$0.isLeft }.compactMap(\.mayAskFrom)
        let mayBeLate = holders.count { !$0.isLeft } < 2 ? [] : underWay.values.filter { !$0.isGivenUp }
        let late = mayBeLate.map { $0.since + patience }
        return (tries + late).filter { $0 > now }.min()
    }

    /// Pieces that are far later than others, while a machine has nothing else to do that may have them. Whoever asked gives them up,
    /// which ends them by ``failed(_:from:now:)``. Call after ``next(now:)``.
    mutating func givingUp(now: MonotonicInstant) -> [Order] {
        var orders: [Order] = []
        for (piece, standing) in underWay where !standing.isGivenUp && standing.since + patience <= now {
            guard hasOther(for: piece, than: standing.order.holder, now) else { continue }
            underWay[piece]?.isGivenUp = true
            orders.append(standing.order)
        }
        return orders
    }

    private func hasOther(for piece: Int, than holder: Holder, _ now: MonotonicInstant) -> Bool {
        holders.indices.contains { other in
            other != holder && mayAsk(other, now: now) && damages[piece]?[other] ?? 0 < Self.triesOfDamaged
        }
    }

    /// A machine that answers prompts sends slowly to all.
    private var patience: Duration {
        arrivedHere == 0 ? Self.leastPatience * 3 : max(Self.leastPatience, taken * Self.patience / arrivedHere)
    }

    mutating func arrived(_ piece: Int, from holder: Holder, now: MonotonicInstant) {
        if let since = underWay[piece]?.since { taken += now - since }
        arrivedHere += 1
        end(piece, holder)
        isThere[piece] = true
        arrivedCount += 1
        while firstMissing < count, isThere[firstMissing] { firstMissing += 1 }
        holders[holder].failures = 0
        holders[holder].mayAskFrom = nil
    }

    /// What came is not what its digest says: it has been thrown away.
    mutating func damaged(_ piece: Int, from holder: Holder) {
        end(piece, holder)
        holders[holder].damaged += 1
        damages[piece, default: [:]][holder, default: 0] += 1
        lastDamage = Damage(piece: piece, holder: holder)
    }

    /// The machine did not send all of it.
    mutating func failed(_ piece: Int, from holder: Holder, now: MonotonicInstant) {
        end(piece, holder)
        // What it was asked for beside it ends too, and is the same failure.
        if let pause = holders[holder].mayAskFrom, pause > now { return }
        holders[holder].failures += 1
        holders[holder].mayAskFrom = now + Self.firstPause * (1 << min(holders[holder].failures - 1, 4))
    }

    var outcome: Outcome {
        if arrivedCount == count { return .whole }
        if holders.contains(where: { $0.underWay > 0 }) { return .going }
        let canGo = holders.indices.contains(where: { !holders[$0].isLeft && piece(for: $0) != nil })
        return canGo ? .going : .stuck(lastDamage)
    }

    private func mayAsk(_ holder: Holder, now: MonotonicInstant) -> Bool {
        let standing = holders[holder]
        return !standing.isLeft && standing.underWay < Self.lanes && standing.mayAskFrom.map { $0 <= now } ?? true
    }

    /// The first piece that a machine may be asked for.
    private func piece(for holder: Holder) -> Int? {
        (firstMissing..<count).first { piece in
            !isThere[piece] && underWay[piece] == nil && damages[piece]?[holder] ?? 0 < Self.triesOfDamaged
        }
    }

    private mutating func end(_ piece: Int, _ holder: Holder) {
        underWay[piece] = nil
        holders[holder].underWay -= 1
    }
}
