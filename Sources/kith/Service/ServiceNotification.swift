// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithInference
import KithModel
import KithNode
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Tells systemd that the node is ready, and while it lives (sd_notify(3), sd_watchdog_enabled(3)).
final class ServiceNotification: Sendable {
    private let socket: String
    private let watchdog: Duration?
    private let watching = Mutex<Task<Void, Never>?>(nil)

    /// - Returns: `nil` when no service manager waits for word from this process.
    init?(environment: [String: String]) {
        guard let socket = environment["NOTIFY_SOCKET"], socket.hasPrefix("/") || socket.hasPrefix("@") else {
            return nil
        }
        self.socket = socket
        let isForThis = environment["WATCHDOG_PID"].map { $0 == String(getpid()) } ?? true
        watchdog = environment["WATCHDOG_USEC"].flatMap { Int64($0) }.flatMap {
            isForThis && $0 > 0 ? .microseconds($0) : nil
        }
    }

    /// Says that the node listens, and from now on that it lives, as long as it answers on its own port.
    func ready(dataDirectory: String) {
        send("READY=1")
        guard let watchdog else { return }
        let task = Task {
            while !Task.isCancelled {
                if await Self.answers(dataDirectory) { send("WATCHDOG=1") }
                try? await Task.sleep(for: watchdog / 3)  // cancelled: the loop ends
            }
        }
        watching.withLock { $0 = task }
    }

    /// The node stops, which may take longer than the watchdog's time.
    func end() {
        watching.withLock { $0 }?.cancel()
        send("STOPPING=1")
    }

    private static func answers(_ folder: String) async -> Bool {
        guard let node = try? RunningNode(dataDirectory: folder) else { return false }
        do {
            return try await node.client.probe("/health/live").status == 200
        } catch let failure as ChatError where failure.code == .unreachable && !node.client.address.isOnLoopback {
            return true  // the machine lost the address that the node listens on: a start anew would not help
        } catch {
            return false
        }
    }

    /// A failure is ignored: there is nobody else to tell.
    private func send(_ state: String) {
        guard let manager = try? DatagramSocket(socket) else { return }
        try? manager.send(Array(state.utf8))
    }
}
