// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel

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
