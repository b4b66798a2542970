// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import KithDialects
import KithModel
import KithTesting
import Logging
import NIOCore
import SystemPackage
import Testing

@testable import KithInference

/// What a node sends of its models, and what not.
@Suite(.timeLimit(.minutes(1))) struct WeightsOfficeTests {
    /// One model, in a file.
    private struct Store: ModelStore {
        let file: WeightsFile
        var place: ModelPlace { ModelPlace(kind: .embedded) }
        func kept() async throws -> [KeptModel] { [KeptModel(id: "m", residency: .onDisk)] }
        func weights(of model: ModelID) async throws -> WeightsFiles { WeightsFiles(.gguf, [file]) }
    }

    private struct Engine: ChatEngine {
        let base = EchoEngine()
        let modelStores: [any ModelStore]

        var kind: EngineKind { .echo }
        var capacity: EngineCapacity { base.capacity }
        func models() async throws -> [ModelInfo] { try await base.models() }
        func continuationWay(for request: ChatRequest) async throws -> ContinuationWay {
            try await base.continuationWay(for: request)
        }
        func health() async -> EngineHealth { .ready }
        func answer(_ request: ChatRequest) async throws -> ChatAnswer { try await base.answer(request) }
        func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer { try await base.embed(request) }
    }

    private struct NoStatus: EngineStatusSource {
        func status() -> EngineStatus { EngineStatus(kind: .echo, health: .ready, reason: "the test says so") }
    }

    private let content = Array("GGUF and then the weights".utf8)
    private let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "kith-office-\(UUID()).gguf").path
        try Data(content).write(to: URL(filePath: path))
    }

    private func office(expecting digest: WeightsDigest? = nil) -> WeightsOffice {
        let clock = MonotonicClock()
        let store = Store(file: WeightsFile(path: path, type: "gguf", digest: digest))
        let models = NodeModels(
            node: "desk", seat: EngineSeat(LocalEngine(engine: Engine(modelStores: [store]), clock: clock)),
            status: NoStatus(), clock: clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) {}
        return WeightsOffice(models: models, limit: nil, clock: clock) { false }
    }

    private func checked(_ office: WeightsOffice) async throws -> WeightsMessage.Offer {
        while true {
            let offer = try await office.offer(.init(name: "m"))
            if offer.checking == nil { return offer }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    private func reason(_ work: () async throws -> Void) async -> ModelRefusal.Reason? {
        do {
            try await work()
            return nil
        } catch {
            return (error as? ModelRefusal)?.reason
        }
    }

    @Test("A file is sent by its digest once its model was asked for, and never by a path or another digest")
    func byDigest() async throws {
        let office = office()
        let digest = try #require(WeightsDigest(bytes: SHA256.hash(data: content)))
        #expect(await reason { _ = try office.piece(.init(digest: digest, piece: 0)) } == .unknownModel)
        let offer = try await checked(office)
        #expect(offer.parts.map(\.digest) == [digest])
        #expect(!String(decoding: try JSONBody.encode(offer), as: UTF8.self).contains("kith-office"))
        let piece = try office.piece(.init(digest: digest, piece: 0))
        let block = try #require(try await piece.block(at: 0))
        #expect(Array(buffer: block) == content)
        #expect(try await piece.block(at: block.readableBytes) == nil)
        for number in [-1, 1, .max] {
            #expect(await reason { _ = try office.piece(.init(digest: digest, piece: number)) } == .badName)
        }
        for name in [path, "../m", "/etc/passwd"] {
            #expect(await reason { _ = try await office.offer(.init(name: name)) } == .unknownModel)
        }
        for text in [
            "\"../../etc/passwd\"", "\"sha256:../../../etc/passwd\"", "\"\(digest.digits.uppercased())\"", "\"\"",
        ] {
            #expect(throws: (any Error).self) { try JSONBody.decode(WeightsDigest.self, from: Array(text.utf8)) }
        }
    }

    @Test(
        "A file that has changed is not sent under its old digest, and one that is not what its engine says not at all")
    func changed() async throws {
        let office = office()
        let digest = try #require(try await checked(office).parts.first?.digest)
        try Data("GGUF and other weights".utf8).write(to: URL(filePath: path))
        #expect(await reason { _ = try office.piece(.init(digest: digest, piece: 0)) } == .unknownModel)
        let expecting = self.office(expecting: digest)
        #expect(await reason { _ = try await checked(expecting) } == .damagedWeights)
    }

    @Test("No more pieces are sent at once than may be, and each leaves its place")
    func limit() async throws {
        let office = office()
        let digest = try #require(try await checked(office).parts.first?.digest)
        var pieces = try (0..<WeightsOffice.sendingLimit).map { _ in try office.piece(.init(digest: digest, piece: 0)) }
        #expect(await reason { _ = try office.piece(.init(digest: digest, piece: 0)) } == .busy)
        pieces.removeLast()
        #expect(await reason { _ = try office.piece(.init(digest: digest, piece: 0)) } == nil)
    }

    @Test("The name of a model is no path out of the shelf", arguments: ["../m", "a/b", ".hidden", "/etc/passwd", ""])
    func shelf(name: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kith-shelf-\(UUID())").path
        let shelf = ModelShelf(folder: folder, own: "")
        #expect(throws: ChatError.self) { try shelf.add(ModelID(name), from: path) }
        #expect(shelf.file(of: ModelID(name)) == nil)
    }

    @Test("Which model of the shelf is served is known after a restart, unless the settings name another one since")
    func served() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kith-shelf-\(UUID())").path
        let shelf = ModelShelf(folder: folder, own: "/models/own.gguf")
        let there = try shelf.add("m", from: path)
        #expect(throws: Errno.fileExists, "one that is there is never replaced") { try shelf.add("m", from: there) }
        try shelf.choose("m")
        #expect(ModelShelf(folder: folder, own: "/models/own.gguf").served?.model == "m")
        #expect(ModelShelf(folder: folder, own: "/models/new.gguf").served == nil)
        try shelf.remove("m")
        #expect(shelf.served == nil)
        #expect(shelf.models.isEmpty)
    }
}
