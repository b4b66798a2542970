// SPDX-License-Identifier: Apache-2.0

/// Why there was no answer, or no complete one.
package struct ChatError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, in the terms on which routing decides.
    package enum Code: String, Sendable, Codable, Hashable, CaseIterable {
        /// No connection could be made.
        case unreachable
        /// A time limit passed; the message says which.
        case timeout
        /// The caller's deadline has passed and it has given up: nobody's fault, and no reason to try again.
        case deadlineExceeded
        /// The connection ended in the middle of an answer, or before the first byte of one.
        case interrupted
        /// The other side's answer is not in its dialect.
        case invalidAnswer
        /// The engine or node failed: 5xx.
        case engineError
        /// All slots and the queue are full: 503.
        case overloaded
        /// The engine's provider wants fewer requests: 429.
        case rateLimited
        /// Nobody here offers the model: 404.
        case modelNotFound
        /// The request names a node that nobody here knows, or that answers no prompts: 404.
        case nodeNotFound
        /// The request is not what its dialect calls a request: broken JSON, a missing field.
        case malformedRequest
        /// The request is well formed, but nobody can serve it: a wrong type, a value out of range, a prompt past the
        /// context.
        case invalidRequest
        /// The key for the engine or node is missing or wrong: 401 or 403.
        case unauthorized
        /// This engine cannot continue an answer that another engine has begun.
        case cannotContinue
        /// This engine does not offer what was asked, such as embeddings.
        case unsupported
        /// There is no engine to ask.
        case noEngine
        /// The caller has gone.
        case cancelled

        /// As clients are told it: `no_engine`.
        package var word: String { rawValue.snakeCased }
    }

    package var code: Code
    /// One sentence for the person who asked; never holds a secret or a stack trace.
    package var message: String
    /// When trying again may help.
    package var retryAfter: Duration?
    /// When there may be room again, if that is sooner; for choosing between nodes.
    package var roomAfter: Duration?
    /// The request field at fault, the engine's `param`.
    package var field: String?
    /// The engine's own word for it, its `code`.
    package var engineCode: String?
    /// The engine's own kind of error, its `type`.
    package var engineType: String?
    /// The status with which the engine refused the request, where that is the request's fault: 400 to 499.
    package var engineStatus: Int?
    /// How much too long the prompt is, where that is what is wrong and both lengths are known.
    package var excess: PromptExcess?
    /// Known models, with ``Code/modelNotFound``.
    package var knownModels: [ModelID]
    package var cause: (any Error)?

    package init(
        _ code: Code, _ message: String, retryAfter: Duration? = nil, field: String? = nil,
        engineCode: String? = nil, engineType: String? = nil, knownModels: [ModelID] = [], cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
        self.field = field
        self.engineCode = engineCode
        self.engineType = engineType
        self.knownModels = knownModels
        self.cause = cause
    }

    package var description: String {
        "\(code.rawValue): \(message)" + (cause.map { " (\($0))" } ?? "")
    }
}

/// A prompt that is longer than the context of a model.
package struct PromptExcess: Hashable, Sendable {
    /// As the engine counted them, or, where no engine was asked, as routing estimates them.
    package var tokens: Int
    /// Tokens that the context has.
    package var limit: Int

    /// - Returns: `nil` when the prompt is not too long.
    package init?(tokens: Int, limit: Int) {
        guard limit > 0, tokens > limit else { return nil }
        self.tokens = tokens
        self.limit = limit
    }
}

/// An error that carries the reason for the route that was taken.
package protocol RoutedError: Error {
    var failure: ChatError { get }
    /// The value of `x-kith-route`; empty when there is nothing to say.
    var routeHeader: String { get }
}

extension String {
    /// `no_engine` for `noEngine`.
    package var snakeCased: String { reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) } }
}
