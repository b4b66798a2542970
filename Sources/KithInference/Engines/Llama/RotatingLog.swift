// SPDX-License-Identifier: Apache-2.0

import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A log file that is set aside when it has grown to its limit; one old file is kept beside it as `.1`.
package struct RotatingLog: Sendable {
    package static let defaultLimit = 5 << 20

    private let path: String
    private let limit: Int
    private var descriptor: FileDescriptor
    private var size: Int

    /// - Throws: `Errno` when the file cannot be opened.
    package init(path: String, limit: Int = RotatingLog.defaultLimit) throws {
        self.path = path
        self.limit = limit
        (descriptor, size) = try Self.open(path)
        if size >= limit { try rotate() }
    }

    /// - Throws: `Errno`.
    package mutating func write(_ bytes: UnsafeRawBufferPointer) throws {
        if size + bytes.count > limit, size > 0 { try rotate() }
        size += try descriptor.writeAll(bytes)
    }

    package func close() throws { try descriptor.close() }

    private mutating func rotate() throws {
        try descriptor.close()
        guard rename(path, path + ".1") == 0 else { throw Errno(rawValue: errno) }
        (descriptor, size) = try Self.open(path)
    }

    private static func open(_ path: String) throws -> (FileDescriptor, Int) {
        let descriptor = try FileDescriptor.open(
            FilePath(path), .writeOnly, options: [.create, .append, .closeOnExec], permissions: [.ownerReadWrite])
        return (descriptor, Int(try descriptor.seek(offset: 0, from: .end)))
    }
}
