// SPDX-License-Identifier: Apache-2.0

import KithCulture
import KithInference
import KithMembership
import KithModel
import KithPeers
import Logging

/// Puts the machine to sleep when no prompt has come for long, and tells kin before.
struct IdleSleep: Sendable {
    /// For the command that puts the machine to sleep.
    private static let commandLimit = Duration.seconds(30)
    /// A machine that has not fallen asleep by then does not.
    private static let patience = Duration.seconds(60)
    private static let pause = Duration.milliseconds(500)

    let threshold: Duration
    let command: [String]
    let mesh: PeerMesh
    let engine: any EngineStatusSource
    let activity: UserActivity
    let models: NodeModels
    let clock: any TimeSource
    let logger: Logger

    /// Runs until cancelled.
    func run() async {
        var schedule = SleepSchedule(threshold: threshold, now: clock.now)
        while true {
            let status = engine.status()
            let wait = schedule.wait(
                idle: activity.idle.idle(now: clock.now),
                isBusy: status.active + status.queued > 0 || models.keepsAwake, now: clock.now)
            do {
                if let wait {
                    try await clock.sleep(forAbout: wait)
                } else {
                    try await sleep()
                    schedule.woke(now: clock.now)
                }
            } catch { return }
        }
    }

    /// Returns when the machine is awake again.
    private func sleep() async throws {
        guard let executable = command.first else { return }
        logger.info("going to sleep", metadata: ["idle_minutes": "\(Int(threshold.seconds / 60))"])
        var watch = SleepWatch(first: SleepWatch.machine())
        await mesh.fallAsleep()
        defer { mesh.wakeUp() }
        do {
            let outcome = try await BoundedCommand(
                executable: executable, arguments: Array(command.dropFirst()), additions: [:], limit: Self.commandLimit
            ).run()
            guard outcome.succeeded else {
                return logger.warning("not asleep", metadata: ["output": "\(outcome.output.suffix(200))"])
            }
        } catch let error as CancellationError {
            throw error
        } catch {
            return logger.warning("not asleep", metadata: ["reason": "\(error)"])
        }
        let end = clock.now + Self.patience
        while clock.now < end {
            if watch.note(SleepWatch.machine()) { return }
            try await clock.sleep(for: Self.pause)
        }
    }
}
