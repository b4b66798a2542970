// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// An answer, or its beginning, and where it comes from.
package struct RoutedAnswer: Sendable {
    package enum Body: Sendable {
        /// In the client's dialect already.
        case verbatim(VerbatimAnswer)
        case whole(WholeAnswer)
        /// The first token is there and the rest is coming.
        case stream(TokenStream)
    }

    package var body: Body
    package var model: ModelID
    package var route: RouteReport
}

/// No answer came from anywhere; carries what was tried.
package struct DispatchError: RoutedError, Sendable {
    package var failure: ChatError
    package var route: RouteReport

    package var routeHeader: String { route.headerValue }
}

/// Why an answer came from where it came: what `x-kith-route` and the log say.
package struct RouteReport: Sendable {
    /// Bytes of ``headerValue`` at most.
    package static let headerLimit = 1_024

    package var candidate: Candidate?
    package var reason: RouteReason?
    package var skipped: [RouteDecision.Skip]
    /// The nodes that continued the answer when the one before broke off, in order.
    package var continuedOn: [NodeName] = []

    package init(candidate: Candidate? = nil, reason: RouteReason? = nil, skipped: [RouteDecision.Skip] = []) {
        self.candidate = candidate
        self.reason = reason
        self.skipped = skipped
    }

    /// Why others that may have the model cannot be asked now, a node each.
    func passingReasons(without node: NodeID) -> [String] {
        skipped.filter { $0.node != node && $0.reason.mayPass }.map(\.sentence)
    }

    /// `node=desk; model="smollm2"; reason=shortest-wait; skipped="laptop:no-engine, old:down(refused)"`, as parameters
    /// in the manner of RFC 9651; ASCII only and at most 1,024 bytes.
    package var headerValue: String {
        var text: [UInt8] = []  // every answer has one, and bytes are put together sooner than strings
        text.reserveCapacity(128)
        func add(_ words: String) { text.append(contentsOf: words.utf8) }
        func begin(_ name: String) {
            if !text.isEmpty { add("; ") }
            add(name)
            add("=")
        }
        func quote(_ value: String) {
            add("\"")
            add(Self.safe(value))
            add("\"")
        }
        if let candidate {
            begin("node")
            add(candidate.name.rawValue)
            begin("model")
            quote(candidate.model.rawValue)
        }
        if let reason {
            begin("reason")
            add(reason.description)
        }
        if !skipped.isEmpty {
            begin("skipped")
            quote(skipped.map { "\($0.name):\($0.reason)" }.joined(separator: ", "))
        }
        if !continuedOn.isEmpty {
            begin("continued-on")
            quote(continuedOn.map(\.rawValue).joined(separator: ", "))
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// What may stand between quotes.
    private static func safe(_ text: String) -> String {
        func isSafe(_ byte: UInt8) -> Bool {
            0x20..<0x7F ~= byte && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
        }
        if text.utf8.count <= 800, text.utf8.allSatisfy(isSafe) { return text }
        let safe = text.unicodeScalars.prefix(800).map { scalar in
            scalar.isASCII && isSafe(UInt8(truncatingIfNeeded: scalar.value)) ? Character(scalar) : "?"
        }
        return String(safe)
    }
}

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
    /// - Throws: What the stream throws, and `ChatError` with `interrupted` when it ends before it is finished.
    static func collect(_ stream: TokenStream) async throws -> WholeAnswer {
        var collector = AnswerCollector()
        while let event = try await stream.next() {
            if case .event(let event) = event, let whole = try collector.add(event) { return whole }
        }
        throw EngineStream.cutOff
    }

    /// - Returns: The whole answer, when `event` ends it.
    /// - Throws: `ChatError` with `invalidAnswer` when the answer grows over the limit.
    package mutating func add(_ event: ChatEvent) throws -> WholeAnswer? {
        switch event {
        case .waiting, .comment: return nil
        case .delta(let delta):
            guard message.add(delta) else {
                throw ChatError(.invalidAnswer, "the answer is longer than \(Self.limit) bytes")
            }
            return nil
        case .finished(let finish, let usage):
            return WholeAnswer(message: message.joined, finish: finish, usage: usage)
        case .raw, .rawEnd:
            throw ChatError(.invalidAnswer, "an answer that was to be collected came in events of a dialect")
        }
    }
}
