// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithMembership
import KithModel
import KithTransport
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// Wakes kin that sleep, by the hardware addresses that they themselves have told this node, and with the help of other kin.
///
/// What it decides is in ``WakePlan`` and ``WakeLedger``.
package final class Waker: Sendable {
    /// How far a kin is with telling how it is woken.
    private enum Learning: Sendable {
        /// → asksOnceMore
        case asks
        /// It may have changed since it was asked. → asks
        case asksOnceMore
    }

    private struct Job: Sendable {
        var id: NodeID
        var until: MonotonicInstant
    }

    /// Between two packets while a machine does not come: one may be lost, and some interfaces listen late.
    private static let repetition = Duration.seconds(10)
    /// For the answer of a kin.
    private static let patience = Duration.seconds(2)
    /// How often a kin is asked that does not tell how it is woken.
    private static let attempts = 8
    /// Bytes of an answer of a kin.
    private static let answerLimit = 16 << 10
    /// For how long packets are repeated that the owner asked for, unless the machine is up before.
    private static let ownersLimit = Duration.seconds(120)
    /// How often one kin may have this node send.
    private static let rate = RequestRate(30, per: .minute)

    private let wishes: WakeWishes
    private let trust: TrustStore
    private let directory: PeerDirectory
    private let links: PeerLinks
    private let clock: any TimeSource
    private let logger: Logger
    private let surroundings: Surroundings
    private let ledger = Mutex(WakeLedger())
    private let rates = Mutex(RateTable(sets: 16))
    private let learning = Mutex<[NodeID: Learning]>([:])
    private let jobs: AsyncStream<Job>
    private let newJob: AsyncStream<Job>.Continuation

    init(
        wishes: WakeWishes, trust: TrustStore, directory: PeerDirectory, links: PeerLinks, clock: any TimeSource,
        surroundings: Surroundings, logger: Logger
    ) {
        self.wishes = wishes
        self.trust = trust
        self.directory = directory
        self.links = links
        self.clock = clock
        self.surroundings = surroundings
        self.logger = logger
        (jobs, newJob) = AsyncStream.makeStream(of: Job.self, bufferingPolicy: .bufferingOldest(64))
    }

    // MARK: Sending

    /// Repeats packets until cancelled, as long as each machine does not come.
    func run() async {
        // What those offer that sleep since before this node was started: they cannot be asked.
        for peer in trust.peers() where peer.wake.asleepSince != nil {
            guard let models = try? JSONBody.decode(PeerModels.self, from: peer.wake.models) else { continue }
            directory.recall(models, of: peer.id)
        }
        await withDiscardingTaskGroup { group in
            for await job in jobs { group.addTask { await self.repeatPackets(job) } }
        }
    }

    private func repeatPackets(_ job: Job) async {
        // Until it is there, or another waking has taken this one's place.
        while ledger.withLock({ $0.underWay(job.id, now: clock.now) }) == job.until, !isUp(job.id) {
            let report = await send(to: job.id)
            let senders = report.sent.map(\.name.rawValue).joined(separator: ", ")
            logger.info("waking", metadata: ["peer": "\(name(of: job.id))", "senders": "\(senders)"])
            do { try await clock.sleep(for: min(Self.repetition, job.until - clock.now)) } catch { return }
        }
    }

    /// What came of one round of packets.
    struct Report: Sendable {
        var sent: [(name: NodeName, networks: [AddressRange])] = []
        var missed: [(name: NodeName, reason: String)] = []
    }

    /// Sends from here, and has the kin send that are up and on one of its networks.
    func send(to id: NodeID) async -> Report {
        var report = Report()
        let cards = notes(of: id).cards
        let own = sendFromHere(to: cards)
        if own.refusal == nil {
            report.sent.append((directory.ownName, own.networks))
        } else if own.refusal == .notSent {
            report.missed.append((directory.ownName, PeerWakeAnswer.Refusal.notSent.words))
        }
        await withTaskGroup(of: (NodeID, Result<PeerWakeAnswer, any Error>).self) { group in
            for helper in helpers(for: id, cards) {
                group.addTask {
                    do { return (helper, .success(try await self.ask(helper, toWake: id))) } catch {
                        return (helper, .failure(error))
                    }
                }
            }
            for await (helper, result) in group {
                let name = name(of: helper)
                switch result {
                case .success(let answer) where answer.refusal == nil && !answer.networks.isEmpty:
                    report.sent.append((name, answer.networks))
                case .success(let answer): report.missed.append((name, (answer.refusal ?? .other).words))
                case .failure: report.missed.append((name, "did not answer"))
                }
            }
        }
        return report
    }

    private func sendFromHere(to cards: [NetworkCard]) -> PeerWakeAnswer {
        if cards.isEmpty { return PeerWakeAnswer(networks: [], refusal: .unknownAddress) }
        let places = WakePlan.places(to: cards, from: surroundings.survey())
        if places.isEmpty { return PeerWakeAnswer(networks: [], refusal: .otherNetwork) }
        let sent = places.filter(surroundings.send).map(\.network.network)
        return PeerWakeAnswer(networks: sent, refusal: sent.isEmpty ? .notSent : nil)
    }

    private func helpers(for id: NodeID, _ cards: [NetworkCard]) -> [NodeID] {
        let up = Set(directory.peers().filter { $0.tier == .kin && $0.state == .up }.compactMap(\.id))
        let kin = trust.peers().filter { up.contains($0.id) && $0.id != id }
        return WakePlan.helpers(for: cards, among: kin.map { ($0.id, $0.wake.cards) })
    }

    private func ask(_ helper: NodeID, toWake id: NodeID) async throws -> PeerWakeAnswer {
        let link = try await links.link(to: helper, at: directory.membership.addresses(of: helper))
        return try await link.exchange(
            PeerWakeRequest(node: id), PeerWire.wakePath, for: PeerWakeAnswer.self, limit: Self.patience)
    }

    // MARK: Asked by kin

    /// How this machine is woken.
    func ownHardware() -> PeerHardware {
        PeerHardware(cards: NetworkCard.cards(of: surroundings.survey()), allowsPrompts: wishes.byPrompts)
    }

    /// Sends for a kin, to no address but those that the sleeper itself has told this node.
    ///
    /// - Throws: `ChatError` when the kin asks too often.
    func answer(_ request: PeerWakeRequest, from caller: NodeID) throws -> PeerWakeAnswer {
        if let rate = Self.rate {
            let verdict = rates.withLock { $0.decide(caller.hashValue, rate, now: clock.now) }
            guard verdict.isAllowed else {
                throw ChatError(
                    .rateLimited, "this node has been asked too often to wake others", retryAfter: verdict.wait)
            }
        }
        guard trust.standing(of: request.node) == .kin else {
            return PeerWakeAnswer(networks: [], refusal: .unknownAddress)
        }
        return sendFromHere(to: notes(of: request.node).cards)
    }

    // MARK: Asked here

    /// A prompt wants this machine: see `Mesh.wake(_:)`.
    func wake(_ id: NodeID) -> WakeStep {
        let now = clock.now
        if let until = ledger.withLock({ $0.underWay(id, now: now) }) { return .underWay(until: until) }
        let notes = notes(of: id)
        if let why = refusal(toWake: id, notes) { return .refused(why) }
        let wait = WakeLedger.wait(limit: wishes.limit, usual: notes.usualTime)
        switch ledger.withLock({ $0.want(id, for: wait, now: now) }) {
        case .begin(let until):
            newJob.yield(Job(id: id, until: until))
            return .underWay(until: until)
        case .underWay(let until): return .underWay(until: until)
        case .later(let moment):
            let seconds = Int((moment - now).seconds.rounded(.up))
            return .refused(
                "it was sent what wakes it and did not come: a prompt tries again after \(seconds) s")
        }
    }

    /// Why no prompt wakes it, whenever it comes; `nil` where one does.
    private func refusal(toWake id: NodeID, _ notes: WakeNotes) -> String? {
        guard wishes.byPrompts else { return "the setting wake.by_prompts lets prompts wake nobody from here" }
        guard notes.allowsPrompts else { return "its setting wake.by_prompts lets no prompt wake it" }
        return hindrance(to: id, notes)
    }

    func mayBeWoken(_ id: NodeID) -> Bool { refusal(toWake: id, notes(of: id)) == nil }

    /// How long it takes to wake: see `Mesh.wakeForecast(of:)`.
    func forecast(of id: NodeID) -> WakeForecast? {
        let (now, notes) = (clock.now, notes(of: id))
        guard let usual = notes.usualTime else { return nil }
        switch ledger.withLock({ $0.outlook(for: id, now: now) }) {
        case .underWay(let begun): return WakeForecast(usual: usual, begun: begun)
        case .later: return nil
        case .free: return refusal(toWake: id, notes) == nil ? WakeForecast(usual: usual, begun: nil) : nil
        }
    }

    /// The owner wants this machine: packets go out now, and again until it is up.
    ///
    /// - Returns: What came of the first of them.
    func wakeAtOnce(_ id: NodeID) async -> Report {
        let now = clock.now
        let verdict = ledger.withLock { $0.wantAtOnce(id, for: Self.ownersLimit, now: now) }
        let report = await send(to: id)
        if case .begin(let until) = verdict {
            // A waking for which nothing was sent must not have prompts wait for it.
            if report.sent.isEmpty {
                ledger.withLock { $0.takeBack(id, begun: now) }
            } else {
                newJob.yield(Job(id: id, until: until))
            }
        }
        return report
    }

    /// Why nobody can wake it, in words that follow its name and "is asleep: "; `nil` where somebody can try.
    func hindrance(to id: NodeID, _ notes: WakeNotes) -> String? {
        if notes.cards.isEmpty { return "its hardware address was never seen" }
        let isNear = !WakePlan.places(to: notes.cards, from: surroundings.survey()).isEmpty
        return isNear || !helpers(for: id, notes.cards).isEmpty ? nil : "nobody on its network is up"
    }

    func notes(of id: NodeID) -> WakeNotes { trust.record(of: id)?.wake ?? WakeNotes() }

    private func isUp(_ id: NodeID) -> Bool { directory.peers().contains { $0.id == id && $0.state == .up } }

    private func name(of id: NodeID) -> NodeName {
        directory.peers().first { $0.id == id }?.name ?? NodeName(id.short) ?? directory.ownName
    }

    // MARK: Learning

    /// A kin is there, again or for the first time.
    func met(_ id: NodeID) async {
        let took = ledger.withLock { $0.returned(id, now: clock.now) }
        let notes = notes(of: id)
        if took != nil || notes.asleepSince != nil {
            await note(id) { notes in
                if let took { notes.woke(after: took) }
                notes.asleepSince = nil
            }
        }
    }

    /// A kin said goodbye.
    func left(_ id: NodeID) async {
        let isAsleep = directory.peers().contains { peer in
            if case .asleep(since: nil) = peer.state { peer.id == id } else { false }
        }
        guard isAsleep else { return }
        let models = directory.models(of: id).flatMap { try? JSONBody.encode($0) }
        await note(id) { $0.fellAsleep(at: .now(), models: models ?? []) }
    }

    /// Asks a kin how it is woken, until it has told; a kin that is being asked is asked once more.
    func learn(from id: NodeID) async {
        let isFirst = learning.withLock { learning in
            defer { learning[id] = learning[id] == nil ? .asks : .asksOnceMore }
            return learning[id] == nil
        }
        guard isFirst else { return }
        defer { learning.withLock { $0[id] = nil } }
        var backoff = Backoff(initial: .seconds(1), maximum: .seconds(30))
        for _ in 0..<Self.attempts {
            let isTold = await hasTold(id)
            let isOver = learning.withLock { $0.updateValue(.asks, forKey: id) == .asks }
            // One that is gone is asked when it is back.
            guard !isTold || !isOver, trust.standing(of: id) == .kin, isUp(id) else { return }
            if !isTold { do { try await clock.sleep(for: backoff.next()) } catch { return } }
        }
    }

    /// Asks the kin itself, over the connection on which it has proven its id.
    ///
    /// - Returns: `false` where it is to be asked again, such as after its address has changed.
    private func hasTold(_ id: NodeID) async -> Bool {
        guard trust.standing(of: id) == .kin else { return true }
        do {
            let link = try await links.link(to: id, at: directory.membership.addresses(of: id))
            let limits = UpstreamLimits(within: Self.patience, bodyBytes: Self.answerLimit)
            let reply = try await link.ask(link.request(.GET, PeerWire.hardwarePath, limits: limits))
            guard reply.status == 200 else { return true }  // an older version does not tell
            let told = try JSONBody.decode(PeerHardware.self, from: reply.body.readableBytesView)
            let known = notes(of: id)
            if known.cards != told.cards || known.allowsPrompts != told.allowsPrompts {
                await note(id) { ($0.cards, $0.allowsPrompts) = (told.cards, told.allowsPrompts) }
            }
            return true
        } catch {
            logger.debug("hardware addresses not learned", metadata: ["peer": "\(id.short)", "reason": "\(error)"])
            return false
        }
    }

    private func note(_ id: NodeID, _ change: (inout WakeNotes) -> Void) async {
        do {
            try await trust.update(id) { change(&$0.wake) }
        } catch {
            logger.warning("how a peer is woken is not saved", metadata: ["reason": "\(error)"])
        }
        // It may have been forgotten, or become kith, meanwhile: then nothing of this is kept.
        if trust.standing(of: id) != .kin { try? await trust.update(id) { $0.wake = WakeNotes() } }
        directory.refresh()
    }
}
