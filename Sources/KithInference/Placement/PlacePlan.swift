// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel

/// Puts together which models are on which machines: a pure function of what the engines said, of what is known of the nodes, and
/// of where prompts would go.
package struct PlacePlan: Sendable {
    /// This node first, as ``Mesh/snapshots()`` gives them.
    private let nodes: [NodeSnapshot]
    private let told: [Spot: ModelMessage.Model]
    /// What the nodes have, in their order, the first of a name at each before others of it.
    private let heard: [ModelID: [Heard]]
    private let list: ModelMessage.List

    private struct Spot: Hashable {
        var node: String
        var model: String
    }

    private struct Heard {
        /// Its place among the nodes.
        var node: Int
        var info: ModelInfo
    }

    /// - Parameter list: What the engines of this node and of its kin said, as far as they could be asked.
    package init(nodes: [NodeSnapshot], list: ModelMessage.List) {
        let kin = nodes.filter { $0.tier == .kin }
        self.nodes = kin
        self.list = list
        // Of a model that a machine has at two engines, the one that is loaded counts.
        told = Dictionary(list.models.map { (Spot(node: $0.node, model: $0.name), $0) }) { first, second in
            second.residency == .loaded ? second : first
        }
        heard = kin.enumerated().reduce(into: [:]) { heard, node in
            for info in node.element.models { heard[info.id, default: []].append(Heard(node: node.offset, info: info)) }
        }
    }

    /// Lets other work go on between two models: what a prompt waits for is not to wait for all of them.
    ///
    /// - Parameters:
    ///   - wanted: The only model that is meant; `nil` for all.
    ///   - explain: Where a prompt for a model would go now.
    package func message(
        of wanted: ModelID? = nil, explain: @Sendable (ModelID, RouteRequest.Purpose) -> RouteExplanation
    ) async -> PlaceMessage.Plan {
        var names = Set(list.models.map { ModelID($0.name) })
        names.formUnion(heard.keys)
        if let wanted { names = names.filter { $0.isMeant(by: wanted) } }
        var models: [PlaceMessage.Model] = []
        for name in names.sorted().prefix(PlaceMessage.limit) {
            models.append(model(name, explain(name, purpose(of: name))))
            await Task.yield()
        }
        return PlaceMessage.Plan(machines: nodes.map(machine), models: models)
    }

    private func purpose(of name: ModelID) -> RouteRequest.Purpose {
        let onlyEmbeds = heard[name, default: []].contains { $0.info.embeds && !$0.info.chats }
        return onlyEmbeds ? .embedding : .chat
    }

    private func machine(_ node: NodeSnapshot) -> PlaceMessage.Machine {
        let name = node.name.rawValue
        let problem =
            list.missing.first { $0.node == name }?.reason
            ?? list.engines.first { $0.node == name && $0.problem != nil }?.problem
        return PlaceMessage.Machine(
            node: name, state: node.reachability.word, isPaused: node.isDraining, active: node.outstanding,
            slots: node.slots, problem: problem, machine: node.machine.map(MachineMessage.init))
    }

    private func model(_ name: ModelID, _ explanation: RouteExplanation) -> PlaceMessage.Model {
        let known = nodes.compactMap { told[Spot(node: $0.name.rawValue, model: name.rawValue)] }
        let heard = heard[name, default: []]
        // Kin say them, and may say anything.
        let said = known.lazy.compactMap(\.sizeBytes).first ?? heard.lazy.compactMap(\.info.bytes).first
        let size = said.map { max(0, $0) }
        let infos = Dictionary(heard.map { ($0.node, $0.info) }) { first, _ in first }
        let choice = explanation.decision.choices.first
        return PlaceMessage.Model(
            name: name.rawValue, sizeBytes: size,
            needBytes: known.lazy.compactMap(\.memoryBytes).first.map { max(0, $0) }
                ?? size.map { MachineFacts.need(ofWeights: $0) },
            places: nodes.enumerated().map { place(of: name, on: $1, info: infos[$0], size: size) },
            next: choice.map { choice in
                PlaceMessage.Next(
                    node: choice.candidate.name.rawValue, reason: choice.reason.description,
                    waitMilliseconds: choice.estimate.untilWhole.shown,
                    coldLoadMilliseconds: choice.estimate.coldLoad.shown)
            },
            refusal: explanation.refusal?.message)
    }

    /// - Parameter info: What is heard of it there.
    private func place(
        of name: ModelID, on node: NodeSnapshot, info: ModelInfo?, size: Int?
    ) -> PlaceMessage.Place {
        let word = node.name.rawValue
        // Of what a provider runs nothing is loaded here.
        func missing(_ residency: Residency?) -> Int? {
            guard [nil, .onDisk].contains(residency), node.reachability == .up else { return nil }
            return size.flatMap { node.machine?.missing(forWeights: $0) }
        }
        if let told = told[Spot(node: word, model: name.rawValue)] {
            return PlaceMessage.Place(
                node: word, residency: told.residency, memoryBytes: told.memoryBytes.map { max(0, $0) },
                loadedUntil: told.loadedUntil, missingBytes: missing(told.residency))
        }
        let heard = info.map { residency(of: $0, on: node) }
        return PlaceMessage.Place(node: word, residency: heard, missingBytes: missing(heard))
    }

    /// As it was heard last, for a machine whose engines could not be asked.
    private func residency(of model: ModelInfo, on node: NodeSnapshot) -> Residency {
        if model.mayCost { return .elsewhere }
        guard node.reachability == .up else { return .onDisk }
        return node.resident.map { $0.contains(model.id) ? .loaded : .onDisk } ?? .unknown
    }
}

extension NodeSnapshot.Reachability {
    fileprivate var word: String {
        switch self {
        case .up: "up"
        case .asleep: "asleep"
        case .down: "down"
        case .new, .unknown: "unknown"
        }
    }
}

extension Duration {
    /// In milliseconds; what a node may say of another is limited to what can be shown.
    fileprivate var shown: Double { min(max(milliseconds, 0), 1e12).rounded() }
}
