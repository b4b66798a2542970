// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import KithTransport
import NIOCore

/// Follows a node's events through any number of connections, until Ctrl-C.
struct Following: Sendable {
    /// Longer than a node is ever silent that was not asked to be heard more often.
    static let silence = Duration.seconds(45)

    /// What becomes of the connection.
    enum News: Sendable {
        case began
        /// The node is there again after it was lost.
        case returned
        /// The node was lost, and why.
        case lost(String)
    }

    let wayBack: @Sendable () throws -> NodeClient
    let path: String
    /// After so long without a byte the node counts as lost.
    let silence: Duration
    let onNews: @Sendable (News) -> Void
    /// Takes what comes; what it throws ends the following.
    let take: @Sendable (ServerSentEvent) throws -> Void

    init(
        wayBack: @escaping @Sendable () throws -> NodeClient, path: String, silence: Duration = silence,
        onNews: @escaping @Sendable (News) -> Void = Following.note,
        take: @escaping @Sendable (ServerSentEvent) throws -> Void
    ) {
        self.wayBack = wayBack
        self.path = path
        self.silence = silence
        self.onNews = onNews
        self.take = take
    }

    /// Says it on standard error.
    static func note(_ news: News) {
        switch news {
        case .began: Terminal.note(Terminal.errorStyle.dim("following; Ctrl-C ends it"))
        case .returned: Terminal.note(Terminal.errorStyle.dim("the node is back"))
        case .lost(let why): Terminal.note("waiting for the node: \(why)")
        }
    }

    /// Follows until Ctrl-C.
    func run() async throws {
        do {
            try await Interruption.cancelling { try await follow() }
        } catch let failure as CommandError where failure.status == .interrupted {
            return  // how following ends
        }
    }

    /// Follows until it is cancelled.
    ///
    /// - Throws: `CommandError` when the node was never there, or refuses; what `take` throws; `CancellationError`.
    func follow() async throws {
        var isBegun = false
        var isWaiting = false
        var backoff = Backoff(initial: .milliseconds(250), maximum: .seconds(4))
        while true {
            do {
                let body = try await wayBack().follow(path, silence: silence)
                var decoder = ServerSentEventDecoder()
                do {
                    for try await piece in body {
                        if !isBegun || isWaiting { onNews(isBegun ? .returned : .began) }
                        (isBegun, isWaiting) = (true, false)
                        backoff.reset()
                        for event in try decoder.feed(piece.readableBytesView) { try take(event) }
                    }
                    throw CommandError(.cutOff, "the node has ended the connection")
                } catch let failure as ChatError {
                    throw CommandError(.cutOff, failure.message)
                }
            } catch let failure as CommandError where isBegun && Self.mayPass(failure) {
                if !isWaiting { onNews(.lost(failure.message)) }
                isWaiting = true
            }
            try await MonotonicClock().sleep(for: backoff.next())
        }
    }

    private static func mayPass(_ failure: CommandError) -> Bool {
        switch failure.status {
        case .nodeUnreachable, .notAnswered, .cutOff: true
        case .ok, .failed, .errorsFound, .usage, .interrupted, .outputClosed: false
        }
    }
}
