// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

@Suite("Explained routes")
struct ExplainTests {
    private struct FixedMesh: Mesh {
        var nodes: [NodeSnapshot]

        func snapshots() -> [NodeSnapshot] { nodes }
        func backend(for node: NodeID) -> (any Answering)? { nil }
        func report(_ failure: ChatError, from node: NodeID) {}
    }

    private let request = ChatRequest(model: "m", messages: [ChatMessage(.user, "hello")])

    @Test("Every candidate comes with what its wait is made of, and everybody else with why not")
    func whole() throws {
        let dispatcher = Dispatcher(
            mesh: FixedMesh(nodes: [
                .sketch("busy", slots: 2, outstanding: 6, latency: .milliseconds(20)), .sketch("idle", slots: 2),
                .sketch("away", reachability: .down("refused")), .sketch("closing", isDraining: true),
            ]), clock: ManualClock())
        let explanation = dispatcher.explain(request)
        #expect(explanation.refusal == nil)
        #expect(explanation.decision.choices.map(\.candidate.node) == ["idle", "busy"])
        let busy = try #require(explanation.decision.choices.last).estimate
        #expect(busy.outstanding == 6)
        #expect(busy.slots == 2)
        #expect(busy.latency == .milliseconds(20))
        #expect(busy.queue > .zero)
        #expect(
            explanation.decision.skipped == [
                .init(node: "away", reason: .down("refused")), .init(node: "closing", reason: .draining),
            ])
    }

    @Test("When nobody can be asked it says what the client would be told")
    func nobody() {
        let dispatcher = Dispatcher(
            mesh: FixedMesh(nodes: [.sketch("away", reachability: .down("refused"))]), clock: ManualClock())
        let explanation = dispatcher.explain(request, pin: "attic")
        #expect(explanation.decision.choices.isEmpty)
        #expect(explanation.refusal?.code == .nodeNotFound)
        #expect(explanation.refusal?.message == "no node named 'attic' is known here; there is away")
    }

    @Test("Asking often changes nothing: nothing is reserved and nothing learned")
    func idempotent() {
        let dispatcher = Dispatcher(
            mesh: FixedMesh(nodes: [.sketch("one"), .sketch("two", latency: .milliseconds(1))]), clock: ManualClock())
        let waits = (0..<100).map { _ in dispatcher.explain(request).decision.choices.map(\.score) }
        #expect(Set(waits).count == 1)
        #expect(dispatcher.journal.recent().isEmpty)
    }
}
