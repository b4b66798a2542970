// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Testing

/// What a machine has free, and what it runs on, in the choice of who answers.
@Suite("Memory and power in the choice")
struct MachineChoiceTests {
    private static let gigabyte = 1_000_000_000
    private static let model = ModelInfo(id: "m", bytes: 5 * gigabyte)

    private static func node(
        _ name: NodeName, free: Int, resident: [ModelID]? = [], models: [ModelInfo] = [model], latency: Duration = .zero
    ) -> NodeSnapshot {
        var node = NodeSnapshot.sketch(name, models: models, resident: resident, latency: latency)
        node.machine = MachineFacts(memory: .init(total: 64 * gigabyte, free: free * gigabyte))
        return node
    }

    private static func decide(
        _ nodes: NodeSnapshot..., by router: Router = Router(), pin: NodeName? = nil, now: MonotonicInstant = .zero
    ) -> RouteDecision {
        router.decide(RouteRequest(model: "m", pin: pin), among: nodes, now: now)
    }

    @Test("A model is not loaded where it does not fit while another has room, and the reason is told")
    func noRoom() {
        let decision = Self.decide(
            Self.node("near", free: 2), Self.node("far", free: 20, latency: .seconds(2)))
        #expect(decision.choices.map(\.candidate.node) == ["far"])
        #expect(decision.skipped == [.init(node: "near", reason: .noRoom(4 * Self.gigabyte))])
        #expect(decision.skipped[0].reason.description == "no-room(4.0 GB short)")
    }

    @Test("Where nobody has room all may be asked, and the estimate says what is missing")
    func nobodyHasRoom() {
        let decision = Self.decide(Self.node("near", free: 2), Self.node("far", free: 4, latency: .seconds(2)))
        #expect(decision.choices.map(\.candidate.node) == ["near", "far"])
        #expect(decision.choices.map(\.estimate.missingMemory) == [4 * Self.gigabyte, 2 * Self.gigabyte])
        let pinned = Self.decide(Self.node("near", free: 2), Self.node("far", free: 20), pin: "near")
        #expect(pinned.choices.map(\.candidate.node) == ["near"])
    }

    @Test("Who has the model loaded, does not say, or says no size is not judged by its memory")
    func unknown() {
        var silent = Self.node("near", free: 2)
        silent.machine = nil
        for near in [
            Self.node("near", free: 2, resident: ["m"]), Self.node("near", free: 2, resident: nil), silent,
            Self.node("near", free: 2, models: [.sketch("m")]),
        ] {
            let decision = Self.decide(near, Self.node("far", free: 20, latency: .seconds(9)))
            #expect(decision.choices.first?.candidate.node == "near")
            #expect(decision.choices.first?.estimate.missingMemory == nil)
        }
    }

    @Test("A model that is being loaded takes the memory that was free for it, and is waited for there")
    func loading() {
        var router = Router()
        let request = RequestID.random()
        router.began(request, at: Candidate(node: "near", model: "m"), isCold: true, now: .zero)
        let decision = Self.decide(
            Self.node("near", free: 1), Self.node("far", free: 20, latency: .seconds(9)), by: router, now: .seconds(1))
        #expect(decision.choices.first?.candidate.node == "near")
    }

    @Test("One that has room but cannot be asked now keeps nobody from the rest")
    func notAskable() {
        var router = Router()
        for _ in 0..<8 {
            let request = RequestID.random()
            router.began(request, at: Candidate(node: "far", model: "m"), now: .zero)
            router.failed(
                request, at: Candidate(node: "far", model: "m"), with: ChatError(.engineError, "it broke"), now: .zero)
        }
        let decision = Self.decide(Self.node("near", free: 2), Self.node("far", free: 20), by: router)
        #expect(decision.choices.first?.candidate.node == "near")
    }

    // MARK: Power

    private static func onBattery(_ name: NodeName, latency: Duration = .zero) -> NodeSnapshot {
        var node = NodeSnapshot.sketch(name, latency: latency)
        node.machine = MachineFacts(battery: .init(isInUse: true, percent: 20)).sparing(below: 50)
        return node
    }

    @Test(
        "A battery is spared while another answers within about twice the time",
        arguments: [(1, "desk"), (30, "laptop")])
    func battery(seconds: Int, chosen: String) {
        let desk = NodeSnapshot.sketch("desk", latency: .seconds(seconds))
        let decision = Self.decide(Self.onBattery("laptop"), desk)
        #expect(decision.choices.first?.candidate.name.rawValue == chosen)
        #expect(decision.choices.first { $0.candidate.node == "laptop" }?.estimate.sparesBattery == true)
    }

    @Test("It answers all the same where nobody else can")
    func alone() { #expect(Self.decide(Self.onBattery("laptop")).choices.map(\.candidate.node) == ["laptop"]) }
}
