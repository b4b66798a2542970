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
    /// Load the one, and compare the other with its checksum.
    case verify
}

/// What an installation tells while it goes on.
package enum InstallProgress: Hashable, Sendable {
    /// Another installation in the same directory goes on.
    case waitingForLock
    case began(InstallStep)
    /// Done by an earlier run.
    case skipped(InstallStep)
    case finished(InstallStep)
    /// What is there does not work, and why; it is removed and installed anew.
    case rebuilding(String)
}

/// What is installed.
package enum EmbeddedStatus: Hashable, Sendable {
    case installed(EmbeddedVersions)
    case missing
    /// Something is there that cannot be used, and why; `kith engine install` mends it.
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
