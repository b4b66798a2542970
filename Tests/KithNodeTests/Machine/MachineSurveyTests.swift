// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import KithTesting
import Synchronization
import Testing

@testable import KithNode

@Suite("How a machine is measured")
struct MachineSurveyTests {
    private static func survey(_ files: [String: String], says output: String? = nil) throws -> (
        MachineSurvey, TemporaryFolder
    ) {
        let folder = try TemporaryFolder()
        for (name, text) in files {
            let file = URL(filePath: folder.path + "/" + name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data((text + "\n").utf8).write(to: file)
        }
        var survey = MachineSurvey { _, _ in output }
        (survey.processes, survey.system) = (folder.path + "/proc", folder.path + "/sys")
        return (survey, folder)
    }

    @Test("The kernel's table of memory is read, and what is none gives nothing")
    func meminfo() {
        let text = "MemTotal:       16384 kB\nMemFree:  1 kB\nMemAvailable:    8192 kB\n"
        #expect(MachineSurvey.memory(inMeminfo: text) == .init(total: 16_384 << 10, free: 8_192 << 10))
        for odd in [
            "", "MemTotal: 1 kB", "MemTotal: x kB\nMemAvailable: 1 kB",
            "MemTotal: 9223372036854775807 kB\nMemAvailable: 1 kB",
        ] {
            #expect(MachineSurvey.memory(inMeminfo: odd) == nil)
        }
    }

    @Test("NVIDIA's cards count together; those that do not tell, and other words, count for nothing")
    func nvidia() {
        let both = "24576, 20000\n8192, 8192\n"
        #expect(MachineSurvey.accelerators(inTable: both) == .init(total: 32_768 << 20, free: 28_192 << 20))
        #expect(
            MachineSurvey.accelerators(inTable: "[N/A], [N/A]\n24576, 1\n") == .init(total: 24_576 << 20, free: 1 << 20)
        )
        for odd in ["", "NVIDIA-SMI has failed", "1, 2", "-1, -2", "9223372036854775807, 1", "1,1,1"] {
            #expect(MachineSurvey.accelerators(inTable: odd) == nil)
        }
    }

    #if os(Linux)
        @Test("Cards that the kernel knows, the battery and the lid are read from its files")
        func files() async throws {
            let (survey, folder) = try Self.survey([
                "proc/meminfo": "MemTotal: 2048 kB\nMemAvailable: 1024 kB",
                "sys/class/drm/card1/device/mem_info_vram_total": "1000",
                "sys/class/drm/card1/device/mem_info_vram_used": "400",
                "sys/class/drm/card1-DP-1/device/mem_info_vram_total": "1000",
                "sys/class/power_supply/BAT0/type": "Battery", "sys/class/power_supply/BAT0/status": "Discharging",
                "sys/class/power_supply/BAT0/capacity": "41", "proc/acpi/button/lid/LID0/state": "state:      closed",
                "sys/class/power_supply/mouse/type": "Battery", "sys/class/power_supply/mouse/scope": "Device",
            ])
            #expect(survey.memory() == .init(total: 2_048 << 10, free: 1_024 << 10))
            #expect(survey.kernelAccelerators() == .init(total: 1_000, free: 600))
            #expect(await survey.battery() == .init(isInUse: true, percent: 41))
            #expect(survey.isLidClosed() == true)
            withExtendedLifetime(folder) {}
        }

        @Test(
            "A graphics card that rests, and any while the battery is in use, is left alone", .timeLimit(.minutes(1)),
            arguments: [
                [
                    "sys/class/drm/card0/device/vendor": "0x10de",
                    "sys/class/drm/card0/device/power/runtime_status": "suspended",
                ],
                ["sys/class/power_supply/BAT0/type": "Battery", "sys/class/power_supply/BAT0/status": "Discharging"],
            ])
        func resting(files: [String: String]) async throws {
            let clock = ManualClock()
            let asked = Mutex(0)
            let (measured, folder) = try Self.survey(files)
            var survey = measured
            survey.output = { _, _ in
                asked.withLock { $0 += 1 }
                return "100, 50"
            }
            let watch = MachineWatch(survey: survey, sparedBelow: 50, clock: clock)
            let running = Task { await watch.run {} }
            for _ in 0..<30 {
                while clock.sleeperCount == 0 { await Task.yield() }
                clock.advance(by: MachineWatch.pause)
            }
            while clock.sleeperCount == 0 { await Task.yield() }
            #expect(asked.withLock { $0 } <= 1)
            running.cancel()
            await running.value
            withExtendedLifetime(folder) {}
        }

        @Test("Where nothing is told nothing is known")
        func nothing() async throws {
            let (survey, folder) = try Self.survey([:])
            #expect(survey.memory() == nil)
            #expect(survey.kernelAccelerators() == nil)
            #expect(await survey.battery() == nil)
            #expect(survey.isLidClosed() == nil)
            withExtendedLifetime(folder) {}
        }
    #endif

    @Test("What pmset says is understood")
    func pmset() {
        let text = """
            Now drawing from 'Battery Power'
             -InternalBattery-0 (id=4653155)\t85%; discharging; 3:10 remaining present: true
            """
        #expect(MachineSurvey.battery(inPmset: text) == .init(isInUse: true, percent: 85))
        let charging = text.replacing("Battery Power", with: "AC Power")
        #expect(MachineSurvey.battery(inPmset: charging) == .init(isInUse: false, percent: 85))
        #expect(MachineSurvey.battery(inPmset: "Now drawing from 'AC Power'\n") == nil)
    }

    @Test(
        "A tool that is not there is not asked again for ten minutes, and what has not changed is told once",
        .timeLimit(.minutes(1)))
    func watched() async throws {
        let clock = ManualClock()
        let asked = Mutex(0)
        let told = Mutex(0)
        var survey = MachineSurvey { program, _ in
            if program == "nvidia-smi" { asked.withLock { $0 += 1 } }
            return nil
        }
        (survey.processes, survey.system) = ("/no/such/folder", "/no/such/folder")
        let watch = MachineWatch(survey: survey, sparedBelow: 50, clock: clock)
        #expect(watch.facts == nil)
        let running = Task { await watch.run { told.withLock { $0 += 1 } } }
        for _ in 0..<30 {
            while clock.sleeperCount == 0 { await Task.yield() }
            clock.advance(by: MachineWatch.pause)
        }
        while clock.sleeperCount == 0 { await Task.yield() }
        #expect(asked.withLock { $0 } == 1)
        #expect(told.withLock { $0 } == 1)
        #expect(watch.facts != nil)
        clock.advance(by: MachineWatch.toolPauseAfterFailure)
        while clock.sleeperCount == 0 { await Task.yield() }
        #expect(asked.withLock { $0 } == 2)
        running.cancel()
        await running.value
    }
}
