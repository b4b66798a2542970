// SPDX-License-Identifier: Apache-2.0

import KithModel
import Subprocess
import Synchronization

/// Attends to one running child: reads what it prints, notices when it is ready, and looks whether it still answers.
final class ChildWatch: Sendable {
    private let readiness: LlamaLaunch.Readiness
    private let limits: LlamaLimits
    private let clock: any TimeSource
    private let health: any LlamaHealthChecking
    private let onReady: @Sendable (HTTPAddress) -> Void
    private let address = Mutex<HTTPAddress?>(nil)

    init(
        readiness: LlamaLaunch.Readiness, limits: LlamaLimits, clock: any TimeSource, health: any LlamaHealthChecking,
        onReady: @escaping @Sendable (HTTPAddress) -> Void
    ) {
        self.readiness = readiness
        self.limits = limits
        self.clock = clock
        self.health = health
        self.onReady = onReady
    }

    /// Returns when the child has closed its standard error, which it does at its end.
    ///
    /// - Throws: ``ChatFailure`` when the child is not ready in time, no longer answers, or hangs at its end.
    func attend(
        output: SubprocessOutputSequence, errors: SubprocessOutputSequence, logFile: String
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.keep(errors, in: logFile) }
            group.addTask {
                try await self.watch(output)
                // Its last words may still be on their way.
                try await self.clock.sleep(until: self.clock.now + self.limits.stop, tolerance: nil)
                throw ChatFailure(.interrupted, "it closed its output and did not end")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Until the output ends, or the child has to be given up.
    private func watch(_ output: SubprocessOutputSequence) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.read(output) }
            group.addTask { try await self.look() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func keep(_ errors: SubprocessOutputSequence, in logFile: String) async throws {
        var log = try RotatingLog(path: logFile)
        do {
            for try await buffer in errors {
                // A full disk must not stop the engine: what cannot be written is dropped.
                buffer.withUnsafeBytes { bytes in _ = try? log.write(bytes) }
            }
        } catch {
            try log.close()
            throw error
        }
        try log.close()
    }

    private func read(_ output: SubprocessOutputSequence) async throws {
        var announcement = LaunchAnnouncement()
        for try await buffer in output {
            guard case .announced = readiness else { continue }
            let found = buffer.withUnsafeBytes { announcement.feed($0) }
            if let found { becomeReady(found) }
        }
    }

    private func becomeReady(_ found: HTTPAddress) {
        let isFirst = address.withLock { address in
            defer { address = found }
            return address == nil
        }
        if isFirst { onReady(found) }
    }

    private func look() async throws {
        let deadline = clock.now + limits.ready
        while address.withLock({ $0 }) == nil {
            guard clock.now < deadline else {
                throw ChatFailure(.timeout, "it was not ready within \(Int(limits.ready.seconds)) s")
            }
            if case .polled(let candidate) = readiness, await health.isHealthy(candidate) {
                becomeReady(candidate)
            } else {
                try await clock.sleep(until: clock.now + limits.readyPoll, tolerance: nil)
            }
        }
        try await lookAgainAndAgain()
    }

    private func lookAgainAndAgain() async throws {
        var failures = 0
        while let address = address.withLock({ $0 }) {
            try await clock.sleep(until: clock.now + limits.healthInterval, tolerance: nil)
            failures = await health.isHealthy(address) ? 0 : failures + 1
            guard failures < limits.healthFailures else {
                throw ChatFailure(.timeout, "it did not answer \(failures) health checks one after the other")
            }
        }
    }
}
