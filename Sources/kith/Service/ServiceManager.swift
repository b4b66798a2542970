// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithFiles
import KithInference
import KithModel
import KithNode
import Subprocess
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The program of the machine that starts others and watches over them.
protocol ServiceManager: Sendable {
    var scope: ServiceUnit.Scope { get }

    func state() async throws -> ServiceState
    /// The flags of `kith up` that the installed unit gives the node.
    func flags() async throws -> [String]
    /// Puts the unit in place and starts it, also if another is there; returns when the node listens.
    ///
    /// - Returns: What is to be said about it.
    func install(_ unit: ServiceUnit) async throws -> [String]
    func restart() async throws
    /// Stops it until the next start, of the machine or by ``restart()``.
    func stop() async throws
    func uninstall() async throws
    func showLog(lines: Int, follow: Bool) async throws
}

/// Finds the service manager, and installs the node with it.
enum Services {
    /// - Parameter scope: `nil` takes the machine's for root, and the user's own for others.
    /// - Throws: `CommandError` where there is none.
    static func manager(of scope: ServiceUnit.Scope?) async throws -> any ServiceManager {
        let scope = scope ?? (geteuid() == 0 ? .system : .user)
        #if os(macOS)
            guard scope == .user else {
                throw CommandError(.usage, "on macOS the service is yours: leave --system out, and run it without sudo")
            }
            return Launchd()
        #else
            let systemd = Systemd(scope: scope)
            if let reason = await systemd.absence() {
                throw CommandError(
                    .failed, "there is no service manager for this: \(reason). kith up --background starts the node")
            }
            return systemd
        #endif
    }

    /// Whether the service is this very node.
    static func runs(_ node: RunningNode, by manager: (any ServiceManager)?) async throws -> Bool {
        guard let manager, let id = node.processID else { return false }
        return try await manager.state().processID == id
    }

    /// The folder of the node that is meant: the one that is named, else the machine's where root asks and its service is installed,
    /// else the usual one.
    static func folder(_ named: String?, _ manager: (any ServiceManager)?) async throws -> String {
        guard named == nil, let manager, manager.scope == .system, try await manager.state().isInstalled else {
            return try RunningNode.folder(named)
        }
        return ServiceUnit.systemFolder
    }

    /// - Throws: `CommandError` when the flags are none of `kith up`, another process holds the folder, or the service does not
    ///   start.
    static func install(_ manager: any ServiceManager, dataDir: String?, flags: [String]) async throws {
        do {
            let up = try Up.parse(flags)
            guard !up.background, !up.lifeline, up.dataDir == nil else {
                throw CommandError(.usage, "a service takes no --background, and --data-dir before the --")
            }
        } catch let refusal as CommandError {
            throw refusal
        } catch {
            throw CommandError(.usage, "for kith up: " + Up.message(for: error))
        }
        let folder = try manager.scope == .system ? ServiceUnit.systemFolder : RunningNode.folder(dataDir)
        if manager.scope == .system, dataDir != nil {
            throw CommandError(
                .usage, "the machine's service has its folder, \(folder); leave --data-dir out, or add --user")
        }
        let before = try await manager.state()
        if !before.isRunning, DataFolder.isHeld(folder) {
            throw CommandError(.failed, "a node runs on \(folder) and is no service; stop it first with kith down")
        }
        let unit = ServiceUnit(
            scope: manager.scope, program: try Executable.path(), dataDirectory: folder, flags: flags)
        let notes = try await manager.install(unit)
        Terminal.note("the node runs as a service, with its files in \(folder)")
        for note in notes { Terminal.note(note) }
    }
}

/// Services of systemd, the machine's or a user's.
struct Systemd: ServiceManager {
    let scope: ServiceUnit.Scope

    private static let limit = Duration.seconds(150)

    /// Why services of this kind cannot be had here; `nil` if they can.
    func absence() async -> String? {
        guard access("/run/systemd/system", F_OK) == 0 else { return "this machine was not started by systemd" }
        do {
            let outcome = try await systemctl(["show", "--property=Version"])
            return outcome.succeeded ? nil : "systemd does not answer: \(Self.lastLine(outcome.output))"
        } catch {
            return "systemctl cannot be called: \(error)"
        }
    }

    func state() async throws -> ServiceState {
        let properties = ServiceState.properties.joined(separator: ",")
        let outcome = try await systemctl(["show", ServiceUnit.name, "--property=\(properties)"])
        guard outcome.succeeded else {
            throw CommandError(.failed, "systemd does not say: \(Self.lastLine(outcome.output))")
        }
        return ServiceState(properties: outcome.output)
    }

    func flags() async throws -> [String] {
        let place = access(Self.addition, R_OK) == 0 && scope == .system ? Self.addition : try await state().file
        guard let place, let bytes = try? RegularFile.read(FilePath(place), limit: 1 << 20) else { return [] }
        return ServiceUnit.flags(inUnit: String(decoding: bytes, as: UTF8.self))
    }

    func install(_ unit: ServiceUnit) async throws -> [String] {
        if try await hasPackagedUnit() {
            try unit.flags.isEmpty ? remove(Self.addition) : write(unit.systemdAddition, to: Self.addition)
        } else {
            try write(unit.systemd, to: file)
        }
        try await must(["daemon-reload"])
        try await must(["enable", ServiceUnit.name])
        do {
            try await must(["restart", ServiceUnit.name])
        } catch let failure as CommandError {
            throw CommandError(.failed, "\(failure.message); see kith service logs")
        }
        return scope == .user ? await lingering() : ["it starts with the machine"]
    }

