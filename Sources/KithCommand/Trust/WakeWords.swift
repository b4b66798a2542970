// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel

/// The sentences of `kith wake`.
package enum WakeWords {
    /// Who has sent, on which networks, and who has not.
    package static func sent(_ wake: ControlMessage.Wake) -> [String] {
        if wake.isUp { return ["\(wake.peer.name) is up already"] }
        return wake.sent.map { "sent by \($0.node) on \($0.networks.joined(separator: ", "))".printable }
            + wake.missed.map { "not sent: \($0.node) \($0.reason)".printable }
    }

    /// Said while it is waited for.
    package static func waiting(_ wake: ControlMessage.Wake) -> String {
        let usual = wake.usualSeconds.map { ", usually up after \(StatusReport.rounded($0)) s" } ?? ""
        return "waiting for \(wake.peer.name)\(usual)"
    }

    package static func up(_ wake: ControlMessage.Wake, after time: Duration) -> String {
        "\(wake.peer.name) is up, after \(StatusReport.rounded((time.seconds * 10).rounded() / 10)) s"
    }

    package static func late(_ wake: ControlMessage.Wake, after time: Duration) -> String {
        "\(wake.peer.name) is not up after \(Int(time.seconds)) s; does its firmware allow Wake-on-LAN, and its network card "
            + "(docs/sleep.md)?"
    }
}
