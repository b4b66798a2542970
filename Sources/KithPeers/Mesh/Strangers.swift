// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// Who answers at addresses that were suggested without an id.
final class Strangers: Sendable {
    /// Between two looks at the same address.
    static let pause = Duration.seconds(10)
    static let limit = 256

    private struct Entry: Sendable {
        var id: NodeID?
        var asked: Moment
    }

    private let entries = Mutex<[PeerAddress: Entry]>([:])

    /// The addresses that are to be asked now; counted as asked.
    func due(_ addresses: [PeerAddress], now: Moment) -> [PeerAddress] {
        entries.withLock { entries in
            entries = entries.filter { addresses.contains($0.key) }
            let due = addresses.prefix(Self.limit).filter { address in
                entries[address].map { now - $0.asked >= Self.pause } ?? true
            }
            for address in due { entries[address] = Entry(id: entries[address]?.id, asked: now) }
            return due
        }
    }

    func found(_ id: NodeID, at address: PeerAddress) { entries.withLock { $0[address]?.id = id } }

    func node(at address: PeerAddress) -> NodeID? { entries.withLock { $0[address]?.id } }
}