    func restart() async throws { try await must(["restart", ServiceUnit.name]) }

    func stop() async throws { try await must(["stop", ServiceUnit.name]) }

    func uninstall() async throws {
        try await must(["disable", "--now", ServiceUnit.name])
        try remove(try await hasPackagedUnit() ? Self.addition : file)
        try await must(["daemon-reload"])
    }

    func showLog(lines: Int, follow: Bool) async throws {
        let unit = scope == .user ? ["--user-unit", ServiceUnit.name] : ["--unit", ServiceUnit.name]
        try await PassedOn.run(
            "journalctl", unit + ["--lines", String(lines), "--no-pager"] + (follow ? ["--follow"] : []))
    }

    /// What is added to a package's unit.
    private static let addition = "/etc/systemd/system/\(ServiceUnit.name).d/flags.conf"

    /// Whether the unit came with a package, which brings and removes it.
    private func hasPackagedUnit() async throws -> Bool {
        guard scope == .system, let file = try await state().file else { return false }
        return !file.hasPrefix("/etc/")
    }

    private var file: String {
        guard scope == .user else { return "/etc/systemd/system/" + ServiceUnit.name }
        let environment = Terminal.environment
        let folder =
            environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
            ?? (environment["HOME"] ?? "") + "/.config"
        return folder + "/systemd/user/" + ServiceUnit.name
    }

    private func write(_ text: String, to file: String) throws(CommandError) {
        do {
            try FileManager.default.createDirectory(
                atPath: FilePath(file).removingLastComponent().string, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(filePath: file), options: .atomic)
        } catch {
            throw CommandError(.failed, "\(file) cannot be written: \(error)")
        }
    }

    private func remove(_ file: String) throws(CommandError) {
        guard unlink(file) == 0 || errno == ENOENT else {
            throw CommandError(.failed, "\(file) cannot be removed: \(Errno(rawValue: errno))")
        }
    }

    /// A user's services end with the last login, unless systemd is told to keep them.
    private func lingering() async -> [String] {
        let user = String(geteuid())
        let outcome = try? await BoundedCommand(
            executable: "loginctl", arguments: ["enable-linger", user], additions: [:], limit: .seconds(10)
        ).run()
        guard outcome?.succeeded != true else { return ["it starts with the machine, also when nobody logs in"] }
        return ["it starts when you log in; for a start with the machine: sudo loginctl enable-linger \(user)"]
    }

    /// Has the package's unit install the engine for the machine's node.
    ///
    /// - Returns: Whether there is such a unit.
    /// - Throws: `CommandError` when it fails.
    static func installsEngine() async throws -> Bool {
        let systemd = Systemd(scope: .system)
        guard try await systemd.systemctl(["cat", engineUnit]).succeeded else { return false }
        Terminal.note("installing the engine …")
        try await systemd.must(["start", engineUnit], limit: .seconds(1_800))
        return true
    }

    private static let engineUnit = "kith-engine.service"

    private func must(_ arguments: [String], limit: Duration = Systemd.limit) async throws {
        let outcome = try await systemctl(arguments, limit: limit)
        guard outcome.succeeded else {
            throw CommandError(
                .failed, "systemctl \(arguments.joined(separator: " ")) failed: \(Self.lastLine(outcome.output))")
        }
    }

    private func systemctl(_ arguments: [String], limit: Duration = Systemd.limit) async throws
        -> BoundedCommand.Outcome
    {
        var additions: [String: String] = [:]
        // Without a login of its own, as with sudo or ssh on some systems, a shell does not know where the user's systemd is.
        if scope == .user, Terminal.environment["XDG_RUNTIME_DIR"] == nil {
            additions["XDG_RUNTIME_DIR"] = "/run/user/\(geteuid())"
        }
        do {
            return try await BoundedCommand(
                executable: "systemctl",
                arguments: (scope == .user ? ["--user"] : []) + ["--no-ask-password"] + arguments,
                additions: additions, limit: limit
            ).run()
        } catch let failure as SubprocessError {
            throw CommandError(.failed, "systemctl cannot be called: \(failure)")
        } catch is DeadlineExceeded {
            throw CommandError(.failed, "systemd did not come to an end within \(limit.components.seconds) seconds")
        }
    }

    private static func lastLine(_ output: String) -> String {
        output.split(whereSeparator: \.isNewline).last.map { String($0).printable.truncated(toWidth: 300) }
            ?? "it says nothing"
    }
}

/// A command that shows what it has to say itself.
enum PassedOn {
    /// - Throws: `CommandError` when it cannot be started or fails.
    static func run(_ program: String, _ arguments: [String]) async throws {
        let succeeded: Bool
        do {
            succeeded = try await Subprocess.run(
                .name(program), arguments: Arguments(arguments), input: .none,
                output: .fileDescriptor(.standardOutput, closeAfterSpawningProcess: false),
                error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false)
            ).terminationStatus.isSuccess
        } catch let failure as SubprocessError {
            throw CommandError(.failed, "\(program) cannot be called: \(failure)")
        }
        if !succeeded { throw CommandError(.failed) }
    }
}
