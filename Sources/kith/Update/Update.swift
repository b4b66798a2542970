// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithFiles
import KithInference
import KithModel
import KithNode
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The change from one version to another, with a way back until the new one answers.
///
/// What is done stands in a journal before it is done, so that one that was killed is gone back from by the next.
struct Update: Sendable {
    /// What an update needs to go back.
    struct Journal: Codable, Sendable {
        var folder: String
        var kind: UpdatedNode.Kind
        /// Whether the database was copied whole.
        var keepsState = false
    }

    private static let commandLimit = Duration.seconds(300)

    let installation: Installation
    let node: UpdatedNode

    private var workspace: String { installation.prefix + "/share/kith/update" }
    private var old: String { workspace + "/old" }
    private var journal: FilePath { FilePath(workspace).appending("journal.json") }
    private var program: String { installation.prefix + "/bin/kith" }

    /// Runs `body` while no other update of this installation does.
    ///
    /// - Throws: `CommandError` while another one runs; what `body` throws.
    static func alone<Value>(in installation: Installation, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await FileLock.hold(
                FilePath(installation.prefix).appending("share/kith/update.lock"), limit: .zero,
                clock: MonotonicClock(),
                onWait: {}, body)
        } catch is FileLock.Held {
            throw CommandError(.failed, "another update is under way")
        }
    }

    /// Goes back from an update that was killed in the middle.
    ///
    /// - Throws: `CommandError` when that is not possible.
    static func recover(_ installation: Installation, manager: (any ServiceManager)?) async throws {
        let file = FilePath(installation.prefix).appending("share/kith/update/journal.json")
        guard let bytes = try? RegularFile.read(file, limit: 1 << 20),
            let journal = try? JSONBody.decode(Journal.self, from: bytes)
        else { return }
        Terminal.note("an earlier update did not come to its end; the version before it is put back")
        let update = Update(
            installation: installation, node: UpdatedNode(folder: journal.folder, manager: manager))
        try await update.goBack(journal)
    }

    /// - Throws: `CommandError`; then the old version is in place, and runs if it ran before.
    func run(_ release: Release) async throws {
        try await unpack(release)
        var journal = Journal(folder: node.folder, kind: try await node.kind())
        do {
            try keep()
        } catch {
            removeWorkspace()
            throw error
        }
        try write(journal)
        do {
            try await node.stop(journal.kind)
            journal.keepsState = try await node.keepState(journal.kind)
            try write(journal)
            try await Self.must("/bin/sh", ["install.sh", "--prefix", installation.prefix], in: unpacked(release))
            try await node.start(journal.kind, program: program)
        } catch {
            let reason = (error as? CommandError)?.message ?? "\(error)"
            Terminal.note("the new version does not run: \(reason)")
            try await goBack(journal)
            throw CommandError(.failed, "\(release.archive.version) does not run here; \(installation.version) is back")
        }
        node.forgetState()
        removeWorkspace()
        if journal.kind == .byHand {
            Terminal.note("a node runs on \(node.folder) with the old version until you start it again")
        }
    }

    private func unpacked(_ release: Release) -> String {
        workspace + "/" + release.archive.name.replacing(".tar.gz", with: "")
    }

    private func removeWorkspace() { try? FileManager.default.removeItem(atPath: workspace) }

    private func write(_ journal: Journal) throws {
        try DurableFile.replace(self.journal, with: JSONBody.encode(journal))
    }

    private func unpack(_ release: Release) async throws {
        let bytes = try await release.bytes()
        do {
            removeWorkspace()
            try FileManager.default.createDirectory(
                atPath: workspace, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try Data(bytes).write(to: URL(filePath: workspace + "/archive"))
        } catch {
            removeWorkspace()
            throw CommandError(.failed, "\(workspace) cannot be written: \(error)")
        }
        do {
            try await Self.must("tar", ["-xzf", workspace + "/archive", "-C", workspace], in: workspace)
            try await Self.must(unpacked(release) + "/bin/kith", ["--version"], in: workspace)
        } catch {
            removeWorkspace()
            throw error
        }
    }

    /// Copies what is installed, so that it can be put back; whole, or not at all.
    private func keep() throws {
        let part = old + ".part"
        do {
            for file in try installation.files() {
                try FileManager.default.createDirectory(
                    atPath: Self.parent(of: part + "/" + file), withIntermediateDirectories: true)
                try FileManager.default.copyItem(atPath: installation.prefix + "/" + file, toPath: part + "/" + file)
            }
            try FileManager.default.moveItem(atPath: part, toPath: old)
        } catch {
            throw CommandError(.failed, "the old version cannot be kept, so nothing was changed: \(error)")
        }
    }

    private func goBack(_ journal: Journal) async throws {
        do {
            guard FileManager.default.fileExists(atPath: old) else {
                return removeWorkspace()  // nothing was changed yet
            }
            try await node.stop(journal.kind)
            for file in try FileManager.default.subpathsOfDirectory(atPath: old) {
                var isFolder = false
                guard FileManager.default.fileExists(atPath: old + "/" + file, isDirectory: &isFolder), !isFolder else {
                    continue
                }
                try put(file)
            }
            if journal.keepsState { try await node.putStateBack() }
            try await node.start(journal.kind, program: program)
        } catch {
            let reason = (error as? CommandError)?.message ?? "\(error)"
            throw CommandError(
                .failed,
                "the old version cannot be put back: \(reason); what was kept is in \(old), and kith self-update tries again"
            )
        }
        removeWorkspace()
    }

    /// Never without the file: a program that is not there could not try again.
    private func put(_ file: String) throws {
        let place = installation.prefix + "/" + file
        let new = place + ".old"
        try? FileManager.default.removeItem(atPath: new)
        try FileManager.default.copyItem(atPath: old + "/" + file, toPath: new)
        guard rename(new, place) == 0 else { throw Errno(rawValue: errno) }
    }

    private static func parent(of path: String) -> String { FilePath(path).removingLastComponent().string }

    static func must(_ program: String, _ arguments: [String], in folder: String) async throws {
        let outcome: BoundedCommand.Outcome
        do {
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
