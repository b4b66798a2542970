// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel
package import NIOCore

/// The machine that a model is copied from, and the others of the owner that have the same files.
package protocol WeightsSource: Sendable {
    /// Its name, for people.
    var name: String { get }

    /// What a model is made of there; asked again while it reads its files.
    ///
    /// - Throws: ``ModelRefusal``; `CancellationError`.
    func offer(of model: String) async throws -> WeightsMessage.Offer

    /// The machines that have a file, the source first. Each must be left by ``WeightsHolder/leave()``.
    func holders(of seal: Seal) async -> [any WeightsHolder]
}

/// A machine that has a file of weights.
package protocol WeightsHolder: Sendable {
    var name: String { get }

    /// Brings one piece.
    ///
    /// - Parameter take: Is given the bytes in their order; no more come until it has returned. What it throws ends the answer.
    /// - Throws: Any error, whose description says why the machine did not send it; what `take` throws; `CancellationError`.
    func bring(_ digest: WeightsDigest, piece: Int, take: (ByteBuffer) async throws -> Void) async throws

    /// Nothing more is asked of it.
    func leave()
}

extension Seal {
    /// What a machine says of a file; `nil` for what cannot be.
    package init?(_ part: WeightsMessage.Part) {
        let digits = Array(part.pieces.utf8)
        let length = 2 * WeightsDigest.length
        guard digits.count.isMultiple(of: length), let layout = PieceLayout(bytes: part.bytes),
            digits.count / length == layout.count
        else { return nil }
        let pieces = stride(from: 0, to: digits.count, by: length).compactMap { start in
            WeightsDigest(String(decoding: digits[start..<start + length], as: UTF8.self))
        }
        self.init(part.digest, bytes: part.bytes, pieces: pieces)
    }

    /// As other machines are told.
    package func part(type: String) -> WeightsMessage.Part {
        WeightsMessage.Part(
            digest: digest, bytes: layout.bytes, type: type, pieces: pieces.map(\.digits).joined())
    }
}
