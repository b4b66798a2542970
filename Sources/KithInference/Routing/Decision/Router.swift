// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Decides which node answers: a pure value that is told what happens and asked where to go.
///
/// Filters by tier, reachability, model, context and breaker, then ranks by ``WaitEstimate/score``: what is ahead in
/// the queue, the request itself, round trip, cold load and recent failures, divided by the level. Among those that are
/// nearly as good as the best, one that has the beginning of the conversation goes first.
package struct Router: Sendable {
    /// Requests by which the candidate with the conversation's beginning may be busier than the best.
    package static let affinityLoad = 2
    /// How many times the best's score it may have.
    package static let affinityFactor = 1.5
    /// And this much more, so that a difference that nobody notices does not move a conversation.
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
        var opens: MonotonicInstant?
        var full: Room?
        /// What it lacks of what the request needs, and whether it is asked all the same, to find out.
        var lack: (feature: Feature, isWorthAsking: Bool)?
        /// Bytes of memory that are missing to load its model.
        var missing: Int?
    }

    package func decide(_ request: RouteRequest, among nodes: [NodeSnapshot], now: MonotonicInstant) -> RouteDecision {
        let wanted = WantedModels(request, among: nodes, aliases: aliases)
        let isAlias = request.model.map { aliases.meaning(of: $0) != nil } ?? true
        var decision = RouteDecision(choices: [], skipped: [], isAlias: isAlias)
        var offers: [Offer] = []
        var lacking: [NodeSnapshot] = []
        for node in nodes {
            switch self.offers(of: node, for: request, wanted, now: now) {
            case .success(let found): offers += found
            case .failure(let skip) where skip.reason == .modelAbsent && !wanted.names.isEmpty: lacking.append(node)
            case .failure(let skip):
                decision.skipped.append(.init(node, skip.reason))
                if let helpsAt = skip.helpsAt { decision.mayHelpAt = min(decision.mayHelpAt ?? helpsAt, helpsAt) }
            }
        }
        let same = lacking.isEmpty ? nil : wanted.underOtherNames(among: nodes)
        for node in lacking {
            if let same, case .success(let found) = self.offers(of: node, for: request, same, now: now) {
                offers += found
            } else {
                decision.skipped.append(.init(node, .modelAbsent))
            }
        }
        decision.choices = choices(from: roomy(of: capable(of: offers)), for: request, wanted, now: now)
        for offer in offers where !decision.places(offer.candidate.node) {
            guard !decision.skipped.contains(where: { $0.node == offer.candidate.node }) else { continue }
            decision.skipped.append(.init(offer.node, Self.reason(against: offer)))
        }
        if decision.choices.isEmpty { explain(&decision, request, wanted, nodes, now: now) }
        return decision
    }

    /// Those that have what the request needs; when none has, those that are asked all the same.
    private func capable(of offers: [Offer]) -> [Offer] {
        guard offers.contains(where: { $0.lack != nil }) else { return offers }
        let capable = offers.filter { $0.lack == nil }
        return capable.isEmpty ? offers.filter { $0.lack?.isWorthAsking == true } : capable
    }

    /// Without those that would have to load the model where it does not fit, while another can be asked: an engine would make
    /// room by unloading what others use, or have the machine swap.
    private func roomy(of offers: [Offer]) -> [Offer] {
        guard offers.contains(where: { $0.missing != nil }) else { return offers }
        let roomy = offers.filter { $0.missing == nil }
        let mayBeAsked = roomy.contains { $0.opens == nil && $0.full == nil && !$0.node.isDraining }
        return mayBeAsked ? roomy : offers
    }

    private static func reason(against offer: Offer) -> SkipReason {
        if let lack = offer.lack { return .lacks(lack.feature) }
        if offer.node.isDraining { return .draining }
        guard offer.opens == nil, let missing = offer.missing else { return .breakerOpen }
        return .noRoom(missing)
    }

    private struct Skipped: Error {
        var reason: SkipReason
        var helpsAt: MonotonicInstant?
    }

    /// The candidates on a node, including those behind an open breaker, and this node's when it drains.
    private func offers(
        of node: NodeSnapshot, for request: RouteRequest, _ wanted: WantedModels, now: MonotonicInstant
    ) -> Result<[Offer], Skipped> {
        func skip(_ reason: SkipReason, for pause: Duration? = nil) -> Result<[Offer], Skipped> {
            .failure(Skipped(reason: reason, helpsAt: pause.map { now + $0 }))
        }
        guard node.tier == .kin else { return skip(.notKin) }
        if let pin = request.pin, pin != node.name { return skip(.pinnedElsewhere) }
        switch node.reachability {
        case .up: break
        case .new: return skip(.beingDescribed, for: .seconds(1))
        case .unknown: return skip(.unknown, for: .seconds(5))
        case .down(let why): return skip(.down(why), for: .seconds(5))
        case .asleep: return skip(.asleep(""), for: .seconds(30))
        }
        guard !node.isDraining || node.isSelf else { return skip(.draining, for: .seconds(5)) }
        switch node.engine {
        case .down(let why): return skip(.engineDown(why), for: .seconds(2))
        case .loading where node.models.isEmpty: return skip(.engineLoading, for: .seconds(2))
        case .unknown where node.models.isEmpty: return skip(.beingDescribed, for: .seconds(1))
        case .ready, .loading, .unknown: break
        }
        guard !node.models.isEmpty else { return skip(.noEngine) }
        let affordable = request.avoidsCost ? node.models.filter { !$0.mayCost } : node.models
        guard !affordable.isEmpty else { return skip(.runsElsewhere) }
        let allowed = request.allowed(of: affordable)
        guard !allowed.isEmpty else { return skip(.notAllowed) }
        let models = wanted.chosen(
            from: allowed, for: request.purpose, isMeasured: { knowledge.hasMeasured(Candidate(node, model: $0)) },
            isSuited: { isSuited($0, on: node, for: request, now: now) })
        return offers(of: models, on: node, for: request, now: now).mapError { skipped in
            guard skipped.reason == .modelAbsent, wanted.names.isEmpty else { return skipped }
            switch request.purpose {
            case .embedding: return Skipped(reason: .lacks(.embeddings))
            case .service(let service): return Skipped(reason: .lacks(Feature(service)))
            case .chat:
                return Skipped(reason: node.models.contains(where: \.isForAnybody) ? .modelAbsent : .runsElsewhere)
            }
        }
    }

    /// Whether a model that nobody named sees, reads or does what the request needs: neither its engine nor a refusal of late says
    /// that it does not.
    private func isSuited(
        _ model: ModelInfo, on node: NodeSnapshot, for request: RouteRequest, now: MonotonicInstant
    ) -> Bool {
        if let context = model.contextLength, request.tokens > context { return false }
        if request.features.isEmpty { return true }
        return !request.features.contains { $0.isOffered(by: model) == false }
            && knowledge.standing(of: Candidate(node, model: model.id), needing: request.features, now: now).lack == nil
    }

    private func offers(
        of models: [ModelInfo], on node: NodeSnapshot, for request: RouteRequest, now: MonotonicInstant
    ) -> Result<[Offer], Skipped> {
        var skipped = Skipped(reason: .modelAbsent)
        var offers: [Offer] = []
        for model in models {
            let candidate = Candidate(node, model: model.id)
            if let context = model.contextLength, request.tokens > context {
                skipped = Skipped(reason: .contextTooShort(context))
                continue
            }
            let standing = knowledge.standing(
                of: candidate, needing: request.features, priority: request.priority, now: now)
            if let hold = standing.hold {
                skipped = Skipped(reason: .heldBack(hold.why), helpsAt: hold.until)
                continue
            }
            var offer = Offer(candidate: candidate, node: node, full: standing.full)
            if case .refused(let until) = standing.permission { offer.opens = until }
            // What is being loaded already takes the memory that was free for it.
            if !standing.isLoading { offer.missing = node.missingMemory(for: model) }
            if let lack = standing.lack {
                offer.lack = (lack.feature, now - lack.since >= CandidateRecord.lackPause)
            } else {
                let lacks = request.features.filter { $0.isOffered(by: model) == false }
                if let feature = lacks.first(where: \.isSettledByCapabilities) ?? lacks.first {
                    offer.lack = (feature, !feature.isSettledByCapabilities)
                }
            }
            offers.append(offer)
        }
        return offers.isEmpty ? .failure(skipped) : .success(offers)
    }

    /// Best first: those that can be asked, otherwise this node though it drains, otherwise the one whose breaker opens
    /// first.
    private func choices(
        from offers: [Offer], for request: RouteRequest, _ wanted: WantedModels, now: MonotonicInstant
    ) -> [RouteDecision.Choice] {
        var best = knowledge.best(of: offers.lazy.map(\.candidate), for: request.purpose)
        if case .fastest = wanted { best.pace = max(best.pace, Pace.prior) }  // what is not known is not fast
        func choice(_ offer: Offer, _ reason: RouteReason, held: Int = 0) -> RouteDecision.Choice {
            var estimate = knowledge.estimate(
                offer.candidate, on: offer.node, for: request, held: held, best: best, now: now)
            if let full = offer.full { estimate.queue = max(estimate.queue, full.turn - now) }
            estimate.missingMemory = offer.missing
            return RouteDecision.Choice(
                candidate: offer.candidate, estimate: estimate, reason: reason, full: offer.full)
        }
        let usable = offers.filter { $0.opens == nil && !$0.node.isDraining }
        if !usable.isEmpty {
            let reason: RouteReason =
                request.pin != nil ? .pinned : usable.count == 1 ? .onlyCandidate : .shortestWait
            if offers.count == 1 { return [choice(usable[0], reason)] }
            let ranked = usable.map { choice($0, reason) }.sorted(by: Self.goesFirst)
            let open = offers.filter { $0.opens != nil && !$0.node.isDraining }.map { choice($0, .probe) }
            let preferred = preferringPrefix(ranked, of: request) { candidate, blocks in
                usable.first { $0.candidate == candidate }.map { choice($0, reason, held: blocks).estimate }
            }
            return probing(preferred, open, now: now)
        }
        let draining = offers.filter { $0.opens == nil }
        if !draining.isEmpty { return draining.map { choice($0, .lastResort) }.sorted(by: Self.goesFirst) }
        let leastBad = offers.min { ($0.opens ?? now) < ($1.opens ?? now) }
        return leastBad.map { [choice($0, .leastBad)] } ?? []
    }

    /// Candidates with room go before those without.
    private static func goesFirst(_ left: RouteDecision.Choice, _ right: RouteDecision.Choice) -> Bool {
        if let leftRoom = left.full?.at, let rightRoom = right.full?.at, leftRoom != rightRoom {
            return leftRoom < rightRoom
        }
        guard (left.full == nil) == (right.full == nil) else { return left.full == nil }
        guard left.score == right.score else { return left.score < right.score }
        return left.estimate.outstanding * right.estimate.slots < right.estimate.outstanding * left.estimate.slots
    }

    /// A candidate that failed and is idle gets a request now and then while others are busy, so that it is not idle
    /// long after it works again.
    ///
    /// - Parameter open: Those behind an open breaker; they are tried only when the best has no slot free.
    private func probing(
        _ ranked: [RouteDecision.Choice], _ open: [RouteDecision.Choice], now: MonotonicInstant
    ) -> [RouteDecision.Choice] {
        guard let best = ranked.first, best.reason == .shortestWait || best.reason == .onlyCandidate,
            best.estimate.outstanding > 0 || best.full != nil
        else { return ranked }
        func isWorthIt(_ choice: RouteDecision.Choice, isOpen: Bool) -> Bool {
            choice.full == nil && choice.estimate.outstanding == 0
                && knowledge.mayProbe(choice.candidate, isOpen: isOpen, now: now)
        }
        if let place = ranked.dropFirst().firstIndex(where: { isWorthIt($0, isOpen: false) }) {
            var ranked = ranked
            var probe = ranked.remove(at: place)
            probe.reason = .probe
            return [probe] + ranked
        }
        guard best.estimate.outstanding >= best.estimate.slots || best.full != nil,
            let probe = open.first(where: { isWorthIt($0, isOpen: true) })
        else { return ranked }
        return [probe] + ranked
    }

    /// Why there is no candidate, and whether that may pass.
    private func explain(
        _ decision: inout RouteDecision, _ request: RouteRequest, _ wanted: WantedModels, _ nodes: [NodeSnapshot],
        now: MonotonicInstant
    ) {
        decision.abilities = nodes.filter { $0.tier == .kin && $0.reachability == .up }.flatMap { node in
            request.allowed(of: node.models).filter { model in
                request.features.contains { $0.isOffered(by: model) == true }
            }
            .map { RouteDecision.Ability(model: $0, node: node.name) }
        }
        decision.knownModels = Set(nodes.filter { $0.tier == .kin }.flatMap { $0.models.map(\.id) }).sorted()
        let asked = nodes.filter { $0.tier == .kin && (request.pin == nil || request.pin == $0.name) }
        decision.mayBeOffered =
            asked.contains { node in
                if wanted.names.contains(where: { WantedModels.match($0, in: node.models) != nil }) { return true }
                return !isListKnown(of: node, now: now)
            }
            || (request.pin == nil && wanted.names.contains { knowledge.hadLately($0, now: now) })
    }

    /// A node that has been silent for long is not waited for.
    private func isListKnown(of node: NodeSnapshot, now: MonotonicInstant) -> Bool {
        guard node.models.isEmpty else { return true }
        switch node.reachability {
        case .up: return node.engine == .ready
        case .new: return false
        case .unknown, .down, .asleep: return now - node.lastHeard >= RouteKnowledge.lately
        }
    }

    /// Moves the one that was last sent the beginning of the conversation to the front, unless it is much busier.
    ///
    /// - Parameter estimate: What it takes with so many blocks of the beginning in memory.
    private func preferringPrefix(
        _ ranked: [RouteDecision.Choice], of request: RouteRequest, _ estimate: (Candidate, Int) -> WaitEstimate?
    ) -> [RouteDecision.Choice] {
        guard usesAffinity, let best = ranked.first, let holder = knowledge.prefixHolder(request),
            let place = ranked.firstIndex(where: { $0.candidate == holder.candidate })
        else { return ranked }
        var ranked = ranked
        ranked[place].estimate.prefixBlocks = holder.blocks
        guard best.reason == .shortestWait, ranked[place].full == nil,
            ranked[place].estimate.outstanding <= best.estimate.outstanding + Self.affinityLoad
        else { return ranked }
        if holder.blocks > 0, let held = estimate(holder.candidate, holder.blocks) {
            ranked[place].estimate = held
            ranked[place].estimate.prefixBlocks = holder.blocks
        }
        let limit = best.score * Self.affinityFactor + Self.affinitySlack
        guard place > 0, ranked[place].score <= limit else { return ranked }
        var preferred = ranked.remove(at: place)
        preferred.reason = .affinity
        return [preferred] + ranked
    }

    // MARK: Learning

    /// Tokens a second for one request, of every candidate that was measured.
    package var tokensPerSecond: [Candidate: Double] { knowledge.tokensPerSecond }

    /// How the breaker of every candidate stands that was sent something.
    package func breakers(now: MonotonicInstant) -> [Candidate: CircuitBreaker.Condition] {
        knowledge.breakers(now: now)
    }

    package mutating func requestArrived(now: MonotonicInstant) { budget.requestArrived(now: now) }

    /// - Returns: Whether one more alternate may be tried.
    package mutating func mayRetry(now: MonotonicInstant) -> Bool { budget.spend(now: now) }

    /// A request is being sent to the candidate.
    ///
    /// - Parameter isCold: Whether its model has to be loaded for that.
    package mutating func began(
        _ id: RequestID, at candidate: Candidate, for request: RouteRequest = RouteRequest(), isCold: Bool = false,
        now: MonotonicInstant
    ) {
        knowledge.began(id, at: candidate, for: request, isCold: isCold, now: now)
    }

    package mutating func succeeded(
        _ id: RequestID, at candidate: Candidate, cost: EngineCost = .unknown, now: MonotonicInstant
    ) {
        knowledge.succeeded(id, at: candidate, cost: cost, now: now)
    }

    /// - Parameter failure: Why no answer, or only a part of one, came.
    package mutating func failed(
        _ id: RequestID, at candidate: Candidate, with failure: ChatError, now: MonotonicInstant
    ) {
        knowledge.failed(id, at: candidate, with: failure, now: now, using: &generator)
    }

    /// The client has gone, or the answer is no longer wanted: nothing is learned.
    package mutating func abandoned(_ id: RequestID, at candidate: Candidate, now: MonotonicInstant) {
        knowledge.abandoned(id, at: candidate, now: now)
    }

    /// A node that was gone is back: its earlier failures are not held against it.
    package mutating func returned(_ node: NodeID) { knowledge.returned(node) }
}

extension RouteRequest {
    fileprivate func allowed(of models: [ModelInfo]) -> [ModelInfo] {
        if allowedModels.isEmpty { return models }
        return models.filter { model in allowedModels.contains { model.id.isMeant(by: $0) } }
    }
}

extension RouteDecision {
    fileprivate func places(_ node: NodeID) -> Bool { choices.contains { $0.candidate.node == node } }
}
