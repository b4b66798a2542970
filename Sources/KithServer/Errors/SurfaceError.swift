// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
import Hummingbird
import KithDialects
package import KithModel
package import Logging
import NIOHTTP1

/// What went wrong, as the client is told.
package struct SurfaceError: Sendable {
    package var status: HTTPResponse.Status
    package var message: String
    package var headers: HTTPFields
    package var failure: ChatError?
    /// As programs read it; `nil` where the dialect has a word of its own.
    package var code: String?
    /// The rate that was passed, where that is what is wrong.
    package var rate: RateVerdict?
    /// An unexpected error, for the log; the client is told its reference.
    var fault: Fault?

    init(
        status: HTTPResponse.Status, message: String, headers: HTTPFields = [:], failure: ChatError? = nil,
        code: String? = nil
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
        self.failure = failure
    }

    package init(_ error: any Error) {
        switch error {
        case let refusal as SurfaceRefusal:
            self.init(status: refusal.status, message: refusal.message, headers: refusal.headers)
        case let refusal as AccessRefusal:
            self.init(
                status: refusal.status, message: refusal.message, headers: refusal.headers, code: refusal.code.rawValue)
        case let refusal as LimitRefusal: self.init(refusal)
        case let failure as ControlError:
            self.init(status: failure.status, message: failure.message, code: failure.code.rawValue)
        case let refusal as StateRefusal: self.init(refusal)
        case let refusal as ModelRefusal:
            self.init(status: refusal.status, message: refusal.message, code: refusal.reason.rawValue)
        case let routed as any RoutedError:
            self.init(routed.failure)
            headers.setRoute(routed.routeHeader)
        case let failure as ChatError: self.init(failure)
        case let refusal as HTTP1Refusal:
            self.init(status: HTTPResponse.Status(code: Int(refusal.status.code)), message: refusal.message)
        case let broken as HTTPParserError: self.init(HTTP1Refusal(broken))
        case let error as any HTTPResponseError where error.status == .notFound: self.init(SurfaceRefusal.notFound)
        case let error as any HTTPResponseError where error.status.code < 500:
            self.init(status: error.status, message: error.status.reasonPhrase.lowercased())
        default: self.init(fault: error)
        }
    }

    init(_ refusal: LimitRefusal) {
        self.init(status: refusal.status, message: refusal.message, code: refusal.code.rawValue)
        if case .tooOften(let verdict, let counted) = refusal { headers = .rate(verdict, counted) }
        if let wait = refusal.wait { for field in HTTPFields.retry(after: wait) { headers[field.name] = field.value } }
        rate = refusal.verdict
    }

    init(_ failure: ChatError) {
        self.init(status: Self.status(for: failure.code), message: Self.message(of: failure), failure: failure)
        guard status == .serviceUnavailable || status == .tooManyRequests || failure.retryAfter != nil else { return }
        headers = .retry(after: failure.retryAfter ?? .seconds(1))
    }

    /// Kin are told in the terms of `ChatError`.
    init(_ refusal: StateRefusal) {
        let failure: ChatError.Code =
            switch refusal.code {
            case .invalid: .invalidRequest
            case .limitReached, .diskFull: .engineError
            case .unavailable, .closed: .overloaded
            }
        self.init(
            status: refusal.status, message: refusal.message,
            headers: refusal.status == .serviceUnavailable ? .retry(after: .seconds(1)) : [:],
            failure: ChatError(failure, refusal.message), code: refusal.code.rawValue)
    }

    /// Names of models that would have worked go into the sentence, for people who see nothing else.
    private static func message(of failure: ChatError) -> String {
        guard failure.code == .modelNotFound, !failure.knownModels.isEmpty else { return failure.message }
        return failure.message + "; there is " + failure.knownModels.map(\.rawValue).joined(separator: ", ")
    }

    private static func status(for code: ChatError.Code) -> HTTPResponse.Status {
        switch code {
        case .malformedRequest, .unsupported: .badRequest
        case .invalidRequest: .unprocessableContent
        case .modelNotFound, .nodeNotFound: .notFound
        // No engine answers there now; one may later.
        case .overloaded, .noEngine, .cancelled, .unreachable: .serviceUnavailable
        case .rateLimited: .tooManyRequests
        case .timeout, .deadlineExceeded: .gatewayTimeout
        case .interrupted, .invalidAnswer, .engineError, .unauthorized, .cannotContinue: .badGateway
        }
    }

    /// Logs failures of this node; what a client got wrong is not logged.
    ///
    /// - Parameter request: Where the logger does not name it.
    package func log(path: String, request: KithModel.RequestID? = nil, to logger: Logger) {
        guard status.code >= 500 else { return }
        var logger = logger
        if let request { logger[metadataKey: RequestLog.key] = "\(request)" }
        guard let fault else {
            return logger.notice("request failed", metadata: ["path": "\(path)", "reason": "\(message)"])
        }
        logger.error(
            "request failed for a reason that is not known",
            metadata: [
                "path": "\(path)", "reference": "\(fault.reference)", "type": "\(fault.type)",
                "reason": "\(fault.description)",
            ])
    }

    package func reply(in dialect: ErrorDialect) throws -> PlainReply {
        var problem = self
        problem.headers = headers.sayingWhen(status)
        return try dialect.reply(problem)
    }

    /// As kin are told.
    package var asFailure: ChatError {
        failure ?? ChatError(status.code < 500 ? .malformedRequest : .engineError, message)
    }
}

