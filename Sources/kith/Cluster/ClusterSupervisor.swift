// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithModel
import UnixSignals

/// Starts the nodes of a cluster, waits until all answer, and stops them when it is told to stop.
struct ClusterSupervisor: Sendable {
    private enum Event: Sendable {
        case started(Int, pid: Int32)
        case ended(Int, how: String)
        case told(to: UnixSignal)
        case allAnswer
        case stillSilent(String)
    }

    var plan: ClusterPlan
    var folder: ClusterFolder
    /// Until every node must have answered.
    var limit: Duration
    var announcement: ClusterAnnouncement

    func run() async throws {
        guard let own = ProcessTable.current else {
            throw CommandFailure(.failed, "the system does not say when this process was started")
        }
        let signals = await UnixSignalsSequence(trapping: [.sigint, .sigterm, .sighup])
        let spawner = try NodeSpawner()
        var watch = Watch(record: ClusterRecord(supervisor: own, plan: plan), running: plan.instances.count)
        try folder.write(watch.record)
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, instance) in plan.instances.enumerated() {
                    group.addTask {
                        let how = try await spawner.run(instance) { pid in
                            continuation.yield(.started(index, pid: pid))
                        }
                        continuation.yield(.ended(index, how: how))
                    }
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
        var running: Int
    }

    /// - Returns: Whether to go on.
    private func handle(_ event: Event, _ watch: inout Watch) throws -> Bool {
        switch event {
        case .started(let index, let pid):
            watch.record.nodes[index].process = ProcessTable.process(pid)
            try folder.write(watch.record)
        case .ended(let index, let how):
            watch.running -= 1
            let instance = plan.instances[index]
            guard watch.record.ready else { throw failure(instance, "ended before it answered: \(how)") }
            announcement.ended(instance.name, how: how)
            guard watch.running > 0 else { throw CommandFailure(.failed, "all nodes have ended") }
        case .told:
            announcement.stopping()
            return false
        case .allAnswer:
            watch.record.ready = true
            try folder.write(watch.record)
            try announcement.running(watch.record)
            announcement.stopsOnInterrupt()
        case .stillSilent(let reason): throw CommandFailure(.failed, reason)
        }
        return true
    }

    private func awaitAnswers() async throws -> Event {
        let readiness = ClusterReadiness(plan: plan, deadline: ContinuousClock.now + limit)
        guard let fault = try await readiness.run() else { return .allAnswer }
        return .stillSilent(failure(fault.instance, fault.reason).message)
    }

    private func failure(_ instance: ClusterPlan.Instance, _ reason: String) -> CommandFailure {
        let log = LogTail.lines(instance.logFile, count: 3).joined(separator: " | ")
        return CommandFailure(
            .failed, "node \(instance.name) \(reason); see \(instance.logFile)" + (log.isEmpty ? "" : ": \(log)"))
    }
}
