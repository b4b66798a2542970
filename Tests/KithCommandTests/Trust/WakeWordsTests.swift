// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

@Suite("What kith wake says")
struct WakeWordsTests {
    private func wake(
        isUp: Bool = false, sent: [ControlMessage.Wake.Sent] = [], missed: [ControlMessage.Wake.Missed] = [],
        usual: Double? = nil
    ) throws -> ControlMessage.Wake {
        let id = try #require(NodeID(digest: [UInt8](repeating: 7, count: 32)))
        let name = try #require(NodeName("desk"))
        return ControlMessage.Wake(
            peer: .init(id: id, name: name, tier: .kin), isUp: isUp, sent: sent, missed: missed, usualSeconds: usual)
    }

    @Test("Who has sent stands with the networks, and who has not with the reason")
    func sent() throws {
        let (laptop, shelf) = (try #require(NodeName("laptop")), try #require(NodeName("shelf")))
        let wake = try wake(
            sent: [.init(node: laptop, networks: ["10.0.0.0/24", "fd00::/64"])],
            missed: [.init(node: shelf, reason: "did not\u{1B}[31m answer")])
        let lines = WakeWords.sent(wake)
        #expect(lines.first == "sent by laptop on 10.0.0.0/24, fd00::/64")
        #expect(lines.last?.hasPrefix("not sent: shelf did not") == true)
        #expect(!lines.joined().contains("\u{1B}"))
    }

    @Test("One that is up is not waited for, and the usual time is told where it is known")
    func states() throws {
        #expect(WakeWords.sent(try wake(isUp: true)) == ["desk is up already"])
        #expect(WakeWords.waiting(try wake()) == "waiting for desk")
        #expect(WakeWords.waiting(try wake(usual: 8.5)) == "waiting for desk, usually up after 8.5 s")
        #expect(WakeWords.up(try wake(), after: .milliseconds(8_240)) == "desk is up, after 8.2 s")
        #expect(WakeWords.late(try wake(), after: .seconds(120)).hasPrefix("desk is not up after 120 s"))
    }
}
