// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Synchronization

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

    /// The names of all parts that are being got.
    var parts: Set<String> { state.withLock { $0.book.parts } }

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
