// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Bounds the whole of a wait: an answer may come byte by byte, each within its own limit.
enum Deadline {
    /// - Throws: what `work` throws; ``ChatFailure`` with `timeout`, after which `work` has been cancelled.
    static func within<Value: Sendable>(
        _ limit: Duration, _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await work() }
            group.addTask {
                try await Task.sleep(for: limit)
                throw ChatFailure(.timeout, "the whole answer did not come in time")
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }
}
