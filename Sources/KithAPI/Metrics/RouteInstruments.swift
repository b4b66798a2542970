// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithMetrics
import KithModel
import Synchronization

/// Counts where requests went and what became of them, once a request, when it has ended.
final class RouteInstruments: Sendable {
    /// Nodes with a model whose series are kept at hand; of more than these each is looked up by its names.
    private static let placeLimit = 256

    private struct Place: Hashable {
        let node: NodeName
        let model: ModelID
    }

    /// An object, since every request looks one up.
    private final class PlaceSeries: Sendable {
        let completed: CounterSeries
        let failed: CounterSeries
        let abandoned: CounterSeries
        let promptTokens: CounterSeries
        let completionTokens: CounterSeries
        let firstToken: HistogramSeries
        private static let reasons = RouteReason.allCases
        /// For each of them.
        private let decisions: [CounterSeries]

        init(_ instruments: RouteInstruments, _ place: Place) {
            let (node, model) = (place.node.rawValue, place.model.rawValue)
            completed = instruments.answers.series(node, model, "completed")
            failed = instruments.answers.series(node, model, "failed")
            abandoned = instruments.answers.series(node, model, "abandoned")
            promptTokens = instruments.tokens.series(node, model, "prompt")
            completionTokens = instruments.tokens.series(node, model, "completion")
            firstToken = instruments.firstTokens.series(node, model)
            decisions = Self.reasons.map { instruments.decisions.series(node, model, $0.description) }
        }

        func decided(_ reason: RouteReason) {
            if let place = Self.reasons.firstIndex(of: reason) { decisions[place].increment() }
        }
    }

    private struct Places {
        var known: [Place: PlaceSeries] = [:]
        /// The one that was looked up last, which most requests share.
        var last: (place: Place, series: PlaceSeries)?
    }

    private let answers: CounterFamily
    private let tokens: CounterFamily
    private let firstTokens: HistogramFamily
    private let decisions: CounterFamily
    private let skips: CounterFamily
    private let retries: CounterFamily
    private let continued: CounterSeries
    private let notContinued: CounterSeries
    private let pauses: HistogramSeries
    private let places = Mutex(Places())

    init(in registry: MetricRegistry) {
        answers = registry.counter(
            "kith_answers_total", "Prompts that were answered, or were not, by where they went.",
            labels: ["node", "model", "outcome"])
        tokens = registry.counter(
            "kith_tokens_total", "Tokens as engines count them.", labels: ["node", "model", "kind"])
        firstTokens = registry.histogram(
            "kith_time_to_first_token_seconds",
            "From a prompt to the first token, or to the whole answer for one in a piece.", labels: ["node", "model"])
        decisions = registry.counter(
            "kith_route_decisions_total", "Where prompts went, and why there.", labels: ["node", "model", "reason"])
        skips = registry.counter(
            "kith_route_skips_total", "Nodes that were passed over for a prompt, by reason.", labels: ["reason"])
        retries = registry.counter(
            "kith_retries_total", "Prompts that were sent elsewhere after a failure before the first token, by reason.",
            labels: ["reason"])
        let continuations = registry.counter(
            "kith_continuations_total", "Answers that broke off, by whether another engine went on.",
            labels: ["outcome"])
        continued = continuations.series("continued")
        notContinued = continuations.series("failed")
        pauses = registry.histogram(
            "kith_continuation_pause_seconds",
            "From the last token of an engine that broke off to the first of the one that went on."
        ).series()
    }

    func note(_ record: RouteRecord) {
        for skip in record.route.skipped {
            if case .failed(let code) = skip.reason {
                retries.series(code.rawValue).increment()
            } else {
                skips.series(skip.reason.word).increment()
            }
        }
        for continuation in record.continuations {
            continued.increment()
            pauses.record(continuation.gap, of: record.id)
        }
        let end = record.end
        if end == .brokeOff { notContinued.increment() }
        guard let candidate = record.route.candidate else {
            // Nobody could begin.
            if end == .failed { answers.series("none", "none", "failed").increment() }
            return
        }
        let place = series(of: candidate)
        if let reason = record.route.reason { place.decided(reason) }
        switch end {
        case .completed: place.completed.increment()
        case .failed, .brokeOff: place.failed.increment()
        case .abandoned: place.abandoned.increment()
        case .noRoom, .clientsFault: break
        }
        if let firstToken = record.firstToken { place.firstToken.record(firstToken, of: record.id) }
        if let usage = record.usage {
            place.promptTokens.increment(by: Int64(clamping: usage.promptTokens))
            place.completionTokens.increment(by: Int64(clamping: usage.completionTokens))
        }
    }

    private func series(of candidate: Candidate) -> PlaceSeries {
        let place = Place(node: candidate.name, model: candidate.model)
        return places.withLock { places in
            if let last = places.last, last.place == place { return last.series }
            let series = places.known[place] ?? PlaceSeries(self, place)
            if places.known.count < Self.placeLimit { places.known[place] = series }
            places.last = (place, series)
            return series
        }
    }
}
