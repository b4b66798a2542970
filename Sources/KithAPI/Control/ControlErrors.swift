// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithDialects
import KithServer

extension ErrorDialect {
    /// Of the routes that the node's owner asks about trust, keys, conversations and what kin share.
    static let control = ErrorDialect { try PlainReply(ControlError($0), status: $0.status, headers: $0.headers) }
}

/// An error as the command line expects it.
private struct ControlError: Encodable {
    struct Body: Encodable {
        var code: String
        var message: String
    }

    var error: Body

    init(_ problem: SurfaceProblem) {
        error = Body(code: problem.code ?? Self.code(for: problem.status), message: problem.message)
    }

    /// For what is refused before anybody is asked about trust.
    private static func code(for status: HTTPResponse.Status) -> String {
        switch status.code {
        case 401: "unauthorized"
        case 403: "forbidden"
        case 404: "not_found"
        case 405: "method_not_allowed"
        case 413: "too_large"
        case 415: "unsupported_media_type"
        case 429: ControlFailure.Code.tooManyAttempts.rawValue
        case 400..<500: ControlFailure.Code.invalid.rawValue
        default: "failed"
        }
    }
}
