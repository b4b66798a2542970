// SPDX-License-Identifier: Apache-2.0

import KithAIOS
import KithModel
import KithTesting
import Testing

@Suite("Upstreams, watched")
struct UpstreamWatchTests {
    private static let limit = Duration.seconds(2)

    @Test(
        "A loss is known within two seconds and a return too, whenever they come",
        arguments: 1...200 as ClosedRange<UInt64>)
    func promptness(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let ids = (0..<Int.random(in: 1...4, using: &generator)).map { UpstreamID.cell($0) }
        var world = UpstreamWorld(ids, seed: seed)
        for _ in 0..<40 {
            if let id = ids.randomElement(using: &generator),
                let cell = UpstreamWorld.Cell.allCases.randomElement(using: &generator)
            {
                world.set(id, cell)
            }
            world.pass(.milliseconds(Int.random(in: 0...4_000, using: &generator))) { world in
                for id in ids where world.now - (world.changed[id] ?? .zero) > Self.limit {
                    let isUp = world.book[id]?.state == .up
                    #expect(isUp == (world.cells[id] == .answers), "seed \(seed), at \(world.now)")
                }
            }
        }
    }

    @Test("Changes of the mode alternate, and the last is the mode", arguments: 1...100 as ClosedRange<UInt64>)
    func alternation(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let ids = [UpstreamID.cell(0), .cell(1), .kin(7)]
        var world = UpstreamWorld(ids, seed: seed)
        for _ in 0..<60 {
            if let id = ids.randomElement(using: &generator),
                let cell = UpstreamWorld.Cell.allCases.randomElement(using: &generator)
            {
                world.set(id, cell)
            }
            world.pass(.milliseconds(Int.random(in: 0...3_000, using: &generator)))
        }
        var mode = BridgeMode.degraded
        for case .mode(let next, _) in world.actions {
            #expect(next != mode, "seed \(seed)")
            mode = next
        }
        #expect(mode == world.book.mode, "seed \(seed)")
        #expect((mode == .healthy) == world.book.entries.contains { $0.state == .up }, "seed \(seed)")
    }

    @Test("Each is asked once a second while it is up, twice while it is not, and never twice at once")
    func pace() {
        let id = UpstreamID.cell(0)
        var book = UpstreamSelector()
        _ = book.set([id], now: .zero)
        #expect(book.takeProbes(now: .zero) == [id])
        #expect(book.takeProbes(now: .zero + .seconds(9)).isEmpty)
        #expect(book.nextProbe == nil)

        let answered = MonotonicInstant.zero + .milliseconds(100)
        _ = book.probed(id, .success(.sample), now: answered)
        #expect(book.nextProbe == .zero + .seconds(1))
        #expect(book.takeProbes(now: .zero + .milliseconds(999)).isEmpty)

        let second = MonotonicInstant.zero + .seconds(1)
        #expect(book.takeProbes(now: second) == [id])
        _ = book.probed(id, .failure(.refused), now: second + .milliseconds(2))
        #expect(book.nextProbe == second + .milliseconds(500))
    }

    @Test("A probe that used up its time is followed by the next at once")
    func noPause() {
        let id = UpstreamID.cell(0)
        var book = UpstreamSelector()
        _ = book.set([id], now: .zero)
        _ = book.takeProbes(now: .zero)
        let ended = MonotonicInstant.zero + UpstreamSelector.probeLimit
        _ = book.probed(id, .failure(.refused), now: ended)
        #expect(book.nextProbe == ended)
    }

    @Test("A bridge begins degraded, and says why it is again")
    func reasons() {
        let id = UpstreamID.cell(0)
        var book = UpstreamSelector()
        #expect(book.mode == .degraded)
        #expect(book.set([id], now: .zero).isEmpty)
        _ = book.takeProbes(now: .zero)
        #expect(
            book.probed(id, .success(.sample), now: .zero) == [.cameUp(id), .mode(.healthy, reason: nil)])
        _ = book.takeProbes(now: .zero + .seconds(1))
        #expect(
            book.probed(id, .failure(.refused), now: .zero + .seconds(1)) == [
                .wentDown(id, "refused"), .mode(.degraded, reason: "refused"),
            ])
    }

    @Test("What a cell said last is kept while it is down")
    func memory() {
        let id = UpstreamID.cell(0)
        var book = UpstreamSelector.up([id])
        _ = book.probed(id, .failure(.refused), now: .zero + .seconds(1))
        #expect(book[id]?.health == .sample)
        #expect(book[id]?.state == .down("refused"))
        #expect(book[id]?.since == .zero + .seconds(1))
    }

    @Test("Kin come and go, and what is known of the others stays")
    func kin() {
        let (cell, kin) = (UpstreamID.cell(0), UpstreamID.kin(1))
        var book = UpstreamSelector.up([cell])
        #expect(book.set([cell, kin], now: .zero).isEmpty)
        #expect(book[cell]?.state == .up)
        #expect(book[kin]?.state == .unknown)
        #expect(book.set([kin], now: .zero).contains(.wentDown(cell, "it is no upstream any more")))
        #expect(book.mode == .degraded)
        #expect(book[cell] == nil)
    }

    @Test("The one that the owner wrote down comes before kin, and of kin the one that was there last")
    func primary() {
        let (cell, old, new) = (UpstreamID.cell(0), UpstreamID.kin(1), UpstreamID.kin(2))
        var book = UpstreamSelector()
        #expect(book.primary == nil)
        _ = book.set([old, new], now: .zero)
        #expect(book.primary?.id == old)
        _ = book.probed(new, .success(.sample), now: .zero + .seconds(1))
        #expect(book.primary?.id == new)
        _ = book.probed(old, .success(.sample), now: .zero + .seconds(2))
        #expect(book.primary?.id == old)
        _ = book.set([cell, old, new], now: .zero + .seconds(3))
        #expect(book.primary?.id == cell)
    }
}

extension UpstreamHealth {
    static let sample = UpstreamHealth(cellID: "desktop-primary", branch: "main", level: 3.2)
}

extension UpstreamError {
    static let refused = UpstreamError(.unreachable, "refused")
    static let html = UpstreamError(.garbage, "HTML")
}

extension UpstreamSelector {
    /// A book whose upstreams have all answered for their health.
    static func up(_ ids: [UpstreamID], now: MonotonicInstant = .zero) -> UpstreamSelector {
        var book = UpstreamSelector()
        _ = book.set(ids, now: now)
        for id in book.takeProbes(now: now) { _ = book.probed(id, .success(.sample), now: now) }
        return book
    }
}
