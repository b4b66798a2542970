// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension RouteDecision {
    /// Why nobody can be asked, in words for the person who asked: the client's to change, or something that may pass.
    package func refusal(of wanted: RouteRequest, now: Moment) -> ChatFailure {
        if let pin = wanted.pin, let failure = refusal(ofPin: pin) { return failure }
        let reasons = skipped.filter { ![.pinnedElsewhere, .notKin].contains($0.reason) }
        if let model = wanted.model, !isAlias, !mayBeOffered {
            let place = wanted.pin.map { " on \($0)" } ?? ""
            return ChatFailure(
                .modelNotFound, "model '\(model)' not found\(place)", field: "model", knownModels: knownModels)
        }
        if let failure = refusal(for: reasons.map(\.reason)) { return failure }
        let why = reasons.map { "\($0.name): \($0.reason)" }.joined(separator: ", ")
        let what = wanted.model.map { isAlias ? "no engine" : "no engine that may have '\($0)'" } ?? "no engine"
        return ChatFailure(
            .noEngine, "\(what) can answer now" + (why.isEmpty ? "" : " (\(why))"), retryAfter: retryAfter(now: now))
    }

    /// From now to when somebody may be found, in whole seconds, at least one.
    private func retryAfter(now: Moment) -> Duration {
        let wait = mayHelpAt.map { $0 - now } ?? .seconds(2)
        return .seconds(min(max(wait.seconds.rounded(.up), 1), 86_400))
    }

    private func refusal(ofPin pin: NodeName) -> ChatFailure? {
        let named = skipped.first { $0.name == pin }
        if let named, named.reason != .notKin { return nil }
        let kin = skipped.filter { $0.reason != .notKin }.map(\.name).sorted().map(\.rawValue)
        let what = named == nil ? "no node named '\(pin)' is known here" : "'\(pin)' is a friend's node"
        return ChatFailure(
            .nodeNotFound, what + (kin.isEmpty ? "" : "; there is " + kin.joined(separator: ", ")),
            field: "x-kith-node")
    }

    /// What only another request can change.
    private func refusal(for reasons: [SkipReason]) -> ChatFailure? {
        let passing = reasons.contains { reason in
            switch reason {
            case .engineDown, .engineLoading, .beingDescribed, .heldBack, .breakerOpen, .draining, .failed: true
            case .notKin, .down, .unknown, .noEngine, .modelAbsent, .runsElsewhere, .lacks, .contextTooShort,
                .pinnedElsewhere:
                false
            }
        }
        let lacking = reasons.lazy.compactMap { if case .lacks(let feature) = $0 { feature } else { nil } }
        if !passing, let feature = lacking.first {
            return ChatFailure(
                .unsupported, "no engine that has the model offers \(feature.words)", field: feature.field)
        }
        let contexts = reasons.compactMap { if case .contextTooShort(let limit) = $0 { limit } else { nil } }
        if let longest = contexts.max() {
            return ChatFailure(
                .invalidRequest, "the prompt does not fit: the longest context on offer is \(longest) tokens",
                field: "messages")
        }
        if !passing, reasons.contains(.runsElsewhere) {
            return ChatFailure(
                .modelNotFound, "every model here runs at a provider and is asked only when it is named",
                field: "model", knownModels: knownModels)
        }
        return nil
    }
}
