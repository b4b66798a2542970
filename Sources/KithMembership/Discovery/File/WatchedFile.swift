// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A small file that is checked again and again.
package struct WatchedFile: Sendable {
    let path: String
    /// Bytes that are read at most; one more than is used, to notice that the file is too large.
    let limit: Int

    package init(path: String, limit: Int) {
        self.path = path
        self.limit = limit
    }

    /// What tells one state of the file from another without reading it.
    package struct Signature: Hashable, Sendable {
        var device: UInt64
        var inode: UInt64
        var size: Int64
        var modifiedSeconds: Int64
        var modifiedNanoseconds: Int64
    }

    package enum Look: Hashable, Sendable {
        case absent
        case there(Signature)
        /// In the operating system's words.
        case hidden(String)
    }

    package func look() -> Look {
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

/// When a file that is checked regularly should be read, and what is used meanwhile. A pure value.
///
/// A change is used once the file has looked the same twice, so that a half-written file is not read; a file that is
/// being replaced may be missing at one check. What cannot be read leaves what was read before in use.
struct FileWatch: Sendable {
    enum Action: Hashable, Sendable {
        case nothing
        case read
        /// The file is gone, and with it what it said.
        case forget
        /// Why the file cannot be read, in words.
        case complain(String)
    }

    private enum Used: Hashable {
        case nothing
        case absent
        case contents(WatchedFile.Signature)
    }

    private var used = Used.nothing
    private var lastLook: WatchedFile.Look?
    private var complaint: String?
    /// Whether the file looked as it did the time before.
    private(set) var isSettled = true

    /// - Parameter look: What the file looks like now.
    mutating func next(_ look: WatchedFile.Look) -> Action {
        let isFirst = lastLook == nil
        isSettled = isFirst || lastLook == look
        lastLook = look
        switch look {
        case .hidden(let why): return complain(why)
        case .absent:
            guard isSettled, used != .absent || complaint != nil else { return .nothing }
            used = .absent
            complaint = nil
            return .forget
        case .there(let signature):
            guard isSettled, used != .contents(signature) else { return .nothing }
            return .read
        }
    }

    /// What became of ``Action/read``.
    ///
    /// - Parameters:
    ///   - after: What the file looked like when it had been read.
    ///   - failure: Why it could not be read.
    /// - Returns: `.read` when what was read is to be used.
    mutating func didRead(after: WatchedFile.Look, failure: String?) -> Action {
        if let failure { return complain(failure) }
        guard after == lastLook, case .there(let signature) = after else {
            lastLook = after
            isSettled = false
            return .nothing
        }
        used = .contents(signature)
        complaint = nil
        return .read
    }

    private mutating func complain(_ why: String) -> Action {
        // Forgotten, so that the file is read as soon as that is allowed again, even if it has not changed.
        if case .contents = used { used = .nothing }
        guard complaint != why else { return .nothing }
        complaint = why
        return .complain(why)
    }
}
