// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Keeps a node company while its user is away: waits, chooses a peer, has an exchange, and remembers what came of it.
package actor CompanionService {
    /// The present state, for the owner.
    package struct Report: Hashable, Sendable {
        package var step: CompanionSchedule.Step
        package var idle: Duration
        package var threshold: Duration
        package var choice: PeerChoice
        package var budget: ExchangeBudget
        package var peers: Int
        /// The peer that is talked to now.
        package var talkingTo: String?
        /// Conversations in a row of which nothing was kept.
        package var fruitless: Int
        /// The model that worded the last one.
        package var model: String?
    }

    /// What becomes of an exchange, as it happens.
    package enum News: Hashable, Sendable {
        case began(peer: String, topic: String)
        case ended(ExchangeRecord)
        /// The user came, or what came of it could not be kept.
        case brokeOff(peer: String, topic: String)
    }

    /// The pause after an exchange.
    private static let pause = Duration.seconds(1)
    /// Changes that are not announced, such as the owner's resuming conversations, are noticed within this time.
    private static let longestPause = Duration.seconds(5)
    /// How many of the latest topics are not begun with again.
    private static let recentTopics = 16
    /// How many answers of each peer a new one is compared with.
    private static let rememberedAnswers = 8

    /// Called by the task that has the exchange.
    package nonisolated let news = Callback<News>()
    private let exchange: IdleExchange
    private let activity: UserActivity
    private let journal: any CompanionJournal
    private let clock: any TimeSource
    private let way: PeerChoice
    private let hindrance: @Sendable () async -> CompanionSchedule.Hindrance?
    private var choice: any PeerChoosing
    private var schedule: CompanionSchedule
    private var generator: any RandomNumberGenerator & Sendable
    private var recent: [String] = []
    private var said: [String: [String]] = [:]
    private var reputations: [String: Reputation]?
    private var lastModel: ModelID?
    /// Whether the last one was with a friend's node that said nothing of use: then one's own may have their turn.
    private var friendFailed = false
    /// The one that is talked to now.
    private var current: CompanionPeer?

    /// - Parameter hindrance: Looks what keeps this node from talking now, besides its user.
    package init(
        mind: any CompanionMind, peers: any CompanionPeers, keeper: any CultureKeeping, wall: PrivacyGuard,
        journal: any CompanionJournal, activity: UserActivity, clock: any TimeSource, node: NodeID, way: PeerChoice,
        budget: ExchangeBudget, hindrance: @escaping @Sendable () async -> CompanionSchedule.Hindrance? = { nil },
        generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        exchange = IdleExchange(mind: mind, peers: peers, keeper: keeper, wall: wall, clock: clock, node: node)
        self.activity = activity
        self.journal = journal
        self.clock = clock
        self.way = way
        self.hindrance = hindrance
        choice = way.make()
        schedule = CompanionSchedule(budget: budget, now: clock.now)
        self.generator = generator
    }

    /// Runs until cancelled.
    package func run() async {
        while !Task.isCancelled {
            if activity.idle.isIdle(now: clock.now) { schedule.hindrance = await hindrance() }
            let now = clock.now
            var pause = Self.longestPause
            switch schedule.step(idle: activity.idle, now: now, wall: .now()) {
            case .talk:
                // What went wrong has been noted, and the schedule knows.
                _ = try? await talkNow()
                pause = Self.pause
            case .wait(_, until: let until?): pause = min(max(until - now, .milliseconds(50)), pause)
            case .wait: break
            }
            do { try await clock.sleep(forAbout: pause) } catch { break }
        }
    }

    /// Has an exchange now, however long the user has been away and whatever was spent.
    ///
    /// - Returns: `nil` when there is no peer to talk to, or an exchange is under way.
    /// - Throws: What could not be read or kept; `CancellationError` when a user is served, or comes.
    package func talkNow() async throws -> ExchangeRecord? {
        guard current == nil else { return nil }
        let chosen: CompanionPeer?
        do {
            chosen = try await choosePeer()
        } catch {
            ended(.failed, noting: .failed(reason: "whom to talk to is not known: \(error)"))
            throw error
        }
        // Another task may have begun an exchange while the peers were looked at.
        guard let peer = chosen, current == nil else { return nil }
        current = peer
        defer { current = nil }
        return try await talk(with: peer)
    }

    package func pause() { schedule.isPaused = true }

    package func resume() { schedule.isPaused = false }

    package func report() async -> Report {
        schedule.hindrance = await hindrance()
        let idle = activity.idle
        return Report(
            step: schedule.step(idle: idle, now: clock.now, wall: .now()), idle: idle.idle(now: clock.now),
            threshold: idle.threshold, choice: way, budget: schedule.budget,
            peers: await exchange.peers.companions().count, talkingTo: current?.name,
            fruitless: schedule.fruitless, model: lastModel?.rawValue)
    }

    // MARK: One exchange

    private func talk(with peer: CompanionPeer) async throws -> ExchangeRecord {
        let seed = Topics.seed(avoiding: recent, using: &generator)
        recent = (recent + [seed]).suffix(Self.recentTopics)
        schedule.began(wall: .now())
        journal.note(.initiated(peer: peer.url))
        news(.began(peer: peer.name, topic: seed))
        do {
            let known = said[peer.key] ?? []
            let (result, heard) = try await activity.givingWay { [exchange] in
                try await exchange.run(with: peer, seed: seed, said: known)
            }
            if let heard { said[peer.key] = (known + [heard]).suffix(Self.rememberedAnswers) }
            for usage in result.usage { schedule.budget.spent(usage, now: .now()) }
            var reputation = reputations?[peer.key] ?? Reputation(at: .now())
            if let outcome = result.reputation { reputation.record(outcome, at: .now()) }
            reputations?[peer.key] = reputation
            try await exchange.keeper.record(
                result.record, with: peer, reputation: reputation, budget: schedule.budget)
            lastModel = result.model ?? lastModel
            if result.record.outcome != .refused {
                friendFailed = peer.tier == .kith && result.record.outcome.end != .kept
            }
            ended(result.record.outcome.end, noting: result.line)
            news(.ended(result.record))
            return result.record
        } catch is CancellationError {
            schedule.interrupted(now: clock.now)
            news(.brokeOff(peer: peer.name, topic: seed))
            journal.note(Task.isCancelled ? .stopped : .interrupted)
            throw CancellationError()
        } catch {
            ended(.failed, noting: .failed(reason: "what came of it could not be kept: \(error)"))
            news(.brokeOff(peer: peer.name, topic: seed))
            throw error
        }
    }

    private func ended(_ end: CompanionSchedule.End, noting line: CompanionLine) {
        schedule.ended(
            end, threshold: activity.idle.threshold, now: clock.now, using: &generator)
        journal.note(line)
    }

    private func choosePeer() async throws -> CompanionPeer? {
        if reputations == nil { reputations = try await exchange.keeper.reputations() }
        let now = WallTime.now()
        let peers = await exchange.peers.companions().sorted { $0.key < $1.key }
        said = said.filter { entry in peers.contains { $0.key == entry.key } }
        let known = peers.map { Companion(key: $0.key, reputation: reputations?[$0.key] ?? Reputation(at: now)) }
        let awake = known.indices.filter { !known[$0].reputation.isPaused(at: now) }
        // Friends' nodes say what one's own machines, with the same models and the same culture, do not.
        let friends = awake.filter { peers[$0].tier == .kith }
        let places = friends.isEmpty || friendFailed ? awake : friends
        let open = places.map { known[$0] }
        return choice.choose(among: open, now: now, using: &generator).map { peers[places[$0]] }
    }
}

extension ExchangeRecord.Outcome {
    fileprivate var end: CompanionSchedule.End {
        switch self {
        case .learned, .reinforced, .quarantined: .kept
        case .nothing: .fruitless
        case .failed, .refused: .failed
        }
    }
}
