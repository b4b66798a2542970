// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithModel
import KithPeers
import Logging
import ServiceLifecycle
import UnixSignals

/// What a stop does with answers: others take over what this node does for them, and after a while, or at a second signal, those
/// that clients still wait for are ended in words.
///
/// Two services, since services are stopped one after the other: ``beginning`` is stopped before all others, ``ending`` works
/// while the listeners wait for their last answers, and is stopped after them.
struct AnswersEnding: Sendable {
    private let answers: OpenAnswers
    private let mesh: PeerDirectory
    private let clock: any TimeSource
    private let logger: Logger
    private let begun: AsyncStream<Void>
    private let source: AsyncStream<Void>.Continuation

    init(answers: OpenAnswers, mesh: PeerDirectory, clock: any TimeSource, logger: Logger) {
        self.answers = answers
        self.mesh = mesh
        self.clock = clock
        self.logger = logger
        (begun, source) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// The last of the node's services.
    var beginning: some Service { Beginning(action: begin) }

    /// One of the first.
    var ending: some Service { BackgroundLoop { await end() } }

    private func begin() {
        mesh.setDraining(true, reason: nil)
        if answers.count > 0 {
            logger.notice(
                "stopping; answers under way may end, a second signal ends them now",
                metadata: ["answers": "\(answers.count)", "seconds": "\(OpenAnswers.grace.seconds)"])
        }
        source.finish()
    }

    private func end() async {
        for await _ in begun {}
        guard !Task.isCancelled else { return }
        await withTaskGroup(of: Void.self) { group in
            // Is cancelled when there is nothing left to end.
            group.addTask { try? await clock.sleep(for: OpenAnswers.grace) }
            group.addTask { for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { return } }
            await group.next()
            group.cancelAll()
        }
        if !Task.isCancelled { answers.endAll() }
    }

    private struct Beginning: Service {
        let action: @Sendable () -> Void

        func run() async throws {
            try await gracefulShutdown()
            action()
        }
    }
}
