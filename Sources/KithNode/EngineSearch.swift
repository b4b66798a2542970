// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Logging
import ServiceLifecycle

/// Runs what this node's engines need; and looks for engines that start after the node, or are installed while it runs, so that
/// they are used without a restart.
struct EngineSearch: Service {
    /// Between two looks at the machine of a node that has no engine.
    static let pause = Duration.seconds(3)
    /// Of one that has.
    static let pauseWithEngine = Duration.seconds(15)

    let factory: EngineFactory
    let monitor: EngineMonitor
    /// What the engine of the start needs.
    let services: [any Service]
    /// What was chosen at the start.
    let selection: EngineSelection
    /// What was made of it, in the order of `selection.engines`.
    let members: [any ChatEngine]
    /// Whether to look for others.
    let searches: Bool
    let clock: any TimeSource
    let logger: Logger
    /// Makes a found one this node's.
    let seated: @Sendable (any ChatEngine) -> LocalEngine
    let onFound: @Sendable (EngineSelection) -> Void

    func run() async throws {
        let (needed, need) = AsyncStream.makeStream(of: (any Service).self)
        for service in services { need.yield(service) }
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask {
                if searches { await cancelWhenGracefulShutdown { await search(need) } }
                need.finish()
            }
            for await service in needed { group.addTask { try await service.run() } }
            // A service must not end before its group.
            try await gracefulShutdown()
        }
    }

    /// Adds what is found to what is there. One that has stopped keeps its place: it may come back.
    ///
    /// - Parameter need: Takes what must run for them.
    private func search(_ need: AsyncStream<any Service>.Continuation) async {
        var told = Set(selection.skipped)
        var have = Array(zip(selection.engines, members))
        while !Task.isCancelled {
            do { try await clock.sleep(for: have.isEmpty ? Self.pause : Self.pauseWithEngine) } catch { return }
            var found = await factory.select()
            found.skipped.filter { told.insert($0).inserted }.warn(logger)
            // A process of this node's own is for a machine that has nothing else.
            let new = found.engines.filter { engine in
                !have.contains { $0.0 == engine } && (have.isEmpty || !engine.isOwnProcess)
            }
            let made = new.compactMap { engine in factory.make(engine).map { (engine, $0) } }
            guard !made.isEmpty else { continue }
            for service in made.flatMap(\.1.services) { need.yield(service) }
            have += made.map { ($0.0, $0.1.engine) }
            found.engine = have.count == 1 ? have[0].0 : .several(have.map(\.0))
            guard let engine = SeveralEngines.one(of: have.map(\.1)) else { continue }
            monitor.take(seated(engine), reason: found.reason)
            onFound(found)
        }
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
