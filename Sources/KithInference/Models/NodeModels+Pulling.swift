// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel
import Logging
import Synchronization

extension NodeModels {
    /// Two days: the largest weights over a slow line.
    private static let pullLimit = Duration.seconds(172_800)

    /// Begins to get a model, or joins in where it is being got already. The pull goes on when nobody follows it any more.
    ///
    /// - Returns: How it stands, each time that changes, and at last how it ended; and whether it has begun with this.
    package func pull(
        _ request: ModelMessage.PullRequest
    ) async throws -> (states: AsyncStream<ModelMessage.Pull>, isNew: Bool) {
        try Self.requirePullable(request.name)
        let model = ModelID(request.name)
        let looks = try Self.those(of: await look(.anew), meantBy: request.engine)
        let look = try Self.theOne(of: looks)
        let kept = try look.kept.get()
        let taken = kept.filter { !$0.id.isMeant(by: model) }.reduce(0) { $0.saturatingAdding($1.bytes ?? 0) }
        let room = { @Sendable [freeBytes, budget, folder = look.store.place.folder] (beside: (Int, Int)) in
            DiskRoom(
                free: folder.flatMap(freeBytes), promised: beside.1, taken: taken.saturatingAdding(beside.0),
                budget: budget)
        }
        if let refusal = room((0, 0)).refusal(of: model, PullTally()) { throw refusal }
        let begun = pulls.begin(model, at: look.store.place, now: clock.now, message: message) { number in
            // The owner may leave: the pull stays, and is ended by `cancelPull` or the end of the node.
            Task { [self] in await run(number, model, from: look.store, room: room) }
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

    /// Whether a pull is under way that the machine should stay awake for.
    package var keepsAwake: Bool { pulls.keepsAwake(now: clock.now) }

    /// Ends all pulls when the node stops.
    package func run() async {
        let (waiting, source) = AsyncStream.makeStream(of: Never.self)
        for await _ in waiting {}
        source.finish()
        pulls.cancelAll()
    }

    private func run(
        _ number: Int, _ model: ModelID, from store: any ModelStore, room: @escaping @Sendable ((Int, Int)) -> DiskRoom
    ) async {
        logger.notice("model is being pulled", metadata: ["model": "\(model)", "engine": "\(store.place.words)"])
        var end = PullBook.End.done
        do {
            try await withDeadline(clock.now + Self.pullLimit, clock: clock) { [pulls] in
                try await store.pull(model) { sign in
                    guard let noted = pulls.note(sign, of: number, message: self.message), noted.grew else { return }
                    if let refusal = room(noted.beside).refusal(of: model, noted.pull.tally) { throw refusal }
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

    /// The one engine that gets models.
    private static func theOne(of looks: [Look]) throws(ModelRefusal) -> Look {
        let open = looks.filter { $0.store.fixedBecause == nil }
        switch open.count {
        case 1: return open[0]
        case 0:
            let reasons = looks.map { "\($0.store.place.words): \($0.store.fixedBecause ?? "")" }
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

/// The pulls of a node with the tasks that do them and those who follow them.
final class RunningPulls: Sendable {
    /// Of one pull at once.
    private static let followerLimit = 16

    typealias Message = (PullBook.Pull) -> ModelMessage.Pull

    private struct State {
        var book = PullBook()
        var tasks: [Int: Task<Void, Never>] = [:]
        var followers: [Int: [Int: AsyncStream<ModelMessage.Pull>.Continuation]] = [:]
        var nextFollower = 0
    }

    private let state = Mutex(State())

    func all(now: MonotonicInstant) -> [PullBook.Pull] { state.withLock { $0.book.pulls(now: now) } }

    func keepsAwake(now: MonotonicInstant) -> Bool { state.withLock { $0.book.keepsAwake(now: now) } }

    func underWay(_ model: ModelID) -> PullBook.Pull? { state.withLock { $0.book.underWay(model) } }

    /// - Parameter start: Makes the task of a pull that was not under way.
    func begin(
        _ model: ModelID, at place: ModelPlace, now: MonotonicInstant, message: Message,
        start: (Int) -> Task<Void, Never>
    ) -> Result<(states: AsyncStream<ModelMessage.Pull>, isNew: Bool), ModelRefusal> {
        // How it stands counts, and not how it came to that: the last is enough.
        let (stream, source) = AsyncStream.makeStream(of: ModelMessage.Pull.self, bufferingPolicy: .bufferingNewest(1))
        return state.withLock { state in
            let pull: PullBook.Pull
            var isNew = false
            switch state.book.begin(model, at: place, now: now, time: .now()) {
            case .refused(let refusal): return .failure(refusal)
            case .joined(let same):
                guard state.followers[same.number, default: [:]].count < Self.followerLimit else {
                    return .failure(ModelRefusal(.busy, "as many follow this pull as may; it goes on without you"))
                }
                pull = same
            case .began(let new):
                (pull, isNew) = (new, true)
                state.tasks[new.number] = start(new.number)
            }
            let follower = state.nextFollower
            state.nextFollower += 1
            state.followers[pull.number, default: [:]][follower] = source
            source.onTermination = { [weak self] _ in
                // Also called under the lock of the stream, never under this one's.
                self?.leave(follower, of: pull.number)
            }
            // Nobody listens yet, and what comes next must come after it.
            source.yield(message(pull))
            return .success((stream, isNew))
        }
    }

    private func leave(_ follower: Int, of pull: Int) {
        state.withLock { _ = $0.followers[pull]?.removeValue(forKey: follower) }
    }

    /// - Returns: `nil` for one that is not under way.
    func note(_ sign: PullSign, of number: Int, message: Message) -> PullBook.Noted? {
        let (noted, followers) = state.withLock { state in
            (state.book.note(sign, of: number), Array((state.followers[number] ?? [:]).values))
        }
        guard let noted else { return nil }
        let told = message(noted.pull)
        for follower in followers { follower.yield(told) }
        return noted
    }

    func end(_ number: Int, _ end: PullBook.End, now: MonotonicInstant, message: Message) {
        let (ended, followers) = state.withLock { state in
            state.tasks[number] = nil
            return (
                state.book.end(number, end, now: now),
                Array((state.followers.removeValue(forKey: number) ?? [:]).values)
            )
        }
        for follower in followers {
            if let ended { follower.yield(message(ended)) }
            follower.finish()
        }
    }

    /// - Returns: Whether there was one.
    func cancel(_ model: ModelID) -> Bool {
        let task = state.withLock { state in state.book.underWay(model).flatMap { state.tasks[$0.number] } }
        task?.cancel()
        return task != nil
    }

    func cancelAll() {
        for task in state.withLock({ Array($0.tasks.values) }) { task.cancel() }
    }
}
