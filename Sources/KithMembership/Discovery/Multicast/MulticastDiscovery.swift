// SPDX-License-Identifier: Apache-2.0

import CDNSSD
package import KithModel
import Synchronization

/// Advertises this node by multicast DNS (RFC 6762) as a service `_kith._tcp` (RFC 6763), and listens for others on
/// every interface, over IPv4 and IPv6, through the platform's daemon: Avahi or mDNSResponder.
///
/// dns_sd blocks, so a thread of its own talks with it. While the daemon is away, what was found stays for two minutes,
/// and the daemon is tried again after 1 s, 2 s and so on up to 10 s, for ever.
package struct MulticastDiscovery: Discovery {
    /// How long a call that hangs in the daemon may delay the end.
    static let patience = Duration.seconds(1)

    struct Settings: Sendable {
        var id: NodeID
        var name: NodeName
        /// `nil` listens only.
        var advertisedPort: UInt16?
        /// The advertisement's TXT record.
        var record: [UInt8]
        /// Empty on macOS.
        var library = Settings.library

        #if canImport(Darwin)
            static let library = ""
        #else
            static let library = "libdns_sd.so.1"
        #endif
    }

    private let settings: Settings
    private let clock: any TimeSource

    /// - Parameters:
    ///   - port: The peer port to advertise; `nil`, or one that is none, listens only.
    ///   - version: The program's.
    ///   - protocolVersion: That of the protocol between nodes.
    package init(
        id: NodeID, name: NodeName, port: Int?, version: String, protocolVersion: Int,
        clock: any TimeSource = MonotonicClock()
    ) {
        let text = ServiceText(id: id, version: version, protocolVersion: protocolVersion)
        self.init(
            Settings(
                id: id, name: name, advertisedPort: port.flatMap { UInt16(exactly: $0) }, record: text.record),
            clock: clock)
    }

    init(_ settings: Settings, clock: any TimeSource = MonotonicClock()) {
        self.settings = settings
        self.clock = clock
    }

    package var source: DiscoverySource { .mdns }

    package func run(_ report: @escaping @Sendable (DiscoveryReport) -> Void) async {
        report(DiscoveryReport())
        guard let stop = StopSignal() else {
            report(DiscoveryReport(problems: ["mDNS is off: this process has no file descriptors left"]))
            return await Cancellation.wait()
        }
        let ended = Ended()
        let hasThread = OwnThread.start { [settings, clock] in
            let worker = MulticastWorker(settings, clock: clock, stop: stop) { if !stop.isRaised { report($0) } }
            worker.run()
            ended.tell()
        }
        guard hasThread else {
            report(DiscoveryReport(problems: ["mDNS is off: the system gives this process no more threads"]))
            return await Cancellation.wait()
        }
        await withTaskCancellationHandler {
            await ended.wait()
        } onCancel: {
            stop.raise()
            // A task of its own, because the cancelled one could not sleep: the daemon may hang in a call.
            Task {
                try await Task.sleep(for: Self.patience)
                ended.tell()
            }
        }
    }
}

/// Tells the worker's thread to end.
final class StopSignal: Sendable {
    let pipe: WakePipe
    private let raised = Atomic(false)

    /// - Returns: `nil` when the process has no file descriptors left.
    init?() {
        guard let pipe = WakePipe() else { return nil }
        self.pipe = pipe
    }

    var isRaised: Bool { raised.load(ordering: .acquiring) }

    func raise() {
        raised.store(true, ordering: .releasing)
        pipe.wake()
    }
}

/// Lets one task wait for the end of something that is not a task.
private final class Ended: Sendable {
    private enum State {
        case running
        case awaited(CheckedContinuation<Void, Never>)
        case over
    }

    private let state = Mutex(State.running)

    func tell() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            defer { state = .over }
            guard case .awaited(let waiter) = state else { return nil }
            return waiter
        }
        waiter?.resume()
    }

    /// To be called once.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if case .over = state { return true }
                state = .awaited(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }
}

/// Whether the mDNS daemon takes questions.
package enum MulticastTrial {
    /// Asks the daemon to look for nodes, and withdraws that at once. Blocks until the daemon has answered.
    ///
    /// - Returns: Why there is no mDNS, and how to fix it, in words; `nil` when there is.
    package static func run() -> String? {
        do throws(DNSSDError) {
            _ = try DNSSDOperation.browse(with: .load())
            return nil
        } catch {
            return error.description
        }
    }
}
