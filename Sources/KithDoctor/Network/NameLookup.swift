// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the system's resolver says of a name.
enum NameLookup: Hashable, Sendable {
    /// Each once, in the resolver's order; not empty.
    case found([IPAddress], Duration)
    case failed(String, Duration)
    case timedOut(Duration)

    static let limit = Duration.milliseconds(2_500)

    /// A numeric address is found without a resolver.
    static func run(_ host: String, clock: any TimeSource, limit: Duration = Self.limit) async -> NameLookup {
        if let address = IPAddress(host) { return .found([address], .zero) }
        let start = clock.now
        let result = await OffThread.run(limit: limit) { resolve(host) }
        let took = clock.now - start
        switch result {
        case .success(let addresses)?: return .found(addresses, took)
        case .failure(let failure)?: return .failed(failure.reason, took)
        case nil: return .timedOut(took)
        }
    }

    private struct Failure: Error { var reason: String }

    private static func resolve(_ host: String) -> Result<[IPAddress], Failure> {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var first: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &first)
        guard code == 0 else { return .failure(Failure(reason: String(cString: gai_strerror(code)))) }
        defer { freeaddrinfo(first) }
        var found: [IPAddress] = []
        var next = first
        while let entry = next?.pointee, found.count < 16 {
            next = entry.ai_next
            guard let address = entry.ai_addr.flatMap({ IPAddress(socketAddress: $0) }), !found.contains(address) else {
                continue
            }
            found.append(address)
        }
        return found.isEmpty ? .failure(Failure(reason: "the name has no address")) : .success(found)
    }
}

/// Whether this machine can resolve its own name, and how long names take.
struct HostNameDiagnosis: Diagnosis {
    let check = CheckID.hostName
    let title = "host name"
    var subject: String? { name }

    let name: String
    let clock: any TimeSource

    func run() async -> [Finding] { [Self.finding(name, await NameLookup.run(name, clock: clock))] }

    static func finding(_ name: String, _ lookup: NameLookup) -> Finding {
        switch lookup {
        case .found(let addresses, let took) where took <= ReachVerdict.slowLookup:
            let list = addresses.prefix(3).map(\.description).joined(separator: ", ")
            return Finding(.hostName, "host name", .ok, "\(name) is \(list)", of: name, took: took)
        case .found(_, let took), .timedOut(let took):
            return Finding(
                .hostName, "host name", .warning, "names resolve slowly: this machine's own took \(took.shortText)",
                fix: Finding.Fix(
                    "a name server in /etc/resolv.conf does not answer: remove it, and put \(name) into /etc/hosts",
                    command: "cat /etc/resolv.conf"),
                of: name, took: took)
        case .failed(let reason, let took):
            return Finding(
                .hostName, "host name", .notice,
                "this machine's own name \(name) does not resolve (\(reason)); kith does not "
                    + "need it to", of: name, took: took)
        }
    }
}
