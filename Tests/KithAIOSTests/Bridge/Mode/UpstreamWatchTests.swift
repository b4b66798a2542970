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
                    let isUp = world.selector[id]?.state == .up
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
        #expect(mode == world.selector.mode, "seed \(seed)")
        #expect((mode == .healthy) == world.selector.entries.contains { $0.state == .up }, "seed \(seed)")
    }

    @Test("Each is asked once a second while it is up, twice while it is not, and never twice at once")
    func pace() {
        let id = UpstreamID.cell(0)
        var selector = UpstreamSelector()
        _ = selector.set([id], now: .zero)
        #expect(selector.takeProbes(now: .zero) == [id])
        #expect(selector.takeProbes(now: .zero + .seconds(9)).isEmpty)
        #expect(selector.nextProbe == nil)

        let answered = MonotonicInstant.zero + .milliseconds(100)
        _ = selector.probed(id, .success(.sample), now: answered)
        #expect(selector.nextProbe == .zero + .seconds(1))
        #expect(selector.takeProbes(now: .zero + .milliseconds(999)).isEmpty)

        let second = MonotonicInstant.zero + .seconds(1)
        #expect(selector.takeProbes(now: second) == [id])
        _ = selector.probed(id, .failure(.refused), now: second + .milliseconds(2))
        #expect(selector.nextProbe == second + .milliseconds(500))
    }

    @Test("A probe that used up its time is followed by the next at once")
    func noPause() {
        let id = UpstreamID.cell(0)
        var selector = UpstreamSelector()
        _ = selector.set([id], now: .zero)
        _ = selector.takeProbes(now: .zero)
        let ended = MonotonicInstant.zero + UpstreamSelector.probeLimit
        _ = selector.probed(id, .failure(.refused), now: ended)
        #expect(selector.nextProbe == ended)
    }

    @Test("A bridge begins degraded, and says why it is again")
    func reasons() {
        let id = UpstreamID.cell(0)
        var selector = UpstreamSelector()
        #expect(selector.mode == .degraded)
        #expect(selector.set([id], now: .zero).isEmpty)
        _ = selector.takeProbes(now: .zero)
        #expect(
            selector.probed(id, .success(.sample), now: .zero) == [.cameUp(id), .mode(.healthy, reason: nil)])
        _ = selector.takeProbes(now: .zero + .seconds(1))
        #expect(
            selector.probed(id, .failure(.refused), now: .zero + .seconds(1)) == [
                .wentDown(id, "refused"), .mode(.degraded, reason: "refused"),
            ])
    }

    @Test("What a cell said last is kept while it is down")
    func memory() {
        let id = UpstreamID.cell(0)
        var selector = UpstreamSelector.up([id])
        _ = selector.probed(id, .failure(.refused), now: .zero + .seconds(1))
        #expect(selector[id]?.health == .sample)
        #expect(selector[id]?.state == .down("refused"))
        #expect(selector[id]?.since == .zero + .seconds(1))
    }

    @Test("Kin come and go, and what is known of the others stays")
    func kin() {
        let (cell, kin) = (UpstreamID.cell(0), UpstreamID.kin(1))
        var selector = UpstreamSelector.up([cell])
        #expect(selector.set([cell, kin], now: .zero).isEmpty)
        #expect(selector[cell]?.state == .up)
        #expect(selector[kin]?.state == .unknown)
        #expect(selector.set([kin], now: .zero).contains(.wentDown(cell, "it is no upstream any more")))
        #expect(selector.mode == .degraded)
        #expect(selector[cell] == nil)
    }

    @Test("The one that the owner wrote down comes before kin, and of kin the one that was there last")
    func primary() {
        let (cell, old, new) = (UpstreamID.cell(0), UpstreamID.kin(1), UpstreamID.kin(2))
        var selector = UpstreamSelector()
        #expect(selector.primary == nil)
        _ = selector.set([old, new], now: .zero)
        #expect(selector.primary?.id == old)
        _ = selector.probed(new, .success(.sample), now: .zero + .seconds(1))
        #expect(selector.primary?.id == new)
        _ = selector.probed(old, .success(.sample), now: .zero + .seconds(2))
        #expect(selector.primary?.id == old)
        _ = selector.set([cell, old, new], now: .zero + .seconds(3))
        #expect(selector.primary?.id == cell)
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
        var selector = UpstreamSelector()
        _ = selector.set(ids, now: now)
        for id in selector.takeProbes(now: now) { _ = selector.probed(id, .success(.sample), now: now) }
        return selector
    }
}
