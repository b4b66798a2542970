// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithModel
import KithServer
import NIOCore

extension ErrorDialect {
    /// The dialect in which a client on the node's port is told errors; the paths of models belong to two.
    static func of(_ request: Request) -> ErrorDialect {
        let path = request.uri.path
        if path.hasPrefix("/v1/models"), request.isAnthropic { return .anthropic }
        return ofClients(path)
    }

    /// The dialect of a path on the node's port for clients.
    static func ofClients(_ path: String) -> ErrorDialect {
        if path == "/v1/messages" || path.hasPrefix("/v1/messages/") { return .anthropic }
        if path.hasPrefix("/v1/") || path == "/v1" || OpenAIRoutes.coverWithoutVersion(path) { return .openAI }
        if OllamaRoutes.cover(path) { return .ollama }
        if ResponsesRoutes.cover(path) { return .openAI }
        return ControlRoutes.cover(path) ? .control : .seed
    }
}

extension ErrorDialect {
    static let openAI = ErrorDialect {
        try PlainReply($0.openAIBody, status: $0.clientStatus, headers: $0.headers)
    }
}

extension SurfaceError {
    /// OpenAI, Anthropic and Ollama answer what they cannot use with 400 whatever is wrong with it.
    fileprivate var clientStatus: HTTPResponse.Status {
        if let own = failure?.engineStatus { return HTTPResponse.Status(code: own) }  // engines choose their own
        return status == .unprocessableContent ? .badRequest : status
    }

    var openAIBody: OpenAIErrorBody {
        let type =
            switch clientStatus.code {
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
            case _ where isTooLong: ResponsesFailure.tooLong
            case .modelNotFound: "model_not_found"
            case .malformedRequest, .invalidRequest, nil: nil
            case .some(let code): code.word
            }
        let models = failure?.code == .modelNotFound ? failure?.knownModels.map(\.rawValue) : nil
        return OpenAIErrorBody(message: message, type: type, code: code, param: failure?.field, models: models)
    }
}

extension ErrorDialect {
    static let anthropic = ErrorDialect { problem in
        PlainReply(
            json: ByteBuffer(bytes: problem.anthropicBody.json.jsonBytes), status: problem.anthropicStatus,
            headers: problem.headers)
    }
}

extension SurfaceError {
    /// A prompt that is too long is always 400, in these words: clients of this dialect then shorten the conversation.
    fileprivate var anthropicStatus: HTTPResponse.Status {
        if failure?.excess != nil { return .badRequest }
        // Clients take 404 for a model that is not there, whatever it says.
        if failure?.code == .nodeNotFound { return .badRequest }
        return clientStatus.code == 422 ? .badRequest : clientStatus
    }

    var anthropicBody: AnthropicErrorBody {
        let words = failure?.excess.map { "prompt is too long: \($0.tokens) tokens > \($0.limit) maximum" }
        return AnthropicErrorBody(status: anthropicStatus.code, message: words ?? message)
    }
}

extension ErrorDialect {
    static let ollama = ErrorDialect { problem in
        let body: JSONObject = ["error": .string(problem.message)]
        return PlainReply(
            json: ByteBuffer(bytes: body.jsonBytes), status: problem.clientStatus, headers: problem.headers)
    }

    /// For Ollama's clients on a path of the seeds: the seeds' shape holds Ollama's, and a seed that names a model is not
    /// always told apart.
    static let ollamaBesideSeed = ErrorDialect {
        try PlainReply(SeedErrorBody($0), status: $0.clientStatus, headers: $0.headers)
    }

    static let seed = ErrorDialect { try PlainReply(SeedErrorBody($0), status: $0.status, headers: $0.headers) }
}

/// An error as the seeds' clients expect it.
private struct SeedErrorBody: Encodable {
    /// As the seed words it.
    private static let rateExceeded = "Rate limit exceeded"

    var error: String
    var success = false
    var field: String?
    var models: [String]?
    /// In seconds.
    var retry_after: Int?
    var limit: Int?

    init(_ problem: SurfaceError) {
        error = problem.rate == nil ? problem.message : Self.rateExceeded
        retry_after = problem.rate.map { max(1, Int($0.wait.seconds.rounded(.up))) }
        limit = problem.rate?.rate.count
        field = problem.failure?.field
        models = problem.failure?.code == .modelNotFound ? problem.failure?.knownModels.map(\.rawValue) : nil
    }
}

extension ErrorDialect {
    /// For the routes with which the node's owner manages trust, keys, conversations and what kin share.
    static let control = ErrorDialect { try PlainReply(ControlErrorBody($0), status: $0.status, headers: $0.headers) }
}

/// An error as the command line expects it.
private struct ControlErrorBody: Encodable {
    struct Body: Encodable {
        var code: String
        var message: String
    }

    var error: Body

    init(_ problem: SurfaceError) {
        error = Body(code: problem.code ?? Self.code(for: problem.status), message: problem.message)
    }

    /// For requests that are refused before a route decides about them.
    private static func code(for status: HTTPResponse.Status) -> String {
        switch status.code {
        case 401: "unauthorized"
        case 403: "forbidden"
        case 404: "not_found"
        case 405: "method_not_allowed"
        case 413: "too_large"
        case 415: "unsupported_media_type"
        case 429: ControlError.Code.tooManyAttempts.rawValue
        case 400..<500: ControlError.Code.invalid.rawValue
        default: "failed"
        }
    }
}
