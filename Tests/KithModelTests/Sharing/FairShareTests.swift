// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@Suite("Fair shares")
struct FairShareTests {
    private typealias Share = FairShare<String, Int>

    private func fill(_ share: inout Share, _ count: Int, of party: String, from: Int = 0, settled: Bool = false) {
        for place in from..<(from + count) {
            _ = share.enter(place, of: party)
            if settled { share.settle(place) }
        }
    }

    @Test("One party that takes all places keeps no other out", arguments: [false, true])
    func greedy(settled: Bool) {
        var share = Share(.init(places: 8))
        fill(&share, 8, of: "greedy", settled: settled)
        for other in 0..<4 {
            let entrance = share.enter(100 + other, of: "other \(other)")
            #expect(entrance == .insteadOf(other, wasSettled: settled), "the oldest goes first")
        }
        #expect(share.count == 8 && share.count(of: "greedy") == 4)
    }

    @Test("Newcomers from ever new addresses cannot keep one more out, nor push out who is settled")
    func flood() {
        var share = Share(.init(places: 64))
        fill(&share, 4, of: "owner", settled: true)
        for one in 0..<1_000 { #expect(share.enter(1_000 + one, of: "stranger \(one)").isAdmitted) }
        #expect(share.count(of: "owner") == 4)
        #expect(share.enter(1, of: "owner").isAdmitted)
        #expect(share.count == 64)
    }

    @Test("Reserved places are for the preferred alone, who may take what others leave and give it back")
    func reserved() {
        var share = Share(.init(places: 8, reserved: 2))
        fill(&share, 8, of: "guest", settled: true)
        #expect(share.count == 6)
        #expect(share.enter(20, of: "owner", isPreferred: true) == .free)
        #expect(share.enter(21, of: "owner", isPreferred: true) == .free)
        #expect(share.enter(22, of: "owner", isPreferred: true).isAdmitted)
        #expect(share.count(of: "guest") == 6 && share.count(of: "owner") == 2)

        var quiet = Share(.init(places: 8, reserved: 2))
        for place in 0..<8 { #expect(quiet.enter(place, of: "owner", isPreferred: true) == .free) }
        #expect(quiet.enter(8, of: "guest").isAdmitted)
        #expect(quiet.count(of: "owner") == 7)
    }

    @Test("Where nobody has more, who is settled stays")
    func content() {
        var share = Share(.init(places: 3))
        for (place, party) in ["a", "b", "c"].enumerated() {
            _ = share.enter(place, of: party)
            share.settle(place)
        }
        #expect(share.enter(9, of: "d") == .refused)
        #expect(share.enter(9, of: "a") == .insteadOf(0, wasSettled: true))
    }

    @Test("A party with as many places as one may have replaces its own")
    func cap() {
        var share = Share(.init(places: 100, perParty: 2))
        fill(&share, 2, of: "friend", settled: true)
        #expect(share.enter(7, of: "friend") == .insteadOf(0, wasSettled: true))
        #expect(share.enter(8, of: "friend") == .insteadOf(7, wasSettled: false))
        #expect(share.count(of: "friend") == 2)
    }

    @Test(
        "However parties come, settle and go, no limit is passed and nobody without a place is kept out by one with many"
    )
    func interleavings() {
        for seed in UInt64(1)...60 {
            var random = SeededGenerator(seed: seed)
            let places = Int.random(in: 1...24, using: &random)
            let limits = Share.Limits(
                places: places, reserved: Int.random(in: 0...places, using: &random),
                perParty: Int.random(in: 1...places, using: &random))
            var share = Share(limits)
            var model: [Int: (party: String, settled: Bool)] = [:]
            for step in 0..<600 {
                let number = Int.random(in: 0..<7, using: &random)
                let party = "party \(number)"
                let isPreferred = number < 2
                switch Int.random(in: 0..<4, using: &random) {
                case 0...1:
                    let had = model.values.count { $0.party == party }
                    let most =
                        Dictionary(grouping: model.values.filter { $0.party != party }, by: \.party).values
                        .map(\.count).max() ?? 0
                    let isFull = model.count >= places
                    switch share.enter(step, of: party, isPreferred: isPreferred) {
                    case .free:
                        #expect(!isFull, "seed \(seed)")
                        model[step] = (party, false)
                    case .insteadOf(let gone, let wasSettled):
                        let other = model.removeValue(forKey: gone)
                        #expect(other?.settled == wasSettled, "seed \(seed)")
                        if wasSettled, let other, other.party != party {
                            let left = model.values.count { $0.party == other.party }
                            #expect(left >= had + 1, "seed \(seed): a settled place is taken from one with more")
                        }
                        model[step] = (party, false)
                    case .refused:
                        #expect(had == 0 && (most <= 1 || !isPreferred || limits.reserved > 0), "seed \(seed)")
                        #expect(!model.values.contains { !$0.settled && $0.party == party }, "seed \(seed)")
                    }
                case 2:
                    guard let place = model.keys.sorted().randomElement(using: &random) else { continue }
                    share.settle(place)
                    model[place]?.settled = true
                default:
                    guard let place = model.keys.sorted().randomElement(using: &random) else { continue }
                    share.leave(place)
                    model[place] = nil
                }
                #expect(share.count == model.count && model.count <= places, "seed \(seed)")
                let ordinary = model.values.filter { $0.party != "party 0" && $0.party != "party 1" }
                #expect(ordinary.count <= places - limits.reserved, "seed \(seed)")
                for (name, held) in Dictionary(grouping: model.values, by: \.party) {
                    #expect(share.count(of: name) == held.count, "seed \(seed)")
                    if ordinary.contains(where: { $0.party == name }) {
                        #expect(held.count <= limits.perParty, "seed \(seed)")
                    }
                }
            }
        }
    }
}
