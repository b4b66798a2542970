// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// Runs all ways to find nodes side by side, and answers from what they have said so far.
package final class DiscoveryService: Sendable {
    private let discoveries: [any Discovery]
    private let clock: any TimeSource
    private let onChange: @Sendable () -> Void
    private let book: Mutex<SuggestionBook>

    /// - Parameters:
    ///   - ownID: Not suggested.
    ///   - onChange: Called after suggestions or problems changed, from any thread; it must not block.
    package init(
        _ discoveries: [any Discovery], ownID: NodeID?, clock: any TimeSource = MonotonicClock(),
        onChange: @escaping @Sendable () -> Void = {}
    ) {
        self.discoveries = discoveries
        self.clock = clock
        self.onChange = onChange
        book = Mutex(SuggestionBook(ownID: ownID))
    }

    /// Runs until cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for (feed, discovery) in discoveries.enumerated() {
                let source = discovery.source
                group.addTask {
                    await discovery.run { report in self.take(report, feed: feed, source: source) }
                }
            }
            group.addTask { await self.expire() }
        }
    }

    /// Everything suggested at the moment, with ages. Waits for nothing.
    package func suggestions() -> [SuggestedPeer] { book.withLock { $0.peers(at: clock.now) } }

    /// What hinders the sources, in words.
    package func problems() -> [DiscoveryProblem] { book.withLock { $0.problems() } }

    private func take(_ report: DiscoveryReport, feed: Int, source: DiscoverySource) {
        let now = clock.now
        if book.withLock({ $0.take(report, feed: feed, source: source, at: now) }) { onChange() }
    }

    private func expire() async {
        do {
            while true {
                try await clock.sleep(forAbout: .seconds(6))
                let now = clock.now
                if book.withLock({ $0.expire(at: now) }) { onChange() }
            }
        } catch {}  // cancelled
    }
}
