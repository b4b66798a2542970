// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithFiles
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Tells a process from a later one that was given its number.
enum ProcessTable {
    static var current: ClusterRecord.Process? { process(getpid()) }

    static func process(_ pid: Int32) -> ClusterRecord.Process? {
        startTime(of: pid).map { ClusterRecord.Process(pid: pid, started: $0) }
    }

    /// Whether a process runs as whoever has written a file: nobody can name a process of somebody else's.
    static func belongsToOwner(of file: String, _ pid: Int32) -> Bool {
        #if os(Linux)
            var (process, written) = (stat(), stat())
            return stat("/proc/\(pid)", &process) == 0 && stat(file, &written) == 0 && process.st_uid == written.st_uid
        #else
            var information = proc_bsdinfo()
            var written = stat()
            let size = Int32(MemoryLayout<proc_bsdinfo>.size)
            return proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &information, size) == size && stat(file, &written) == 0
                && information.pbi_uid == written.st_uid
        #endif
    }

    static func isAlive(_ process: ClusterRecord.Process) -> Bool { startTime(of: process.pid) == process.started }

    /// - Returns: `nil` for a process that is not there, or has ended and waits for its parent.
    private static func startTime(of pid: Int32) -> UInt64? {
        #if os(Linux)
            // proc_pid_stat(5): the second field may hold anything, so fields are counted from its last parenthesis.
            // A file that cannot be read means that the process has gone.
            guard let bytes = try? RegularFile.readFromKernel(FilePath("/proc/\(pid)/stat"), limit: 4_096) else {
                return nil
            }
            let text = String(decoding: bytes, as: UTF8.self)
            guard let end = text.lastIndex(of: ")") else { return nil }
            let fields = text[text.index(after: end)...].split(separator: " ")
            guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
            return UInt64(fields[19])
        #else
            var information = proc_bsdinfo()
            let size = Int32(MemoryLayout<proc_bsdinfo>.size)
            guard proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &information, size) == size,
                information.pbi_status != UInt32(SZOMB)
            else { return nil }
            return information.pbi_start_tvsec &* 1_000_000 &+ information.pbi_start_tvusec
        #endif
    }
}

/// Stops processes that are not children of this one.
enum ProcessEnd {
    /// Asks first, then kills what is still there after `patience`.
    ///
    /// - Throws: `CommandError` when one does not end; `CancellationError`.
    static func stop(_ processes: [ClusterRecord.Process], patience: Duration) async throws {
        signal(processes, SIGTERM)
        if try await haveEnded(processes, within: patience) { return }
        signal(processes, SIGKILL)
        if try await haveEnded(processes, within: .seconds(5)) { return }
        let left = processes.filter(ProcessTable.isAlive).map { String($0.pid) }
        throw CommandError(.failed, "these processes do not end: \(left.joined(separator: " "))")
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
