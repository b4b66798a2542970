// SPDX-License-Identifier: Apache-2.0

package import KithModel
import NIOCore
import NIOPosix
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How one attempt to run llama.cpp's server is started, and how it says that it is ready.
package struct LlamaLaunch: Hashable, Sendable {
    package enum Readiness: Hashable, Sendable {
        /// It prints `{"address": …}` as a line on standard output.
        case announced
        /// It answers at this address.
        case polled(HTTPAddress)
    }

    package var executable: String
    package var arguments: [String]
    package var readiness: Readiness

    package init(executable: String, arguments: [String], readiness: Readiness) {
        self.executable = executable
        self.arguments = arguments
        self.readiness = readiness
    }
}

/// Knows how to start a llama.cpp server; asked again for each attempt.
package protocol LlamaCommand: Sendable {
    /// The name under which the model is served.
    var model: ModelID { get }

    /// Whether the server embeds texts besides answering chats.
    var embeds: Bool { get }

    /// The GGUF file that it is started with; `nil` when there is none yet.
    var modelFile: String? { get }

    /// The model that it has besides those on its shelf; `nil` when there is none yet.
    var ownModel: OwnModel? { get }

    /// Other models that it can be started with; `nil`, as by default, where there are never any.
    var shelf: ModelShelf? { get }

    /// The model of the shelf that is being tried in place of the one that it serves; `nil` where there is no shelf.
    var trial: ModelTrial? { get }

    /// - Throws: An error whose description says why the server cannot be started now.
    func prepare() async throws -> LlamaLaunch
}

extension LlamaCommand {
    package var ownModel: OwnModel? { OwnModel(model: model, file: modelFile) }
    package var shelf: ModelShelf? { nil }
    package var trial: ModelTrial? { nil }
}

/// The model that a llama.cpp server was installed, or set up, with.
package struct OwnModel: Hashable, Sendable {
    package var model: ModelID
    /// `nil` when there is none yet.
    package var file: String?
    /// What the file has to hold; `nil` where nobody says.
    package var digest: WeightsDigest?
}

/// The server that `kith engine install` put on the machine.
package struct EmbeddedCommand: LlamaCommand {
    private let settings: EmbeddedSettings
    private let installer: EmbeddedInstaller
    package let shelf: ModelShelf?
    package let trial: ModelTrial?

    package init(settings: EmbeddedSettings) {
        self.settings = settings
        installer = EmbeddedInstaller(directory: settings.directory)
        shelf = settings.shelf.map { ModelShelf(folder: $0, own: settings.model ?? "") }
        trial = shelf.map(ModelTrial.init)
    }

    package var model: ModelID { trial?.served?.model ?? ownID }

    private var ownID: ModelID { settings.model.map(ModelID.init(fileName:)) ?? EmbeddedRelease.modelID }

    package var embeds: Bool { true }

    package var modelFile: String? { trial?.served?.file ?? ownModel?.file }

    package var ownModel: OwnModel? {
        if let file = settings.model { return OwnModel(model: ownID, file: file) }
        guard case .installed(let versions) = installer.status() else { return nil }
        return OwnModel(
            model: ownID, file: versions.modelFile, digest: WeightsDigest(EmbeddedRelease.modelSHA256))
    }

    package func prepare() async throws -> LlamaLaunch {
        switch installer.status() {
        case .installed: break
        case .missing: throw ChatError(.noEngine, "the embedded engine is not installed: run kith engine install")
        case .broken(let reason):
            throw ChatError(.noEngine, "the embedded engine is broken (\(reason)): run kith engine install")
        }
        let layout = EmbeddedLayout(directory: settings.directory)
        try EmbeddedResources.write(to: layout)
        let served = trial?.served
        var arguments = [
            "-I", "-B", layout.launcher, "serve", "--alias", (served?.model ?? ownID).rawValue, "--context",
            String(settings.contextLength), "--slots", String(settings.slots), "--parent",
            String(ProcessInfo.processInfo.processIdentifier),
        ]
        if let file = served?.file ?? settings.model { arguments += ["--model", file] }
        if let threads = settings.threads { arguments += ["--threads", String(threads)] }
        return LlamaLaunch(executable: layout.python, arguments: arguments, readiness: .announced)
    }
}

/// The owner's own `llama-server` with the owner's own model, or one of its shelf.
///
/// Embeddings are not asked for: whether they work together with chat depends on the version and the model.
package struct LlamaServerCommand: LlamaCommand {
    private let executable: String
    private let file: String
    private let settings: EmbeddedSettings
    package let shelf: ModelShelf?
    package let trial: ModelTrial?

    /// - Parameters:
    ///   - file: Path of a GGUF file.
    ///   - settings: Context, slots, threads, and the directory for the script that guards the server.
    package init(executable: String, file: String, settings: EmbeddedSettings) {
        self.executable = executable
        self.file = file
        self.settings = settings
        shelf = settings.shelf.map { ModelShelf(folder: $0, own: file) }
        trial = shelf.map(ModelTrial.init)
    }

    package var model: ModelID { trial?.served?.model ?? ModelID(fileName: file) }

    package var ownModel: OwnModel? { OwnModel(model: ModelID(fileName: file), file: file) }

    package var embeds: Bool { false }

    package var modelFile: String? { trial?.served?.file ?? file }

    package func prepare() async throws -> LlamaLaunch {
        try FileManager.default.createDirectory(atPath: settings.directory, withIntermediateDirectories: true)
        let layout = EmbeddedLayout(directory: settings.directory)
        try EmbeddedResources.write(to: layout)
        let port = try await Self.freePort()
        let served = trial?.served ?? (ModelID(fileName: file), file)
        var arguments = [
            layout.serverGuard, executable, "--host", "127.0.0.1", "--port", String(port), "--model", served.file,
            "--alias", served.model.rawValue, "-np", String(settings.slots), "-c",
            String(settings.contextLength * settings.slots),
        ]
        if let threads = settings.threads { arguments += ["-t", String(threads)] }
        return LlamaLaunch(
            executable: "/bin/sh", arguments: arguments,
            readiness: .polled(HTTPAddress(host: "127.0.0.1", port: port)))
    }

    /// A port that was free a moment ago; should another take it first, the next attempt gets another.
    private static func freePort() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port
        try await channel.close()
        guard let port else { throw ChatError(.noEngine, "there is no free port on this machine") }
        return port
    }
}

extension ModelID {
    /// The name of a GGUF file without its folders and extension.
    init(fileName path: String) {
        self.init(FilePath(path).lastComponent?.stem ?? path)
    }
}
