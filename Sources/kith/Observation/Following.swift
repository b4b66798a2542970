// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import KithTransport
import NIOCore

/// Follows a node's events through any number of connections, until Ctrl-C.
struct Following: Sendable {
    /// Longer than the node is ever silent.
    private static let silence = Duration.seconds(45)

    let wayBack: @Sendable () throws -> NodeClient
    let path: String
    /// Takes what comes; what it throws ends the following.
    let take: @Sendable (ServerSentEvent) throws -> Void
    /// Called when the node is back after it was lost.
    let onReturn: @Sendable () -> Void

    init(
        wayBack: @escaping @Sendable () throws -> NodeClient, path: String,
        onReturn: @escaping @Sendable () -> Void = {},
        take: @escaping @Sendable (ServerSentEvent) throws -> Void
    ) {
        self.wayBack = wayBack
        self.path = path
        self.onReturn = onReturn
        self.take = take
    }

    func run() async throws {
        do {
            try await Interruption.cancelling { try await follow() }
        } catch let failure as CommandError where failure.status == .interrupted {
            return  // how following ends
        }
    }

    private func follow() async throws {
        var isBegun = false
        var isWaiting = false
        var backoff = Backoff(initial: .milliseconds(250), maximum: .seconds(4))
        while true {
            do {
                let body = try await wayBack().follow(path, silence: Self.silence)
                var decoder = ServerSentEventDecoder()
                do {
                    for try await piece in body {
                        if isWaiting { onReturn() }
                        if !isBegun || isWaiting {
                            Terminal.note(
                                Terminal.errorStyle.dim(isBegun ? "the node is back" : "following; Ctrl-C ends it"))
                        }
                        (isBegun, isWaiting) = (true, false)
                        backoff.reset()
                        for event in try decoder.feed(piece.readableBytesView) { try take(event) }
                    }
                    throw CommandError(.cutOff, "the node has ended the connection")
                } catch let failure as ChatError {
                    throw CommandError(.cutOff, failure.message)
                }
            } catch let failure as CommandError where isBegun && Self.mayPass(failure) {
                if !isWaiting { Terminal.note("waiting for the node: \(failure.message)") }
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
