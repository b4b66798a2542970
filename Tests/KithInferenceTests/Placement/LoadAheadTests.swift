// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Testing

@Suite("A model is kept, or loaded before it is asked for")
struct LoadAheadTests {
    private static let gigabyte = 1_000_000_000
    private static let wall = WallTime(milliseconds: 1_800_000_000_000)

    private static func minutes(_ minutes: Double) -> MonotonicInstant { .seconds(minutes * 60) }

    private static func model(
        _ id: ModelID, _ residency: Residency = .onDisk, bytes: Int? = 5 * gigabyte, leavesIn seconds: Int64? = nil
    ) -> KeptModel {
        var model = KeptModel(id: id, residency: residency, bytes: bytes)
        model.stays = seconds.map { .until(WallTime(milliseconds: wall.milliseconds + $0 * 1_000)) }
        return model
    }

    private static func around(
        _ models: [KeptModel]?, free: Int = 40, battery: MachineFacts.Battery? = nil
    ) -> LoadAhead.Surroundings {
        LoadAhead.Surroundings(
            models: models,
            machine: MachineFacts(memory: .init(total: 64 * gigabyte, free: free * gigabyte), battery: battery),
            isPaused: false, isLoading: false)
    }

    /// `m` was asked for in each of the first minutes.
    private static func used(_ models: ModelID..., minutes count: Int = 5) -> LoadAhead {
        var ahead = LoadAhead()
        for minute in 0..<count { for model in models { ahead.answered(model, now: minutes(Double(minute))) } }
        return ahead
    }

    private static func decide(
        _ ahead: LoadAhead, _ surroundings: LoadAhead.Surroundings, at minute: Double = 6
    ) -> LoadAhead.Action? {
        ahead.decide(surroundings, now: minutes(minute), time: wall)
    }

    @Test("What is in use is loaded into an empty memory, and kept when its time is nearly over")
    func inUse() {
        let ahead = Self.used("m")
        #expect(Self.decide(ahead, Self.around([Self.model("m"), Self.model("n")])) == .load("m"))
        #expect(Self.decide(ahead, Self.around([Self.model("m", .loaded, leavesIn: 60)])) == .keep("m"))
        #expect(Self.decide(ahead, Self.around([Self.model("m", .loaded, leavesIn: 200)])) == nil)
        #expect(Self.decide(ahead, Self.around([Self.model("m", .loaded)])) == nil)
    }

    @Test("Nothing is loaded beside a model in memory, so that none is unloaded for it")
    func neverEvicts() {
        let ahead = Self.used("m")
        for residency in [Residency.loaded, .loading, .unknown] {
            #expect(Self.decide(ahead, Self.around([Self.model("m"), Self.model("n", residency)])) == nil)
        }
        #expect(Self.decide(ahead, Self.around([Self.model("m"), Self.model("far", .elsewhere)])) == .load("m"))
    }

    @Test("Not on battery, not while paused or loading, and not where it is unknown what there is or how much is free")
    func held() {
        let ahead = Self.used("m")
        let onBattery = MachineFacts.Battery(isInUse: true, percent: 100)
        #expect(Self.decide(ahead, Self.around([Self.model("m")], battery: onBattery)) == nil)
        #expect(Self.decide(ahead, Self.around([Self.model("m")], battery: .init(isInUse: false, percent: 9))) != nil)
        #expect(Self.decide(ahead, Self.around(nil)) == nil)
        var paused = Self.around([Self.model("m")])
        paused.isPaused = true
        var loading = Self.around([Self.model("m")])
        loading.isLoading = true
        var unmeasured = Self.around([Self.model("m")])
        unmeasured.machine = nil
        for surroundings in [paused, loading, unmeasured] { #expect(Self.decide(ahead, surroundings) == nil) }
    }

    @Test("It has to fit, with a tenth of the memory left; the next that fits is loaded")
    func room() {
        let ahead = Self.used("m", "small")
        #expect(Self.decide(ahead, Self.around([Self.model("m")], free: 13)) == nil)
        #expect(Self.decide(ahead, Self.around([Self.model("m")], free: 14)) == .load("m"))
        #expect(Self.decide(ahead, Self.around([Self.model("m", bytes: nil)])) == nil)
        let both = [Self.model("m"), Self.model("small", bytes: Self.gigabyte)]
        #expect(Self.decide(ahead, Self.around(both, free: 10)) == .load("small"))
        let leaving = [Self.model("m", .loaded, leavesIn: 60)]
        #expect(Self.decide(ahead, Self.around(leaving, free: 3)) == nil)
    }

    @Test("Whoever asks for many models, or for one a hundred times in a minute, has none of them loaded")
    func bounded() {
        var ahead = LoadAhead()
        for number in 0..<1_000 { ahead.answered(ModelID("m\(number)"), now: .seconds(Double(number) / 100)) }
        for _ in 0..<100 { ahead.answered("m", now: .seconds(20)) }
        let models = (0..<1_000).map { Self.model(ModelID("m\($0)")) } + [Self.model("m")]
        #expect(Self.decide(ahead, Self.around(models)) == nil)
    }

    @Test("One that is loaded and not asked for is loaded a few times at most, with pauses")
    func thrash() {
        var ahead = Self.used("m", minutes: 60)
        var loads: [Int] = []
        for minute in 61..<600 {
            guard let action = Self.decide(ahead, Self.around([Self.model("m")]), at: Double(minute)) else { continue }
            ahead.began(action, now: Self.minutes(Double(minute)))
            loads.append(minute)
        }
        #expect(loads.count <= 3)
        #expect(zip(loads, loads.dropFirst()).allSatisfy { $1 - $0 >= 5 })
    }

    @Test("What was used for a day is let go within a few hours")
    func ends() {
        let ahead = Self.used("m", minutes: 24 * 60)
        let leaving = Self.around([Self.model("m", .loaded, leavesIn: 60)])
        #expect(Self.decide(ahead, leaving, at: 24 * 60 + 60) == .keep("m"))
        #expect(Self.decide(ahead, leaving, at: 24 * 60 + 180) == nil)
    }
}
