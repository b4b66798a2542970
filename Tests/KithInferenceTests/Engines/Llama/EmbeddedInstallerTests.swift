// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithInference
import KithModel
import Synchronization
import Testing

@Suite("The installer of the embedded engine", .serialized, .timeLimit(.minutes(10)))
struct EmbeddedInstallerTests {
    private let folder = FileManager.default.temporaryDirectory.path() + "/kith-install-\(UUID().uuidString)"
    private let events = EventList()

    private func installer(python: String = "python3", environment: [String: String] = [:]) -> EmbeddedInstaller {
        EmbeddedInstaller(directory: folder, python: python, environment: environment)
    }

    /// A program that stands in for Python.
    private func fakePython(_ script: String) throws -> String {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = folder + "/python"
        try Data("#!/bin/sh\n\(script)\n".utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    @Test("Goes on where it stopped, says that all is there, and mends what is damaged")
    func wholeLife() async throws {
        defer { removeFolder() }
        #expect(installer().status() == .missing)

        // The first run finds no index.
        let offline = installer(environment: ["PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1"])
        await #expect(throws: InstallError.networkUnreachable) { try await offline.install() }
        #expect(installer().status() == .broken("the installation was interrupted"))

        let versions = try await installer().install { events.add($0) }
        #expect(installer().status() == .installed(versions))
        #expect(versions.engine == EmbeddedRelease.engine)
        #expect(events.all.contains(.skipped(.makeEnvironment)))
        #expect(events.all.last == .finished(.verify))

        // The second has nothing to do but to look.
        events.clear()
        _ = try await installer().install { events.add($0) }
        #expect(events.all.contains(.skipped(.installModel)))
        #expect(!events.all.contains(.began(.installEngine)))

        // A byte of the model changes: only the checksum can tell.
        let file = try FileHandle(forUpdating: URL(filePath: versions.modelFile))
        try file.seek(toOffset: 50_000_000)
        try file.write(contentsOf: Data([1, 2, 3, 4]))
        try file.close()
        events.clear()
        _ = try await installer().install { events.add($0) }
        #expect(events.all.contains { if case .rebuilding = $0 { true } else { false } })
        #expect(installer().status() == .installed(versions))

        // The engine itself is gone.
        let package = URL(filePath: versions.modelFile).deletingLastPathComponent().deletingLastPathComponent()
        try FileManager.default.removeItem(at: package.appending(path: "xllamacpp"))
        _ = try await installer().install()
        #expect(installer().status() == .installed(versions))

        // And a model that was cut short is seen without running anything.
        try Data([1]).write(to: URL(filePath: versions.modelFile))
        #expect(installer().status() == .broken("the model file is missing or damaged"))
    }

    private func removeFolder() {
        do { try FileManager.default.removeItem(atPath: folder) } catch { Issue.record(error) }
    }

    @Test("Says that there is no Python")
    func noPython() async throws {
        defer { removeFolder() }
        await #expect(throws: InstallError.pythonMissing) {
            try await installer(python: "/nonexistent/python3").install()
        }
    }

    @Test("Says which package of Debian's makes virtual environments")
    func noVenv() async throws {
        defer { removeFolder() }
        let python = try fakePython("echo \"ModuleNotFoundError: No module named 'ensurepip'\" >&2; exit 1")
        let failure = await #expect(throws: InstallError.self) { try await installer(python: python).install() }
        #expect(failure == .pythonWithoutVenv(package: "python3-venv"))
        #expect(failure?.description.contains("apt install python3-venv") == true)
    }

    @Test("Says that Python is too old")
    func oldPython() async throws {
        defer { removeFolder() }
        let python = try fakePython("echo 3.8")
        await #expect(throws: InstallError.pythonTooOld("3.8")) { try await installer(python: python).install() }
    }

    @Test("Calls what an early interruption left behind broken")
    func leftovers() throws {
        defer { removeFolder() }
        try FileManager.default.createDirectory(atPath: folder + "/venv/bin", withIntermediateDirectories: true)
        #expect(installer().status() == .broken("the installation was interrupted early"))
    }
}

private final class EventList: Sendable {
    private let events = Mutex<[InstallProgress]>([])

    var all: [InstallProgress] { events.withLock { $0 } }

    func add(_ event: InstallProgress) { events.withLock { $0.append(event) } }

    func clear() { events.withLock { $0 = [] } }
}
