// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// Measures now and then what this machine has left for models and what it runs on; no prompt waits for that.
final class MachineWatch: Sendable {
    /// Between two readings of what the kernel tells.
    static let pause = Duration.seconds(15)
    /// Between two questions to a tool, which is a process of its own.
    static let toolPause = Duration.seconds(30)
    /// The same after one that is not there, or failed.
    static let toolPauseAfterFailure = Duration.seconds(600)

    /// What a tool said last.
    private struct Told<Answer: Sendable>: Sendable {
        var answer: Answer?
        var next = MonotonicInstant.zero
        var isNew = true

        mutating func ask(now: MonotonicInstant, _ tool: () async -> Answer?) async {
            guard now >= next else { return }
            (answer, isNew) = (await tool(), false)
            next = now + (answer == nil ? MachineWatch.toolPauseAfterFailure : MachineWatch.toolPause)
        }
    }

    private let survey: MachineSurvey
    /// Percent of the battery below which it is spared.
    private let sparedBelow: Int
    private let clock: any TimeSource
    private let told = Mutex<MachineFacts?>(nil)

    init(survey: MachineSurvey = .machine, sparedBelow: Int, clock: any TimeSource) {
        self.survey = survey
        self.sparedBelow = sparedBelow
        self.clock = clock
    }

    /// As measured last, but for changes that are too small to be told; `nil` before.
    var facts: MachineFacts? { told.withLock { $0 } }

    /// Runs until cancelled.
    ///
    /// - Parameter onNews: Called after each change; must not wait.
    func run(onNews: @Sendable () -> Void) async {
        var nvidia = Told<MachineFacts.Memory>()
        var battery = Told<MachineFacts.Battery>()
        while !Task.isCancelled {
            await battery.ask(now: clock.now) { await survey.battery() }
            // To ask a graphics card that rests wakes it, which would empty the battery.
            if nvidia.isNew || battery.answer?.isInUse != true, !survey.hasRestingNVIDIA() {
                await nvidia.ask(now: clock.now) { await survey.nvidiaAccelerators() }
            }
            let cards = [nvidia.answer, survey.kernelAccelerators()].compactMap(\.self)
            let facts = MachineFacts(
                memory: survey.memory(), accelerator: .sum(cards), battery: battery.answer,
                isLidClosed: survey.isLidClosed()
            ).sparing(below: sparedBelow)
            let isNews = told.withLock { told in
                guard told.map(facts.isNews(after:)) ?? true else { return false }
                told = facts
                return true
            }
            if isNews { onNews() }
            do { try await clock.sleep(forAbout: Self.pause) } catch { return }
        }
    }
}
