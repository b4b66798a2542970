// SPDX-License-Identifier: Apache-2.0

import Crypto
import KithModel
import NIOCore
import NIOPosix
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A file of weights that is coming, piece by piece: what is there after an interruption counts if its digests say so.
final class ArrivingFile: Sendable {
    /// Bytes of a piece that are kept in memory before they are written.
    fileprivate static let block = 256 << 10

    let path: String
    /// Bytes that it had when it was opened.
    let found: Int
    fileprivate let descriptor: SystemPackage.FileDescriptor

    /// - Parameter bytes: Of the file when it is whole; one that is longer is begun anew.
    /// - Throws: `Errno`, which is `resourceTemporarilyUnavailable` while another copy writes it.
    init(_ path: String, bytes: Int) throws(Errno) {
        self.path = path
        do {
            descriptor = try SystemPackage.FileDescriptor.open(
                FilePath(path), .readWrite, options: [.create, .closeOnExec, .noFollow], permissions: .ownerReadWrite)
        } catch {
            throw error as? Errno ?? .ioError
        }
        do {
            guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else { throw Errno.resourceTemporarilyUnavailable }
            let status = try descriptor.stat()
            // Another copy may have given it to an engine between the opening and the lock.
            guard let there = try? Stat(FilePath(path), followTargetSymlink: false), there.inode == status.inode else {
                throw Errno.resourceTemporarilyUnavailable
            }
            let stamp = try FileStamp(status)
            if stamp.bytes > bytes { try descriptor.resize(to: 0) }
            found = stamp.bytes > bytes ? 0 : stamp.bytes
        } catch {
            try? descriptor.close()  // nothing was written
            throw error as? Errno ?? .ioError
        }
    }

    deinit { try? descriptor.close() }  // it has been flushed, or is checked when it is opened again

    /// Which pieces are there.
    ///
    /// - Throws: `Errno`; `CancellationError`.
    func pieces(of seal: Seal, note: (Int) throws -> Void) async throws -> Set<Int> {
        var there: Set<Int> = []
        guard found > 0 else { return there }
        let reader = try WeightsReader(path)
        for piece in 0..<seal.layout.count {
            let range = seal.layout.range(of: piece)
            guard range.upperBound <= found else { break }
            try Task.checkCancellation()
            if try await reader.digest(of: range, adding: SHA256()).piece == seal.pieces[piece] { there.insert(piece) }
            try note(range.upperBound)
        }
        return there
    }

    /// Adds a range to the digest of the whole.
    func digest(of range: Range<Int>, adding whole: SHA256) async throws -> SHA256 {
        try await WeightsReader(path).digest(of: range, adding: whole).whole
    }

    /// Throws away what has come.
    func remove() { unlink(path) }

    /// Returns when all of it is on the disk.
    func flush() async throws {
        try await NIOThreadPool.singleton.runIfActive { [descriptor] in
            if fsync(descriptor.rawValue) != 0 { throw Errno(rawValue: errno) }
        }
    }
}

/// A piece that is coming: written, and its digest made, as it comes.
struct ArrivingPiece {
    private let file: ArrivingFile
    private let range: Range<Int>
    private var offset: Int
    private var digest = SHA256()
    /// As they came: what is copied once more costs memory and time.
    private var pending: [ByteBuffer] = []
    private var pendingBytes = 0

    init(of file: ArrivingFile, _ range: Range<Int>) {
        self.file = file
        self.range = range
        offset = range.lowerBound
    }

    /// Bytes that have been written.
    var written: Int { offset - range.lowerBound }

    /// - Throws: ``ArrivingPiece/TooLong``; `Errno` of the disk.
    mutating func take(_ bytes: ByteBuffer) async throws {
        pending.append(bytes)
        pendingBytes += bytes.readableBytes
        guard offset + pendingBytes <= range.upperBound else { throw TooLong() }
        if pendingBytes >= ArrivingFile.block { try await write() }
    }

    /// Call when the last bytes have come.
    ///
    /// - Returns: Its digest; `nil` when it is shorter than it should be.
    mutating func end() async throws -> WeightsDigest? {
        if pendingBytes > 0 { try await write() }
        return offset == range.upperBound ? WeightsDigest(bytes: digest.finalize()) : nil
    }

    private mutating func write() async throws {
        let (buffers, start, old) = (pending, offset, digest)
        pending = []
        digest = try await NIOThreadPool.singleton.runIfActive { [descriptor = file.descriptor] in
            var (digest, place) = (old, start)
            for buffer in buffers {
                try buffer.withUnsafeReadableBytes { bytes in
                    _ = try descriptor.writeAll(toAbsoluteOffset: Int64(place), bytes)
                    digest.update(bufferPointer: bytes)
                }
                place += buffer.readableBytes
            }
            return digest
        }
        offset += pendingBytes
        pendingBytes = 0
    }

    /// More came than the piece has.
    struct TooLong: Error {}
}
