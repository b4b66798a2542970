// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import NIOCore
import Synchronization

/// A connection as a place of a `FairShare`.
package struct ChannelPlace: Hashable, Sendable {
    package let channel: any Channel

    package init(_ channel: any Channel) { self.channel = channel }

    package static func == (one: ChannelPlace, other: ChannelPlace) -> Bool { one.channel === other.channel }

    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(channel)) }
}

/// Connections that have to make room for others, and end what they do first.
///
/// They have no place any more, so only so many are waited for: whoever keeps them busy must not have more connections than
/// the listener has places. What is beyond that is closed at once.
package final class LeavingChannels: Sendable {
    private let limit: Int
    private let leaving = Mutex<Set<ChannelPlace>>([])

    package init(limit: Int) { self.limit = max(0, limit) }

    /// Those that are waited for.
    package var channels: [any Channel] { leaving.withLock { $0.map(\.channel) } }

    /// Ends the connection that has to go, if one has.
    ///
    /// - Returns: Whether there is a place for the one that came.
    package func makeRoom(_ entrance: ShareEntrance<ChannelPlace>) -> Bool {
        if case .insteadOf(let gone, let wasSettled) = entrance { end(gone, isBusy: wasSettled) }
        return entrance.isAdmitted
    }

    private func end(_ place: ChannelPlace, isBusy: Bool) {
        let isWaitedFor = isBusy && leaving.withLock { $0.count < limit && $0.insert(place).inserted }
        guard isWaitedFor else { return place.channel.close(promise: nil) }
        place.channel.closeFuture.whenComplete { [weak self] _ in
            self?.leaving.withLock { _ = $0.remove(place) }
        }
        place.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
}
