// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithModel
import KithPeers
import Logging
import ServiceLifecycle
import UnixSignals

/// Begins the stop, as the last of the services: others take over what this node does for them, and after a while, or at a
/// second signal, the answers that clients still wait for are ended in words.
struct AnswersEnding: Service {
    let answers: OpenAnswers
    let mesh: PeerDirectory
    let clock: any TimeSource
    let logger: Logger

    func run() async throws {
        try await gracefulShutdown()
        mesh.setDraining(true, reason: nil)
        if answers.count > 0 {
            logger.notice(
                "stopping; answers under way may end, a second signal ends them now",
                metadata: ["answers": "\(answers.count)", "seconds": "\(OpenAnswers.grace.seconds)"])
        }
        // Not waited for: the listeners are stopped meanwhile, and with the last answer their work ends.
        Task { [answers, clock] in
            try? await clock.sleep(for: OpenAnswers.grace)  // is never cancelled
            answers.endAll()
        }
        Task { [answers] in
            for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { answers.endAll() }
        }
    }
}
