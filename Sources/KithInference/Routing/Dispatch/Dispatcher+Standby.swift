// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Who could go on with an answer, and reads it along.
extension Dispatcher {
    /// Whether another engine could answer in place of one that answers now.
    func isReplaceable(_ candidate: Candidate, for wanted: RouteRequest) -> Bool {
        guard continues, wanted.pin == nil else { return false }
        var sameModel = wanted
        sameModel.model = candidate.model
        let others = [RouteDecision.Skip(candidate, .pinnedElsewhere)]
        return !decide(sameModel, without: others).choices.isEmpty || !decide(wanted, without: others).choices.isEmpty
    }

    /// How often a node has begun to drain; read with every token.
    var drainCount: Int { mesh.drainCount }

    /// Whether an engine's node drains, and another engine could go on with its answer.
    func leaves(_ candidate: Candidate, for wanted: RouteRequest) -> Bool {
        mesh.snapshots().contains { $0.id == candidate.node && $0.isDraining } && isReplaceable(candidate, for: wanted)
    }

    /// Lets another engine read an answer along, if the owner wishes it.
    func standby(for wanted: RouteRequest) -> Standby? {
        keepsStandby && wanted.pin == nil ? Standby(for: wanted, dispatcher: self) : nil
    }

    /// Lets the engine that would take over read the answer so far, if it is idle.
    ///
    /// What goes wrong matters only when that node is needed.
    func read(_ rest: ChatRequest, as wanted: RouteRequest, besides giver: Candidate) async -> Standby.Reading {
        var wanted = wanted
        wanted.model = giver.model
        wanted.tokens += rest.begun?.tokens ?? 0
        let decision = decide(wanted, without: [.init(giver, .pinnedElsewhere)])
        guard let choice = decision.choices.first, choice.estimate.outstanding == 0,
            let backend = mesh.backend(for: choice.candidate.node)
        else { return .nobodyNow }
        var placed = routed(rest, to: choice.candidate)
        placed.trace = rest.trace.begin(
            .standby, .client, SpanDetail(node: choice.candidate.name, model: choice.candidate.model), at: clock.now)
        defer { placed.trace.end(at: clock.now) }
        do {
            let answer = try await backend.until(rest.deadline, clock: clock).answer(placed)
            guard case .events(let events) = answer else { return .impossible }
            guard let reader = EngineStream(events).takeReader() else { return .impossible }
            while let event = try await reader.next(), !event.hasContent, !event.isEnd {}
            return .by(choice.candidate.node)
        } catch let failure as ChatError where !Blame(failure).triesAnother || failure.code == .cannotContinue {
            return .impossible
        } catch {
            return .nobodyNow
        }
    }
}
