// SPDX-License-Identifier: Apache-2.0

import Crypto
import KithModel
package import NIOCore
import NIOPosix
import SystemPackage

/// A file of weights that is read in parts, on threads that may wait for a disk.
package final class WeightsReader: Sendable {
    /// Bytes that are read at once.
    static let block = 256 << 10

    private let descriptor: SystemPackage.FileDescriptor
    let stamp: FileStamp

    /// - Throws: `Errno`, also for anything but a regular file. Never waits for a pipe.
    init(_ path: String) throws {
        descriptor = try SystemPackage.FileDescriptor.open(
            FilePath(path), .readOnly, options: [.closeOnExec, .nonBlocking])
        do {
            stamp = try FileStamp(try descriptor.stat())
        } catch {
            try descriptor.close()
            throw error
        }
    }

    deinit { try? descriptor.close() }  // nothing was written

    /// Some bytes from an offset on; fewer than wanted only where the file ends.
    ///
    /// - Throws: `Errno`; `CancellationError` when the program ends.
    package func bytes(at offset: Int, count: Int) async throws -> ByteBuffer {
        try await NIOThreadPool.singleton.runIfActive { [descriptor] in
            try Self.read(descriptor, at: offset, count: count)
        }
    }

    /// The digest of a range, which is also added to that of the whole.
    ///
    /// - Throws: `Errno`, which is `ioError` where the file ends before the range does.
    func digest(
        of range: Range<Int>, adding whole: SHA256
    ) async throws -> (piece: WeightsDigest, whole: SHA256) {
        try await NIOThreadPool.singleton.runIfActive { [descriptor] in
            var (piece, whole) = (SHA256(), whole)
            // One for the whole range: the allocator keeps many large ones that come and go.
            let space = UnsafeMutableRawBufferPointer.allocate(byteCount: min(Self.block, range.count), alignment: 16)
            defer { space.deallocate() }
            var offset = range.lowerBound
            while offset < range.upperBound {
                let count = min(space.count, range.upperBound - offset)
                let read = try descriptor.read(
                    fromAbsoluteOffset: Int64(offset), into: UnsafeMutableRawBufferPointer(rebasing: space[..<count]))
                guard read > 0 else { throw Errno.ioError }
                let bytes = UnsafeRawBufferPointer(rebasing: space[..<read])
                piece.update(bufferPointer: bytes)
                whole.update(bufferPointer: bytes)
                offset += read
            }
            guard let digest = WeightsDigest(bytes: piece.finalize()) else { throw Errno.ioError }
            return (digest, whole)
        }
    }

    private static func read(_ descriptor: SystemPackage.FileDescriptor, at offset: Int, count: Int) throws
        -> ByteBuffer
    {
        var buffer = ByteBuffer()
        try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
            var filled = 0
            while filled < count {
                let read = try descriptor.read(
                    fromAbsoluteOffset: Int64(offset + filled),
                    into: UnsafeMutableRawBufferPointer(rebasing: space[filled..<count]))
                if read == 0 { break }
                filled += read
            }
            return filled
        }
        return buffer
    }
}
