// SPDX-License-Identifier: Apache-2.0

import Crypto
import KithDialects
import KithFiles
package import KithModel
package import Logging
import NIOPosix
import Synchronization
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The seals of the files whose weights this node sends: made when first needed, by reading a file once, and kept on the
/// disk for as long as the file stays as it is.
package final class WeightsSeals: Sendable {
    /// How a file is known.
    enum Standing: Sendable {
        case sealed(Seal)
        /// It is being read; bytes so far, and of the file.
        case checking(completed: Int, total: Int)
        case refused(ModelRefusal)
    }

    /// Files that are kept; no machine has so many models.
    private static let limit = 512
    /// Bytes of a kept seal: some hundred for each piece.
    private static let sealBytes = 4 << 20
    /// Files that are read at once: those of one model, all but one of which are small.
    private static let readersAtOnce = 8

    private struct State {
        /// By path; `nil` until those on the disk have been read.
        var kept: [String: KeptSeal]?
        var seals: [String: Seal] = [:]
        var reading: [String: (completed: Int, total: Int)] = [:]
        var refused: [String: (stamp: FileStamp, refusal: ModelRefusal)] = [:]
    }

    private let folder: FilePath?
    private let isAnswering: @Sendable () -> Bool
    private let clock: any TimeSource
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameters:
    ///   - folder: Where seals are kept; `nil` to keep them only in memory.
    ///   - isAnswering: Whether prompts are being answered, which files are not read at full speed beside.
    package init(
        folder: String?, clock: any TimeSource, logger: Logger, isAnswering: @escaping @Sendable () -> Bool = { false }
    ) {
        self.folder = folder.map { FilePath($0) }
        self.isAnswering = isAnswering
        self.clock = clock
        self.logger = logger
    }

    /// How a file is known; has it read if it is not.
    func standing(of file: WeightsFile) -> Standing {
        let stamp: FileStamp
        do throws(Errno) {
            stamp = try FileStamp(try Stat(FilePath(file.path)))
        } catch {
            return .refused(
                ModelRefusal(.noWeights, "a file of its weights cannot be read by this node: \(error)"))
        }
        if let seal = known(file.path, stamp) {
            guard let expected = file.digest, expected != seal.digest else { return .sealed(seal) }
            return .refused(Self.damaged(expected, is: seal.digest))
        }
        return state.withLock { state in
            if let refused = state.refused[file.path], refused.stamp == stamp { return .refused(refused.refusal) }
            if let reading = state.reading[file.path] {
                return .checking(completed: reading.completed, total: reading.total)
            }
            guard state.reading.count < Self.readersAtOnce else { return .checking(completed: 0, total: stamp.bytes) }
            state.reading[file.path] = (0, stamp.bytes)
            // Whoever asked may leave: what has been read is of use to the next. It ends with the file.
            Task { await read(file, stamp) }
            return .checking(completed: 0, total: stamp.bytes)
        }
    }

    /// A file that has this digest and has not changed since it was read.
    func file(of digest: WeightsDigest) -> (path: String, stamp: FileStamp, seal: Seal)? {
        let paths = state.withLock { state in all(&state).values.filter { $0.digest == digest }.map(\.path) }
        for path in paths {
            guard let stamp = try? FileStamp(try Stat(FilePath(path))), let seal = known(path, stamp) else { continue }
            return (path, stamp, seal)
        }
        return nil
    }

    /// Notes what is known of a file that has just been written and checked.
    func note(_ seal: Seal, of path: String) {
        guard let stamp = try? FileStamp(try Stat(FilePath(path))) else { return }
        keep(KeptSeal(seal, of: path, stamp), seal)
    }

    private static func damaged(_ expected: WeightsDigest, is found: WeightsDigest) -> ModelRefusal {
        ModelRefusal(
            .damagedWeights, "a file here is damaged: it should be \(expected), and is \(found); pull the model again")
    }

    private func known(_ path: String, _ stamp: FileStamp) -> Seal? {
        state.withLock { state in
            guard let kept = all(&state)[path], kept.stamp == stamp else { return nil }
            if let seal = state.seals[path] { return seal }
            let seal = kept.seal
            state.seals[path] = seal
            return seal
        }
    }

    // MARK: Reading files

    private func read(_ file: WeightsFile, _ stamp: FileStamp) async {
        defer { state.withLock { state in state.reading[file.path] = nil } }
        do {
            let seal = try await sealed(file.path, stamp)
            if let expected = file.digest, expected != seal.digest {
                throw Self.damaged(expected, is: seal.digest)
            }
            keep(KeptSeal(seal, of: file.path, stamp), seal)
        } catch {
            let refusal =
                error as? ModelRefusal
                ?? ModelRefusal(.noWeights, "a file of its weights cannot be read by this node: \(error)")
            logger.warning("weights cannot be sent", metadata: ["reason": "\(refusal.message)"])
            state.withLock { $0.refused[file.path] = (stamp, refusal) }
        }
    }

    private func sealed(_ path: String, _ stamp: FileStamp) async throws -> Seal {
        guard let layout = PieceLayout(bytes: stamp.bytes) else {
            throw ModelRefusal(.noWeights, "a file of its weights is empty, or larger than any model")
        }
        let file = try WeightsReader(path)
        var whole = SHA256()
        var pieces: [WeightsDigest] = []
        for piece in 0..<layout.count {
            let range = layout.range(of: piece)
            let start = clock.now
            let read = try await file.digest(of: range, adding: whole)
            if isAnswering() { try await clock.sleep(for: (clock.now - start) * 3) }
            whole = read.whole
            pieces.append(read.piece)
            state.withLock { $0.reading[path]?.completed = range.upperBound }
        }
        guard let digest = WeightsDigest(bytes: whole.finalize()),
            let seal = Seal(digest, bytes: stamp.bytes, pieces: pieces)
        else { throw ModelRefusal(.engineFailed, "a file of its weights could not be read to its end") }
        return seal
    }

    // MARK: Keeping

    private func all(_ state: inout State) -> [String: KeptSeal] {
        if let kept = state.kept { return kept }
        var kept: [String: KeptSeal] = [:]
        for file in folder.map(Self.files(in:)) ?? [] {
            guard let bytes = try? RegularFile.read(file, limit: Self.sealBytes),
                let seal = try? JSONBody.decode(KeptSeal.self, from: bytes)
            else { continue }  // not one of ours: the file that it was of is read again
            guard (try? Stat(FilePath(seal.path))) != nil else {
                try? FileManager.default.removeItem(atPath: file.string)  // of a model that has gone
                continue
            }
            kept[seal.path] = seal
        }
        state.kept = kept
        return kept
    }

    private static func files(in folder: FilePath) -> [FilePath] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.string)) ?? []
        return names.filter { $0.hasSuffix(".json") }.prefix(limit).map { folder.appending($0) }
    }

    private func keep(_ kept: KeptSeal, _ seal: Seal) {
        state.withLock { state in
            var all = all(&state)
            if all.count >= Self.limit, let any = all.keys.first { all[any] = nil }
            all[kept.path] = kept
            state.kept = all
            state.seals[kept.path] = seal
            state.refused[kept.path] = nil
        }
        guard let folder else { return }
        do {
            try PrivateDirectory.create(folder)
            try DurableFile.replace(folder.appending(seal.digest.digits + ".json"), with: try JSONBody.encode(kept))
        } catch {
            logger.warning("seal not kept", metadata: ["reason": "\(error)"])
        }
    }
}