/// A request that is refused before its dialect is looked at.
package enum SurfaceRefusal: Error, Hashable {
    case notFound
    /// The node's settings do not give it the role of this name.
    case roleMissing(String)
    case methodNotAllowed([HTTPRequest.Method])
    /// The content type that was sent.
    case unsupportedMediaType(String)
    /// The content type that was sent where a form may be sent too.
    case notAForm(String)
    /// The limit in bytes.
    case tooLarge(Int)
    /// What the client expects before it sends a body, other than to be told to go on.
    case expectationFailed(String)

    var status: HTTPResponse.Status {
        switch self {
        case .notFound, .roleMissing: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .unsupportedMediaType, .notAForm: .unsupportedMediaType
        case .tooLarge: .contentTooLarge
        case .expectationFailed: .expectationFailed
        }
    }

    var message: String {
        switch self {
        case .notFound: "there is nothing at this path; GET /openapi.yaml lists what there is"
        case .roleMissing(let role): "this node does not have the role \(role)"
        case .methodNotAllowed(let methods):
            "use \(methods.map(\.rawValue).joined(separator: " or ")) here"
        case .unsupportedMediaType(let type): "the body must be sent as application/json, not as \(type.prefix(100))"
        case .notAForm(let type):
            "the body must be sent as multipart/form-data or as application/json, not as \(type.prefix(100))"
        case .tooLarge(let limit): "the body is longer than \(limit) bytes"
        case .expectationFailed(let expected):
            "'Expect: \(expected.prefix(100))' is not known here; leave the field out, or send 'Expect: 100-continue'"
        }
    }

    var headers: HTTPFields {
        switch self {
        case .methodNotAllowed(let methods): [.allow: methods.map(\.rawValue).joined(separator: ", ")]
        case .notFound, .roleMissing, .unsupportedMediaType, .notAForm, .tooLarge, .expectationFailed: [:]
        }
    }
}

extension ControlError {
    var status: HTTPResponse.Status {
        switch code {
        case .refusedCode: .forbidden
        case .expiredCode: .gone
        case .wrongNode, .unreachable, .incompatible: .badGateway
        case .tooManyAttempts: .tooManyRequests
        case .unknownPeer, .unknownKey, .notFound: .notFound
        case .ambiguousPeer, .conflict: .conflict
        case .busy: .serviceUnavailable
        case .malformedCode, .invalid: .unprocessableContent
        }
    }
}

extension StateRefusal {
    var status: HTTPResponse.Status {
        switch code {
        case .invalid: .unprocessableContent
        case .limitReached, .diskFull: .insufficientStorage
        case .unavailable, .closed: .serviceUnavailable
        }
    }
}

extension ModelRefusal {
    package var status: HTTPResponse.Status {
        switch reason {
        case .unknownModel, .noEngine, .notPulling: .notFound
        case .badName, .fixedModels, .severalEngines, .noWeights: .unprocessableContent
        case .nameTaken, .preferred, .inUse, .pulling: .conflict
        case .busy: .serviceUnavailable
        case .diskFull, .overBudget: .insufficientStorage
        case .engineFailed, .damagedWeights, .sourceLost: .badGateway
        }
    }
}

extension HTTPResponse.Status {
    /// RFC 4918, section 11.5.
    package static let insufficientStorage = Self(code: 507, reasonPhrase: "Insufficient Storage")
}
