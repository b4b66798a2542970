// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// How long an engine may take until its first token: what has to be read and loaded, at the paces that it has shown.
///
/// A pure value. A limit that was passed is a sample too, so that what takes longer than expected is not cut off at the
/// same moment each time.
package struct FirstTokenLimit: Sendable {
    /// What a request asks of an engine before its first token.
    package struct Demand: Hashable, Sendable {
        package var model: ModelID
        package var promptTokens: Int

        package init(model: ModelID, promptTokens: Int) {
            self.model = model
            self.promptTokens = min(max(0, promptTokens), 10_000_000)
        }

        package init(_ request: ChatRequest) {
            self.init(
                model: request.model ?? ModelID(""),
                promptTokens: request.estimatedPromptTokens + (request.begun?.tokens ?? 0))
        }
    }

    /// No limit is shorter.
    package static let floor = Duration.seconds(30)
    /// No limit is longer.
    package static let ceiling = Duration.seconds(900)
    /// Tokens read per second, assumed when nothing is known: a small processor reads that fast.
    package static let unknownPace = 50.0
    /// No engine is believed to read faster: where it found the beginning of a prompt in its cache, it only seemed to, and
    /// the next prompt may be new to it.
    package static let believedPace = 500.0
    /// A model that answered no longer ago than this is still loaded.
    package static let residency = Duration.seconds(60)
    /// Samples that are kept.
    package static let capacity = 128
    /// Models that are remembered.
    package static let modelLimit = 64
    /// A prompt of at least this many tokens shows how fast it was read.
    private static let tellingPrompt = 256
    /// Tokens that are read in the time that any prompt takes.
    private static let unit = 256.0
    private static let weight = 0.2

    private struct Model: Sendable {
        var answeredAt: MonotonicInstant?
        /// How long the first answer took when the model was not loaded.
        var load = Duration.zero
        /// After a limit was passed: the next is not shorter.
        var grown = Duration.zero
        var usedAt: MonotonicInstant
    }

    private let loadLimit: Duration
    private var models: [ModelID: Model] = [:]
    /// Seconds for each unit of prompt, of models that were loaded.
    private var samples: [Double] = []
    private var next = 0
    /// Tokens a second.
    private var pace: Double?

    /// - Parameter loadLimit: How long a model may take to be loaded, until it is known.
    package init(loadLimit: Duration = ChatRequest.ordinaryLoadLimit) { self.loadLimit = loadLimit }

    /// - Returns: Counted from when the engine is given the request. Each byte that it sends in the meantime, even a
    ///   comment, restarts the time.
    package func limit(for demand: Demand, now: MonotonicInstant) -> Duration {
        let known = models[demand.model]
        let tokens = Double(demand.promptTokens)
        var limit = Self.floor + .seconds(tokens / min(pace ?? Self.unknownPace, Self.believedPace) * 2)
        if let slowest = slowest { limit = max(limit, .seconds(slowest * 3 * Self.units(demand))) }
        if !isResident(demand.model, now: now) { limit += max(loadLimit, (known?.load ?? .zero) * 2) }
        return min(max(limit, known?.grown ?? .zero), Self.ceiling)
    }

    /// The engine was given a request: the wait for its first token, with its limit.
    package func began(_ demand: Demand, now: MonotonicInstant) -> FirstTokenWait {
        FirstTokenWait(
            demand: demand, began: now, limit: limit(for: demand, now: now),
            isResident: isResident(demand.model, now: now))
    }

    /// The first token came.
    package mutating func sawFirstToken(of wait: FirstTokenWait, now: MonotonicInstant) {
        let time = max(now - wait.began, .zero)
        change(wait.demand.model, now: now) { model in
            model.answeredAt = now
            model.grown = .zero
            if !wait.isResident { model.load = time }
        }
        guard wait.isResident else { return }
        add(time.seconds / Self.units(wait.demand))
        if wait.demand.promptTokens >= Self.tellingPrompt, time > .zero {
            let measured = min(max(Double(wait.demand.promptTokens) / time.seconds, 1), 1e6)
            pace = pace.map { $0 * (1 - Self.weight) + measured * Self.weight } ?? measured
        }
    }

    /// No first token came in time: the next request of the kind gets at least twice as long.
    package mutating func timedOut(_ wait: FirstTokenWait, now: MonotonicInstant) {
        let passed = max(now - wait.began, wait.limit)
        change(wait.demand.model, now: now) { $0.grown = min(max($0.grown, passed * 2), Self.ceiling) }
    }

    /// Any token of the model: it is loaded.
    package mutating func sawToken(of model: ModelID, now: MonotonicInstant) {
        change(model, now: now) { $0.answeredAt = now }
    }

    private func isResident(_ model: ModelID, now: MonotonicInstant) -> Bool {
        models[model]?.answeredAt.map { now - $0 <= Self.residency } ?? false
    }

    /// The 99th percentile.
    private var slowest: Double? {
        guard var most = samples.first else { return nil }
        var second = -Double.infinity
        for sample in samples.dropFirst() {
            if sample > most { (most, second) = (sample, most) } else { second = max(second, sample) }
        }
        // Of so few samples it is the largest or the one before: each request asks, and need not sort them for that.
        return (samples.count * 99 - 1) / 100 == samples.count - 1 ? most : second
    }

    private static func units(_ demand: Demand) -> Double { 1 + Double(demand.promptTokens) / unit }

    private mutating func add(_ sample: Double) {
        if samples.count < Self.capacity {
            samples.append(sample)
        } else {
            samples[next] = sample
            next = (next + 1) % Self.capacity
        }
    }

    private mutating func change(_ id: ModelID, now: MonotonicInstant, _ body: (inout Model) -> Void) {
        if models.count >= Self.modelLimit, models[id] == nil,
            let oldest = models.min(by: { $0.value.usedAt < $1.value.usedAt })
        {
            models[oldest.key] = nil
        }
        var model = models[id] ?? Model(usedAt: now)
        model.usedAt = now
        body(&model)
        models[id] = model
    }
}

/// One wait for a first token.
package struct FirstTokenWait: Hashable, Sendable {
    package let demand: FirstTokenLimit.Demand
    package let began: MonotonicInstant
    package let limit: Duration
    /// Whether the model was loaded when it began.
    package let isResident: Bool
}

/// How long an answer may pause between two tokens.
package struct StallLimit: Hashable, Sendable {
    package var ordinary: Duration
    /// Where tools may be called: some engines write a call in silence and show it when it is whole.
    package var withTools: Duration

    package init(
        ordinary: Duration = ChatRequest.ordinaryStallLimit, withTools: Duration = ChatRequest.ordinaryToolStallLimit
    ) {
        self.ordinary = ordinary
        self.withTools = withTools
    }

    /// - Parameter kind: `nil` for a kin, whose engine may be of any kind.
    package func limit(for request: ChatRequest, kind: EngineKind?) -> Duration {
        switch kind {
        case .anthropic, .echo, .count: ordinary
        case .ollama, .openAI, .embedded, nil:
            Feature.mayCallTools(request) ? max(ordinary, withTools) : ordinary
        }
    }
}
