// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a file of weights holds: its digest, and that of each piece, by which a piece is checked as soon as it has come.
package struct Seal: Hashable, Sendable {
    package var digest: WeightsDigest
    package var layout: PieceLayout
    package var pieces: [WeightsDigest]

    /// `nil` where there are not as many pieces as the layout has.
    package init?(_ digest: WeightsDigest, bytes: Int, pieces: [WeightsDigest]) {
        guard let layout = PieceLayout(bytes: bytes), layout.count == pieces.count else { return nil }
        self.digest = digest
        self.layout = layout
        self.pieces = pieces
    }
}

/// By what a file is known to be the one that was looked at: another size or time of its last change is another file.
struct FileStamp: Hashable, Sendable, Codable {
    var bytes: Int
    /// Of its last change, in nanoseconds.
    var changed: Int64

    /// - Throws: `Errno`, which is `notSupported` for anything but a regular file.
    init(_ status: Stat) throws(Errno) {
        guard status.type == .regular else { throw .notSupported }
        bytes = Int(status.size)
        let time = status.st_mtim
        changed = Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}

/// A seal as it is kept in a file, with the file that it is of.
struct KeptSeal: Codable, Sendable {
    var path: String
    var stamp: FileStamp
    var digest: WeightsDigest
    /// The digits of all pieces, one after another.
    var pieces: String

    init(_ seal: Seal, of path: String, _ stamp: FileStamp) {
        self.path = path
        self.stamp = stamp
        digest = seal.digest
        pieces = seal.pieces.map(\.digits).joined()
    }

    /// `nil` for one that does not hold what it should.
    var seal: Seal? { Seal(.init(digest: digest, bytes: stamp.bytes, type: "", pieces: pieces)) }
}
