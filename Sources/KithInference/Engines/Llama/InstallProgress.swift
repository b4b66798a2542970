// SPDX-License-Identifier: Apache-2.0

/// The steps of an installation, in order.
package enum InstallStep: String, Hashable, Sendable, Codable, CaseIterable {
    /// Find a Python that can make virtual environments.
    case findPython
    /// Make the private virtual environment.
    case makeEnvironment
    /// Download and unpack llama.cpp.
    case installEngine
    /// Download and unpack the model.
    case installModel
    /// Load llama.cpp, and compare the model with its checksum.
    case verify
}

/// What an installation reports while it runs.
package enum InstallProgress: Hashable, Sendable {
    /// Another installation in the same directory is running.
    case waitingForLock
    case began(InstallStep)
    /// Done by an earlier run.
    case skipped(InstallStep)
    case finished(InstallStep)
    /// Bytes that a step has put on the disk so far, and about how many it will, where that is known.
    case grown(InstallStep, bytes: Int, of: Int?)
    /// What is installed does not work, and why; it is removed and installed again.
    case rebuilding(String)
}

/// What is installed.
package enum EmbeddedStatus: Hashable, Sendable {
    case installed(EmbeddedVersions)
    case missing
    /// What is installed cannot be used, and why; `kith engine install` repairs it.
    case broken(String)
}

package struct EmbeddedVersions: Hashable, Sendable, Codable {
    package var engine: PinnedPackage
    package var model: PinnedPackage
    /// Path of the GGUF file.
    package var modelFile: String

    package init(engine: PinnedPackage, model: PinnedPackage, modelFile: String) {
        self.engine = engine
        self.model = model
        self.modelFile = modelFile
    }
}

/// Why the embedded engine could not be installed, in words that say what to do.
package enum InstallError: Error, Hashable, Sendable, CustomStringConvertible {
    case pythonMissing
    case pythonTooOld(String)
    /// Debian and Ubuntu ship `venv` in a package of its own.
    case pythonWithoutVenv(package: String)
    case networkUnreachable
    case diskFull(directory: String)
    /// The index has no build for this machine.
    case notForThisMachine(PinnedPackage)
    /// The index has another file in place of the one that this release knows.
    case otherFile(PinnedPackage)
    case lockedTooLong
    case timeout(InstallStep)
    /// The environment cannot be used after all its steps, and why.
    case verificationFailed(String)
    /// Anything else, with the end of what the step printed.
    case stepFailed(InstallStep, output: String)

    package var description: String {
        switch self {
        case .pythonMissing:
            "python3 was not found; install Python \(EmbeddedRelease.oldestPython) or newer and try again"
        case .pythonTooOld(let version):
            "python3 is version \(version); the engine needs \(EmbeddedRelease.oldestPython) or newer"
        case .pythonWithoutVenv(let package):
            "this Python cannot make virtual environments; on Debian and Ubuntu: sudo apt install \(package)"
        case .networkUnreachable:
            "the Python Package Index cannot be reached; check the network or the proxy and try again"
        case .diskFull(let directory): "there is no space left on the disk of \(directory); 400 MB are needed"
        case .notForThisMachine(let package): "there is no build of \(package) for this machine and Python"
        case .otherFile(let package):
            "the package index gave another file for \(package) than this version of kith knows, and it was not installed; "
                + "use another index, or a newer kith"
        case .lockedTooLong: "another installation in the same directory did not end in time; try again later"
        case .timeout(let step): "the step \(step.rawValue) took too long; what was done is kept, try again"
        case .verificationFailed(let reason): "the engine was installed but does not work: \(reason)"
        case .stepFailed(let step, let output): "the step \(step.rawValue) failed: \(output)"
        }
    }

    /// Recognises what a failed step printed.
    static func recognise(_ step: InstallStep, output: String, directory: String) -> InstallError {
        func says(_ texts: String...) -> Bool { texts.contains { output.contains($0) } }
        let package = step == .installModel ? EmbeddedRelease.model : EmbeddedRelease.engine
        if says("DO NOT MATCH THE HASHES") { return .otherFile(package) }
        if says("No space left on device", "Disk quota exceeded") { return .diskFull(directory: directory) }
        if says("No module named ensurepip", "No module named 'ensurepip'", "ensurepip is not available") {
            return .pythonWithoutVenv(package: "python3-venv")
        }
        if says("No module named venv", "No module named 'venv'") { return .pythonWithoutVenv(package: "python3-venv") }
        // Before "No matching distribution", with which pip also ends when it reached no index.
        if says(
            "NewConnectionError", "Failed to establish a new connection", "Temporary failure in name resolution",
            "nodename nor servname", "Network is unreachable", "ConnectTimeoutError", "ReadTimeoutError", "ProxyError",
            "Connection refused", "Max retries exceeded")
        {
            return .networkUnreachable
        }
        if says("No matching distribution found", "is not a supported wheel") {
            return .notForThisMachine(package)
        }
        let lastLines = output.split(whereSeparator: \.isNewline).suffix(3).joined(separator: " / ")
        return .stepFailed(step, output: lastLines.isEmpty ? "it printed nothing" : lastLines)
    }
}
