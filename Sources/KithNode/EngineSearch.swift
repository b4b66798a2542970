// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Logging
import ServiceLifecycle

/// Runs what this node's engine needs; and looks for an engine while there is none, so that one which starts after the node,
/// or is installed while it runs, is used without a restart.
struct EngineSearch: Service {
    /// Between two looks at the machine.
    static let pause = Duration.seconds(3)

    let factory: EngineFactory
    let monitor: EngineMonitor
    /// What the engine of the start needs.
    let services: [any Service]
    /// What was chosen at the start.
    let selection: EngineSelection
    /// Whether to look for another one.
    let searches: Bool
    let clock: any TimeSource
    let logger: Logger
    /// Makes a found one this node's; called once.
    let seated: @Sendable (any ChatEngine) -> LocalEngine
    let onFound: @Sendable (EngineSelection) -> Void

    func run() async throws {
        var services = services
        if searches, let found = await cancelWhenGracefulShutdown({ await search() }) {
            services = found.services
            monitor.take(seated(found.engine), reason: found.selection.reason)
            onFound(found.selection)
        }
        try await withThrowingDiscardingTaskGroup { group in
            for service in services { group.addTask { try await service.run() } }
        }
        // A service must not end before its group.
        try await gracefulShutdown()
    }

    private func search() async -> (engine: any ChatEngine, services: [any Service], selection: EngineSelection)? {
        var told = Set(selection.skipped)
        while !Task.isCancelled {
            let selection = await factory.select()
            selection.skipped.filter { told.insert($0).inserted }.warn(logger)
            if let made = factory.make(selection) { return (made.engine, made.services, selection) }
            do { try await clock.sleep(for: Self.pause) } catch { return nil }
        }
        return nil
    }
}

extension [EngineSelection.Skip] {
    /// Tells the owner of engines that answer and are somebody else's.
    func warn(_ logger: Logger) {
        for skip in self where skip.isDistrusted {
            logger.warning("not taken for the engine", metadata: ["reason": "\(skip.reason)"])
        }
    }
}
