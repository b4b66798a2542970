// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import KithStore
import Logging
import Synchronization
import Testing

@testable import KithNode

@Suite("A damaged database", .timeLimit(.minutes(1)))
struct DamagedDatabaseTests {
    /// Keeps what is logged.
    private struct Log: LogHandler {
        final class Lines: Sendable {
            let all = Mutex<[String]>([])
        }

        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.all.withLock { $0.append("\(event.level) \(event.message) \(event.metadata ?? [:])") }
        }
    }

    private let folder: TemporaryFolder
    private let lines = Log.Lines()
    private let now = WallTime(milliseconds: 1_790_000_000_000)

    init() throws { folder = try TemporaryFolder() }

    private var database: String { folder.path + "/state/kith.sqlite" }

    private var logger: Logger { Logger(label: "test") { [lines] _ in Log(lines: lines) } }

    private func logged(_ text: String) -> Bool { lines.all.withLock { $0.contains { $0.contains(text) } } }

    private func open(at time: WallTime? = nil) async throws -> LogSnapshot {
        let data = try DataFolder.claim(folder.path)
        let (store, log) = try await data.openState(logger: logger, now: time ?? now)
        try await store.close()
        withExtendedLifetime(data) {}
        return log
    }

    /// The databases, without what SQLite puts beside each.
    private func states() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path + "/state")
            .filter { $0.contains("sqlite") && !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm") }.sorted()
    }

    private func write(_ sequences: ClosedRange<UInt64>) async throws -> LogSnapshot {
        let data = try DataFolder.claim(folder.path)
        let (store, _) = try await data.openState(logger: logger, now: now)
        let node = try #require(NodeID(digest: [UInt8](repeating: 1, count: 32)))
        let replica = Replica(node: node, epoch: 1)
        let value = Array("\"\(String(repeating: "x", count: 500))\"".utf8)
        let operations = sequences.map { sequence in
            Operation(
                id: OperationID(replica: replica, sequence: sequence), time: HybridTime(bits: 1),
                register: .context("branch"), source: .node(node), value: value, seen: VersionVector())
        }
        try await store.commit(LogTransition(inserted: operations, own: replica))
        try await store.close()
        withExtendedLifetime(data) {}
        return LogSnapshot(own: replica, operations: operations)
    }

    private func overwrite(_ range: Range<Int>) throws {
        let handle = try #require(FileHandle(forUpdatingAtPath: database))
        try handle.seek(toOffset: UInt64(range.lowerBound))
        try handle.write(contentsOf: Data(repeating: 0xFF, count: range.count))
        try handle.close()
    }

    @Test("What is whole is opened as it is")
    func whole() async throws {
        let written = try await write(1...3)
        #expect(try await open() == written)
        #expect(try states() == ["kith.sqlite"])
        #expect(!logged("damaged"))
    }

    @Test("One that cannot be opened is set aside under a name with the time, and said to be")
    func header() async throws {
        _ = try await write(1...3)
        try overwrite(0..<100)
        try Data("a log".utf8).write(to: URL(filePath: database + "-wal"))
        #expect(try await open() == LogSnapshot())
        let aside = "kith.sqlite.damaged-20260921T141320Z"
        #expect(try states() == ["kith.sqlite", aside])
        #expect(FileManager.default.contents(atPath: "\(folder.path)/state/\(aside)-wal") == Data("a log".utf8))
        #expect(logged("error the database is damaged and has been set aside"))
        #expect(logged("\(database).damaged-20260921T141320Z"))
        #expect(logged("conversations and feedback, clients' keys"))
        #expect(logged("state/identity/kin"))
    }

    @Test("A page of the log that is damaged is found at the start")
    func page() async throws {
        _ = try await write(1...200)
        try overwrite(60 * 1_024..<64 * 1_024)
        #expect(try await open() == LogSnapshot())
        #expect(try states().count == 2)
    }

    @Test("The log goes on in the new database")
    func goingOn() async throws {
        _ = try await write(1...3)
        try overwrite(0..<100)
        let written = try await write(4...5)
        #expect(try await open() == written)
    }

    @Test("Of those that were set aside the last three are kept, also when they have one time")
    func limit() async throws {
        for second in [0, 0, 1, 2, 3] {
            _ = try await write(1...1)
            try overwrite(0..<100)
            _ = try await open(at: now.advanced(by: .seconds(second)))
        }
        #expect(
            try states() == [
                "kith.sqlite", "kith.sqlite.damaged-20260921T141321Z", "kith.sqlite.damaged-20260921T141322Z",
                "kith.sqlite.damaged-20260921T141323Z",
            ])
    }

    @Test("What is not damaged but not ours is refused in words and stays where it is")
    func foreign() async throws {
        _ = try await write(1...1)
        try overwrite(68..<72)  // the application's id
        let error = await #expect(throws: NodeStartError.self) { try await open() }
        #expect(error?.code == .dataFolder)
        #expect(error?.message.contains("another program") == true)
        #expect(try states() == ["kith.sqlite"])
    }

    @Test("A change while the node does not run is refused, and leaves the database to the node")
    func stopped() async throws {
        _ = try await write(1...1)
        try overwrite(0..<100)
        let data = try DataFolder.claim(folder.path)
        let error = #expect(throws: NodeStartError.self) { try data.openStore() }
        #expect(error?.message.contains("is damaged") == true)
        #expect(try states() == ["kith.sqlite"])
    }
}
