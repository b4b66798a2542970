// SPDX-License-Identifier: Apache-2.0

import KithCommand

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Stops processes that are not children of this one.
enum ProcessEnd {
    /// Asks first, then kills what is still there after `patience`.
    ///
    /// - Throws: ``CommandFailure`` when one does not end; `CancellationError`.
    static func stop(_ processes: [ClusterRecord.Process], patience: Duration) async throws {
        signal(processes, SIGTERM)
        if try await haveEnded(processes, within: patience) { return }
        signal(processes, SIGKILL)
        if try await haveEnded(processes, within: .seconds(5)) { return }
        let left = processes.filter(ProcessTable.isAlive).map { String($0.pid) }
        throw CommandFailure(.failed, "these processes do not end: \(left.joined(separator: " "))")
    }

    private static func signal(_ processes: [ClusterRecord.Process], _ signal: Int32) {
        for process in processes where ProcessTable.isAlive(process) { kill(process.pid, signal) }
    }

    private static func haveEnded(_ processes: [ClusterRecord.Process], within limit: Duration) async throws -> Bool {
        let deadline = ContinuousClock.now + limit
        while processes.contains(where: ProcessTable.isAlive) {
            guard ContinuousClock.now < deadline else { return false }
            try await Task.sleep(for: .milliseconds(50))
        }
        return true
    }
}
