// SPDX-License-Identifier: Apache-2.0

import KithModel

extension UpstreamClient {
    /// Sends a request and waits for the whole answer, for at most `limit` in all: an answer may come byte by byte, each
    /// within the request's own limits.
    ///
    /// - Throws: ``ChatFailure`` with `unreachable`, `timeout`, `interrupted` or `invalidAnswer`; `CancellationError`.
    package func collect(_ request: UpstreamRequest, within limit: Duration) async throws -> UpstreamReply {
        try await wholeReply(within: limit) { try await self.collect(request) }
    }
}

extension MultiplexedConnection {
    /// Sends a request and waits for the whole answer, for at most `limit` in all.
    ///
    /// - Throws: As ``UpstreamClient/collect(_:within:)``.
    package func collect(_ request: UpstreamRequest, within limit: Duration) async throws -> UpstreamReply {
        try await wholeReply(within: limit) { try await self.collect(request) }
    }
}

private func wholeReply(
    within limit: Duration, _ collect: @escaping @Sendable () async throws -> UpstreamReply
) async throws -> UpstreamReply {
    try await withThrowingTaskGroup(of: UpstreamReply.self) { group in
        group.addTask { try await collect() }
        group.addTask {
            try await Task.sleep(for: limit)
            throw ChatFailure(.timeout, "the whole answer did not come in time")
        }
        defer { group.cancelAll() }
        guard let reply = try await group.next() else { throw CancellationError() }
        return reply
    }
}
