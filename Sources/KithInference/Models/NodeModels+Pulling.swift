// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel
import Logging
import Synchronization
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension NodeModels {
    /// Two days: the largest weights over a slow line.
    private static let pullLimit = Duration.seconds(172_800)

    /// Begins to get a model, or joins in where it is being got already. The pull goes on when nobody follows it any more.
    ///
    /// - Parameter source: The machine to copy it from; `nil` to get it from where the engine gets its models.
    /// - Returns: How it stands, each time that changes, and at last how it ended; and whether it has begun with this.
    package func pull(
        _ request: ModelMessage.PullRequest, from source: (any WeightsSource)? = nil
    ) async throws -> (states: AsyncStream<ModelMessage.Pull>, isNew: Bool) {
        try Self.requirePullable(request.name)
        let looks = try Self.those(of: await look(.anew), meantBy: request.engine)
        let (model, look) =
            if let source {
                try await copied(request.name, from: source, among: looks)
            } else {
                (ModelID(request.name), try Self.theOne(of: looks))
            }
        let kept = try look.kept.get()
        let taken = kept.filter { !$0.id.isMeant(by: model) }.reduce(0) { $0.saturatingAdding($1.bytes ?? 0) }
        // What comes from another machine lies in the node's own folder first.
        let folders = [look.store.place.folder, source == nil ? nil : arrivals].compactMap(\.self)
        let room = { @Sendable [self] (beside: (Int, Int)) in
            DiskRoom(
                free: folders.compactMap(freeBytes).min(), promised: beside.1, taken: taken.saturatingAdding(beside.0),
                unfinished: unfinishedBytes, budget: budget)
        }
        if let refusal = room((0, 0)).refusal(of: model, PullTally()) { throw refusal }
        let begun = pulls.begin(model, at: look.store.place, now: clock.now, message: message) { number in
            // The owner may leave: the pull stays, and is ended by `cancelPull` or the end of the node.
            Task { [self] in await run(number, model, from: source, to: look.store, room: room) }
        }
        switch begun {
        case .success(let follower): return follower
        case .failure(let refusal): throw refusal
        }
    }

    /// Ends a pull; what has come is kept by the engine for the next one.
    package func cancelPull(_ name: String) throws {
        guard ModelName.isListable(name), pulls.cancel(ModelID(name)) else {
            throw ModelRefusal(.notPulling, "'\(HarmlessText(name, limit: 80))' is not being pulled on \(node)")
        }
    }

    /// Whether a pull is under way, or something is sent to another machine, that the machine should stay awake for.
    package var keepsAwake: Bool { sending.load(ordering: .relaxed) > 0 || pulls.keepsAwake(now: clock.now) }

    /// Takes away what nobody went on with, and ends all pulls when the node stops.
    package func run() async {
        arrivals.map(forgetOldArrivals)
        let (waiting, source) = AsyncStream.makeStream(of: Never.self)
        for await _ in waiting {}
        source.finish()
        pulls.cancelAll()
    }

    private func run(
        _ number: Int, _ model: ModelID, from source: (any WeightsSource)?, to store: any ModelStore,
        room: @escaping @Sendable ((Int, Int)) -> DiskRoom
    ) async {
        logger.notice("model is being pulled", metadata: ["model": "\(model)", "engine": "\(store.place.words)"])
        var end = PullBook.End.done
        do {
            try await withDeadline(clock.now + Self.pullLimit, clock: clock) { [pulls] in
                let note: @Sendable (PullSign) throws -> Void = { sign in
                    guard let noted = pulls.note(sign, of: number, message: self.message), noted.grew else { return }
                    if let refusal = room(noted.beside).refusal(of: model, noted.pull.tally) { throw refusal }
                }
                if let source {
                    try await self.copy(model, from: source, to: store, note: note)
                } else {
                    try await store.pull(model, note: note)
                }
            }
        } catch let refusal as ModelRefusal {
            end = .failed(refusal)
        } catch let failure as ChatError {
            end = Task.isCancelled ? .cancelled : .failed(ModelRefusal(failure))
        } catch is DeadlineExceeded {
            end = .failed(ModelRefusal(.engineFailed, "the pull took longer than two days"))
        } catch {
            end = .cancelled
        }
        switch end {
        case .done: logger.notice("model pulled", metadata: ["model": "\(model)"])
        case .cancelled: logger.notice("pull cancelled", metadata: ["model": "\(model)"])
        case .failed(let why):
            logger.warning("pull failed", metadata: ["model": "\(model)", "reason": "\(why.message)"])
        }
        // Prompts for it are sent here before anybody is told that it is there.
        if end == .done { await changed() }
        pulls.end(number, end, now: clock.now, message: message)
    }

    /// Bytes on the disk of copies that broke off; what is being got counts with its pull.
    private var unfinishedBytes: Int {
        guard budget != nil, let arrivals else { return 0 }
        let underWay = pulls.parts
        let names = (try? FileManager.default.contentsOfDirectory(atPath: arrivals)) ?? []
        return names.filter { $0.hasSuffix(".part") }.reduce(0) { sum, name in
            if let digest = WeightsDigest(String(name.dropLast(5))), underWay.contains(digest.description) {
                return sum
            }
            guard let stat = try? Stat(FilePath(arrivals + "/" + name)), stat.type == .regular else { return sum }
            return sum.saturatingAdding(Int(clamping: min(stat.size, stat.sizeAllocated)))
        }
    }

    /// The one engine that gets models.
    private static func theOne(of looks: [Look]) throws(ModelRefusal) -> Look {
        let open = looks.filter { $0.store.pullsNothingBecause == nil }
        switch open.count {
        case 1: return open[0]
        case 0:
            let reasons = looks.map { "\($0.store.place.words): \($0.store.pullsNothingBecause ?? "")" }
            throw ModelRefusal(.fixedModels, "no engine here gets models; " + reasons.joined(separator: "; "))
        default:
            let names = open.map(\.store.place.words).joined(separator: ", ")
            throw ModelRefusal(.severalEngines, "several engines get models: name one of \(names)")
        }
    }

    func message(_ pull: PullBook.Pull) -> ModelMessage.Pull {
        var message = ModelMessage.Pull(
            node: node.rawValue, name: pull.model.rawValue, engine: pull.place.kind.rawValue, state: .running,
            status: pull.tally.status, completedBytes: pull.tally.completed,
            totalBytes: pull.tally.total > 0 ? pull.tally.total : nil, beganAt: pull.began.rfc3339)
        switch pull.end {
        case nil: break
        case .done: message.state = .done
        case .cancelled: message.state = .cancelled
        case .failed(let why):
            message.state = .failed
            message.error = ModelMessage.Failure(code: why.reason.rawValue, message: why.message)
        }
        return message
    }
}
