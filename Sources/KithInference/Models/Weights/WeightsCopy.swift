// SPDX-License-Identifier: Apache-2.0

import Crypto
import KithDialects
import KithModel
import Logging
import NIOCore
import Synchronization
import SystemPackage

/// Copies the files of one model from other machines of the owner into a folder, and has an engine take them.
struct WeightsCopy: Sendable {
    /// Between two looks at how far a machine is in reading its files.
    private static let checkingPause = Duration.milliseconds(300)
    /// Without any progress in it.
    private static let checkingLimit = Duration.seconds(60)
    /// Between two looks whether another copy has ended that gets the same file.
    private static let turnPause = Duration.milliseconds(500)

    let source: any WeightsSource
    /// Where files lie until they are whole, each by its digest.
    let folder: String
    let seals: WeightsSeals
    let clock: any TimeSource
    let logger: Logger
    /// Is given each sign of progress; what it throws ends the copy.
    let note: @Sendable (PullSign) throws -> Void

    /// - Throws: ``ModelRefusal``; `ChatError` of the engine; what ``note`` throws; `CancellationError`.
    func run(_ model: ModelID, into store: any ModelStore) async throws {
        let offer = try await checkedOffer(of: model)
        guard offer.form == store.takes else {
            throw ModelRefusal(
                .noWeights,
                "the weights on \(source.name) are of the form \(offer.form.rawValue), which "
                    + "\(store.place.words) does not take")
        }
        let parts = try offer.parts.map { part in
            guard let seal = Seal(part) else {
                throw ModelRefusal(.damagedWeights, "what \(source.name) says of \(part.digest) cannot be")
            }
            return (part, seal)
        }
        // The weights are nearly all of it, and whether they have room is known first.
        var arrived: [ArrivedWeights] = []
        var files: [ArrivingFile] = []
        var digests: Set<WeightsDigest> = []
        // In one order for all copies: two that share files never wait for each other.
        for (part, seal) in parts.sorted(by: { ($1.0.bytes, $0.0.digest.digits) < ($0.0.bytes, $1.0.digest.digits) }) {
            // One that is named twice is held already, and would be waited for.
            let file = digests.insert(part.digest).inserted ? try await gathered(seal, for: store) : nil
            if file == nil { try note(sign(seal, seal.layout.bytes, "here already")) }
            arrived.append(.init(path: file?.path ?? "", type: part.type, digest: part.digest, bytes: part.bytes))
            if let file { files.append(file) }
        }
        try note(PullSign(status: "giving it to \(store.place.words)"))
        let moved = try await store.take(model, of: arrived)
        for (part, seal) in parts { moved[part.digest].map { seals.note(seal, of: $0) } }
        // Nobody else writes what was found whole, from its first byte until the engine has it and it is sealed.
        withExtendedLifetime(files) {}
    }

    private func checkedOffer(of model: ModelID) async throws -> WeightsMessage.Offer {
        var (checked, moved) = (-1.0, clock.now)
        while true {
            let offer = try await source.offer(of: model.rawValue)
            guard let checking = offer.checking else {
                guard (1...WeightsMessage.partLimit).contains(offer.parts.count) else {
                    throw ModelRefusal(.noWeights, "\(source.name) names no files of \(model)")
                }
                return offer
            }
            // Both numbers are another machine's word.
            let share = Double(checking.completedBytes) / Double(max(1, checking.totalBytes))
            if share > checked { (checked, moved) = (share, clock.now) }
            guard clock.now - moved < Self.checkingLimit else {
                throw ModelRefusal(.sourceLost, "\(source.name) does not get on with reading its files")
            }
            try note(PullSign(status: "\(source.name) reads its files, \(Int(100 * min(1, max(0, share)))) %"))
            try await clock.sleep(for: Self.checkingPause)
        }
    }

    private func sign(_ seal: Seal, _ completed: Int, _ status: String) -> PullSign {
        PullSign(
            status: status, part: seal.digest.description, total: seal.layout.bytes, completed: completed)
    }

    /// - Returns: A file that holds what its digest says, and that no other copy can write while this value is held; `nil` for one that
    ///   the engine has.
    private func gathered(_ seal: Seal, for store: any ModelStore) async throws -> ArrivingFile? {
        do {
            guard let file = try await opened(seal, for: store) else { return nil }
            let there = try await file.pieces(of: seal) { offset in
                try note(PullSign(status: "looking at what is there, \(ByteText(offset))"))
            }
            let holders = await source.holders(of: seal)
            defer { for holder in holders { holder.leave() } }
            let gathering = WeightsGathering(
                seal: seal, file: file, holders: holders, clock: clock, logger: logger, note: note)
            try await gathering.run(there: there)
            try await file.flush()
            return file
        } catch let error as Errno {
            guard error == .noSpace else {
                throw ModelRefusal(.engineFailed, "the folder \(folder) cannot be written: \(error)")
            }
            throw ModelRefusal(.diskFull, "the disk of \(folder) is full; what has come is kept")
        }
    }
}

