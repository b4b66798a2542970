// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithInference

@Suite("When an engine is looked at")
struct EngineWatchTests {
    /// An engine that is looked at as its watch says.
    private struct Watched {
        var watch: EngineWatch
        var now = MonotonicInstant.zero
        var looks = 0
        var lists = 0

        init(_ cadence: EngineWatch.Cadence) { watch = EngineWatch(cadence: cadence) }

        /// - Returns: When it came back, if it did.
        @discardableResult
        mutating func run(
            until end: MonotonicInstant, health: (MonotonicInstant) -> EngineHealth = { _ in .ready },
            meanwhile: (inout EngineWatch, MonotonicInstant) -> Void = { _, _ in }
        ) -> MonotonicInstant? {
            var back: MonotonicInstant?
            while now < end {
                meanwhile(&watch, now)
                let next = watch.next(now: now)
                if next.at > now {
                    now = min(next.at, now + .milliseconds(50), end)
                    continue
                }
                watch.began(next)
                let health = health(now)
                looks += 1
                let reads = next.readsModels && health == .ready
                if reads { lists += 1 }
                if watch.found(health, models: reads ? [ModelInfo(id: "m")] : nil, now: now) { back = back ?? now }
            }
            return back
        }
    }

    @Test("An engine here that is well and has nothing to do is looked at each ten seconds, its models each minute")
    func quiet() {
        var watched = Watched(.local)
        watched.run(until: .seconds(3_600))
        #expect(watched.looks <= 361)
        #expect(watched.lists <= 61)
        #expect(watched.lists >= 55)
    }

    @Test("A provider is asked six times an hour, and no more while it answers prompts")
    func provider() {
        var watched = Watched(.remote)
        watched.run(until: .seconds(3_600))
        #expect(watched.looks == 6)
        var busy = Watched(.remote)
        busy.run(until: .seconds(3_600), meanwhile: { watch, now in _ = watch.noteSuccess(now: now) })
        #expect(busy.looks <= 6)
    }

    @Test("Answers are proof of life: a busy engine is asked for nothing but its models")
    func busy() {
        var watched = Watched(.local)
        watched.run(until: .seconds(600), meanwhile: { watch, now in _ = watch.noteSuccess(now: now) })
        #expect(watched.looks == watched.lists)
        #expect(watched.lists <= 11)
    }

    @Test("While it loads it is looked at four times a second, and while it is down each second")
    func impatience() {
        var loading = Watched(.local)
        loading.run(until: .seconds(10)) { _ in .loading }
        #expect(loading.looks == 40)
        var down = Watched(.local)
        down.run(until: .seconds(20)) { _ in .down("no") }
        #expect(down.looks == 20)
        var provider = Watched(.remote)
        provider.run(until: .seconds(3_600)) { _ in .down("no") }
        #expect(provider.looks < 70)
    }

    @Test(
        "An engine that was down for twenty seconds is known to be back within a second of it",
        arguments: [
            EngineWatch.Cadence.local, .remote,
        ])
    func recovery(cadence: EngineWatch.Cadence) {
        var watched = Watched(cadence)
        watched.run(until: .seconds(100))
        let back = watched.run(
            until: .seconds(180),
            health: { now in now >= .seconds(110) && now < .seconds(130) ? .down("no") : .ready },
            meanwhile: { watch, now in if now >= .seconds(110), now < .seconds(130) { watch.noteFailure() } })
        #expect(back.map { $0 - .seconds(130) <= .seconds(1) } == true)
        #expect(watched.watch.models.map(\.id) == ["m"])
    }

    @Test("What it offered is remembered while it is down, and an answer alone proves that it is back")
    func remembers() {
        var watched = Watched(.local)
        watched.run(until: .seconds(1))
        watched.run(until: .seconds(20)) { _ in .down("no") }
        #expect(watched.watch.models.map(\.id) == ["m"])
        #expect(watched.watch.health == .down("no"))
        let isBack = watched.watch.noteSuccess(now: watched.now)
        #expect(isBack)
        #expect(watched.watch.health == .ready)
    }

