// SPDX-License-Identifier: Apache-2.0

import KithModel

/// One conversation with a peer, from a topic to what is kept of it.
struct IdleExchange: Sendable {
    /// The result of an exchange.
    struct Result: Sendable {
        var record: ExchangeRecord
        var reputation: Reputation.Outcome?
        var line: CompanionLine
        var usage: [TokenUsage]
        /// Which one worded it.
        var model: ModelID?
    }

    let mind: any CompanionMind
    let peers: any CompanionPeers
    let keeper: any CultureKeeping
    let wall: PrivacyGuard
    let clock: any TimeSource
    let node: NodeID

    /// What is known during an exchange.
    private struct Course {
        let id: RequestID
        let peer: CompanionPeer
        let at: WallTime
        let began: MonotonicInstant
        var topic: String
        var usage: [TokenUsage] = []
        var model: ModelID?
    }

    /// - Parameters:
    ///   - seed: The topic that it begins with.
    ///   - said: What the peer said last, to tell how new its answer is.
    /// - Throws: `CancellationError`, when the user has come.
    func run(with peer: CompanionPeer, seed: String, said: [String]) async throws -> (result: Result, heard: String?) {
        var course = Course(id: .random(), peer: peer, at: .now(), began: clock.now, topic: seed)
        let question: Shareable<PeerQuestion>
        do {
            question = try await opening(&course, seed: seed)
        } catch let refusal as SharingRefusal {
            return (ended(course, .refused, "its own words were held back: \(refusal)", nil), nil)
        }
        let words: SanitizedText
        let asked = clock.now
        do {
            words = try SanitizedText(try await peers.ask(question, of: peer))
        } catch let failure as PeerTalkError {
            let outcome: Reputation.Outcome = failure.code == .absent ? .absent : .junk
            return (ended(course, .failed, failure.message, outcome), nil)
        } catch let fault as SanitizedText.Fault {
            return (ended(course, .failed, "\(peer.name): \(fault.rawValue)", .junk), nil)
        }
        let latency = clock.now - asked
        guard Quarantine.reason(against: words.text) != .instruction else {
            return (
                ended(course, .failed, "\(peer.name) tries to give orders instead of talking", .hostile), words.text
            )
        }
        let heard = WordSet(words.text)
        let novelty = 1 - (said.map { heard.similarity(to: WordSet($0)) }.max() ?? 0)
        func answered(_ usefulness: Double) -> Reputation.Outcome {
            .answered(latency: latency, novelty: novelty, usefulness: usefulness)
        }
        do {
            let learning = try await distil(words, &course)
            return (try await keep(learning, course, answered), words.text)
        } catch let refusal as SharingRefusal {
            return (ended(course, .refused, "what it learned was held back: \(refusal)", answered(0)), words.text)
        } catch let error as CancellationError {
            throw error
        } catch {
            return (
                ended(course, .failed, "this node could not think about the answer: \(error)", answered(0)), words.text
            )
        }
    }

    // MARK: Steps

    /// A topic that an engine found near the seed, or the seed itself where that is held back.
    private func opening(_ course: inout Course, seed: String) async throws -> Shareable<PeerQuestion> {
        let insights = (try? await keeper.relevant(to: seed, limit: CompanionPrompts.insightLimit)) ?? []
        do {
            let worded = try await mind.word(CompanionPrompts.topic(near: seed, insights: insights.map(\.text)))
            course.usage.append(worded.usage)
            if let topic = Topics.topic(in: worded.text) {
                let question = try await admitted(topic, course)
                course.topic = topic
                return question
            }
        } catch is SharingRefusal {
            // The refusal is recorded, and the seed is as good.
        } catch let error as CancellationError {
            throw error
        } catch {
            // Without an engine for it the seed is as good.
        }
        try Task.checkCancellation()
        return try await admitted(seed, course)
    }

    private func admitted(_ topic: String, _ course: Course) async throws -> Shareable<PeerQuestion> {
        let question = PeerQuestion(
            prompt: CompanionPrompts.opening(topic), temperature: CompanionPrompts.openingTemperature,
            maxTokens: CompanionPrompts.openingTokens)
        return try await admit(question, course)
    }

    private func admit<Value: Utterance>(
        _ value: Value, inAnswerTo heard: String = "", _ course: Course
    ) async throws -> Shareable<Value> {
        do {
            return try await wall.admit(value, inAnswerTo: heard)
        } catch {
            try Task.checkCancellation()  // what is private could not be read because the user came
            let refusal = RefusalRecord(
                at: .now(), peer: course.peer.name, reason: error.reason, text: value.words.joined(separator: " "))
            try? await keeper.record(refusal)
            throw error
        }
    }

    private func distil(_ words: SanitizedText, _ course: inout Course) async throws -> Learning {
        let worded = try await mind.word(CompanionPrompts.distillation(of: words, about: course.topic))
        course.usage.append(worded.usage)
        course.model = worded.model
        let sentence = try await admit(Distillate.sentence(in: worded.text), inAnswerTo: words.text, course).value
        let provenance = Insight.Provenance(
            peer: course.peer.name, tier: course.peer.tier, topic: course.topic, model: worded.model,
            exchange: course.id, node: node, at: course.at)
        var generator = SystemRandomNumberGenerator()
        return Learning.decide(
            sentence, heard: words.text, known: try await keeper.similar(to: sentence), provenance: provenance,
            using: &generator)
    }

    private func keep(
        _ learning: Learning, _ course: Course, _ answered: (Double) -> Reputation.Outcome
    ) async throws -> Result {
        switch learning {
        case .new(let insight):
            try await keeper.learn(insight)
            let outcome: ExchangeRecord.Outcome = insight.standing == .live ? .learned : .quarantined
            return ended(
                course, outcome, nil, answered(insight.standing == .live ? insight.quality : 0), insight: insight.id,
                line: .successful(insight: insight.text))
        case .again(let id):
            try await keeper.reinforce(id, by: node, at: course.at)
            return ended(
                course, .reinforced, nil, answered(0.5), insight: id,
                line: .successful(insight: "the same as before"))
        case .unwanted(let id):
            return ended(course, .nothing, "nothing kept: it was rejected before", answered(0), insight: id)
        case .poor(let fault):
            return ended(course, .nothing, "nothing kept: \(fault.rawValue)", answered(0))
        }
    }

    private func ended(
        _ course: Course, _ outcome: ExchangeRecord.Outcome, _ note: String?, _ reputation: Reputation.Outcome?,
        insight: InsightID? = nil, line: CompanionLine? = nil
    ) -> Result {
        let tokens = course.usage.reduce(0) { $0 + $1.promptTokens + $1.completionTokens }
        return Result(
            record: ExchangeRecord(
                id: course.id, at: course.at, peer: course.peer.name, tier: course.peer.tier, topic: course.topic,
                outcome: outcome, note: note, insight: insight, duration: clock.now - course.began, tokens: tokens),
            reputation: reputation, line: line ?? .failed(reason: note ?? "nothing came of it"), usage: course.usage,
            model: course.model)
    }
}
