// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTesting
import Synchronization

/// Connects services within one process; each sees it through a transport of its own.
final class Switchboard: Sendable {
    struct State {
        var services: [NodeID: MembershipService] = [:]
        /// Nobody listens there.
        var absent: Set<NodeID> = []
        /// Answers that are sent instead of a service's.
        var forged: [NodeID: [UInt8]] = [:]
        var exchanges = 0
        var addressesTried: [NodeID: [PeerAddress]] = [:]
    }

    let state = Mutex(State())

    struct Transport: GossipTransport {
        let board: Switchboard
        let sender: NodeID

        func exchange(
            _ packet: [UInt8], with id: NodeID, addresses: [PeerAddress], timeout: Duration
        ) async throws(GossipError) -> GossipAnswer {
            let (service, forged) = board.state.withLock { state in
                state.exchanges += 1
                state.addressesTried[id] = addresses
                let isAbsent = state.absent.contains(id) || state.absent.contains(sender)
                return (isAbsent ? nil : state.services[id], state.forged[id])
            }
            guard let service else { throw .refused }
            if let forged { return GossipAnswer(packet: forged, roundTrip: .zero) }
            do { return GossipAnswer(packet: try service.receive(packet, from: sender), roundTrip: .zero) } catch {
                throw .refusedByPeer(reason: "\(error)")
            }
        }
    }

    /// - Parameter asleep: How long the machine slept in all.
    func service(
        _ number: Int, clock: ManualClock, asleep: @escaping @Sendable () -> Duration = { .zero },
        notify: @escaping @Sendable (MembershipNotice) -> Void = { _ in }
    ) -> MembershipService {
        let membership = Membership(
            id: .numbered(number), instance: .numbered(number), now: clock.now,
            generator: SeededGenerator(seed: UInt64(number)))
        let service = MembershipService(
            membership: membership, transport: Transport(board: self, sender: .numbered(number)), clock: clock,
            readClocks: { SleepWatch.Reading(total: asleep(), awake: .zero) }, notify: notify)
        state.withLock { $0.services[.numbered(number)] = service }
        return service
    }
}

/// Answers nobody; counts who waits.
final class DeafTransport: GossipTransport {
    let clock: ManualClock
    let waiting = Mutex<[NodeID: Int]>([:])

    init(clock: ManualClock) { self.clock = clock }

    func exchange(
        _ packet: [UInt8], with id: NodeID, addresses: [PeerAddress], timeout: Duration
    ) async throws(GossipError) -> GossipAnswer {
        waiting.withLock { $0[id, default: 0] += 1 }
        do { try await clock.sleep(until: .zero + .seconds(3_600), tolerance: nil) } catch {
            // Cancelled: the same to whoever waited.
        }
        waiting.withLock { $0[id, default: 0] -= 1 }
        throw .timeout
    }
}

extension ManualClock {
    /// Moves on in small steps until something has happened, at most two minutes.
    func run(until isDone: () -> Bool) async {
        for _ in 0..<6_000 where !isDone() {
            for _ in 0..<20 { await Task.yield() }
            advance(by: .milliseconds(20))
        }
    }
}
