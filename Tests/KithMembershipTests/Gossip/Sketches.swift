// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel

extension NodeID {
    /// Different for each number.
    static func numbered(_ number: Int) -> NodeID {
        var digest = [UInt8](repeating: 0, count: 32)
        digest[0] = UInt8(truncatingIfNeeded: number >> 8)
        digest[1] = UInt8(truncatingIfNeeded: number)
        guard let id = NodeID(digest: digest) else { preconditionFailure("32 bytes are an id") }
        return id
    }
}

extension InstanceID {
    /// Later for each greater number.
    static func numbered(_ number: Int) -> InstanceID {
        InstanceID(startedAt: WallTime(milliseconds: Int64(number) * 1_000), salt: UInt64(number))
    }
}

extension MonotonicInstant {
    static func seconds(_ seconds: Double) -> MonotonicInstant { MonotonicInstant.zero + .seconds(seconds) }
}

extension [MembershipAction] {
    var reply: GossipPacket? {
        for case .reply(let packet) in self { return packet }
        return nil
    }

    var sightings: [CloneSighting] {
        compactMap { if case .cloned(let sighting) = $0 { sighting } else { nil } }
    }

    func kinds(of id: NodeID) -> [MemberEvent.Kind] {
        compactMap { if case .changed(let event) = $0, event.id == id { event.kind } else { nil } }
    }

    func packets(to id: NodeID) -> [GossipPacket] {
        compactMap { if case .send(let packet, let receiver, _) = $0, receiver == id { packet } else { nil } }
    }

    func pings(to id: NodeID) -> [SequenceNumber] {
        packets(to: id).flatMap(\.messages).compactMap { if case .ping(let sequence) = $0 { sequence } else { nil } }
    }
}