extension WeightsCopy {
    /// Waits while another copy gets the same file, which many models of one kind share.
    private func opened(_ seal: Seal, for store: any ModelStore) async throws -> ArrivingFile? {
        let path = folder + "/" + seal.digest.digits + ".part"
        while true {
            if try await store.has(seal.digest) { return nil }
            do throws(Errno) {
                return try ArrivingFile(path, bytes: seal.layout.bytes)
            } catch .resourceTemporarilyUnavailable {
                try note(PullSign(status: "waiting for another copy of the same file"))
            }
            try await clock.sleep(for: Self.turnPause)
        }
    }
}

/// Gathers the pieces of one file from the machines that have it, and makes the digest of the whole while they come.
private struct WeightsGathering: Sendable {
    /// Pieces of which the digest of the whole is made in one go.
    private static let hashedAtOnce = 8

    let seal: Seal
    let file: ArrivingFile
    let holders: [any WeightsHolder]
    let clock: any TimeSource
    let logger: Logger
    let note: @Sendable (PullSign) throws -> Void

    private enum Event: Sendable {
        case arrived(PiecePlan.Order)
        case damaged(PiecePlan.Order)
        case failed(PiecePlan.Order, String)
        /// The digest of all that is before a piece.
        case hashed(SHA256, upTo: Int)
        case mayTryAgain
        /// Nothing can go on.
        case ended(any Error)
    }

    /// What has come of the file, and what is told of it.
    private final class Progress: Sendable {
        private struct State {
            var bytes: Int
            var status: String
        }

        private let state: Mutex<State>
        private let seal: Seal
        private let note: @Sendable (PullSign) throws -> Void

        init(_ bytes: Int, _ status: String, _ seal: Seal, note: @escaping @Sendable (PullSign) throws -> Void) {
            state = Mutex(State(bytes: bytes, status: status))
            self.seal = seal
            self.note = note
        }

        func add(_ bytes: Int) throws {
            let now = state.withLock { state in
                state.bytes += bytes
                return state
            }
            try note(
                PullSign(
                    status: now.status, part: seal.digest.description, total: seal.layout.bytes, completed: now.bytes))
        }

        func say(_ status: String) { state.withLock { $0.status = status } }
    }

    func run(there: Set<Int>) async throws {
        guard !holders.isEmpty else { throw ModelRefusal(.sourceLost, "no machine that has \(seal.digest) answers") }
        var plan = PiecePlan(count: seal.layout.count, holders: holders.count, there: there)
        let progress = Progress(
            there.reduce(0) { $0 + seal.layout.range(of: $1).count },
            "copying from " + holders.map(\.name).joined(separator: ", "), seal, note: note)
        try progress.add(0)
        let givenUp = GivenUp()
        let whole = try await withThrowingTaskGroup(of: Event.self) { group in
            defer { group.cancelAll() }
            var (whole, hashed, isHashing) = (SHA256(), 0, false)
            var tries: MonotonicInstant?
            var lastFailure: String?
            while plan.outcome != .whole || hashed < plan.count {
                for order in plan.next(now: clock.now) {
                    group.addTask { await outcome(of: order, progress, givenUp) }
                }
                for late in plan.givingUp(now: clock.now) { givenUp.insert(late) }
                if !isHashing, hashed < plan.count, plan.has(hashed) {
                    let end = (hashed..<min(plan.count, hashed + Self.hashedAtOnce)).first { !plan.has($0) }
                    let pieces = hashed..<(end ?? min(plan.count, hashed + Self.hashedAtOnce))
                    isHashing = true
                    group.addTask { [whole] in await self.hashed(whole, pieces) }
                }
                if case .stuck(let damage) = plan.outcome { throw refusal(damage, lastFailure) }
                if let next = plan.nextTry(after: clock.now), tries.map({ next < $0 || $0 <= clock.now }) ?? true {
                    tries = next
                    group.addTask {
                        try? await clock.sleep(until: next, tolerance: nil)  // a copy that ends needs nothing more
                        return .mayTryAgain
                    }
                }
                guard let event = try await group.next() else { throw refusal(nil, lastFailure) }
                try Task.checkCancellation()
                switch event {
                case .arrived(let order): plan.arrived(order.piece, from: order.holder, now: clock.now)
                case .damaged(let order):
                    plan.damaged(order.piece, from: order.holder)
                    progress.say(words(order))
                case .failed(let order, let reason):
                    lastFailure = "\(holders[order.holder].name): \(reason)"
                    plan.failed(order.piece, from: order.holder, now: clock.now)
                    if plan.isLeft(order.holder) { left(order.holder, reason) }
                case .hashed(let digest, let piece): (whole, hashed, isHashing) = (digest, piece, false)
                case .mayTryAgain: break
                case .ended(let error): throw error
                }
            }
            return whole
        }
        try requireWhole(whole)
    }

