// SPDX-License-Identifier: Apache-2.0

import KithModel
import Logging

/// Sends what waits, in its order and one at a time, whenever there is an upstream.
struct QueueReplay: Sendable {
    let queue: WriteQueue
    let upstreams: BridgeUpstreams
    let counters: BridgeCounters
    let logger: Logger

    /// Runs until cancelled.
    ///
    /// - Parameter signals: Tells when it may be worth a look.
    func run(on signals: AsyncStream<Void>) async {
        for await _ in signals {
            await queue.restore()
            await drain()
        }
    }

    private func drain() async {
        var sent = 0
        do {
            while !queue.isEmpty, !Task.isCancelled, let write = try await queue.first(), try await deliver(write) {
                sent += 1
            }
        } catch is CancellationError {
        } catch {
            logger.error("queued writes cannot be sent on", metadata: ["reason": "\(error)"])
        }
        guard sent > 0 else { return }
        logger.notice("queued writes sent on", metadata: ["count": "\(sent)", "left": "\(queue.count)"])
    }

    /// - Returns: Whether the write is done with.
    /// - Throws: `StoreError`; `CancellationError`.
    private func deliver(_ write: QueuedWrite) async throws -> Bool {
        let call = CellCall(.sync, body: write.body, delivery: write.deliveryKey, limit: BridgeLimits.sync)
        guard let (id, result) = try await upstreams.ask(call) else { return false }
        switch result {
        case .success:
            counters.count { $0.replayed += 1 }
            try await queue.remove(write)
            return true
        case .failure(let problem) where problem.kind == .refused:
            // It would be refused for ever, and hold up all that come after it.
            counters.count { $0.dropped += 1 }
            logger.warning(
                "queued write dropped",
                metadata: ["upstream": "\(upstreams.label(id))", "reason": "\(problem)", "place": "\(write.id)"])
            try await queue.remove(write)
            return true
        case .failure: return false
        }
    }
}
