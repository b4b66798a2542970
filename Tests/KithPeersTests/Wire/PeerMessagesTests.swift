// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithMembership
import KithModel
import KithPeers
import KithStore
import KithSurfaceTesting
import KithTesting
import KithTrust
import Testing

@Suite("Messages between nodes")
struct PeerMessagesTests {
    private static func hello() throws -> PeerHello {
        PeerHello(
            name: try #require(NodeName("desk")), version: "1.0", features: ["a", "b"],
            instance: InstanceID(startedAt: .now(), salt: 7),
            addresses: [try #require(PeerAddress("[2001:db8::1]:7443")), try #require(PeerAddress("desk.local"))])
    }

    private static func load() throws -> PeerLoad {
        PeerLoad(
            name: try #require(NodeName("desk")), version: "1.0", catalogue: .max, loading: true,
            resident: ["m:latest"],
            slots: 4, outstanding: 3, level: 1.5, machine: machine)
    }

    private static let machine = MachineFacts(
        memory: .init(total: .max, free: .max), accelerator: .init(total: .max, free: .max),
        battery: .init(isInUse: true, percent: 100), isLidClosed: true
    ).sparing(below: 101)

    @Test("All that a node can say of itself is short enough to be told")
    func longest() throws {
        let many = (0..<1_000).map { ModelID("\u{1}\u{1}\"/\($0)") }
        let down = String(String(repeating: "\u{1}", count: 1_000).cut(toBytes: 240))
        let load = PeerLoad(
            name: try #require(NodeName(String(repeating: "n", count: 64))), version: String(repeating: "9", count: 64),
            catalogue: .max, loading: false, resident: PeerLoad.fitting(many), slots: .max, outstanding: .max,
            level: -Double.greatestFiniteMagnitude, isCell: true, isDraining: true, engineDown: down,
            clientAddress: "https://" + String(repeating: "a", count: 253) + ":65535", fallsAsleep: true,
            machine: Self.machine)
        #expect(try JSONBody.encode(load).count <= NodeMetadata.payloadLimit)
    }

    @Test("A node that says nothing of its machine is read as before")
    func older() throws {
        var older = try Self.load()
        older.machine = nil
        let text = String(decoding: try JSONBody.encode(older), as: UTF8.self)
        #expect(!text.contains("machine"))
        #expect(try JSONBody.decode(PeerLoad.self, from: Array(text.utf8)).machine == nil)
    }

    @Test("Of models in memory no more are told than fit into what is told at once")
    func resident() throws {
        #expect(PeerLoad.fitting(nil) == nil)
        #expect(PeerLoad.fitting([]) == [])
        #expect(PeerLoad.fitting(["a", "b"]) == ["a", "b"])
        let many = (0..<1_000).map { ModelID("a-model-with-a-long-name:\($0)") }
        let told = PeerLoad.fitting(many) ?? []
        #expect(told.count > 20 && told.count < 60)
        #expect(PeerLoad.fitting([ModelID(String(repeating: "x", count: 5_000))]) == [])
        let escaped = PeerLoad.fitting((0..<1_000).map { ModelID("\u{1}\u{1}\"/\($0)") }) ?? []
        #expect(try JSONBody.encode(escaped).count <= 1_030)
    }

    private static func hardware() throws -> PeerHardware {
        let networks = ["10.0.0.0/24", "fd00::/64"].compactMap { AddressRange($0) }
        let card = NetworkCard(hardware: try #require(HardwareAddress("02:00:00:00:00:01")), networks: networks)
        return PeerHardware(cards: [card, card], allowsPrompts: true)
    }

    private static let models = PeerModels(
        catalogue: 5, models: [ModelInfo(id: "echo", contextLength: 8192), ModelInfo(id: "é\u{2028}", embeds: true)])

    private static func operations() async throws -> OperationsMessage {
        let book = try await TrustStore.open(identity: .temporary(), store: .inMemory())
        for number in 1...3 {
            let address = try #require(PeerAddress(host: "127.0.0.1", port: number))
            try await book.admit(
                NodeIdentity.temporary().id, as: .kin, name: NodeName("n\(number)"), addresses: [address], at: .now())
        }
        let nothing = try await TrustStore.open(identity: .temporary(), store: .inMemory()).question()
        return try await book.exchange(nothing)
    }

    private static func samples() async throws -> [(bytes: [UInt8], read: @Sendable ([UInt8]) throws -> [UInt8])] {
        func sample<Message: Codable & Sendable>(
            _ message: Message
        ) throws -> (bytes: [UInt8], read: @Sendable ([UInt8]) throws -> [UInt8]) {
            (try JSONBody.encode(message), { try JSONBody.encode(JSONBody.decode(Message.self, from: $0)) })
        }
        return [
            try sample(try hello()), try sample(try load()), try sample(models), try sample(try await operations()),
            try sample(PeerRefusal(.kinOnly)), try sample(try hardware()),
            try sample(PeerWakeAnswer(networks: try hardware().cards.flatMap(\.networks), refusal: .notSent)),
            try sample(PeerWakeRequest(node: try NodeIdentity.temporary().id)),
        ]
    }

    @Test("What is read is what was written")
    func roundTrip() async throws {
        for sample in try await Self.samples() {
            let (before, after) = (sample.bytes, try sample.read(sample.bytes))
            #expect(
                try JSONBody.decode(JSONValue.self, from: after) == JSONBody.decode(JSONValue.self, from: before))
        }
        let hello = try Self.hello()
        #expect(try JSONBody.decode(PeerHello.self, from: JSONBody.encode(hello)) == hello)
        let load = try Self.load()
        #expect(try JSONBody.decode(PeerLoad.self, from: JSONBody.encode(load)) == load)
    }

    @Test("A spoilt message is read or refused, and never traps", arguments: 1...8 as ClosedRange<UInt64>)
    func hostile(seed: UInt64) async throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for sample in try await Self.samples() {
            for _ in 0..<250 {
                let bytes = Mutations.spoil(sample.bytes, using: &generator)
                do {
                    _ = try sample.read(bytes)
                } catch {
                    #expect(error is ChatError, "\(error)")
                }
            }
        }
    }

    @Test("What spoilt operations say counts for nothing, and harms no book", arguments: [21, 22] as [UInt64])
    func spoiltOperations(seed: UInt64) async throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let book = try await TrustStore.open(identity: .temporary(), store: .inMemory())
        let before = book.question().versions
        let good = try await Self.operations()
        for _ in 0..<60 {
            var message = good
            message.operations = message.operations.map { operation in
                var operation = operation
                operation.bytes = Mutations.spoil(operation.bytes, using: &generator)
                return operation
            }
            let changed = zip(message.operations, good.operations).allSatisfy { $0.bytes != $1.bytes }
            guard changed else { continue }
            _ = try await book.exchange(message)
        }
        #expect(book.kin.isEmpty)
        #expect(book.question().versions == before)
    }

    @Test("More operations than a message holds are refused")
    func tooMany() async throws {
        var message = try await Self.operations()
        let operation = try #require(message.operations.first)
        message.operations = [SignedOperation](repeating: operation, count: TrustLog.batchLimit)
        #expect(throws: Never.self) {
            try JSONBody.decode(OperationsMessage.self, from: JSONBody.encode(message))
        }
        message.operations.append(operation)
        #expect(throws: (any Error).self) {
            try JSONBody.decode(OperationsMessage.self, from: JSONBody.encode(message))
        }
    }

    @Test(
        "Versions have in common what both speak",
        arguments: [
            (1, 1, 1, 1, 1), (1, 3, 2, 5, 3), (2, 5, 1, 3, 3), (1, 1, 2, 2, nil), (2, 2, 1, 1, nil), (3, 1, 1, 3, nil),
        ])
    func versions(sample: (Int, Int, Int, Int, Int?)) {
        let ours = ProtocolVersions(lowest: sample.0, highest: sample.1)
        let theirs = ProtocolVersions(lowest: sample.2, highest: sample.3)
        #expect(ours.common(with: theirs) == sample.4)
    }
}
