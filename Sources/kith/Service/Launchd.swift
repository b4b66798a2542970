// SPDX-License-Identifier: Apache-2.0

#if os(macOS)
    import Darwin
    import Foundation
    import KithCommand
    import KithInference
    import KithNode

    /// An agent of launchd, which runs while its user is logged in.
    struct Launchd: ServiceManager {
        let scope = ServiceUnit.Scope.user

        private var domain: String { "gui/\(getuid())" }
        private var target: String { domain + "/" + ServiceUnit.label }
        private var folder: String { NSHomeDirectory() + "/Library/" }
        private var file: String { folder + "LaunchAgents/\(ServiceUnit.label).plist" }
        private var log: String { folder + "Logs/kith.log" }

        func state() async throws -> ServiceState {
            let outcome = try await launchctl(["print", target])
            let isInstalled = FileManager.default.fileExists(atPath: file)
            let isRunning = outcome.succeeded && outcome.output.contains("state = running")
            return ServiceState(
                properties: """
                    LoadState=\(isInstalled ? "loaded" : "not-found")
                    ActiveState=\(isRunning ? "active" : "inactive")
                    SubState=\(isRunning ? "running" : "dead")
                    UnitFileState=\(isInstalled ? "enabled" : "")
                    FragmentPath=\(isInstalled ? file : "")
                    """)
        }

        func flags() async throws -> [String] {
            guard let data = FileManager.default.contents(atPath: file),
                let list = try? PropertyListSerialization.propertyList(from: data, format: nil) as? [String: Any],
                let words = list["ProgramArguments"] as? [String]
            else { return [] }
            return ServiceUnit.flags(inCommand: words)
        }

        func install(_ unit: ServiceUnit) async throws -> [String] {
            _ = try await launchctl(["bootout", target])  // one that is not there is fine
            do {
                try FileManager.default.createDirectory(
                    atPath: folder + "LaunchAgents", withIntermediateDirectories: true)
                var unit = unit
                if !unit.flags.contains("--log-file") { unit.flags += ["--log-file", log] }
                try Data(unit.launchd(log: log).utf8).write(to: URL(filePath: file), options: .atomic)
            } catch {
                throw CommandError(.failed, "\(file) cannot be written: \(error)")
            }
            try await must(["bootstrap", domain, file])
            return ["it starts when you log in; its log is \(log)"]
        }

        func restart() async throws {
            if try await !launchctl(["print", target]).succeeded { try await must(["bootstrap", domain, file]) }
            try await must(["kickstart", "-k", target])
        }

        func stop() async throws { try await must(["bootout", target]) }

        func uninstall() async throws {
            _ = try await launchctl(["bootout", target])
            do {
                try FileManager.default.removeItem(atPath: file)
            } catch {
                throw CommandError(.failed, "\(file) cannot be removed: \(error)")
            }
        }

        func showLog(lines: Int, follow: Bool) async throws {
            try await PassedOn.run("tail", ["-n", String(lines)] + (follow ? ["-F"] : []) + [log])
        }

        private func must(_ arguments: [String]) async throws {
            let outcome = try await launchctl(arguments)
            guard outcome.succeeded else {
                throw CommandError(.failed, "launchctl \(arguments.joined(separator: " ")) failed: \(outcome.output)")
            }
        }

        private func launchctl(_ arguments: [String]) async throws -> BoundedCommand.Outcome {
            try await BoundedCommand(
                executable: "/bin/launchctl", arguments: arguments, additions: [:], limit: .seconds(60)
            ).run()
        }
    }
#endif
