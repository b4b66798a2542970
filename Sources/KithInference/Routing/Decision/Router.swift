// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Decides which node answers: a pure value that is told what happens and asked where to go.
///
/// Filters by tier, reachability, model, context and breaker, then ranks by ``WaitEstimate/score``: what is ahead in the
/// queue, the request itself, round trip, cold load and recent failures, by the level. Among those that are nearly as good
/// as the best, one that has the beginning of the conversation goes first.
package struct Router: Sendable {
    /// Requests by which the one with the conversation's beginning may be busier than the best.
    package static let affinityLoad = 2
    /// Times the best's score that it may have.
    package static let affinityFactor = 1.5
    /// And this much more, so that what nobody notices does not move a conversation.
    package static let affinitySlack = Duration.milliseconds(50)

    package let aliases: ModelAliases
    private let usesAffinity: Bool
    private var knowledge = RouteKnowledge()
    private var budget = RetryBudget()
    private var generator: any RandomNumberGenerator & Sendable

    package init(
        aliases: ModelAliases = ModelAliases(), usesAffinity: Bool = true,
        generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.aliases = aliases
        self.usesAffinity = usesAffinity
        self.generator = generator
    }

    // MARK: Deciding

    private struct Offer {
        var candidate: Candidate
        var node: NodeSnapshot
        /// When a breaker that is open now lets a request through.
        var opens: Moment?
    }

    package func decide(_ request: RouteRequest, among nodes: [NodeSnapshot], now: Moment) -> RouteDecision {
        let wanted = WantedModels(request, among: nodes, aliases: aliases)
        let isAlias = request.model.map { aliases.meaning(of: $0) != nil } ?? true
        var decision = RouteDecision(choices: [], skipped: [], knownModels: [], isAlias: isAlias)
        var offers: [Offer] = []
        for node in nodes {
            switch self.offers(of: node, for: request, wanted, now: now) {
            case .success(let found): offers += found
            case .failure(let skip): decision.skipped.append(.init(node: node.name, reason: skip.reason))
            }
        }
        decision.choices = choices(from: offers, for: request, wanted, now: now)
        for offer in offers where !decision.places(offer.candidate.node) {
            let reason: SkipReason = offer.node.isDraining ? .draining : .breakerOpen
            if !decision.skipped.contains(where: { $0.node == offer.candidate.node }) {
                decision.skipped.append(.init(node: offer.candidate.node, reason: reason))
            }
        }
        if decision.choices.isEmpty {
            decision.knownModels = Set(nodes.filter { $0.tier == .kin }.flatMap { $0.models.map(\.id) }).sorted()
        }
        return decision
    }

    private struct Skipped: Error { var reason: SkipReason }

    /// The candidates on a node, those behind an open breaker among them, and this node's when it drains.
    private func offers(
        of node: NodeSnapshot, for request: RouteRequest, _ wanted: WantedModels, now: Moment
    ) -> Result<[Offer], Skipped> {
        func skip(_ reason: SkipReason) -> Result<[Offer], Skipped> { .failure(Skipped(reason: reason)) }
        guard node.tier == .kin else { return skip(.notKin) }
        if let pin = request.pin, pin != node.name { return skip(.pinnedElsewhere) }
        switch node.reachability {
        case .up: break
        case .unknown: return skip(.unknown)
        case .down(let why): return skip(.down(why))
        }
        guard !node.isDraining || node.isSelf else { return skip(.draining) }
        guard !node.models.isEmpty else { return skip(.noEngine) }
        let offered = request.purpose == .embedding ? node.models.filter(\.embeds) : node.models
        let models = wanted.chosen(from: offered) { knowledge.hasMeasured(Candidate(node: node.name, model: $0)) }
        var reason = SkipReason.modelAbsent
        var offers: [Offer] = []
        for model in models {
            let candidate = Candidate(node: node.name, model: model.id)
            if let context = model.contextLength, request.tokens > context {
                reason = .contextTooShort(context)
                continue
            }
            let standing = knowledge.standing(of: candidate, now: now)
            if let why = standing.hold {
                reason = .heldBack(why)
            } else if case .refused(let until) = standing.permission {
                offers.append(Offer(candidate: candidate, node: node, opens: until))
            } else {
                offers.append(Offer(candidate: candidate, node: node))
            }
        }
        return offers.isEmpty ? skip(reason) : .success(offers)
    }

    /// Best first: those that can be asked, else this node though it drains, else the one whose breaker opens first.
    private func choices(
        from offers: [Offer], for request: RouteRequest, _ wanted: WantedModels, now: Moment
    ) -> [RouteDecision.Choice] {
        var best = knowledge.bestPace(of: offers.lazy.map(\.candidate), for: request.purpose)
        if case .fastest = wanted { best = max(best, Pace.prior) }  // what is not known is not fast
        func choice(_ offer: Offer, _ reason: RouteReason) -> RouteDecision.Choice {
            let estimate = knowledge.estimate(offer.candidate, on: offer.node, for: request, best: best, now: now)
            return RouteDecision.Choice(candidate: offer.candidate, estimate: estimate, reason: reason)
        }
        let usable = offers.filter { $0.opens == nil && !$0.node.isDraining }
        if usable.count == 1, request.pin == nil { return [choice(usable[0], .onlyCandidate)] }
        if !usable.isEmpty {
            let ranked = usable.map { choice($0, request.pin == nil ? .shortestWait : .pinned) }.sorted(
                by: Self.goesFirst)
            return preferringPrefix(ranked, of: request)
        }
        let draining = offers.filter { $0.opens == nil }
        if !draining.isEmpty { return draining.map { choice($0, .lastResort) }.sorted(by: Self.goesFirst) }
        let leastBad = offers.min { ($0.opens ?? now) < ($1.opens ?? now) }
        return leastBad.map { [choice($0, .leastBad)] } ?? []
    }

    private static func goesFirst(_ left: RouteDecision.Choice, _ right: RouteDecision.Choice) -> Bool {
        guard left.score == right.score else { return left.score < right.score }
        return left.estimate.outstanding * right.estimate.slots < right.estimate.outstanding * left.estimate.slots
    }

    /// Moves the one that was last sent the beginning of the conversation to the front, unless it is much busier.
    private func preferringPrefix(
        _ ranked: [RouteDecision.Choice], of request: RouteRequest
    ) -> [RouteDecision.Choice] {
        guard usesAffinity, let best = ranked.first, let holder = knowledge.prefixHolder(request),
            let place = ranked.firstIndex(where: { $0.candidate == holder.candidate })
        else { return ranked }
        var ranked = ranked
        ranked[place].estimate.prefixBlocks = holder.blocks
        let limit = best.score * Self.affinityFactor + Self.affinitySlack
        guard place > 0, best.reason == .shortestWait, ranked[place].score <= limit,
            ranked[place].estimate.outstanding <= best.estimate.outstanding + Self.affinityLoad
        else { return ranked }
        var preferred = ranked.remove(at: place)
        preferred.reason = .affinity
        return [preferred] + ranked
    }

    // MARK: Learning

    /// Tokens a second for one request, of every candidate that was measured.
    package var tokensPerSecond: [Candidate: Double] { knowledge.tokensPerSecond }

    package mutating func requestArrived(now: Moment) { budget.requestArrived(now: now) }

    /// - Returns: Whether one more alternate may be tried.
    package mutating func mayRetry(now: Moment) -> Bool { budget.spend(now: now) }

    /// A request is being sent to the candidate.
    package mutating func began(
        _ id: RequestID, at candidate: Candidate, for request: RouteRequest = RouteRequest(), now: Moment
    ) {
        knowledge.began(id, at: candidate, for: request, now: now)
    }

    package mutating func succeeded(
        _ id: RequestID, at candidate: Candidate, cost: EngineCost = .unknown, now: Moment
    ) {
        knowledge.succeeded(id, at: candidate, cost: cost, now: now)
    }

    /// - Parameter failure: Why no answer, or no whole one, came.
    package mutating func failed(_ id: RequestID, at candidate: Candidate, with failure: ChatFailure, now: Moment) {
        knowledge.failed(id, at: candidate, with: failure, now: now, using: &generator)
    }

    /// The client has gone, or the request lost interest: nothing is learned.
    package mutating func abandoned(_ id: RequestID, at candidate: Candidate, now: Moment) {
        knowledge.abandoned(id, at: candidate, now: now)
    }

    /// A node that was gone is back: that it failed in its earlier life is not held against it.
    package mutating func returned(_ node: NodeName) { knowledge.returned(node) }
}

extension RouteDecision {
    fileprivate func places(_ node: NodeName) -> Bool { choices.contains { $0.candidate.node == node } }
}
