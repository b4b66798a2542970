// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel
import NIOPosix
import Synchronization

struct Top: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch machines, models and requests in the terminal, live.",
        discussion: """
            Shows what the node sees: its peers, the models of its kin, and the requests that it was asked; nothing of \
            what they say. The keys stand below; ? explains them.

            EXAMPLES:
              kith top
              kith top --url http://127.0.0.1:8081

            \(ExitStatus.explanation)
            """)

    @OptionGroup var node: NodeFlags

    func run() async throws {
        let watch = TopWatch(wayBack: try node.wayBack())
        try await watch.read()
        let screen = try FullScreen()
        do {
            try await Interruption.cancelling { try await watch.run() }
        } catch let failure as CommandError where failure.status == .interrupted {
            // How watching may end; the terminal is given back below.
        }
        _ = consume screen
    }
}

/// Keeps what is known of the mesh true, and the screen as the one who looks at it wants it.
private final class TopWatch: Sendable {
    private struct State {
        var activity = MeshActivity()
        var controls = TopControls()
        /// What is shown while the picture is held.
        var held: MeshActivity?
        var heldAt = MonotonicInstant.zero
        var needsReading = false
    }

    /// Between two pictures, at least, unless a key was pressed.
    private static let pause = Duration.milliseconds(250)
    private static let recent = 256
    private static let kinds = "mesh,node,request,route,alert"

    private let wayBack: @Sendable () throws -> NodeClient
    private let clock = MonotonicClock()
    private let state = Mutex(State())

    init(wayBack: @escaping @Sendable () throws -> NodeClient) { self.wayBack = wayBack }

    /// Reads everything anew.
    ///
    /// - Throws: `CommandError`; `CancellationError`.
    func read() async throws {
        let client = try wayBack()
        let status = try await client.get(NodeStatus.self, "/api/status")
        let recent = try await client.get(RouteMessage.Recent.self, "/api/routes/recent?limit=\(Self.recent)")
        // Older nodes have no alerts, and a key may not be let in to them.
        let alerts = try? await client.get(AlertMessage.Report.self, Alerts.path)
        state.withLock { $0.activity.read(status, recent, alerts: alerts, now: clock.now) }
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.follow() }
            group.addTask { try await self.readWhenNeeded() }
            group.addTask { try await self.draw() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func follow() async throws {
        try await Following(
            wayBack: wayBack, path: "/api/events?kinds=\(Self.kinds)&heartbeat=1", silence: .seconds(3),
            onNews: { news in
                self.state.withLock { state in
                    switch news {
                    case .began, .returned: state.needsReading = true
                    case .lost(let why): state.activity.lost(why, now: self.clock.now)
                    }
                }
            }
        ) { event in
            self.state.withLock { state in
                if state.activity.take(event, now: self.clock.now) { state.needsReading = true }
            }
        }.follow()
    }

    private func readWhenNeeded() async throws {
        while true {
            let isNeeded = state.withLock { state in
                defer { state.needsReading = false }
                return state.needsReading
            }
            if isNeeded {
                do {
                    try await read()
                } catch let failure as CommandError {
                    state.withLock { state in
                        state.activity.lost(failure.message, now: clock.now)
                        state.needsReading = true
                    }
                }
            }
            try await clock.sleep(for: Self.pause)
        }
    }

    /// Returns when the one who looks has had enough.
    private func draw() async throws {
        while true {
            try Terminal.write(TerminalText(screen: picture()))
            let typed = try await NIOThreadPool.singleton.runIfActive { FullScreen.typed(within: Self.pause) }
            try Task.checkCancellation()
            guard let typed else { return }
            let page = TopScreen.page(height: FullScreen.size.height)
            for key in TopKey.keys(in: typed) where take(key, page: page) { return }
        }
    }

    private func take(_ key: TopKey, page: Int) -> Bool {
        state.withLock { state in
            let isOver = state.controls.take(key, page: page)
            if !state.controls.isPaused {
                state.held = nil
            } else if state.held == nil {
                (state.held, state.heldAt) = (state.activity, clock.now)
            }
            return isOver
        }
    }

    private func picture() -> [String] {
        let size = FullScreen.size
        return state.withLock { state in
            func screen() -> TopScreen {
                TopScreen(
                    state.held ?? state.activity, state.controls, width: size.width, height: size.height,
                    now: state.held == nil ? clock.now : state.heldAt, style: Terminal.style)
            }
            state.controls.hold(rows: screen().rows, page: TopScreen.page(height: size.height))
            return screen().lines
        }
    }
}
