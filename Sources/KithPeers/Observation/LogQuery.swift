// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
import KithDialects
package import KithModel
import KithServer

/// Which lines of a node's log are wanted.
package struct LogQuery: Hashable, Sendable {
    package static let ordinaryCount = 100

    package var count: Int
    package var level: LogSeverity
    /// Whether those that are still to come are wanted too.
    package var follows: Bool

    package init(count: Int = LogQuery.ordinaryCount, level: LogSeverity = .trace, follows: Bool = false) {
        self.count = count
        self.level = level
        self.follows = follows
    }

    /// - Throws: `ControlError` for what is no such query.
    package init(_ request: Request) throws {
        count = try request.queryNumber("n", in: 0...LogRing.capacity) ?? Self.ordinaryCount
        level = try Self.level(request.uri.queryParameters["level"].map(String.init))
        switch request.uri.queryParameters["follow"].map(String.init) {
        case nil, "0": follows = false
        case "1", "": follows = true
        default: throw ControlError(.invalid, "'follow' must be 0 or 1")
        }
    }

    private static func level(_ text: String?) throws -> LogSeverity {
        guard let text else { return .trace }
        guard let level = LogSeverity(rawValue: text) else {
            let all = LogSeverity.allCases.map(\.rawValue).joined(separator: ", ")
            throw ControlError(.invalid, "'level' must be one of \(all)")
        }
        return level
    }

    /// As it stands in an address.
    var text: String { "n=\(count)&level=\(level.rawValue)" + (follows ? "&follow=1" : "") }
}

extension LogRing {
    /// The lines that a query wants, as JSON, or as server-sent events where it follows.
    ///
    /// - Parameter mayStill: Whether the one who asked may read on.
    /// - Throws: `ControlError` when too many follow already.
    package func response(
        to query: LogQuery, clock: any TimeSource, mayStill: @escaping @Sendable () -> Bool = { true }
    ) throws -> Response {
        guard query.follows else {
            return try .json(LogMessage.Lines(lines: last(query.count, from: query.level).map(LogMessage.Line.init)))
        }
        guard let lines = follow(query.count, from: query.level) else {
            throw ControlError(.busy, "\(LogRing.followerLimit) follow the log already; try again later")
        }
        return .eventStream { try await LogStreamWriter(lines: lines, clock: clock, mayStill: mayStill).write(to: &$0) }
    }
}
