// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What would become of a request, without it.
extension Dispatcher {
    /// Where a request would go now, and why; nothing is learned from it or reserved for it.
    package func explain(_ request: ChatRequest, pin: NodeName? = nil) -> RouteExplanation {
        let wanted = RouteRequest(request, pin: named(pin))
        return RouteExplanation(wanted: wanted, decision: decide(wanted, without: []), at: clock.now)
    }

    /// Where a short prompt for a model would go now, or a short text to be embedded.
    ///
    /// - Parameter nodes: As ``Mesh/snapshots()`` gave them, once for many questions.
    package func explain(
        _ model: ModelID, _ purpose: RouteRequest.Purpose, among nodes: [NodeSnapshot]
    ) -> RouteExplanation {
        let (wanted, now) = (RouteRequest(purpose: purpose, model: model), clock.now)
        return RouteExplanation(wanted: wanted, decision: decide(wanted, among: nodes, now: now), at: now)
    }

    /// The tokens of a prompt as the engine counts them that would answer it now; nothing is learned from it.
    ///
    /// - Returns: `nil` when no engine would answer, or that one cannot count, or not within `limit`.
    package func promptTokens(of request: ChatRequest, pin: NodeName? = nil, within limit: Duration) async -> Int? {
        let decision = decide(RouteRequest(request, pin: named(pin)), without: [])
        guard let candidate = decision.choices.first?.candidate, let backend = mesh.backend(for: candidate.node) else {
            return nil
        }
        // Whatever goes wrong, there is the estimate.
        return try? await backend.until(clock.now + limit, clock: clock)
            .promptTokens(of: routed(request, to: candidate))
    }

    /// The node that a client means; what it said, where that is none.
    func named(_ pin: NodeName?) -> NodeName? {
        guard let pin else { return nil }
        let nodes = mesh.snapshots()
        return NamedNode.place(of: pin.rawValue, among: nodes.map { ($0.id, $0.name) }).map { nodes[$0].name } ?? pin
    }
}
