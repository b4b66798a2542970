// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithServer
import NIOCore
import Synchronization

/// The connections that others have opened to the peer port, and how many handshakes are under way.
///
/// Each is a place of which there are only so many, and none can take them from the others: see `FairShare`.
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
    /// Connections of one friend, and of all: each needs one, and a second while the network changes.
    static let connectionsPerFriend = 8
    static let friendLimit = 512
    /// The same for kin.
    static let connectionsPerKin = 64
    static let kinLimit = 1_024

    /// Of those that have to make room, so many end what they answer first.
    static let leavingLimit = 256

    fileprivate struct State: Sendable {
        /// Also those that are leaving.
        var open: [ChannelPlace: Caller] = [:]
        var handshakes = FairShare<String, ChannelPlace>(
            .init(places: PeerConnections.handshakeLimit, perParty: PeerConnections.handshakesPerSource))
        var strangers = FairShare<String, ChannelPlace>(
            .init(places: PeerConnections.strangerLimit, perParty: PeerConnections.strangersPerSource))
        var friends = FairShare<NodeID, ChannelPlace>(
            .init(places: PeerConnections.friendLimit, perParty: PeerConnections.connectionsPerFriend))
        var kin = FairShare<NodeID, ChannelPlace>(
            .init(places: PeerConnections.kinLimit, perParty: PeerConnections.connectionsPerKin))
    }

    private let state = Mutex(State())
    private let leaving = LeavingChannels(limit: leavingLimit)

    package init() {}

    /// - Returns: Whether one more handshake from there may begin; if so ``handshakeEnded(on:)`` must follow. Another may have
    ///   to end for it.
    func beginHandshake(on channel: any Channel, from source: String) -> Bool {
        leaving.makeRoom(state.withLock { $0.handshakes.enter(ChannelPlace(channel), of: Self.party(source)) })
    }

    func handshakeEnded(on channel: any Channel) {
        state.withLock { $0.handshakes.leave(ChannelPlace(channel)) }
    }

    /// Must be called when the handshake has proven which node it is; the connection removes itself when it ends.
    ///
    /// - Returns: `false` when there is no place that anybody has to give up.
    func open(_ channel: any Channel, by caller: Caller, standing: PeerRelation) -> Bool {
        let place = ChannelPlace(channel)
        let isAdmitted = leaving.makeRoom(
            state.withLock { state in
                let entrance = state.enter(place, by: caller, standing: standing)
                if entrance.isAdmitted { state.open[place] = caller }
                return entrance
            })
        guard isAdmitted else { return false }
        channel.closeFuture.whenComplete { [weak self] _ in self?.state.withLock { $0.leave(place) } }
        return true
    }

    func caller(on channel: any Channel) -> Caller? { state.withLock { $0.open[ChannelPlace(channel)] } }

    /// Ends every connection of that node at once, with what is being answered on it.
    func close(_ id: NodeID) {
        let channels = state.withLock { state in
            state.open.filter { $0.value.id == id }.map(\.key.channel)
        }
        for channel in channels { channel.close(promise: nil) }
    }

    /// Whoever has one address of an IPv6 network has as many as they like.
    fileprivate static func party(_ source: String) -> String {
        AddressRange(source)?.subscriber.description ?? source
    }
}

extension PeerConnections.State {
    fileprivate mutating func enter(
        _ place: ChannelPlace, by caller: PeerConnections.Caller, standing: PeerRelation
    ) -> ShareEntrance<ChannelPlace> {
        switch standing {
        case .kin:
            let entrance = kin.enter(place, of: caller.id)
            kin.settle(place)
            return entrance
        // One that has to go is closed at once: what friends ask is short.
        case .kith: return friends.enter(place, of: caller.id)
        case .own, .forgotten, .stranger:
            return strangers.enter(place, of: PeerConnections.party(caller.source))
        }
    }

    fileprivate mutating func leave(_ place: ChannelPlace) {
        open[place] = nil
        strangers.leave(place)
        friends.leave(place)
        kin.leave(place)
    }
}
