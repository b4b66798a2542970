// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import NIOCore
import NIOPosix
import SystemPackage

/// What became of an attempt to open a TCP connection, as `telnet` would make it.
enum ConnectionTrial: Hashable, Sendable {
    case open(Duration)
    /// The machine answers, and nothing listens there.
    case refused(Duration)
    /// No answer of any kind.
    case timedOut(Duration)
    /// This machine, or a router, knows no way there.
    case noRoute(String)
    case failed(String)

    static let limit = Duration.seconds(2)

    var isOpen: Bool {
        if case .open = self { true } else { false }
    }

    /// Tries the addresses one after another within the limit, and tells of the first that is open, else of the last.
    static func run(
        _ addresses: [IPAddress], port: Int, clock: any TimeSource, limit: Duration = Self.limit
    ) async -> (trial: ConnectionTrial, address: IPAddress?) {
        let deadline = clock.now + limit
        var last: (ConnectionTrial, IPAddress?) = (.failed("there is no address"), nil)
        for (index, address) in addresses.prefix(4).enumerated() {
            let left = deadline - clock.now
            guard left > .zero else { break }
            // A silent address must leave time for those after it.
            let share = index + 1 == min(addresses.count, 4) ? left : min(left, .milliseconds(900))
            let trial = await run(address, port: port, clock: clock, limit: share)
            last = (trial, address)
            if trial.isOpen { break }
        }
        return last
    }

    private static func run(
        _ address: IPAddress, port: Int, clock: any TimeSource, limit: Duration
    ) async -> ConnectionTrial {
        let start = clock.now
        do {
            let target = try SocketAddress.makeAddressResolvingHost(address.description, port: port)
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connectTimeout(TimeAmount(limit)).connect(to: target).get()
            let took = clock.now - start
            try? await channel.close()  // it has served its purpose
            return .open(took)
        } catch let error as IOError {
            return ConnectionTrial(Errno(rawValue: error.errnoCode), after: clock.now - start)
        } catch ChannelError.connectTimeout {
            return .timedOut(clock.now - start)
        } catch {
            return .failed("\(error)")
        }
    }

    init(_ code: Errno, after duration: Duration) {
        switch code {
        case .connectionRefused: self = .refused(duration)
        case .timedOut: self = .timedOut(duration)
        case .noRouteToHost, .networkUnreachable, .networkDown, .addressNotAvailable: self = .noRoute("\(code)")
        default: self = .failed("\(code)")
        }
    }
}
