// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KithInference

@Suite("What a failed installation step means")
struct InstallErrorTests {
    @Test(
        "Is recognised by what it printed",
        arguments: [
            ("OSError: [Errno 28] No space left on device", InstallError.diskFull(directory: "/d")),
            (
                "WARNING: Retrying … Failed to establish a new connection: [Errno 111] Connection refused\n"
                    + "ERROR: No matching distribution found for xllamacpp==1", .networkUnreachable
            ),
            ("Temporary failure in name resolution", .networkUnreachable),
            ("ERROR: No matching distribution found for xllamacpp", .notForThisMachine(EmbeddedRelease.engine)),
            (
                "The virtual environment was not created successfully because ensurepip is not available.",
                .pythonWithoutVenv(package: "python3-venv")
            ),
            (
                "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
                .otherFile(EmbeddedRelease.engine)
            ),
            ("one\ntwo\nthree\nfour", .stepFailed(.installEngine, output: "two / three / four")),
            ("", .stepFailed(.installEngine, output: "it printed nothing")),
        ])
    func recognised(output: String, expected: InstallError) {
        #expect(InstallError.recognise(.installEngine, output: output, directory: "/d") == expected)
    }

    @Test func `Every file that may be installed has its hash`() {
        for package in [EmbeddedRelease.engine, EmbeddedRelease.model] {
            let words = EmbeddedRelease.requirement(package).split(separator: " ")
            #expect(words.first == "\(package)")
            #expect(words.count > 1)
            #expect(words.dropFirst().allSatisfy { $0.hasPrefix("--hash=sha256:") && $0.count == 14 + 64 })
        }
    }
}
