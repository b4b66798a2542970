// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import Testing

@Suite("Hardware addresses, and what is kept with them")
struct HardwareAddressTests {
    private func card(_ hardware: String, _ networks: String...) throws -> NetworkCard {
        NetworkCard(
            hardware: try #require(HardwareAddress(hardware)), networks: networks.compactMap { AddressRange($0) })
    }

    @Test("An address is read and written back in small letters")
    func roundTrip() {
        #expect(HardwareAddress("02:6B:69:74:68:0b")?.description == "02:6b:69:74:68:0b")
    }

    @Test(
        "What names no single interface is refused",
        arguments: [
            "", "02:6b:69:74:68", "02:6b:69:74:68:0b:00", "02-6b-69-74-68-0b", "02:6b:69:74:68:xx", "+2:6b:69:74:68:0b",
            "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "2:6b:69:74:68:0bb",
        ])
    func refused(text: String) {
        #expect(HardwareAddress(text) == nil)
    }

    @Test("The packet has six bytes of ones and the address sixteen times, and nothing else")
    func magicPacket() throws {
        let packet = try #require(HardwareAddress("02:6b:69:74:68:0b")).magicPacket
        #expect(packet.count == 102)
        #expect(packet.prefix(6).allSatisfy { $0 == 0xFF })
        for place in 0..<16 {
            #expect(Array(packet[(6 + place * 6)..<(12 + place * 6)]) == [0x02, 0x6B, 0x69, 0x74, 0x68, 0x0B])
        }
    }

    @Test("Of more networks than a card has room for the first are kept, each once, also of what others send")
    func networkLimit() throws {
        let texts = (0..<9).map { "10.0.\($0 / 2).0/24" }
        let card = try NetworkCard(
            hardware: #require(HardwareAddress("02:00:00:00:00:01")), networks: texts.compactMap { AddressRange($0) })
        #expect(card.networks.map(\.description) == ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"])
        let sent =
            #"{"hardware":"02:00:00:00:00:01","networks":["# + texts.map { "\"\($0)\"" }.joined(separator: ",") + "]}"
        let read = try JSONDecoder().decode(NetworkCard.self, from: Data(sent.utf8))
        #expect(read.networks.count <= NetworkCard.networkLimit)
        #expect(try JSONDecoder().decode(NetworkCard.self, from: JSONEncoder().encode(card)) == card)
    }

    @Test("More models than there is room for are not kept")
    func modelsLimit() {
        var notes = WakeNotes()
        notes.fellAsleep(at: .epoch, models: [UInt8](repeating: 7, count: WakeNotes.modelsLimit))
        #expect(notes.models.count == WakeNotes.modelsLimit)
        notes.fellAsleep(at: .epoch, models: [UInt8](repeating: 7, count: WakeNotes.modelsLimit + 1))
        #expect(notes.models.isEmpty)
        #expect(notes.asleepSince == .epoch)
    }

    @Test("The usual time is the median of the last five, and what took a quarter of an hour was somebody else's doing")
    func usualTime() {
        var notes = WakeNotes()
        #expect(notes.usualTime == nil)
        for seconds in [90, 8, 9, 10, 11, 12, 3_600, -1] { notes.woke(after: .seconds(seconds)) }
        #expect(notes.times == [8, 9, 10, 11, 12].map { .seconds($0) })
        #expect(notes.usualTime == .seconds(10))
    }
}
