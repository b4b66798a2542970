// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithDialects
import KithModel
import KithServer

extension ErrorDialect {
    static let openAI = ErrorDialect {
        try PlainReply($0.openAIBody, status: $0.openAIStatus, headers: $0.headers)
    }
}

extension SurfaceProblem {
    /// OpenAI answers what it cannot use with 400 whatever is wrong with it.
    fileprivate var openAIStatus: HTTPResponse.Status {
        if let own = failure?.engineStatus { return HTTPResponse.Status(code: own) }  // and engines what they will
        return status == .unprocessableContent ? .badRequest : status
    }

    private static func snakeCase(_ name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
    }

    var openAIBody: OpenAIErrorBody {
        let type =
            switch openAIStatus.code {
            case _ where failure?.engineType != nil: failure?.engineType ?? ""
            case 401: "authentication_error"
            case 403: "permission_error"
            case 429: "rate_limit_error"
            case 400..<500: "invalid_request_error"
            default: "server_error"
            }
        let code: String? =
            switch failure?.code {
            case _ where self.code != nil: self.code
            case _ where failure?.engineCode != nil: failure?.engineCode
            case .modelNotFound: "model_not_found"
            case .malformedRequest, .invalidRequest, nil: nil
            case .some(let code): Self.snakeCase(code.rawValue)
            }
        let models = failure?.code == .modelNotFound ? failure?.knownModels.map(\.rawValue) : nil
        return OpenAIErrorBody(message: message, type: type, code: code, param: failure?.field, models: models)
    }
}
