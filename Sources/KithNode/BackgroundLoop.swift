// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import ServiceLifecycle

/// Work that goes on until the node stops, and is cancelled then.
struct BackgroundLoop: Service {
    let work: @Sendable () async -> Void

    init(_ work: @escaping @Sendable () async -> Void) { self.work = work }

    func run() async throws {
        await cancelWhenGracefulShutdown { await work() }
        // Work that found nothing to do has ended; a service must not end before its group.
        try await gracefulShutdown()
    }
}
