// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel

struct Wake: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Wake a machine of yours that sleeps.",
        discussion: """
            A packet that wakes it (Wake-on-LAN) is sent from here and by your other machines that are up and on its \
            network, until it is there. Its hardware address was learned while it was up. The machine has to allow it: \
            see docs/sleep.md. It may be one that was switched off, where its firmware wakes it from that too.

            EXAMPLES:
              kith wake desk
              kith wake desk --no-wait
              kith wake desk --timeout 5m

            \(ExitStatus.explanation)
            """)

    /// Between two looks whether it is there.
    private static let pause = Duration.milliseconds(500)

    @OptionGroup var named: PeerArgument

    @OptionGroup var node: ControlFlags

    @Flag(name: .customLong("no-wait"), help: "Return when the packets are sent.")
    var returnsAtOnce = false

    @Option(help: ArgumentHelp("How long to wait for it, from 1s to 1h.", valueName: "time"))
    var timeout = "2m"

    @Flag(help: "Print who has sent, as JSON.")
    var json = false

    func run() async throws {
        let limit = try Lifetime(timeout, flag: "--timeout", within: 1...3_600)
        let client = try node.client()
        let wake: ControlMessage.Wake = try await client.post("/api/peers/\(named.peer)/wake", NoMessage())
        try Terminal.print(wake, json: json, or: WakeWords.sent(wake))
        if wake.isUp || returnsAtOnce { return }
        let began = MonotonicClock().now
        let meter = ProgressMeter()
        Terminal.note(WakeWords.waiting(wake))
        while MonotonicClock().now - began < .seconds(limit.seconds) {
            let status = try await client.get(NodeStatus.self, "/api/status")
            let waited = MonotonicClock().now - began
            if status.peers.contains(where: { $0.id == wake.peer.id.description && $0.state == "up" }) {
                meter.clear()
                return Terminal.note(WakeWords.up(wake, after: waited))
            }
            meter.show(ProgressBar("waited", done: Int(waited.seconds), of: nil, .things("s")))
            try await MonotonicClock().sleep(for: Self.pause)
        }
        meter.clear()
        throw CommandError(.failed, WakeWords.late(wake, after: .seconds(limit.seconds)))
    }
}
