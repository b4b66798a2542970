// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Checks now and then whether friends' nodes are there. They take no part in membership: what kin gossip is not for
/// them.
struct FriendPoller: Sendable {
    static let interval = Duration.seconds(30)
    static let limit = Duration.seconds(2)

    let trust: TrustStore
    let links: PeerLinks
    let directory: PeerDirectory
    let hello: @Sendable () -> PeerHello
    let clock: any TimeSource

    /// Runs until cancelled; one that hangs delays no other.
    func run() async {
        while true {
            await look()
            do { try await clock.sleep(forAbout: Self.interval) } catch { return }
        }
    }

    /// Checks all of them, once.
    func look() async {
        await withDiscardingTaskGroup { group in
            for peer in trust.peers() where peer.tier == .kith {
                group.addTask { await look(at: peer) }
            }
        }
        directory.refresh()
    }

    private func look(at peer: PeerRecord) async {
        do {
            let link = try await links.link(to: peer.id, at: peer.addresses)
            let began = clock.now
            let theirs = try await link.exchange(
                hello(), PeerWire.helloPath, for: PeerHello.self, limit: Self.limit)
            directory.met(peer.id, theirs, roundTrip: clock.now - began)
        } catch let failure as LinkError {
            directory.missed(peer.id, failure)
        } catch {
            directory.missed(peer.id, .unreachable("it does not answer"))
        }
    }
}
