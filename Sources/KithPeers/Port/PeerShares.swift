// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// How much of the peer port one node may use at once, so that none takes the memory or the places of others.
package final class PeerShares: Sendable {
    /// One request, from its head to the end of its answer.
    final class Turn: Sendable {
        private let end: @Sendable () -> Void

        fileprivate init(end: @escaping @Sendable () -> Void) { self.end = end }

        deinit { end() }
    }

    /// Requests of one route. Honest nodes send one after the other, or as many as an engine has slots.
    static let ordinary = 16
    /// Of routes whose requests or answers may be megabytes, or that stay open.
    static let large = 4
    /// Bytes of questions that are on their way from one node, beside those that an engine has.
    static let questionBytes = 48 << 20

    private struct Place: Hashable {
        var node: NodeID
        var path: String
    }

    private struct State {
        var turns: [Place: Int] = [:]
        var bytes: [NodeID: Int] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// - Returns: `nil` when the node has as many requests of this route as it may.
    func begin(_ path: String, by node: NodeID) -> Turn? {
        let place = Place(node: node, path: path)
        let isAdmitted = state.withLock { state in
            guard state.turns[place, default: 0] < Self.limit(of: path) else { return false }
            state.turns[place, default: 0] += 1
            return true
        }
        guard isAdmitted else { return nil }
        return Turn { [weak self] in
            self?.state.withLock { state in
                let left = state.turns[place, default: 1] - 1
                state.turns[place] = left > 0 ? left : nil
            }
        }
    }

    private static func limit(of path: String) -> Int {
        switch path {
        case PeerWire.statePath, PeerWire.operationsPath, PeerWire.sessionsPath, PeerWire.logsPath, PeerWire.modelsPath,
            PeerWire.passPath, PeerWire.conversePath, PeerWire.modelPullPath:
            large
        default: ordinary
        }
    }

    /// - Returns: Whether so many more bytes of a question may be kept; if so ``release(_:of:)`` must follow.
    func take(_ bytes: Int, of node: NodeID) -> Bool {
        state.withLock { state in
            guard state.bytes[node, default: 0] + bytes <= Self.questionBytes else { return false }
            state.bytes[node, default: 0] += bytes
            return true
        }
    }

    func release(_ bytes: Int, of node: NodeID) {
        state.withLock { state in
            let left = state.bytes[node, default: bytes] - bytes
            state.bytes[node] = left > 0 ? left : nil
        }
    }
}