    @Test("However many requests fail, and however many unknown models are asked for, one look a second is enough")
    func coalesces() {
        var watched = Watched(.local)
        watched.run(
            until: .seconds(60),
            meanwhile: { watch, _ in
                watch.noteFailure()
                watch.noteUnknownModel()
            })
        #expect(watched.looks <= 61)
        #expect(watched.lists >= 59)
    }

    @Test("What fails while a look is under way is looked at again, and a list that could not be read is read later")
    func whileLooking() {
        var watch = EngineWatch(cadence: .local)
        watch.began(watch.next(now: .zero))
        watch.noteFailure()
        _ = watch.found(.ready, models: [], now: .seconds(1))
        #expect(watch.next(now: .seconds(1)) == .init(at: .seconds(2), readsModels: false))
        watch.noteUnknownModel()
        watch.began(watch.next(now: .seconds(2)))
        _ = watch.found(.down("cannot list"), models: nil, now: .seconds(2))
        #expect(watch.next(now: .seconds(2)) == .init(at: .seconds(3), readsModels: true))
    }

    @Test("A failure is followed by a look at once")
    func failure() {
        var watched = Watched(.local)
        watched.run(until: .seconds(25))
        let before = watched.looks
        watched.watch.noteFailure()
        #expect(watched.watch.next(now: watched.now).at == watched.now)
        watched.run(until: .seconds(25.1))
        #expect(watched.looks == before + 1)
    }

    @Test(
        "Whatever happens, the next look is never before now and never further off than ten minutes",
        arguments: 1...20 as ClosedRange<UInt64>)
    func anything(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for cadence in [EngineWatch.Cadence.local, .remote] {
            var watch = EngineWatch(cadence: cadence)
            var now = MonotonicInstant.zero
            for _ in 0..<2_000 {
                now = now + .seconds(Double.random(in: 0...20, using: &generator))
                switch Int.random(in: 0...5, using: &generator) {
                case 0: watch.noteFailure()
                case 1: watch.noteUnknownModel()
                case 2:
                    _ = watch.noteSuccess(now: now)
                    _ = watch.noteAnswer(by: "m")
                case 3: watch.began(watch.next(now: now))
                default:
                    let health = [EngineHealth.ready, .loading, .down("no")].randomElement(using: &generator) ?? .ready
                    _ = watch.found(health, models: Bool.random(using: &generator) ? [] : nil, now: now)
                }
                let next = watch.next(now: now)
                #expect(next.at >= now && next.at - now <= EngineWatch.remotePause)
            }
        }
    }

    @Test(
        "A model that had to be loaded is in memory from then on, and the engine is asked soon which ones are no more")
    func loaded() {
        var watch = EngineWatch(cadence: .local)
        let list = [ModelInfo(id: "a"), ModelInfo(id: "b")]
        _ = watch.found(.ready, models: list, resident: ["a"], now: .zero)
        let isLoadedBefore = watch.noteAnswer(by: "a")
        let isForeign = watch.noteAnswer(by: "another engine's")
        #expect(!isLoadedBefore && !isForeign)
        #expect(watch.next(now: .zero + .seconds(2)).at > .zero + .seconds(5))
        let isLoaded = watch.noteAnswer(by: "b")
        #expect(isLoaded)
        #expect(watch.resident == ["a", "b"])
        #expect(watch.next(now: .zero + .seconds(2)).at == .zero + .seconds(2))
        _ = watch.found(.ready, models: nil, resident: ["b"], now: .zero + .seconds(2))
        #expect(watch.resident == ["b"])
    }

    @Test("Of an engine that does not say, nothing is assumed")
    func unsaid() {
        var watch = EngineWatch(cadence: .local)
        _ = watch.found(.ready, models: [ModelInfo(id: "a")], now: .zero)
        let isLoaded = watch.noteAnswer(by: "a")
        #expect(!isLoaded && watch.resident == nil)
    }
}
