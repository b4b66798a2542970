// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel
package import NIOCore
import Synchronization

/// The weights of this node's models, as its kin get them: a file is named by its digest, never by a path.
package final class WeightsOffice: Sendable {
    /// Pieces that are being sent at once, to all kin together; each takes one block of memory.
    static let sendingLimit = 32

    private let models: NodeModels
    private let seals: WeightsSeals
    private let isAnswering: @Sendable () -> Bool
    private let clock: any TimeSource
    private let pace: Mutex<SendingPace>

    /// - Parameters:
    ///   - limit: Bytes a second, of all copies together, while prompts are answered; `nil` for as many as go.
    ///   - isAnswering: Whether prompts are being answered.
    package init(
        models: NodeModels, limit: Int?, clock: any TimeSource, isAnswering: @escaping @Sendable () -> Bool
    ) {
        self.models = models
        seals = models.seals
        self.isAnswering = isAnswering
        self.clock = clock
        pace = Mutex(SendingPace(limit: limit))
    }

    /// What a model is made of, or that a file is here. Files are read once before they are sent; until then the answer says how far
    /// that is.
    ///
    /// - Throws: ``ModelRefusal``; `CancellationError`.
    package func offer(_ question: WeightsMessage.Question) async throws -> WeightsMessage.Offer {
        if let name = question.name {
            let (model, files) = try await models.weights(of: name)
            return try offer(model.rawValue, files)
        }
        guard let digest = question.digest else {
            throw ModelRefusal(.badName, "the question names neither a model nor a digest")
        }
        if let known = seals.file(of: digest) {
            return .init(name: digest.description, form: .gguf, parts: [known.seal.part(type: "")])
        }
        guard let files = await models.files(of: digest) else {
            throw ModelRefusal(.unknownModel, "there is no file of weights \(digest) on \(models.node)")
        }
        return try offer(digest.description, files)
    }

    private func offer(_ name: String, _ files: WeightsFiles) throws -> WeightsMessage.Offer {
        guard files.files.count <= WeightsMessage.partLimit else {
            throw ModelRefusal(.noWeights, "\(name) has more than \(WeightsMessage.partLimit) files")
        }
        var parts: [WeightsMessage.Part] = []
        var checking = WeightsMessage.Checking(completedBytes: 0, totalBytes: 0)
        for file in files.files {
            switch seals.standing(of: file) {
            case .sealed(let seal):
                parts.append(seal.part(type: file.type))
                checking.completedBytes += seal.layout.bytes
                checking.totalBytes += seal.layout.bytes
            case .checking(let completed, let total):
                checking.completedBytes += completed
                checking.totalBytes += total
            case .refused(let refusal): throw refusal
            }
        }
        guard parts.count == files.files.count else {
            return .init(name: name, form: files.form, parts: [], checking: checking)
        }
        return .init(name: name, form: files.form, parts: parts)
    }

    /// Opens the file of a piece that was offered.
    ///
    /// - Throws: ``ModelRefusal``.
    package func piece(_ wanted: WeightsMessage.PieceRequest) throws -> Piece {
        guard let (path, stamp, seal) = seals.file(of: wanted.digest) else {
            throw ModelRefusal(.unknownModel, "there is no file of weights \(wanted.digest) on \(models.node)")
        }
        guard (0..<seal.layout.count).contains(wanted.piece) else {
            throw ModelRefusal(.badName, "\(wanted.digest) has the pieces 0 to \(seal.layout.count - 1)")
        }
        guard models.sending.add(1, ordering: .relaxed).newValue <= Self.sendingLimit else {
            models.sending.subtract(1, ordering: .relaxed)
            throw ModelRefusal(.busy, "as much of weights is being sent as may be; ask again in a moment")
        }
        do {
            let reader = try WeightsReader(path)
            guard reader.stamp == stamp else {
                throw ModelRefusal(
                    .noWeights, "the file of \(wanted.digest) has changed; ask what the model is made of")
            }
            return Piece(office: self, reader: reader, range: seal.layout.range(of: wanted.piece))
        } catch {
            models.sending.subtract(1, ordering: .relaxed)
            throw error as? ModelRefusal
                ?? ModelRefusal(.noWeights, "the file of \(wanted.digest) cannot be read any more: \(error)")
        }
    }

    /// A piece of an open file, which is closed with it.
    package final class Piece: Sendable {
        private let office: WeightsOffice
        private let reader: WeightsReader
        private let range: Range<Int>

        fileprivate init(office: WeightsOffice, reader: WeightsReader, range: Range<Int>) {
            self.office = office
            self.reader = reader
            self.range = range
        }

        deinit { office.models.sending.subtract(1, ordering: .relaxed) }

        package var bytes: Int { range.count }

        /// The bytes from an offset in the piece on, as many as may be sent at once; waits as prompts demand.
        ///
        /// - Returns: `nil` at its end.
        /// - Throws: ``Shortened``; `Errno`; `CancellationError`.
        package func block(at offset: Int) async throws -> ByteBuffer? {
            guard offset < range.count else { return nil }
            let (count, wait) = office.next(of: range.count - offset)
            if wait > .zero { try await office.clock.sleep(for: wait) }
            let block = try await reader.bytes(at: range.lowerBound + offset, count: count)
            guard block.readableBytes == count else { throw Shortened() }
            return block
        }
    }

    /// The file has become shorter meanwhile.
    package struct Shortened: Error {}

    /// How many of the bytes that are left are sent next, and how long to wait before.
    private func next(of left: Int) -> (count: Int, wait: Duration) {
        let (isAnswering, now) = (isAnswering(), clock.now)
        return pace.withLock { pace in
            let count = min(left, pace.block(isAnswering: isAnswering))
            return (count, pace.wait(toSend: count, isAnswering: isAnswering, now: now))
        }
    }
}
