// SPDX-License-Identifier: Apache-2.0

import KithModel

extension RouteDecision {
    /// Why nobody can be asked, in words for the person who asked.
    func refusal(of wanted: RouteRequest) -> ChatFailure {
        if let pin = wanted.pin, !skipped.contains(where: { $0.node == pin }) {
            return ChatFailure(.noEngine, "no node named '\(pin)' is known here", field: "x-kith-node")
        }
        if let model = wanted.model, !isAlias, !knownModels.contains(model) {
            return ChatFailure(
                .modelNotFound, "model '\(model)' not found", field: "model", knownModels: knownModels)
        }
        let reasons = skipped.filter { $0.reason != .pinnedElsewhere }
        let tooLong = reasons.compactMap { skip in
            if case .contextTooShort(let limit) = skip.reason { limit } else { nil }
        }
        if let longest = tooLong.max() {
            return ChatFailure(
                .invalidRequest, "the prompt does not fit: the longest context on offer is \(longest) tokens",
                field: "messages")
        }
        let why = reasons.map { "\($0.node): \($0.reason)" }.joined(separator: ", ")
        return ChatFailure(
            .noEngine, "no engine can answer now" + (why.isEmpty ? "" : " (\(why))"), retryAfter: .seconds(2))
    }
}
