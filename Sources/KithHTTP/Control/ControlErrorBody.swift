// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithDialects

/// `{"error": {"code", "message"}}`, the errors of the routes that control trust.
struct ControlErrorBody: Encodable {
    struct Reason: Encodable {
        var code: String
        var message: String
    }

    var error: Reason

    init(_ problem: SurfaceProblem) {
        error = Reason(code: problem.control?.rawValue ?? Self.code(for: problem.status), message: problem.message)
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
        default: "internal"
        }
    }
}

extension ControlFailure.Code {
    var status: HTTPResponse.Status {
        switch self {
        case .malformedCode, .invalid: .unprocessableContent
        case .expiredCode: .gone
        case .refusedCode: .forbidden
        case .wrongNode, .unreachable, .incompatible: .badGateway
        case .tooManyAttempts: .tooManyRequests
        case .unknownPeer: .notFound
        case .ambiguousPeer: .conflict
        }
    }
}
