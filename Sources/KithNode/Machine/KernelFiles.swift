// SPDX-License-Identifier: Apache-2.0

import KithFiles
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The small files of `/proc` and `/sys` in which Linux tells of a machine. What is not there is `nil`, or empty.
enum KernelFiles {
    private static let nameLimit = 64

    /// Without white space at the ends.
    static func text(_ path: String, limit: Int = 256) -> String? {
        guard let bytes = try? RegularFile.readFromKernel(FilePath(path), limit: limit) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        return String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }

    static func number(_ path: String) -> Int? { text(path).flatMap { Int($0) } }

    /// Of a folder: some at most, and none that begin with a dot.
    static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while names.count < nameLimit, let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }
}
