// SPDX-License-Identifier: Apache-2.0

import KithCommand
import Subprocess
import SystemPackage
import UnixSignals

/// Starts `kith cluster up` once more as a process of its own session, which stays when this one ends.
struct DetachedCluster: Sendable {
    private enum End: Sendable {
        case running(ClusterRecord)
        case failed(String)
        case interrupted
    }

    var folder: ClusterFolder
    var plan: ClusterPlan
    /// Of the command to start, without the program's name.
    var arguments: [String]
    var limit: Duration

    /// Waits until all nodes answer. The process that was started is left running.
    ///
    /// - Throws: ``CommandFailure`` with what it wrote last when it failed.
    func start() async throws -> ClusterRecord {
        try folder.write(plan)
        let signals = await UnixSignalsSequence(trapping: [.sigint, .sigterm])
        let log = try FileDescriptor.open(
            FilePath(folder.supervisorLog), .writeOnly, options: [.create, .truncate, .closeOnExec],
            permissions: [.ownerReadWrite])
        let executable = try Executable.path()
        let (events, continuation) = AsyncStream.makeStream(of: End.self)
        // The task outlives this function on purpose: waiting for the child would hold this command until the cluster
        // stops, and cancelling the wait would stop the child. The process ends soon after with the child running.
        let child = Task {
            do {
                continuation.yield(.failed(try await run(executable, log: log)))
            } catch {
                continuation.yield(.failed("\(error)"))
            }
        }
        let watchers = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for await _ in signals { continuation.yield(.interrupted) } }
                group.addTask { continuation.yield(try await awaitRecord()) }
                try await group.waitForAll()
            }
        }
        defer { watchers.cancel() }
        for await end in events {
            switch end {
            case .running(let record): return record
            case .failed(let reason): throw CommandFailure(.failed, reason)
            case .interrupted:
                child.cancel()
                await child.value
                throw CommandFailure(.interrupted)
            }
        }
        throw CommandFailure(.interrupted)
    }

    private func run(_ executable: String, log: FileDescriptor) async throws -> String {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(12))]
        _ = try await Subprocess.run(
            .path(FilePath(executable)), arguments: Arguments(arguments), platformOptions: options, input: .none,
            output: .fileDescriptor(log, closeAfterSpawningProcess: false),
            error: .fileDescriptor(log, closeAfterSpawningProcess: false))
        let words =
            LogTail.lines(folder.supervisorLog, count: 1).last ?? "the cluster ended; see \(folder.supervisorLog)"
        return words.hasPrefix("kith: ") ? String(words.dropFirst(6)) : words
    }

    private func awaitRecord() async throws -> End {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if let record = try folder.record(), record.ready, ProcessTable.isAlive(record.supervisor) {
                return .running(record)
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        return .failed("the cluster did not start in time; see \(folder.supervisorLog)")
    }
}
