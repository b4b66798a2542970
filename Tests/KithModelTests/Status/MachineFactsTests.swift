// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import Testing

@Suite("What a machine has left, and runs on")
struct MachineFactsTests {
    private static let gigabyte = 1_000_000_000

    private static func machine(free: Int, cards: Int? = nil) -> MachineFacts {
        MachineFacts(
            memory: .init(total: 64 * gigabyte, free: free * gigabyte),
            accelerator: cards.map { .init(total: 24 * gigabyte, free: $0 * gigabyte) })
    }

    @Test("Whatever another machine says, no part is more than the whole, and no sum traps")
    func hostile() throws {
        let text =
            #"{"memory":{"total":10,"free":20},"accelerator":{"total":-5,"free":-9},"battery":{"isInUse":true,"percent":900}}"#
        let read = try JSONDecoder().decode(MachineFacts.self, from: Data(text.utf8))
        #expect(read.memory == .init(total: 10, free: 10))
        #expect(read.accelerator == .init(total: 0, free: 0))
        #expect(read.battery?.percent == 100)
        let huge = MachineFacts.Memory(total: .max, free: .max)
        #expect(MachineFacts.Memory.sum([huge, huge]) == huge)
        #expect(MachineFacts(memory: huge, accelerator: huge).missing(forWeights: .max) == nil)
        #expect(MachineFacts(memory: .init(total: 0, free: 0)).missing(forWeights: .max) == .max)
    }

    @Test("A model has room where its weights and a fifth more fit into what is free of all memory together")
    func room() {
        #expect(Self.machine(free: 6).missing(forWeights: 5 * Self.gigabyte) == nil)
        #expect(Self.machine(free: 5).missing(forWeights: 5 * Self.gigabyte) == Self.gigabyte)
        #expect(Self.machine(free: 2, cards: 4).missing(forWeights: 5 * Self.gigabyte) == nil)
        #expect(MachineFacts().missing(forWeights: 5 * Self.gigabyte) == nil)
    }

    @Test("A battery is spared while it is in use and low, or the lid is closed, unless its owner says never")
    func spared() {
        func spares(_ percent: Int?, inUse: Bool = true, lid: Bool? = nil, below: Int = 50) -> Bool? {
            MachineFacts(battery: .init(isInUse: inUse, percent: percent), isLidClosed: lid).sparing(below: below)
                .sparesBattery
        }
        #expect(spares(49) == true)
        #expect(spares(50) == nil)
        #expect(spares(nil) == true)
        #expect(spares(10, inUse: false) == nil)
        #expect(spares(90, lid: true) == true)
        #expect(spares(90, inUse: false, lid: true) == nil)
        #expect(spares(1, below: 0) == nil)
        #expect(MachineFacts().sparing(below: 50).sparesBattery == nil)
    }

    @Test("Small movements are no news")
    func news() {
        #expect(!Self.machine(free: 20).isNews(after: Self.machine(free: 21)))
        #expect(Self.machine(free: 20).isNews(after: Self.machine(free: 22)))
        #expect(Self.machine(free: 20, cards: 1).isNews(after: Self.machine(free: 20)))
        func charged(_ percent: Int, inUse: Bool = true) -> MachineFacts {
            MachineFacts(battery: .init(isInUse: inUse, percent: percent)).sparing(below: 50)
        }
        #expect(!charged(60).isNews(after: charged(63)))
        #expect(charged(60).isNews(after: charged(65)))
        #expect(charged(49).isNews(after: charged(50)))
        #expect(charged(60).isNews(after: charged(60, inUse: false)))
    }

    @Test("What a model is made of, and how large it is, reaches other machines")
    func travels() throws {
        let digest = String(repeating: "d", count: 64)
        let model = ModelInfo(id: "m", digest: digest, bytes: 5 * Self.gigabyte)
        let read = try JSONDecoder().decode(ModelInfo.self, from: JSONEncoder().encode(model))
        #expect(read == model)
        #expect(read.digest == digest)
        #expect(ModelInfo(id: "m", bytes: -1).bytes == nil)
    }
}
