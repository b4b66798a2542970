// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import KithDialects
import KithModel
import KithTesting
import Logging
import NIOCore
import Synchronization
import Testing

@testable import KithInference

/// Copies between machines that are made of memory, into a folder of the disk.
@Suite(.timeLimit(.minutes(1))) struct WeightsCopyTests {
    private enum Fault: Hashable, Sendable {
        case flipped, failing, short, long
        /// Some bytes now and then, for as long as anybody takes them.
        case trickling
    }

    /// A machine that sends pieces of some bytes, and each piece as the test says.
    private final class Machine: WeightsHolder {
        let name: String
        private let content: [UInt8]
        private let layout: PieceLayout?
        private let fault: @Sendable (Int) -> Fault?
        let asked = Mutex<[Int]>([])
        let isLeft = Mutex(false)

        init(_ name: String, _ content: [UInt8], _ fault: @escaping @Sendable (Int) -> Fault? = { _ in nil }) {
            self.name = name
            self.content = content
            self.fault = fault
            layout = PieceLayout(bytes: content.count)
        }

        struct Gone: Error {}

        func bring(_ digest: WeightsDigest, piece: Int, take: (ByteBuffer) async throws -> Void) async throws {
            asked.withLock { $0.append(piece) }
            guard let layout else { throw Gone() }
            var bytes = Array(content[layout.range(of: piece)])
            switch fault(piece) {
            case .flipped: bytes[bytes.count / 2] ^= 1
            case .failing: throw Gone()
            case .short: bytes.removeLast()
            case .long: bytes.append(0)
            case .trickling:
                for byte in bytes {
                    try await take(ByteBuffer(bytes: [byte]))
                    try await Task.sleep(for: .milliseconds(10))
                }
            case nil: break
            }
            for start in stride(from: 0, to: bytes.count, by: 300_000) {
                try await take(ByteBuffer(bytes: bytes[start..<min(start + 300_000, bytes.count)]))
            }
        }

        func leave() { isLeft.withLock { $0 = true } }
    }

    private struct Source: WeightsSource {
        let name = "desk"
        var offer: WeightsMessage.Offer
        var machines: [Machine]

        func offer(of model: String) async throws -> WeightsMessage.Offer { offer }
        func holders(of seal: Seal) async -> [any WeightsHolder] { machines }
    }

    private struct Shelf: ModelStore {
        let folder: String
        /// Is told whether another copy could write what is given to the engine.
        var whenTaking: @Sendable (_ couldBeWritten: Bool) -> Void = { _ in }
        var place: ModelPlace { ModelPlace(kind: .embedded, folder: folder) }
        var takes: WeightsForm? { .gguf }
        func kept() async throws -> [KeptModel] { [] }
        func take(_ model: ModelID, of parts: [ArrivedWeights]) async throws -> [WeightsDigest: String] {
            whenTaking((try? ArrivingFile(parts[0].path, bytes: 1)) != nil)
            let path = folder + "/\(model).gguf"
            try FileManager.default.moveItem(atPath: parts[0].path, toPath: path)
            return [parts[0].digest: path]
        }
    }

    /// What is told of a copy.
    private final class Signs: Sendable {
        let all = Mutex<[PullSign]>([])
    }

    /// Some megabytes, which go with the test.
    private final class Folder: Sendable {
        let path = FileManager.default.temporaryDirectory.appending(path: "kith-weights-\(UUID())").path

        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private let owned: Folder
    private var folder: String { owned.path }
    private let content: [UInt8]
    private let seal: Seal
    private let clock = ManualClock()
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let signs = Signs()

    init() throws {
        owned = try Folder()
        var generator = SeededGenerator(seed: 1)
        content = (0..<(3 * PieceLayout.ordinary + 1_000) / 8).flatMap { _ in
            withUnsafeBytes(of: generator.next()) { Array($0) }
        }
        seal = try Self.seal(of: content)
    }

    private static func seal(of content: [UInt8], named digest: WeightsDigest? = nil) throws -> Seal {
        let layout = try #require(PieceLayout(bytes: content.count))
        let pieces = (0..<layout.count).compactMap {
            WeightsDigest(bytes: SHA256.hash(data: content[layout.range(of: $0)]))
        }
        let whole = try #require(WeightsDigest(bytes: SHA256.hash(data: content)))
        return try #require(Seal(digest ?? whole, bytes: content.count, pieces: pieces))
    }

    private func copy(
        _ seal: Seal? = nil, form: WeightsForm = .gguf, checking: WeightsMessage.Checking? = nil,
        times: Int = 1, from machines: [Machine],
        whenTaking: @escaping @Sendable (Bool) -> Void = { _ in }
    ) async throws {
        let part = (seal ?? self.seal).part(type: "gguf")
        var offer = WeightsMessage.Offer(name: "m", form: form, parts: Array(repeating: part, count: times))
        offer.checking = checking
        let copy = WeightsCopy(
            source: Source(offer: offer, machines: machines), folder: folder,
            seals: WeightsSeals(folder: nil, clock: clock, logger: logger), clock: clock, logger: logger
        ) { [signs] sign in signs.all.withLock { $0.append(sign) } }
        // Nothing waits long for the pauses after failures, and no piece is late that is being written.
        let time = Task {
            while !Task.isCancelled {
                clock.advance(by: .milliseconds(100))
                try await Task.sleep(for: .milliseconds(1))
            }
        }
        defer { time.cancel() }
        try await copy.run("m", into: Shelf(folder: folder, whenTaking: whenTaking))
    }

    private func refusal(_ work: () async throws -> Void) async -> ModelRefusal? {
        do {
            try await work()
            return nil
        } catch {
            return error as? ModelRefusal
        }
    }

    private var arrived: [UInt8]? { FileManager.default.contents(atPath: folder + "/m.gguf").map(Array.init) }

    @Test("A piece that one machine sends damaged is named, and got from another")
    func flipped() async throws {
        let machines = [Machine("desk", content) { $0 == 0 ? .flipped : nil }, Machine("attic", content)]
        try await copy(from: machines)
        #expect(arrived == content)
        #expect(
            signs.all.withLock { $0 }.contains {
                $0.status == "the bytes 0 to 4194303 of \(seal.digest) came damaged from desk"
            })
        #expect(machines.allSatisfy { $0.isLeft.withLock { $0 } })
        #expect(signs.all.withLock { $0 }.contains { $0.completed == content.count && $0.total == content.count })
    }

    @Test("What no machine sends whole is refused with its bytes, and the rest is kept and not asked for again")
    func damagedEverywhere() async throws {
        let desk = Machine("desk", content) { $0 == 1 ? .flipped : nil }
        let refusal = await refusal { try await copy(from: [desk]) }
        #expect(refusal?.reason == .damagedWeights)
        #expect(refusal?.message.contains("the bytes 4194304 to 8388607") == true)
        #expect(arrived == nil)
        let mended = Machine("desk", content)
        try await copy(from: [mended])
        #expect(mended.asked.withLock { $0 } == [1])
        #expect(arrived == content)
    }

    @Test(
        "A copy whose source goes is refused with what has come kept, and goes on where it was",
        arguments: [false, true])
    func interrupted(spoils: Bool) async throws {
        let leaving = Machine("desk", content) { $0 > 1 ? .failing : nil }
        #expect(await refusal { try await copy(from: [leaving]) }?.reason == .sourceLost)
        let part = folder + "/\(seal.digest.digits).part"
        if spoils {
            // The disk lost some of it meanwhile.
            let file = try #require(FileHandle(forUpdatingAtPath: part))
            try file.write(contentsOf: Data([0, 1, 2]))
            try file.close()
        }
        let back = Machine("desk", content)
        try await copy(from: [back])
        #expect(back.asked.withLock { $0.sorted() } == (spoils ? [0, 2, 3] : [2, 3]))
        #expect(arrived == content)
    }

    @Test(
        "A machine that fails, says too little or too much, or only trickles, is left for another",
        arguments: [Fault.failing, .short, .long, .trickling])
    private func others(fault: Fault) async throws {
        let machines = [Machine("desk", content) { _ in fault }, Machine("attic", content)]
        try await copy(from: machines)
        #expect(arrived == content)
    }

    @Test("Pieces that are as was said, of a whole that is not, are thrown away")
    func falseName() async throws {
        let other = try #require(WeightsDigest(bytes: SHA256.hash(data: Data("other".utf8))))
        let seal = try Self.seal(of: content, named: other)
        let refusal = await refusal { try await copy(seal, from: [Machine("desk", content)]) }
        #expect(refusal?.reason == .damagedWeights)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }

    @Test(
        "A machine that does not get on with reading, or tells numbers that cannot be, is given up",
        arguments: [(1 << 62, 1 << 62), (.min, .max), (.max, -1), (5, 0), (0, 10)] as [(Int, Int)])
    func absurdProgress(completed: Int, total: Int) async {
        let checking = WeightsMessage.Checking(completedBytes: completed, totalBytes: total)
        let refusal = await refusal { try await copy(checking: checking, from: [Machine("desk", content)]) }
        #expect(refusal?.reason == .sourceLost)
    }

    @Test("Nobody else writes what was found whole before the engine has it")
    func held() async throws {
        let couldBeWritten = Mutex<Bool?>(nil)
        try await copy(from: [Machine("desk", content)]) { could in couldBeWritten.withLock { $0 = could } }
        #expect(couldBeWritten.withLock { $0 } == false)
        #expect(arrived == content)
    }

    @Test("A file that another copy is getting is waited for")
    func shared() async throws {
        let other = Mutex<ArrivingFile?>(
            try ArrivingFile(folder + "/\(seal.digest.digits).part", bytes: content.count))
        async let copied: Void = copy(from: [Machine("desk", content)])
        while !signs.all.withLock({ $0.contains { $0.status == "waiting for another copy of the same file" } }) {
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(arrived == nil)
        other.withLock { $0 = nil }
        try await copied
        #expect(arrived == content)
    }

    @Test("A file that is named twice is got once, and not waited for", .timeLimit(.minutes(1)))
    func twice() async throws {
        let desk = Machine("desk", content)
        try await copy(times: 2, from: [desk])
        #expect(arrived == content && desk.asked.withLock { $0.count } == 4)
    }

    @Test("Weights of another form are not taken")
    func form() async {
        #expect(await refusal { try await copy(form: .ollama, from: [Machine("desk", content)]) }?.reason == .noWeights)
    }
}
