// SPDX-License-Identifier: Apache-2.0

/// What programs are told, as `error.code`, of a request that is refused for who sends it, or how often.
package enum RequestRefusalCode: String, CaseIterable, Sendable {
    case invalidKey = "invalid_api_key"
    case missingScope = "missing_scope"
    case addressDenied = "address_denied"
    case sessionEnded = "session_ended"
    case foreignHost = "foreign_host"
    case foreignOrigin = "foreign_origin"
    case limitReached = "rate_limit_exceeded"
    case modelNotAllowed = "model_not_allowed"
    case addressNotAllowed = "address_not_allowed"
}
