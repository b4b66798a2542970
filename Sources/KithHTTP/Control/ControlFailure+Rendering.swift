// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithDialects

extension ControlFailure {
    var status: HTTPResponse.Status {
        switch code {
        case .malformedCode: .badRequest
        case .refusedCode: .forbidden
        case .expiredCode: .gone
        case .wrongNode, .unreachable, .incompatible: .badGateway
        case .tooManyAttempts: .tooManyRequests
        case .unknownPeer, .unknownKey: .notFound
        case .ambiguousPeer: .conflict
        case .invalid: .unprocessableContent
        }
    }
}

/// An error as the command line expects it.
struct ControlError: Encodable {
    struct Body: Encodable {
        var code: String
        var message: String
    }

    var error: Body

    init(_ problem: SurfaceProblem) {
        error = Body(code: problem.code ?? Self.code(for: problem.status), message: problem.message)
    }

    private static func code(for status: HTTPResponse.Status) -> String {
        switch status {
        case .notFound: "not_found"
        case .methodNotAllowed: "method_not_allowed"
        default: status.code < 500 ? ControlFailure.Code.invalid.rawValue : "failed"
        }
    }
}
