// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import NIOCore
import NIOPosix
import SystemPackage

/// A listener that a node opens, by its settings.
struct ListenerPlace: Hashable, Sendable {
    /// What it is for: `clients`, `peers`, `cell`.
    var name: String
    var host: String
    /// 0 stands for any free port.
    var port: Int
    /// The flag that chooses another port.
    var flag: String
    /// Who takes a free port when this one is taken, because no setting asks for it.
    var givesWay: Yielding?

    enum Yielding: String, Sendable {
        case node = "a node"
        /// Not to another node, which it takes for the one that is to be set up.
        case setup = "kith setup"
    }

    func givesWay(to holder: PortHolder?) -> Bool {
        switch givesWay {
        case .node: true
        case .setup: holder?.isNode != true
        case nil: false
        }
    }
}

/// Whether a node that does not run could open one of its listeners.
struct PortDiagnosis: Diagnosis {
    let check = CheckID.port
    var title: String { "port \(place.port)" }
    var subject: String? { "\(place.host):\(place.port)" }

    let place: ListenerPlace
    var start = StartCommand.byHand

    func run() async -> [Finding] {
        guard place.port > 0 else {
            return [Finding(check, "port", .ok, "any free port for \(place.name)", of: place.name)]
        }
        let trial = await ListenTrial.run(host: place.host, port: place.port)
        let port = place.port
        let holder = trial == .taken ? await OffThread.run(limit: .seconds(1)) { PortHolder.find(port) } ?? nil : nil
        return [PortVerdict(place: place, start: start, trial: trial, holder: holder).finding]
    }
}

struct PortVerdict: Sendable {
    var place: ListenerPlace
    var start = StartCommand.byHand
    var trial: ListenTrial
    /// `nil` where the system does not tell.
    var holder: PortHolder?

    var finding: Finding {
        let port = place.port
        func finding(_ severity: Finding.Severity, _ seen: String, _ fix: Finding.Fix? = nil) -> Finding {
            Finding(.port, "port \(port)", severity, seen, fix: fix, of: "\(place.host):\(port)")
        }
        switch trial {
        case .free: return finding(.ok, "free for \(place.name)")
        case .taken where place.givesWay(to: holder):
            let taker = place.givesWay?.rawValue ?? "a node"
            return finding(
                .notice, "taken by \(who); \(taker) takes another one for \(place.name), as this was not asked for")
        case .taken: return finding(.error, "the port for \(place.name) is taken by \(who)", takenFix)
        case .notPermitted:
            return finding(
                .error, "this user may not listen on port \(port)",
                Finding.Fix("choose one above 1023", command: start.command(place.flag, "\(port + 8_000)")))
        case .noSuchAddress:
            return finding(
                .error, "this machine does not have the address \(place.host)",
                Finding.Fix("choose one that it has; the command lists them", command: "ip address"))
        case .failed(let why): return finding(.warning, "cannot be listened on: \(why)")
        }
    }

    private var who: String { holder?.words ?? "another program" }

    private var takenFix: Finding.Fix {
        let other = start.command(place.flag, "\(place.port < 65_000 ? place.port + 1 : 0)")
        guard let holder else {
            return Finding.Fix(
                "see who has it with: sudo ss -ltnp 'sport = :\(place.port)'; end that program, or choose another port",
                command: other)
        }
        return Finding.Fix("end \(holder.isNode ? "that node" : holder.name), or choose another port", command: other)
    }
}

/// Whether a port could be listened on now.
enum ListenTrial: Hashable, Sendable {
    case free
    case taken
    /// Ports below 1024 are for the system's own programs.
    case notPermitted
    /// This machine does not have the address.
    case noSuchAddress
    case failed(String)

    static func run(host: String, port: Int) async -> ListenTrial {
        do {
            let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: host, port: port).get()
            try await channel.close()
            return .free
        } catch let error as IOError {
            return ListenTrial(Errno(rawValue: error.errnoCode))
        } catch is SocketAddressError.UnknownHost where host == "::" {
            return await run(host: "0.0.0.0", port: port)  // as a node does
        } catch {
            return .failed("\(error)")
        }
    }

    init(_ code: Errno) {
        switch code {
        case .addressInUse: self = .taken
        case .permissionDenied, .notPermitted: self = .notPermitted
        case .addressNotAvailable, .addressFamilyNotSupported: self = .noSuchAddress
        default: self = .failed("\(code)")
        }
    }
}

/// Whether a listener of the running node is open, and belongs to that node.
struct OpenPortDiagnosis: Diagnosis {
    let check = CheckID.port
    var title: String { "port \(port)" }
    var subject: String? { "\(host):\(port)" }

    let name: String
    let host: String
    let port: Int
    let start: StartCommand
    let clock: any TimeSource

    func run() async -> [Finding] {
        let target = host == "::" || host == "0.0.0.0" ? "127.0.0.1" : host
        guard let address = IPAddress(target == "localhost" ? "127.0.0.1" : target) else {
            return [Finding(check, title, .skipped, "\(host) is no address of this machine", of: subject)]
        }
        let (trial, _) = await ConnectionTrial.run([address], port: port, clock: clock, limit: .seconds(1))
        guard trial.isOpen else {
            return [
                Finding(
                    check, title, .error, "the node does not take connections for \(name) on \(host):\(port)",
                    fix: Finding.Fix("stop the node and start it again", command: start.command()), of: subject)
            ]
        }
        return [Finding(check, title, .ok, "open for \(name), held by this node", of: subject)]
    }
}
