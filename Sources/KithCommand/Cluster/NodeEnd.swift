// SPDX-License-Identifier: Apache-2.0

/// How a node of a cluster ended.
package enum NodeEnd: Hashable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case signaled(Int32)

    /// Whether it died: one that ended in order was told to, and one that refuses its settings would refuse them again.
    package var isDeath: Bool {
        switch self {
        case .exited(let status): status != ExitStatus.ok.rawValue && status != ExitStatus.usage.rawValue
        case .signaled: true
        }
    }

    package var description: String {
        switch self {
        case .exited(let status): "exit status \(status)"
        case .signaled(let signal): "signal \(signal)"
        }
    }
}

/// What is done about nodes of a cluster that died.
package enum DeadNodes: Sendable {
    case startedAgain
    case left
}

/// How long a node that died waits until it is started again: at first hardly, then longer each time that it dies soon.
package struct RestartPauses: Sendable {
    package static let first = Duration.milliseconds(100)
    package static let longest = Duration.seconds(30)

    private var upcoming = first

    package init() {}

    /// - Parameter time: How long the node ran before it died.
    package mutating func next(afterRunning time: Duration) -> Duration {
        if time >= Self.longest { upcoming = Self.first }
        defer { upcoming = min(upcoming * 2, Self.longest) }
        return upcoming
    }
}
