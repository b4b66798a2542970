// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithInference
import KithModel
import KithNode

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The change from one version to another, with a way back until the new one answers.
struct Update: Sendable {
    private static let commandLimit = Duration.seconds(300)

    let installation: Installation
    let release: Release
    let node: UpdatedNode

    private var workspace: String { installation.prefix + "/share/kith/update" }
    private var old: String { workspace + "/old" }
    private var unpacked: String { workspace + "/" + release.archive.name.replacing(".tar.gz", with: "") }

    /// - Throws: `CommandError`; then the old version is in place, and runs if it ran before.
    func run() async throws {
        defer { try? FileManager.default.removeItem(atPath: workspace) }  // left over it only takes room
        try await unpack()
        let kind = try await node.kind()
        try keep()
        try await node.stop(kind)
        do {
            try await node.keepState()
            try await must("/bin/sh", ["install.sh", "--prefix", installation.prefix], in: unpacked)
            try await node.start(kind, program: program)
        } catch {
            let reason = (error as? CommandError)?.message ?? "\(error)"
            Terminal.note("the new version does not run: \(reason)")
            try await goBack(kind)
            throw CommandError(.failed, "\(release.archive.version) does not run here; \(installation.version) is back")
        }
        try await node.forgetState()
        if kind == .byHand {
            Terminal.note("a node runs on \(node.folder) with the old version until you start it again")
        }
    }

    private var program: String { installation.prefix + "/bin/kith" }

    private func unpack() async throws {
        let bytes = try await release.bytes()
        do {
            try? FileManager.default.removeItem(atPath: workspace)
            try FileManager.default.createDirectory(
                atPath: workspace, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try Data(bytes).write(to: URL(filePath: workspace + "/archive"))
        } catch {
            throw CommandError(.failed, "\(workspace) cannot be written: \(error)")
        }
        try await must("tar", ["-xzf", workspace + "/archive", "-C", workspace], in: workspace)
        try await must(unpacked + "/bin/kith", ["--version"], in: workspace)
    }

    /// Copies what is installed, so that it can be put back.
    private func keep() throws {
        do {
            for file in try installation.files() {
                try FileManager.default.createDirectory(
                    atPath: Self.parent(of: old + "/" + file), withIntermediateDirectories: true)
                try FileManager.default.copyItem(atPath: installation.prefix + "/" + file, toPath: old + "/" + file)
            }
        } catch {
            throw CommandError(.failed, "the old version cannot be kept, so nothing was changed: \(error)")
        }
    }

    private func goBack(_ kind: UpdatedNode.Kind) async throws {
        do {
            try await node.stop(kind)
            for file in try installation.files() where !FileManager.default.fileExists(atPath: old + "/" + file) {
                try? FileManager.default.removeItem(atPath: installation.prefix + "/" + file)
            }
            for file in try FileManager.default.subpathsOfDirectory(atPath: old) {
                var isFolder = false
                guard FileManager.default.fileExists(atPath: old + "/" + file, isDirectory: &isFolder), !isFolder else {
                    continue
                }
                let place = installation.prefix + "/" + file
                try? FileManager.default.removeItem(atPath: place)
                try FileManager.default.copyItem(atPath: old + "/" + file, toPath: place)
            }
            try await node.putStateBack()
            try await node.start(kind, program: program)
        } catch {
            let reason = (error as? CommandError)?.message ?? "\(error)"
            throw CommandError(.failed, "the old version cannot be put back: \(reason); what was kept is in \(old)")
        }
    }

    private static func parent(of path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    }

    private func must(_ program: String, _ arguments: [String], in folder: String) async throws {
        try await Self.must(program, arguments, in: folder)
    }

    static func must(_ program: String, _ arguments: [String], in folder: String) async throws {
        let outcome: BoundedCommand.Outcome
        do {
            // The script reads its own folder.
            outcome = try await BoundedCommand(
                executable: "/bin/sh", arguments: ["-c", "cd \"$0\" && exec \"$@\"", folder, program] + arguments,
                additions: [:], limit: commandLimit
            ).run()
        } catch {
            throw CommandError(.failed, "\(program) cannot be run: \(error)")
        }
        guard outcome.succeeded else {
            let words =
                outcome.output.split(whereSeparator: \.isNewline).last.map { String($0).printable } ?? "no reason"
            throw CommandError(.failed, "\(program) failed: \(words)")
        }
    }
}

/// The node that goes from one version to the other, and its database.
struct UpdatedNode: Sendable {
    enum Kind: Hashable, Sendable {
        case none
        case service
        /// With the command that started it.
        case background([String])
        /// In a terminal of its owner's.
        case byHand
    }

    private static let limit = Duration.seconds(60)

    let folder: String
    let manager: (any ServiceManager)?

    private var state: String { folder + "/state" }
    private var kept: String { state + "/before-update" }

    func kind() async throws -> Kind {
        if let manager, try await manager.state().isRunning { return .service }
        guard let node = try RunningNode(dataDirectory: folder) else { return .none }
        return BackgroundNode.command(of: node).map { .background($0) } ?? .byHand
    }

    func stop(_ kind: Kind) async throws {
        switch kind {
        case .none, .byHand: break
        case .service: try await manager?.stop()
        case .background:
            if let node = try RunningNode(dataDirectory: folder) { try await Down.stop(node) }
        }
    }

    /// - Throws: `CommandError` when the node does not answer then.
    func start(_ kind: Kind, program: String) async throws {
        switch kind {
        case .none, .byHand: break
        case .service:
            try await manager?.restart()
            try await awaitAnswer()
        case .background(let command):
            let settings = try NodeSettings(.gather(flags: [.dataDirectory: folder], environment: Terminal.environment))
            try await BackgroundNode(settings: settings, command: command, program: program).start()
        }
    }

    private func awaitAnswer() async throws {
        let deadline = ContinuousClock.now + Self.limit
        while ContinuousClock.now < deadline {
            if let node = try RunningNode(dataDirectory: folder),
                let answer = try? await node.client.probe("/health/live"), answer.status == 200
            {
                return
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw CommandError(.failed, "it does not answer within \(Self.limit.components.seconds) seconds")
    }

    /// A newer version may write what an older one cannot read.
    func keepState() async throws {
        guard FileManager.default.fileExists(atPath: state + "/kith.sqlite"), !DataFolder.isHeld(folder) else { return }
        try await Update.must(
            "/bin/sh",
            ["-c", "rm -rf before-update && mkdir -m 700 before-update && cp -p kith.sqlite* before-update/"],
            in: state)
    }

    func putStateBack() async throws {
        guard FileManager.default.fileExists(atPath: kept) else { return }
        try await Update.must(
            "/bin/sh", ["-c", "rm -f kith.sqlite kith.sqlite-* && cp -p before-update/* . && rm -rf before-update"],
            in: state)
    }

    func forgetState() async throws {
        guard FileManager.default.fileExists(atPath: kept) else { return }
        try await Update.must("/bin/sh", ["-c", "rm -rf before-update"], in: state)
    }
}
