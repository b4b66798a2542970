// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithModel
import Subprocess
import SystemPackage
import UnixSignals

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Starts the nodes of a cluster, waits until all answer, starts again those that die, and stops them when told to.
struct ClusterSupervisor: Sendable {
    private enum Event: Sendable {
        case started(Int, pid: Int32)
        /// `pause`: until it is started again; `nil` if it is not.
        case ended(Int, NodeEnd, pause: Duration?)
        case told(to: UnixSignal)
        case allAnswer
        case stillSilent(String)
    }

    var plan: ClusterPlan
    var folder: ClusterFolder
    /// The time within which every node must have answered.
    var limit: Duration
    /// What is done about nodes that die after all have answered.
    var deadNodes: DeadNodes
    var announcement: ClusterAnnouncement

    func run() async throws {
        guard let own = ProcessTable.current else {
            throw CommandError(.failed, "the system does not say when this process was started")
        }
        let signals = await UnixSignalsSequence(trapping: [.sigint, .sigterm, .sighup])
        let spawner = try NodeSpawner()
        var watch = Watch(record: ClusterRecord(supervisor: own, plan: plan), running: plan.instances.count)
        try folder.write(watch.record)
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in plan.instances.indices {
                    group.addTask { try await keepRunning(index, spawner, continuation) }
                }
                group.addTask { for await signal in signals { continuation.yield(.told(to: signal)) } }
                group.addTask { continuation.yield(try await awaitAnswers()) }
                defer { group.cancelAll() }
                for await event in events {
                    guard try handle(event, &watch) else { break }
                }
            }
        } catch {
            try folder.removeRecord()
            throw error
        }
        try folder.removeRecord()
    }

    private struct Watch {
        var record: ClusterRecord
        /// Those that run, or are about to be started again.
        var running: Int
    }

    /// Runs a node, and again whenever it dies.
    private func keepRunning(
        _ index: Int, _ spawner: NodeSpawner, _ events: AsyncStream<Event>.Continuation
    ) async throws {
        var pauses = RestartPauses()
        while true {
            let began = ContinuousClock.now
            let end: NodeEnd
            do {
                end = try await spawner.run(plan.instances[index]) { pid in events.yield(.started(index, pid: pid)) }
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                // A program that is replaced at this moment is there again soon; one that never could start ends the cluster.
                end = .exited(ExitStatus.failed.rawValue)
                Terminal.note("node \(plan.instances[index].name) cannot be started: \(error)".printable)
            }
            let mayReturn = deadNodes == .startedAgain && end.isDeath
            let pause = mayReturn ? pauses.next(afterRunning: ContinuousClock.now - began) : nil
            events.yield(.ended(index, end, pause: pause))
            guard let pause else { return }
            try await Task.sleep(for: pause)
        }
    }

    /// - Returns: Whether to go on.
    private func handle(_ event: Event, _ watch: inout Watch) throws -> Bool {
        switch event {
        case .started(let index, let pid):
            watch.record.nodes[index].process = ProcessTable.process(pid)
            try folder.write(watch.record)
        case .ended(let index, let end, let pause):
            let instance = plan.instances[index]
            guard watch.record.ready else { throw failure(instance, "ended before it answered: \(end)") }
            announcement.ended(instance.name, end, pause: pause)
            if pause == nil { watch.running -= 1 }
            guard watch.running > 0 else { throw CommandError(.failed, "all nodes have ended") }
        case .told:
            announcement.stopping()
            return false
        case .allAnswer:
            watch.record.ready = true
            try folder.write(watch.record)
            try announcement.running(watch.record)
            announcement.stopsOnInterrupt()
        case .stillSilent(let reason): throw CommandError(.failed, reason)
        }
        return true
    }

    private func awaitAnswers() async throws -> Event {
        let readiness = ClusterReadiness(plan: plan, deadline: ContinuousClock.now + limit)
        guard let fault = try await readiness.run() else { return .allAnswer }
        return .stillSilent(failure(fault.instance, fault.reason).message)
    }

    private func failure(_ instance: ClusterPlan.Instance, _ reason: String) -> CommandError {
        let log = LogTail.lines(instance.logFile, count: 3).joined(separator: " | ")
        return CommandError(
            .failed, "node \(instance.name) \(reason); see \(instance.logFile)" + (log.isEmpty ? "" : ": \(log)"))
    }
}

/// What `kith cluster up` says.
struct ClusterAnnouncement: Sendable {
    enum Output: Sendable { case text, json }

    var output: Output

    func running(_ record: ClusterRecord) throws {
        switch output {
        case .json: try Terminal.printJSON(record)
        case .text:
            try Terminal.printLines(record.nodes.map { "\($0.url)  \($0.name)" })
            let first = record.nodes.first?.url ?? ""
            Terminal.note("all \(record.nodes.count) nodes answer; try: kith ask --url \(first) \"hello\"")
        }
    }

    func stopsOnInterrupt() { Terminal.note("Ctrl-C stops them") }

    func ended(_ name: String, _ end: NodeEnd, pause: Duration?) {
        let rest =
            switch pause {
            case nil: ""
            case let pause? where pause < .seconds(1): "; it is started again"
            case let pause?: "; it is started again in \(pause.components.seconds) s"
            }
        Terminal.note("node \(name) ended: \(end)\(rest)")
    }

    func stopping() { Terminal.note("stopping") }
}

/// Starts `kith cluster up` once more as a process of its own session, which stays when this one ends.
struct DetachedCluster: Sendable {
    private enum End: Sendable {
        case running(ClusterRecord)
        case failed(String)
        case interrupted
    }

    var folder: ClusterFolder
    var plan: ClusterPlan
    /// The arguments of the command to start, without the program's name.
    var arguments: [String]
    var limit: Duration

    /// Waits until all nodes answer. The process that was started is left running.
    ///
    /// - Throws: `CommandError` with what it wrote last when it failed.
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
            case .failed(let reason): throw CommandError(.failed, reason)
            case .interrupted:
                child.cancel()
                await child.value
                throw CommandError(.interrupted)
            }
        }
        throw CommandError(.interrupted)
    }

    private func run(_ executable: String, log: FileDescriptor) async throws -> String {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(16))]
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

/// The end of a node's log, for the message that says why it did not start.
enum LogTail {
    static func lines(_ path: String, count: Int) -> [String] {
        // A log that cannot be read adds nothing to the message.
        guard let data = try? Data(contentsOf: URL(filePath: path), options: .mappedIfSafe) else { return [] }
        let text = String(decoding: data.suffix(16_384), as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).suffix(count).map {
            String($0).printable.truncated(toWidth: 400)
        }
    }
}