    /// Pieces that are late, by the machines that send them. What is sent late must not be written over what came in time, so that such
    /// a piece has ended before another machine is asked for it.
    private final class GivenUp: Sendable {
        private let orders = Mutex<Set<PiecePlan.Order>>([])

        func insert(_ order: PiecePlan.Order) { orders.withLock { _ = $0.insert(order) } }
        func require(_ order: PiecePlan.Order) throws(TooSlow) {
            guard orders.withLock({ !$0.contains(order) }) else { throw TooSlow() }
        }
        func remove(_ order: PiecePlan.Order) { orders.withLock { _ = $0.remove(order) } }
    }

    private struct TooSlow: Error, CustomStringConvertible {
        var description: String { "it is far slower than others" }
    }

    private func outcome(of order: PiecePlan.Order, _ progress: Progress, _ givenUp: GivenUp) async -> Event {
        givenUp.remove(order)  // a word that came after the last such order had ended is not about this one
        let range = seal.layout.range(of: order.piece)
        var piece = ArrivingPiece(of: file, range)
        var told = 0
        do {
            try await holders[order.holder].bring(seal.digest, piece: order.piece) { bytes in
                try givenUp.require(order)
                try await piece.take(bytes)
                guard piece.written > told else { return }
                try progress.add(piece.written - told)
                told = piece.written
            }
            let digest = try await piece.end()
            if let digest, digest == seal.pieces[order.piece] {
                try progress.add(range.count - told)
                return .arrived(order)
            }
            try progress.add(-told)
            return digest == nil ? .failed(order, "it ended in the middle of a piece") : .damaged(order)
        } catch let refusal as ModelRefusal where refusal.reason == .diskFull || refusal.reason == .overBudget {
            return .ended(refusal)
        } catch let error as Errno {
            return .ended(error)
        } catch {
            try? progress.add(-told)  // what it says of room is said again with the next piece
            return .failed(order, (error as? ModelRefusal)?.message ?? "\(error)")
        }
    }

    private func hashed(_ whole: SHA256, _ pieces: Range<Int>) async -> Event {
        let range =
            seal.layout.range(of: pieces.lowerBound)
            .lowerBound..<seal.layout.range(of: pieces.upperBound - 1)
            .upperBound
        do {
            return .hashed(try await file.digest(of: range, adding: whole), upTo: pieces.upperBound)
        } catch {
            return .ended(error)
        }
    }

    /// All pieces are what was said of them: then the whole is what its name says, or what was said was wrong.
    private func requireWhole(_ whole: SHA256) throws {
        guard WeightsDigest(bytes: whole.finalize()) != seal.digest else { return }
        file.remove()
        throw ModelRefusal(
            .damagedWeights, "what came from \(holders[0].name) is not \(seal.digest), and has been thrown away")
    }

    // MARK: Words

    private func words(_ order: PiecePlan.Order) -> String {
        let range = seal.layout.range(of: order.piece)
        let words =
            "the bytes \(range.lowerBound) to \(range.upperBound - 1) of \(seal.digest) came damaged from "
            + holders[order.holder].name
        logger.warning(
            "piece of weights was damaged and is got again",
            metadata: [
                "digest": "\(seal.digest)", "from": "\(holders[order.holder].name)",
                "first_byte": "\(range.lowerBound)",
                "last_byte": "\(range.upperBound - 1)",
            ])
        return words
    }

    private func left(_ holder: PiecePlan.Holder, _ reason: String) {
        logger.warning(
            "no more weights are asked of a machine",
            metadata: ["node": "\(holders[holder].name)", "reason": "\(reason)"])
    }

    private func refusal(_ damage: PiecePlan.Damage?, _ lastFailure: String?) -> ModelRefusal {
        if let damage {
            let range = seal.layout.range(of: damage.piece)
            return ModelRefusal(
                .damagedWeights,
                "the bytes \(range.lowerBound) to \(range.upperBound - 1) of \(seal.digest) are damaged on "
                    + "\(holders[damage.holder].name), and no other machine has them; the rest is kept")
        }
        return ModelRefusal(
            .sourceLost,
            "no machine that has the weights can be asked any more"
                + (lastFailure.map { " (\($0))" } ?? "") + "; what has come is kept, and the same command goes on")
    }
}
