// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import KithModel

/// The fields of kith itself in requests and answers: `x-kith-node`, `x-kith-continue`, `x-kith-timeout`, `x-kith-priority`,
/// `x-kith-route`.
extension HTTPField.Name {
    /// The node that the client wants to be answered by.
    static let kithNode = Self.known("x-kith-node")
    /// Whether another node may continue an answer that breaks off.
    static let kithContinue = Self.known("x-kith-continue")
    /// When the client gives up.
    static let kithTimeout = Self.known("x-kith-timeout")
    /// How soon the client wants to be answered.
    static let kithPriority = Self.known("x-kith-priority")
    /// Where an answer comes from and why.
    static let kithRoute = Self.known("x-kith-route")
    /// What the client, or this node, calls the request.
    package static let requestID = Self.known(TraceHeader.request)
    static let traceParent = Self.known(TraceHeader.parent)
    static let traceState = Self.known(TraceHeader.state)

    package static func known(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("a literal header name is valid") }
        return name
    }
}

extension HTTPFields {
    /// The node that the client wants to be answered by, from `x-kith-node`.
    ///
    /// - Throws: `ChatError` for what cannot be a node's name.
    package func pinnedNode() throws -> NodeName? {
        guard let text = self[.kithNode] else { return nil }
        guard let name = NodeName(text) else {
            throw ChatError(.invalidRequest, "'x-kith-node' is not a node's name", field: "x-kith-node")
        }
        return name
    }

    /// Whether another node may continue the answer, from `x-kith-continue`.
    ///
    /// - Throws: `ChatError` for another value than `on` and `off`.
    package func mayContinue() throws -> Bool {
        switch self[.kithContinue]?.lowercased() {
        case nil, "on": return true
        case "off": return false
        default: throw ChatError(.invalidRequest, "'x-kith-continue' is neither on nor off", field: "x-kith-continue")
        }
    }

    /// How soon the client wants to be answered, from `x-kith-priority`; `nil` when it does not say. More than its key gives
    /// it does not get.
    ///
    /// - Throws: `ChatError` for another value than `interactive` and `batch`.
    package func priority() throws -> RequestPriority? {
        guard let text = self[.kithPriority] else { return nil }
        guard let priority = RequestPriority(rawValue: text.lowercased()) else {
            throw ChatError(
                .invalidRequest, "'x-kith-priority' is neither interactive nor batch", field: "x-kith-priority")
        }
        return priority
    }

    /// When the client gives up, from `x-kith-timeout`; `nil` when it does not say.
    ///
    /// - Throws: `ChatError` for what is not such a time.
    package func deadline(now: @autoclosure () -> MonotonicInstant) throws -> MonotonicInstant? {
        guard let text = self[.kithTimeout] else { return nil }
        guard let limit = TimeLimit.seconds(text) else {
            throw ChatError(
                .malformedRequest, "'x-kith-timeout' must be a number of seconds from 0.001 to 86400",
                field: "x-kith-timeout")
        }
        return now() + limit
    }

    /// What the client calls the request; `nil` when it does not say, or nothing that can stand in logs.
    package var requestID: RequestID? { self[.requestID].flatMap { RequestID(given: $0) } }

    /// Where in which trace the client is; `nil` when it does not say, or nothing that is valid.
    package var traceContext: TraceContext? {
        // Two parents say nothing.
        guard let parent = self[.traceParent] else { return nil }
        return TraceContext(parent: parent, state: self[values: .traceState])
    }

    /// - Parameter name: Of a field, in lower case.
    package static func namesRequest(_ name: String) -> Bool {
        name == TraceHeader.request || name == TraceHeader.parent || name == TraceHeader.state
    }

    /// What the client calls the conversation, in the field that Claude Code or Codex sends; `nil` when it does not say.
    package var conversation: String? {
        Self.conversationNames.lazy.compactMap { self[$0] }.first { (1...256).contains($0.utf8.count) }
    }

    private static let conversationNames = [
        HTTPField.Name.known("x-claude-code-session-id"), HTTPField.Name.known("session-id"),
    ]

    /// - Parameter name: Of a field, in lower case.
    package static func namesConversation(_ name: String) -> Bool {
        conversationNames.contains { $0.canonicalName == name }
    }

    /// Where an answer came from, as another node said it; empty for what cannot be in a header.
    package static func route(_ text: String?) -> HTTPFields {
        guard let text, (1...routeLimit).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return [:] }
        return [.kithRoute: text]
    }

    /// Bytes of `x-kith-route` at most.
    private static let routeLimit = 1_024

    /// - Parameter route: The value of `x-kith-route`; nothing is said without one.
    mutating func setRoute(_ route: String?) {
        if let route, !route.isEmpty { self[.kithRoute] = route }
    }
}

/// How long the client waits for the whole answer.
package enum TimeLimit {
    /// Seconds.
    static let range = 0.001...86_400

    /// Seconds as clients write them: digits, and decimals after a point.
    static func seconds(_ text: String) -> Duration? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let isNumber = parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(digits.contains) }
        guard text.utf8.count <= 20, parts.count <= 2, isNumber, let seconds = Double(text), range.contains(seconds)
        else { return nil }
        return .seconds(seconds)
    }

    /// Whole milliseconds as nodes write them.
    package static func milliseconds(_ text: String) -> Duration? {
        let most = Int(range.upperBound * 1_000)
        guard let count = Int(text), (1...most).contains(count) else { return nil }
        return .milliseconds(count)
    }

    /// What the function above reads, rounded up: at least one, so that the receiver can say that it is too late.
    package static func milliseconds(_ left: Duration) -> String {
        String(Int(max(1, min(left.milliseconds.rounded(.up), range.upperBound * 1_000))))
    }
}
