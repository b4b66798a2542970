// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@testable import KithInference

@Suite("The plan of models and machines")
struct PlacePlanTests {
    private static let gigabyte = 1_000_000_000

    private static func kept(
        _ model: String, on node: String, _ residency: Residency, memory: Int? = nil
    ) -> ModelMessage.Model {
        var kept = KeptModel(id: ModelID(model), residency: residency, bytes: 5 * gigabyte)
        kept.memory = memory
        return ModelMessage.Model(node: node, kept, at: ModelPlace(kind: .ollama), nil)
    }

    private static func node(_ name: NodeName, models: [ModelInfo], free: Int) -> NodeSnapshot {
        var node = NodeSnapshot.sketch(name, models: models, resident: [])
        node.machine = MachineFacts(memory: .init(total: 64 * gigabyte, free: free * gigabyte))
        return node
    }

    private static func plan(
        _ nodes: [NodeSnapshot], _ list: ModelMessage.List, of model: ModelID? = nil
    ) async -> PlaceMessage.Plan {
        await PlacePlan(nodes: nodes, list: list).message(of: model) { model, purpose in
            let wanted = RouteRequest(purpose: purpose, model: model)
            return RouteExplanation(
                wanted: wanted, decision: Router().decide(wanted, among: nodes, now: .zero), at: .zero)
        }
    }

    @Test("It says where each model is, what it takes, what is missing where it is not, and who would answer")
    func places() async throws {
        let model = ModelInfo(id: "m", bytes: 5 * Self.gigabyte)
        var list = ModelMessage.List()
        list.models = [
            Self.kept("m", on: "desk", .loaded, memory: 7 * Self.gigabyte), Self.kept("m", on: "box", .onDisk),
        ]
        var desk = Self.node("desk", models: [model], free: 20)
        desk.resident = ["m"]
        let plan = await Self.plan(
            [desk, Self.node("box", models: [model], free: 4), Self.node("shelf", models: [], free: 1)], list)
        #expect(plan.machines.map(\.node) == ["desk", "box", "shelf"])
        #expect(plan.machines[0].machine?.memoryFreeBytes == 20 * Self.gigabyte)
        let placed = try #require(plan.models.first)
        #expect(placed.places.map(\.residency) == [.loaded, .onDisk, nil])
        #expect(placed.places.map(\.missingBytes) == [nil, 2 * Self.gigabyte, 5 * Self.gigabyte])
        #expect((placed.sizeBytes, placed.needBytes) == (5 * Self.gigabyte, 7 * Self.gigabyte))
        #expect(placed.next?.node == "desk")
        #expect(placed.refusal == nil)
    }

    @Test("Of a machine that cannot be asked it says what was heard last, and why it could not be")
    func absent() async throws {
        let model = ModelInfo(id: "m", bytes: 5 * Self.gigabyte)
        var list = ModelMessage.List()
        list.missing = [.init(node: "desk", reason: "it cannot be reached")]
        var desk = Self.node("desk", models: [model], free: 20)
        desk.reachability = .asleep
        let plan = await Self.plan([desk], list)
        #expect(plan.machines.map(\.state) == ["asleep"])
        #expect(plan.machines[0].problem == "it cannot be reached")
        #expect(plan.models[0].places == [.init(node: "desk", residency: .onDisk)])
        #expect(plan.models[0].needBytes == 6 * Self.gigabyte)
        #expect(plan.models[0].next == nil)
        #expect(plan.models[0].refusal?.contains("asleep") == true)
    }

    @Test("One model may be meant, with or without its tag; friends' machines are no part of it")
    func meant() async {
        let models = [ModelInfo(id: "m:latest"), ModelInfo(id: "other")]
        let friend = NodeSnapshot.sketch("friend", tier: .kith, models: [.sketch("theirs")])
        let nodes = [Self.node("desk", models: models, free: 1), friend]
        #expect(await Self.plan(nodes, .init(), of: "m").models.map(\.name) == ["m:latest"])
        #expect(await Self.plan(nodes, .init()).models.map(\.name) == ["m:latest", "other"])
        #expect(await Self.plan(nodes, .init()).machines.map(\.node) == ["desk"])
        #expect(await Self.plan(nodes, .init(), of: "nosuch").models.isEmpty)
    }

    @Test("A model that only embeds is planned for texts that are embedded")
    func embeds() async {
        let nodes = [Self.node("desk", models: [.sketch("e", embeds: true, chats: false)], free: 1)]
        #expect(await Self.plan(nodes, .init()).models[0].next?.node == "desk")
    }

    @Test("Of many models as many are planned as may be, the first by name, and others work meanwhile")
    func many() async {
        let models = (0..<500).map { ModelInfo(id: ModelID("m\(1_000 + $0)")) }
        let nodes = (0..<3).map { Self.node(NodeName("n\($0)") ?? "n", models: models, free: 1) }
        let plan = await Self.plan(nodes, .init())
        #expect(plan.models.map(\.name) == models.prefix(PlaceMessage.limit).map(\.id.rawValue))
        #expect(plan.models.allSatisfy { $0.places.map(\.residency) == [.onDisk, .onDisk, .onDisk] })
    }

    @Test("A size that cannot be is shown as none")
    func negative() async {
        var list = ModelMessage.List()
        list.models = [Self.kept("m", on: "desk", .loaded, memory: -7)]
        list.models[0].sizeBytes = -5
        let plan = await Self.plan([Self.node("desk", models: [ModelInfo(id: "e", bytes: -3)], free: 1)], list)
        #expect(plan.models.map(\.sizeBytes) == [nil, 0])
        #expect(plan.models.map(\.needBytes) == [nil, 0])
        #expect(plan.models[1].places[0].memoryBytes == 0)
    }
}
