// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore
import Synchronization

/// The connections that others have opened to the peer port, and how many handshakes are under way.
package final class PeerConnections: Sendable {
    /// Who is at the other end of a connection; proven by its handshake.
    package struct Caller: Sendable {
        var id: NodeID
        /// The address the connection comes from, without the port.
        var source: String
    }

    /// Handshakes that have not ended, from one address and from all together.
    static let handshakesPerSource = 64
    static let handshakeLimit = 512
    /// Connections of nodes that are not paired, from one address and from all together: enough for pairing, and too few
    /// to use up those that the listener holds.
    static let strangersPerSource = 8
    static let strangerLimit = 64

    fileprivate struct Connection: Sendable {
        var caller: Caller
        var channel: any Channel
        /// When it was opened.
        var isPaired: Bool
    }

    fileprivate struct State: Sendable {
        var open: [ObjectIdentifier: Connection] = [:]
        var handshakes: [String: Int] = [:]
        var handshakeCount = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// - Returns: Whether one more handshake from there may begin; if so ``handshakeEnded(from:)`` must follow.
    func beginHandshake(from source: String) -> Bool {
        state.withLock { state in
            guard state.handshakeCount < Self.handshakeLimit,
                state.handshakes[source, default: 0] < Self.handshakesPerSource
            else { return false }
            state.handshakeCount += 1
            state.handshakes[source, default: 0] += 1
            return true
        }
    }

    func handshakeEnded(from source: String) {
        state.withLock { state in
            state.handshakeCount -= 1
            let left = state.handshakes[source, default: 1] - 1
            state.handshakes[source] = left > 0 ? left : nil
        }
    }

    /// Must be called when the handshake has proven which node it is; the connection removes itself when it ends.
    ///
    /// - Returns: `false` when there are too many connections of strangers.
    func open(_ channel: any Channel, by caller: Caller, standing: PeerRelation) -> Bool {
        let key = ObjectIdentifier(channel)
        let isPaired = standing == .kin || standing == .kith
        let isAdmitted = state.withLock { state in
            guard isPaired || state.admitsStranger(from: caller.source) else { return false }
            state.open[key] = Connection(caller: caller, channel: channel, isPaired: isPaired)
            return true
        }
        guard isAdmitted else { return false }
        channel.closeFuture.whenComplete { [weak self] _ in
            self?.state.withLock { $0.open[key] = nil }
        }
        return true
    }

    func caller(on channel: any Channel) -> Caller? {
        state.withLock { $0.open[ObjectIdentifier(channel)]?.caller }
    }

    /// Ends every connection of that node at once, with what is being answered on it.
    func close(_ id: NodeID) {
        let channels = state.withLock { state in
            state.open.values.filter { $0.caller.id == id }.map(\.channel)
        }
        for channel in channels { channel.close(promise: nil) }
    }
}

extension PeerConnections.State {
    fileprivate func admitsStranger(from source: String) -> Bool {
        let strangers = open.values.filter { !$0.isPaired }
        return strangers.count < PeerConnections.strangerLimit
            && strangers.count(where: { $0.caller.source == source }) < PeerConnections.strangersPerSource
    }
}
