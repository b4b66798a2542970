// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel

/// Whether a listener of the node that runs is open, and its own.
struct OpenPortDiagnosis: Diagnosis {
    let check = CheckID.port
    var title: String { "port \(port)" }
    var subject: String? { "\(host):\(port)" }

    let name: String
    let host: String
    let port: Int
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
                    fix: Finding.Fix("stop the node and start it again", command: "kith up"), of: subject)
            ]
        }
        return [Finding(check, title, .ok, "open for \(name), held by this node", of: subject)]
    }
}
