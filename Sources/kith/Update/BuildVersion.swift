// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithFiles
import KithNode
import SystemPackage

/// Which build of its version this program is: packages say so in a file beside it.
enum BuildVersion {
    /// `0.1.0`, and for a program of a package also which build of it.
    static var text: String {
        guard let program = try? Executable.path(), let build = of(program: program) else { return KithVersion.text }
        return "\(KithVersion.text) (build \(build))"
    }

    /// - Returns: `nil` for a program that came without the file.
    static func of(program: String) -> ReleaseVersion? {
        guard program.hasSuffix("/bin/kith") else { return nil }
        let file = program.dropLast("bin/kith".count) + "share/kith/version"
        guard let bytes = try? RegularFile.read(FilePath(String(file)), limit: 1_000) else { return nil }
        return ReleaseVersion(String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace })
    }
}
