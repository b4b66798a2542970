// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import NIOCore
import NIOPosix
import SystemPackage

/// The way to one port of one machine, in the steps that one would take by hand: name, ping, connection.
struct Reach: Sendable {
    var host: String
    var port: Int
    var lookup: NameLookup
    /// The address that was tried; the first that is open.
    var address: IPAddress?
    var ping: PingTrial?
    var connection: ConnectionTrial?

    var isOpen: Bool { connection?.isOpen ?? false }

    var place: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }

    static func run(_ host: String, port: Int, clock: any TimeSource) async -> Reach {
        let lookup = await NameLookup.run(host, clock: clock)
        var reach = Reach(host: host, port: port, lookup: lookup)
        guard case .found(let addresses, _) = lookup, let first = addresses.first else { return reach }
        async let ping = PingTrial.run(first, clock: clock)
        let (trial, address) = await ConnectionTrial.run(addresses, port: port, clock: clock)
        reach.connection = trial
        reach.address = address ?? first
        reach.ping = await ping
        return reach
    }
}

/// What the steps mean.
struct ReachVerdict: Sendable {
    enum Platform: Sendable { case linux, macOS }

    /// A resolver that takes longer than this delays every connection.
    static let slowLookup = Duration.seconds(1)

    var reach: Reach
    /// What should be there: `laptop`, `the cell`.
    var who: String
    /// The severity when it is not there.
    var severity: Finding.Severity
    /// What starts it there.
    var startIt: Finding.Fix
    var platform: Platform = .current

    /// Up to the first step that failed; those after it are not mentioned.
    func findings(of subject: String) -> [Finding] {
        guard let name = nameFinding else { return [unknownName].map { $0.about(subject) } }
        return (name + [pingFinding, connectFinding].compactMap { $0 }).map { $0.about(subject) }
    }

    /// Empty for a numeric address; `nil` when the name has no address.
    private var nameFinding: [Finding]? {
        guard case .found(let addresses, let took) = reach.lookup else { return nil }
        guard IPAddress(reach.host) == nil else { return [] }
        let list = addresses.prefix(3).map(\.description).joined(separator: ", ")
        guard took > Self.slowLookup else {
            return [Finding(.dns, "name", .ok, "\(reach.host) is \(list)", took: took)]
        }
        return [
            Finding(
                .dns, "name", .warning,
                "looking up \(reach.host) took \(took.shortText); every connection waits for that",
                fix: Finding.Fix(
                    "one of the name servers in /etc/resolv.conf does not answer: remove it, or write the address "
                        + "\(list) in place of the name"),
                took: took)
        ]
    }

    private var unknownName: Finding {
        let seen: String
        switch reach.lookup {
        case .failed(let reason, _): seen = "the name \(reach.host) cannot be resolved: \(reason)"
        case .timedOut(let took): seen = "the name servers did not answer for \(reach.host) within \(took.shortText)"
        case .found: seen = "the name \(reach.host) has no address"
        }
        let local = reach.host.hasSuffix(".local")
        return Finding(
            .dns, "name", severity, seen,
            fix: Finding.Fix(
                local
                    ? "names ending in .local need mDNS on both machines (Debian: libnss-mdns and avahi-daemon); or "
                        + "write the address in figures"
                    : "correct the name, or write the address in figures; a name of your own network can stand in "
                        + "/etc/hosts",
                command: "getent hosts \(reach.host)"))
    }

    private var pingFinding: Finding? {
        switch reach.ping {
        case .answered(let took): Finding(.ping, "ping", .ok, "the machine answers ping", took: took)
        case .silent:
            Finding(
                .ping, "ping", reach.isOpen ? .skipped : .notice,
                "the machine does not answer ping" + (reach.isOpen ? ", as some firewalls have it" : ""))
        case .notPermitted:
            Finding(
                .ping, "ping", .skipped,
                "this user may not ping (net.ipv4.ping_group_range); a connection says more anyway")
        case .noRoute(let why): Finding(.ping, "ping", .notice, "no way there: \(why)")
        case nil: nil
        }
    }

    private var connectFinding: Finding? {
        switch reach.connection {
        case .open(let took):
            Finding(.connect, "tcp", .ok, "\(reach.place) takes connections", took: took)
        case .refused(let took):
            Finding(
                .connect, "tcp", severity,
                "\(reach.place) refuses connections: the machine is there, and nothing listens on that port",
                fix: startIt, took: took)
        case .timedOut(let took): silence(took)
        case .noRoute(let why): noRoute(why)
        case .failed(let why): Finding(.connect, "tcp", severity, "no connection to \(reach.place): \(why)")
        case nil: nil
        }
    }

    private func silence(_ took: Duration) -> Finding {
        if case .answered = reach.ping {
            return Finding(
                .connect, "tcp", severity,
                "\(reach.place) answers ping, but connections are dropped without a word: a firewall is in the way",
                fix: Finding.Fix(
                    "let TCP port \(reach.port) through on the machine of \(who), and on the router between",
                    command: "sudo ufw allow \(reach.port)/tcp"),
                took: took)
        }
        return Finding(
            .connect, "tcp", severity,
            "\(reach.place) does not answer at all within \(took.shortText): packets are dropped, or the machine is "
                + "off, "
                + "asleep or in another network",
            fix: Finding.Fix(
                "see whether the machine of \(who) is awake and still has the address "
                    + "\(reach.address?.description ?? reach.host); "
                    + "if so, let TCP port \(reach.port) through its firewall"),
            took: took)
    }

    private func noRoute(_ why: String) -> Finding {
        let isNear = reach.address.map { $0.isPrivate } ?? false
        if platform == .macOS, isNear {
            return Finding(
                .connect, "tcp", severity,
                "no route to \(reach.place): macOS says so too when it has not been allowed to reach the local network",
                fix: Finding.Fix(
                    "System Settings, Privacy & Security, Local Network: allow it for the terminal or for kith, then "
                        + "try again"
                ))
        }
        return Finding(
            .connect, "tcp", severity, "no way to \(reach.place): \(why)",
            fix: Finding.Fix(
                "this machine is not in that network, or its cable or wireless network is off; the command shows the "
                    + "routes",
                command: platform == .macOS ? "netstat -rn" : "ip route"))
    }
}

extension ReachVerdict.Platform {
    static var current: ReachVerdict.Platform {
        #if os(macOS)
            .macOS
        #else
            .linux
        #endif
    }
}

/// The outcome of an attempt to open a TCP connection, as `telnet` would make it.
enum ConnectionTrial: Hashable, Sendable {
    case open(Duration)
    /// The machine answers, and nothing listens there.
    case refused(Duration)
    /// No answer of any kind.
    case timedOut(Duration)
    /// This machine, or a router, has no route there.
    case noRoute(String)
    case failed(String)

    static let limit = Duration.seconds(2)

    var isOpen: Bool {
        if case .open = self { true } else { false }
    }

    /// Tries the addresses one after another within the limit.
    ///
    /// - Returns: The result of the first that is open, or else of the last.
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
