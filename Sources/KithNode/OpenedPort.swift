// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The port that a listener got, for those who need it before or after it is open.
final class OpenedPort: Sendable {
    private let wanted: Int
    private let port = Mutex<Int?>(nil)
    private let opened: AsyncStream<Int>
    private let source: AsyncStream<Int>.Continuation

    /// - Parameter wanted: What the settings say; 0 stands for any free port.
    init(wanted: Int) {
        self.wanted = wanted
        (opened, source) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// The port, or the one that is wanted while the listener is not open.
    var current: Int { port.withLock { $0 ?? wanted } }

    func set(_ port: Int) {
        self.port.withLock { $0 = port }
        source.yield(port)
    }

    /// Waits until the listener is open. For one task only.
    ///
    /// - Returns: `nil` when the task was cancelled before.
    func wait() async -> Int? { await opened.first { _ in true } }
}
