// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// Looks again who listens where an engine was found, since its port may be taken by somebody else once it has stopped. Once
/// a second at most, by one of those that ask; the others go by what was seen before.
final class OwnerWatch: Sendable {
    private static let pause = Duration.seconds(1)

    private let address: HTTPAddress
    private let engine: String
    private let look: @Sendable () -> ListenerOwner?
    private let clock: any TimeSource
    private let last = Mutex<(at: MonotonicInstant, stranger: ListenerOwner?)?>(nil)

    /// - Parameters:
    ///   - engine: What is expected there, as people call it.
    ///   - look: Finds a listener there that is not trusted.
    init(address: HTTPAddress, engine: String, clock: any TimeSource, look: @escaping @Sendable () -> ListenerOwner?) {
        self.address = address
        self.engine = engine
        self.clock = clock
        self.look = look
    }

    /// - Throws: `ChatError` when somebody listens there who is not trusted.
    func check() throws(ChatError) {
        let now = clock.now
        let (isDue, seen) = last.withLock { last in
            if let last, now - last.at < Self.pause { return (false, last.stranger) }
            last = (now, last?.stranger)
            return (true, nil)
        }
        var stranger = seen
        if isDue {
            // Files of the system are read, and perhaps a directory of users: nobody waits for that at a lock.
            stranger = look()
            last.withLock { [stranger] in $0 = (now, stranger) }
        }
        if let stranger { throw ChatError(.noEngine, Self.words(stranger, at: address, instead: engine)) }
    }

    static func words(_ owner: ListenerOwner, at address: HTTPAddress, instead engine: String) -> String {
        let way =
            engine == "Ollama" ? "--engine ollama" : "--engine openai and the address in OPENAI_BASE_URL"
        return """
            what listens at \(address) belongs to \(owner), neither to this node's user nor to \(engine)'s own; if prompts \
            may go there, say so with \(way)
            """
    }
}
