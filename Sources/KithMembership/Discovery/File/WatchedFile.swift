// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A small file that is looked at again and again.
struct WatchedFile: Sendable {
    let path: String
    /// Bytes that are read at most; one more than is of use tells that the file is too large.
    let limit: Int

    /// What tells one state of the file from another without reading it.
    struct Signature: Hashable, Sendable {
        var device: UInt64
        var inode: UInt64
        var size: Int64
        var modifiedSeconds: Int64
        var modifiedNanoseconds: Int64
    }

    enum Look: Hashable, Sendable {
        case absent
        case there(Signature)
        /// In the operating system's words.
        case hidden(String)
    }

    func look() -> Look {
        var status = stat()
        guard stat(path, &status) == 0 else { return Self.failed(errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { return .hidden("it is not a file") }
        #if canImport(Darwin)
            let modified = status.st_mtimespec
        #else
            let modified = status.st_mtim
        #endif
        return .there(
            Signature(
                device: UInt64(truncatingIfNeeded: status.st_dev), inode: UInt64(status.st_ino),
                size: Int64(status.st_size), modifiedSeconds: Int64(modified.tv_sec),
                modifiedNanoseconds: Int64(modified.tv_nsec)))
    }

    /// - Returns: The bytes, up to the limit, or why they cannot be read.
    func read() -> Result<[UInt8], Unreadable> {
        // Should something else have taken the file's place, opening it must not wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return .failure(Unreadable(Self.words(errno))) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < limit {
            #if canImport(Darwin)
                let count = Darwin.read(descriptor, &piece, min(piece.count, limit - bytes.count))
            #elseif canImport(Glibc)
                let count = Glibc.read(descriptor, &piece, min(piece.count, limit - bytes.count))
            #else
                let count = Musl.read(descriptor, &piece, min(piece.count, limit - bytes.count))
            #endif
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                return .failure(Unreadable(Self.words(errno)))
            }
            bytes += piece.prefix(count)
        }
        return .success(bytes)
    }

    struct Unreadable: Error, Hashable {
        var words: String

        init(_ words: String) { self.words = words }
    }

    private static func failed(_ code: Int32) -> Look {
        code == ENOENT || code == ENOTDIR ? .absent : .hidden(words(code))
    }

    private static func words(_ code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard strerror_r(code, &buffer, buffer.count - 1) == 0 else { return "error \(code)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
