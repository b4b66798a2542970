// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// A whole answer, put together from its pieces.
package struct WholeAnswer: Sendable {
    package var message: ChatDelta
    package var finish: FinishReason
    package var usage: TokenUsage

    package init(message: ChatDelta, finish: FinishReason, usage: TokenUsage) {
        self.message = message
        self.finish = finish
        self.usage = usage
    }
}

/// Puts the pieces of an answer together: a pure value, bounded.
package struct AnswerCollector: Sendable {
    /// Bytes that one answer may have, its calls included.
    package static let limit = 16 << 20

    private var message = DeltaJoiner(limit: AnswerCollector.limit)

    package init() {}

    /// Waits for the whole answer.
    ///
    /// - Throws: What the stream throws, and ``ChatFailure`` with `interrupted` when it ends before it is finished.
    static func collect(_ stream: TokenStream) async throws -> WholeAnswer {
        var collector = AnswerCollector()
        while let event = try await stream.next() {
            if case .event(let event) = event, let whole = try collector.add(event) { return whole }
        }
        throw EngineStream.cutOff
    }

    /// - Returns: The whole answer, when `event` ends it.
    /// - Throws: ``ChatFailure`` with `invalidAnswer` when the answer grows over the limit.
    package mutating func add(_ event: ChatEvent) throws -> WholeAnswer? {
        switch event {
        case .waiting, .comment: return nil
        case .delta(let delta):
            guard message.add(delta) else {
                throw ChatFailure(.invalidAnswer, "the answer is longer than \(Self.limit) bytes")
            }
            return nil
        case .finished(let finish, let usage):
            return WholeAnswer(message: message.joined, finish: finish, usage: usage)
        case .raw, .rawEnd:
            throw ChatFailure(.invalidAnswer, "an answer that was to be collected came in events of a dialect")
        }
    }
}
