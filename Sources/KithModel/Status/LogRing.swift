// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How bad it is what a log line says, the least first; the words are those of swift-log.
package enum LogSeverity: String, Codable, Hashable, Sendable, CaseIterable, Comparable {
    case trace, debug, info, notice, warning, error, critical

    private var rank: Int {
        switch self {
        case .trace: 0
        case .debug: 1
        case .info: 2
        case .notice: 3
        case .warning: 4
        case .error: 5
        case .critical: 6
        }
    }

    package static func < (left: LogSeverity, right: LogSeverity) -> Bool { left.rank < right.rank }
}

/// One line of a node's log. Its texts are harmless, whoever chose them.
package struct LogLine: Codable, Hashable, Sendable {
    /// Bytes of a text that are kept.
    package static let textLimit = 2_048
    private static let metadataLimit = 32

    package var time: WallTime
    package var level: LogSeverity
    /// Of the logger.
    package var label: String
    package var message: String
    package var metadata: [String: String]

    package init(
        time: WallTime, level: LogSeverity, label: String, message: String, metadata: [String: String] = [:]
    ) {
        self.time = time
        self.level = level
        self.label = Self.harmless(label)
        self.message = Self.harmless(message)
        let kept = metadata.count <= Self.metadataLimit ? Set(metadata.keys) : Self.first(metadata.keys)
        self.metadata = Dictionary(
            metadata.lazy.filter { kept.contains($0.key) }.map { (Self.harmless($0.key), Self.harmless($0.value)) },
            uniquingKeysWith: { first, _ in first })
    }

    private static func first(_ keys: some Sequence<String>) -> Set<String> { Set(keys.sorted().prefix(metadataLimit)) }

    private static func harmless(_ text: String) -> String { HarmlessText(text, limit: textLimit).description }
}

/// The last lines of a node's log, in memory and bounded, for its owner to read and follow.
package final class LogRing: Sendable {
    package static let capacity = 1_000
    /// Lines that wait for one follower; one that is too slow misses the oldest.
    package static let backlog = 1_000
    /// More are turned away.
    package static let followerLimit = 32

    private struct Follower {
        var level: LogSeverity
        var stream: AsyncStream<LogLine>.Continuation
    }

    private struct State {
        var lines: [LogLine] = []
        var next = 0
        var followers: [UInt64: Follower] = [:]
        var nextFollower: UInt64 = 0

        func last(_ count: Int, from level: LogSeverity) -> [LogLine] {
            (lines[next...] + lines[..<next]).filter { $0.level >= level }.suffix(max(0, count))
        }
    }

    private let state = Mutex(State())

    package init() {}

    /// Never waits.
    package func add(_ line: LogLine) {
        let followers = state.withLock { state -> [Follower] in
            if state.lines.count < Self.capacity {
                state.lines.append(line)
            } else {
                state.lines[state.next] = line
                state.next = (state.next + 1) % Self.capacity
            }
            return state.followers.isEmpty ? [] : Array(state.followers.values)
        }
        for follower in followers where line.level >= follower.level { follower.stream.yield(line) }
    }

    /// The newest lines, the oldest of them first.
    package func last(_ count: Int, from level: LogSeverity) -> [LogLine] {
        state.withLock { $0.last(count, from: level) }
    }

    /// - Parameter count: Lines of the past that come first.
    /// - Returns: `nil` when there are too many followers.
    package func follow(_ count: Int, from level: LogSeverity) -> AsyncStream<LogLine>? {
        let (stream, continuation) = AsyncStream.makeStream(
            of: LogLine.self, bufferingPolicy: .bufferingNewest(Self.backlog))
        let number = state.withLock { state -> UInt64? in
            guard state.followers.count < Self.followerLimit else { return nil }
            defer { state.nextFollower &+= 1 }
            // In the lock, so that no line is missed or comes twice; yielding to a new stream calls nobody.
            for line in state.last(min(count, Self.backlog), from: level) { continuation.yield(line) }
            state.followers[state.nextFollower] = Follower(level: level, stream: continuation)
            return state.nextFollower
        }
        guard let number else { return nil }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.followers.removeValue(forKey: number) }
        }
        return stream
    }
}
