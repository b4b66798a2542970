// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What the connections of a stub server have seen.
final class StubServerLog: Sendable {
    private struct State {
        var requests: [StubRequest] = []
        var clientsGone = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private static let limit = 1_000

    private let state = Mutex(State())

    var requests: [StubRequest] { state.withLock { $0.requests } }

    func add(_ request: StubRequest) {
        state.withLock { if $0.requests.count < Self.limit { $0.requests.append(request) } }
    }

    func noteClientGone() {
        let waiters = state.withLock { state in
            state.clientsGone += 1
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func clientGone() async {
        await withCheckedContinuation { continuation in
            let isPast = state.withLock { state in
                if state.clientsGone == 0 { state.waiters.append(continuation) }
                return state.clientsGone > 0
            }
            if isPast { continuation.resume() }
        }
    }
}
