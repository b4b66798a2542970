// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

/// An engine's answer that is none: what its status and its words mean for the one who asked.
struct UpstreamRefusal: Sendable {
    private static let messageLimit = 500

    /// Who answered, for the message.
    var engine: String
    var status: Int
    /// The `Retry-After` header, in seconds; a date is not read.
    var retryAfter: String?
    var body: [UInt8]
    /// What was asked for.
    var model: ModelID?
    /// Never to be repeated, should the engine do so.
    var key: Secret?

    var failure: ChatFailure {
        switch status {
        case 401, 403: ChatFailure(.unauthorized, "\(engine) refuses the key it was given")
        case 404:
            ChatFailure(
                .modelNotFound, message ?? "\(engine) does not know \(model.map { "the model \($0)" } ?? "this path")",
                field: "model")
        case 400, 413, 422: ChatFailure(.invalidRequest, message ?? "\(engine) refuses the request")
        case 405, 501: ChatFailure(.unsupported, message ?? "\(engine) does not offer this")
        case 408, 504: ChatFailure(.timeout, message ?? "\(engine) gave up waiting")
        case 429:
            ChatFailure(.rateLimited, message ?? "\(engine) wants fewer requests", retryAfter: retryDelay)
        case 503, 529:
            ChatFailure(.overloaded, message ?? "\(engine) is overloaded", retryAfter: retryDelay)
        case 500...599: ChatFailure(.engineError, "\(engine) failed" + (message.map { ": \($0)" } ?? ""))
        default: ChatFailure(.invalidAnswer, "\(engine) answered with status \(status)")
        }
    }

    /// The engine's own words, when it answered in JSON: one line, bounded, without the key.
    private var message: String? {
        guard let json = try? JSONBody.decode(JSONValue.self, from: body) else { return nil }
        let error = json["error"]
        guard var text = error?["message"]?.stringValue ?? error?.stringValue ?? json["message"]?.stringValue else {
            return nil
        }
        if let key = key?.reveal(), !key.isEmpty { text.replace(key, with: "<secret>") }
        let line = text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }
        return String(String.UnicodeScalarView(line.prefix(Self.messageLimit)))
    }

    private var retryDelay: Duration? {
        guard let seconds = retryAfter.flatMap(Double.init), seconds >= 0, seconds <= 86_400 else { return nil }
        return .seconds(seconds)
    }
}
