// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import HTTPTypes
package import KithModel

/// Why a caller that is known may not have this now, or not at all.
package enum LimitRefusal: Error, Hashable, Sendable {
    /// Whose requests are counted.
    package enum Counted: String, Hashable, Sendable {
        case key
        case address
        /// Requests for generated text in the seeds' form, of one key or address.
        case generate
    }

    case tooOften(RateVerdict, Counted)
    /// Answers that may be under way.
    case tooManyAtOnce(Int)
    /// A day's tokens, and when the next day begins.
    case tokensUsedUp(Int, in: Duration)
    case tokensClaimed(Int)
    /// The model that was asked for, and those that may be.
    case modelNotAllowed(ModelID, allowed: [ModelID])
    case addressNotAllowed

    init(_ refusal: UsageBook.Refusal) {
        switch refusal {
        case .tooManyAtOnce(let limit): self = .tooManyAtOnce(limit)
        case .tokensUsedUp(let limit, let wait): self = .tokensUsedUp(limit, in: wait)
        case .tokensClaimed(let limit): self = .tokensClaimed(limit)
        }
    }

    var status: HTTPResponse.Status {
        switch self {
        case .tooOften, .tooManyAtOnce, .tokensUsedUp, .tokensClaimed: .tooManyRequests
        case .modelNotAllowed, .addressNotAllowed: .forbidden
        }
    }

    package var message: String {
        switch self {
        case .tooOften(let verdict, .key): "this key may be used \(verdict.rate) and no more"
        case .tooOften(let verdict, .address): "this address may ask \(verdict.rate) and no more"
        case .tooOften(let verdict, .generate): "text may be generated \(verdict.rate) and no more"
        case .tooManyAtOnce(let limit):
            "this key may have \(limit) \(limit == 1 ? "request" : "requests") under way and no more"
        case .tokensUsedUp(let limit, _): "this key's \(limit) tokens of the day are used up; the day ends at 00:00 UTC"
        case .tokensClaimed(let limit):
            "what is under way with this key may use up its \(limit) tokens of the day; ask again when it has ended"
        case .modelNotAllowed(let model, let allowed):
            "this key may not ask for the model '\(model.rawValue.prefix(256))'; it may ask for "
                + allowed.prefix(16).map(\.rawValue).joined(separator: ", ")
        case .addressNotAllowed: "this key may not be used from this address"
        }
    }

    /// As programs read it.
    var code: RequestRefusalCode {
        switch self {
        case .tooOften, .tooManyAtOnce, .tokensUsedUp, .tokensClaimed: .limitReached
        case .modelNotAllowed: .modelNotAllowed
        case .addressNotAllowed: .addressNotAllowed
        }
    }

    /// What is counted, for programs that are told in their own form.
    package var verdict: RateVerdict? { if case .tooOften(let verdict, _) = self { verdict } else { nil } }

    var wait: Duration? {
        switch self {
        case .tooOften(let verdict, _): verdict.wait
        case .tokensUsedUp(_, let wait): wait
        case .tooManyAtOnce, .tokensClaimed: .seconds(1)
        case .modelNotAllowed, .addressNotAllowed: nil
        }
    }

    /// For the audit trail and for monitors.
    package var auditReason: String {
        switch self {
        case .tooOften(_, let counted): "too often: \(counted.rawValue)"
        case .tooManyAtOnce: "too many at once"
        case .tokensUsedUp, .tokensClaimed: "tokens used up"
        case .modelNotAllowed: "model not allowed"
        case .addressNotAllowed: "key from another address"
        }
    }
}

extension HTTPFields {
    /// What a caller may know of its rate: in the three fields that most clients read, in those that the seeds' clients
    /// read, and in the two of the current draft (draft-ietf-httpapi-ratelimit-headers-11).
    package static func rate(_ verdict: RateVerdict, _ counted: LimitRefusal.Counted) -> HTTPFields {
        let limit = String(verdict.rate.count)
        let remaining = String(verdict.remaining)
        let reset = String(Swift.max(1, Int64(verdict.reset.seconds.rounded(.up))))
        var fields = HTTPFields()
        for prefix in ["RateLimit", "X-RateLimit"] {
            fields[.known(prefix + "-Limit")] = limit
            fields[.known(prefix + "-Remaining")] = remaining
            fields[.known(prefix + "-Reset")] = reset
        }
        fields[.known("RateLimit-Policy")] =
            "\"\(counted.rawValue)\";q=\(limit);w=\(verdict.rate.period.seconds)"
        fields[.known("RateLimit")] = "\"\(counted.rawValue)\";r=\(remaining);t=\(reset)"
        return fields
    }
}
