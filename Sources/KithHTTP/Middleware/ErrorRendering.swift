// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithInference
import KithModel
import Logging

/// Turns everything that is thrown into an answer in the dialect of the route: one place, so that no client ever gets a
/// stack trace, an empty body, or another dialect's error.
struct ErrorRendering: RouterMiddleware {
    typealias Context = NodeRequestContext

    func handle(
        _ request: Request, context: NodeRequestContext,
        next: @concurrent (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as CancellationError {
            throw error  // nobody is there to be answered
        } catch {
            let problem = SurfaceProblem(error)
            problem.log(path: request.uri.path, to: context.logger)
            return try problem.reply(in: SurfaceDialect(path: request.uri.path)).response
        }
    }
}

/// Whose error shape a path has.
enum SurfaceDialect: Sendable {
    case seed, openAI, peer
    /// Of the routes that the node's owner asks about trust, keys, conversations and what kin share.
    case control

    init(path: String) {
        if path.hasPrefix("/v1/") || path == "/v1" {
            self = .openAI
        } else if ControlRoutes.cover(path) {
            self = .control
        } else {
            self = .seed
        }
    }
}

/// What went wrong, as the client is told.
struct SurfaceProblem: Sendable {
    var status: HTTPResponse.Status
    var message: String
    var headers: HTTPFields
    var failure: ChatFailure?
    /// As programs read it; `nil` where the dialect has a word of its own.
    var code: String?

    init(
        status: HTTPResponse.Status, message: String, headers: HTTPFields = [:], failure: ChatFailure? = nil,
        code: String? = nil
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
        self.failure = failure
    }

    init(_ error: any Error) {
        switch error {
        case let refusal as SurfaceRefusal:
            self.init(status: refusal.status, message: refusal.message, headers: refusal.headers)
        case let refusal as AccessRefusal:
            self.init(
                status: refusal.status, message: refusal.message, headers: refusal.headers, code: refusal.code)
        case let failure as ControlFailure:
            self.init(status: failure.status, message: failure.message, code: failure.code.rawValue)
        case let refusal as StateRefusal: self.init(refusal)
        case let dispatch as DispatchFailure:
            self.init(dispatch.failure)
            headers.setRoute(dispatch.route)
        case let failure as ChatFailure: self.init(failure)
        case let error as any HTTPResponseError where error.status == .notFound: self.init(SurfaceRefusal.notFound)
        case let error as any HTTPResponseError where error.status.code < 500:
            self.init(status: error.status, message: error.status.reasonPhrase.lowercased())
        default: self.init(status: .internalServerError, message: "this node failed; its log says why")
        }
    }

    init(_ failure: ChatFailure) {
        self.init(status: Self.status(for: failure.code), message: Self.message(of: failure), failure: failure)
        guard status == .serviceUnavailable || status == .tooManyRequests else { return }
        let seconds = max(1, Int((failure.retryAfter ?? .seconds(1)).seconds.rounded(.up)))
        headers[.retryAfter] = String(seconds)
    }

    /// Kin are told in the terms of ``ChatFailure``.
    init(_ refusal: StateRefusal) {
        let failure: ChatFailure.Code =
            switch refusal.code {
            case .invalid: .invalidRequest
            case .limitReached, .diskFull: .engineError
            case .unavailable, .closed: .overloaded
            }
        self.init(
            status: refusal.status, message: refusal.message,
            headers: refusal.status == .serviceUnavailable ? [.retryAfter: "1"] : [:],
            failure: ChatFailure(failure, refusal.message), code: refusal.code.rawValue)
    }

    /// Names of models that would have worked go into the sentence, for people who see nothing else.
    private static func message(of failure: ChatFailure) -> String {
        guard failure.code == .modelNotFound, !failure.knownModels.isEmpty else { return failure.message }
        return failure.message + "; there is " + failure.knownModels.map(\.rawValue).joined(separator: ", ")
    }

    private static func status(for code: ChatFailure.Code) -> HTTPResponse.Status {
        switch code {
        case .malformedRequest, .unsupported: .badRequest
        case .invalidRequest: .unprocessableContent
        case .modelNotFound: .notFound
        case .overloaded, .noEngine, .cancelled: .serviceUnavailable
        case .rateLimited: .tooManyRequests
        case .timeout, .deadlineExceeded: .gatewayTimeout
        case .unreachable, .interrupted, .invalidAnswer, .engineError, .unauthorized, .cannotContinue: .badGateway
        }
    }

    /// Failures are this node's to explain; what a client got wrong is not news.
    func log(path: String, to logger: Logger) {
        guard status.code >= 500 else { return }
        logger.notice("request failed", metadata: ["path": "\(path)", "reason": "\(message)"])
    }

    func reply(in dialect: SurfaceDialect) throws -> PlainReply {
        switch dialect {
        case .seed: try PlainReply(SeedError(self), status: status, headers: headers)
        case .control: try PlainReply(ControlError(self), status: status, headers: headers)
        case .openAI: try PlainReply(openAIBody, status: openAIStatus, headers: headers)
        case .peer:
            try PlainReply(
                PeerWire.Line.failure(failure ?? ChatFailure(.malformedRequest, message)), status: status,
                headers: headers)
        }
    }

    /// OpenAI answers what it cannot use with 400 whatever is wrong with it.
    private var openAIStatus: HTTPResponse.Status { status == .unprocessableContent ? .badRequest : status }

    private static func snakeCase(_ name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
    }

    var openAIBody: OpenAIErrorBody {
        let type =
            switch openAIStatus.code {
            case 401: "authentication_error"
            case 403: "permission_error"
            case 429: "rate_limit_error"
            case 400..<500: "invalid_request_error"
            default: "server_error"
            }
        let code: String? =
            switch failure?.code {
            case _ where self.code != nil: self.code
            case .modelNotFound: "model_not_found"
            case .malformedRequest, .invalidRequest, nil: nil
            case .some(let code): Self.snakeCase(code.rawValue)
            }
        let models = failure?.code == .modelNotFound ? failure?.knownModels.map(\.rawValue) : nil
        return OpenAIErrorBody(message: message, type: type, code: code, param: failure?.field, models: models)
    }
}

/// An error as the seeds' clients expect it.
private struct SeedError: Encodable {
    var error: String
    var success = false
    var field: String?
    var models: [String]?

    init(_ problem: SurfaceProblem) {
        error = problem.message
        field = problem.failure?.field
        models = problem.failure?.code == .modelNotFound ? problem.failure?.knownModels.map(\.rawValue) : nil
    }
}
