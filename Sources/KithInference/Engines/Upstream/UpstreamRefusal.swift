// SPDX-License-Identifier: Apache-2.0

import KithModel

/// An engine's answer that is none: what its status and its words mean for the one who asked.
struct UpstreamRefusal: Sendable {
    /// Who answered, for the message.
    var engine: String
    var status: Int
    /// The `Retry-After` header.
    var retryAfter: String?
    /// The `retry-after-ms` header.
    var retryAfterMilliseconds: String?
    var body: [UInt8]
    /// What was asked for.
    var model: ModelID?
    /// Never to be repeated, should the engine do so.
    var key: Secret?
    var now = WallTime.now()

    var failure: ChatFailure {
        let words = EngineWords(body, key: key)
        var failure = failure(words)
        failure.engineCode = words.code
        failure.engineType = words.type
        if failure.code == .invalidRequest, (400..<500).contains(status) { failure.engineStatus = status }
        return failure
    }

    private func failure(_ words: EngineWords) -> ChatFailure {
        let message = words.message
        switch status {
        case 401: return ChatFailure(.unauthorized, "\(engine) refuses the key it was given")
        case 402: return ChatFailure(.unauthorized, message ?? "\(engine) wants to be paid")
        case 403:
            guard !speaksOfKey(words) else {
                return ChatFailure(.unauthorized, "\(engine) refuses the key it was given")
            }
            return ChatFailure(.invalidRequest, message ?? "\(engine) does not permit this request", field: words.field)
        case 404:
            guard speaksOfModel(words) else {
                return ChatFailure(.unsupported, message.map { "\(engine) does not offer this: \($0)" } ?? noSuchPath)
            }
            return ChatFailure(
                .modelNotFound, message ?? "\(engine) does not know \(model.map { "the model \($0)" } ?? "this model")",
                field: "model")
        case 400, 413, 415, 422:
            if let feature = message.flatMap(Feature.denied) { return lacking(feature, message) }
            return ChatFailure(.invalidRequest, message ?? "\(engine) refuses the request", field: words.field)
        case 405, 501: return ChatFailure(.unsupported, message ?? "\(engine) does not offer this", field: words.field)
        case 408, 504: return ChatFailure(.timeout, message ?? "\(engine) gave up waiting")
        case 429: return ChatFailure(.rateLimited, message ?? "\(engine) wants fewer requests", retryAfter: delay)
        case 503, 529: return ChatFailure(.overloaded, message ?? "\(engine) is overloaded", retryAfter: delay)
        case 500...599:
            if let feature = message.flatMap(Feature.denied) { return lacking(feature, message) }
            return ChatFailure(.engineError, "\(engine) failed" + (message.map { ": \($0)" } ?? ""))
        default:
            return ChatFailure(
                .invalidAnswer, "\(engine) answered with status \(status)" + (message.map { ": \($0)" } ?? ""))
        }
    }

    private var noSuchPath: String { "\(engine) does not know this path; its address may be wrong" }

    /// What a picture for a model that only reads is: the client's to change, whatever the engine calls it.
    private func lacking(_ feature: Feature, _ message: String?) -> ChatFailure {
        ChatFailure(.unsupported, message ?? "\(engine) does not offer \(feature.words)", field: feature.field)
    }

    private func speaksOfModel(_ words: EngineWords) -> Bool {
        let text = "\(words.message ?? "") \(words.code ?? "") \(words.type ?? "")".lowercased()
        return text.contains("model")
            || (model.map { $0.rawValue.count > 2 && text.contains($0.rawValue.lowercased()) } ?? false)
    }

    /// A 403 says that this request is not permitted, unless it names the key.
    private func speaksOfKey(_ words: EngineWords) -> Bool {
        let text = "\(words.message ?? "") \(words.code ?? "") \(words.type ?? "")".lowercased()
        let isKey = ["api key", "api_key", "api-key", "apikey", "credential", "authenticat", "token"]
            .contains(where: text.contains)
        return isKey
            && ["invalid", "incorrect", "expired", "missing", "wrong", "not valid"].contains(where: text.contains)
    }

    private var delay: Duration? {
        RetryDelay.read(retryAfter, milliseconds: retryAfterMilliseconds, now: now)
    }
}
