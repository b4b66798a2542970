// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithMembership

@Suite("Service text")
struct ServiceTextTests {
    private func record(_ strings: String...) -> [UInt8] {
        strings.flatMap { [UInt8(truncatingIfNeeded: $0.utf8.count)] + Array($0.utf8) }
    }

    @Test("What is written is read")
    func roundTrip() throws {
        let text = ServiceText(id: try TestID.make(5), version: "1.2.3", protocolVersion: 4)
        #expect(ServiceText(record: text.record) == text)
        #expect(text.record.count < 255)
    }

    @Test("Keys in any case and order are read, unknown ones skipped, and of two the first counts")
    func keys() throws {
        let id = try TestID.make(5)
        let text = ServiceText(record: record("P=2", "flag", "", "x=y", "ID=\(id)", "v=1", "v=2", "=odd"))
        #expect(text == ServiceText(id: id, version: "1", protocolVersion: 2))
    }

    @Test(
        "What cannot be used is left out",
        arguments: [
            [], [0], [255], [5, 0x69], [3, 0x70, 0x3D, 0xFF], Array("\u{6}p=1e99".utf8), Array("\u{4}id=x".utf8),
            Array(repeating: 0, count: 70_000),
        ] as [[UInt8]])
    func rubbish(bytes: [UInt8]) {
        #expect(ServiceText(record: bytes) == ServiceText(id: nil, version: nil, protocolVersion: nil))
    }

    @Test("A record that ends early is read as far as it goes")
    func cut() {
        #expect(ServiceText(record: record("p=7") + [200, 0x76, 0x3D, 0x31]).protocolVersion == 7)
    }

    @Test(
        "A spoilt record never traps, and nothing long or unprintable is suggested",
        arguments: 1...20 as ClosedRange<UInt64>)
    func hostile(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let whole = ServiceText(id: try TestID.make(5), version: "1.2.3", protocolVersion: 4).record
        let address = try #require(PeerAddress("a:1"))
        for _ in 0..<500 {
            let text = ServiceText(record: Mutations.spoil(whole, using: &generator))
            let shown = Suggestion(address: address, version: text.version).version ?? ""
            #expect(shown.utf8.count <= 32 && shown.utf8.allSatisfy { (0x21...0x7E).contains($0) })
        }
    }

    @Test("An advertised name fits into a label and tells nodes of one name apart")
    func instanceNames() throws {
        let name = try #require(NodeName(String(repeating: "n", count: 64)))
        let one = InstanceName.of(name, try TestID.make(1))
        let two = InstanceName.of(name, try TestID.make(2))
        #expect(one != two)
        #expect(one.utf8.count <= 63)
        #expect(InstanceName.nodeName(in: "desk ABCDEFG (2)")?.rawValue == "desk")
        #expect(InstanceName.nodeName(in: "Büro") == nil)
    }
}
