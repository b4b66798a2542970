// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import KithModel
import KithStore
import KithTesting
import Testing

@Suite("The store's file")
struct StoreFileTests {
    private let folder: TemporaryFolder
    private let session = SessionID(test: "s")

    init() throws { folder = try TemporaryFolder() }

    @Test("Reopened, it knows everything, and the valence has decayed meanwhile")
    func reopening() async throws {
        let first = try Store(path: folder.path())
        try await first.exchange(session, "q", "a", at: .start)
        first.recordOutcome(.failed, at: .start)
        let before = try await first.state(at: .start)
        try await first.close()

        let second = try Store(path: folder.path())
        #expect(try await second.state(at: .start) == before)
        #expect(before.turnCount == 1)
        #expect(before.outcomes == OutcomeCounts(completed: 1, failed: 1))
        let later = try await second.state(at: .start + .seconds(21_600))
        #expect(abs(later.valence - before.valence / 2) < 1e-12)
        #expect(try await second.texts(session) == ["q", "a"])
        try await second.close()
    }

    @Test("A crash loses what was counted since the last write and nothing else")
    func crash() async throws {
        let store = try Store(path: folder.path())
        for _ in 0..<3 { store.recordOutcome(.completed, at: .start) }
        try await store.exchange(session, "q", "a", at: .start)
        let kept = try await store.state(at: .start)
        store.recordOutcome(.failed, at: .start)
        try DatabaseFile(folder.path()).copy(to: folder.path("crashed.sqlite"))

        let recovered = try Store(path: folder.path("crashed.sqlite"))
        #expect(try await recovered.state(at: .start) == kept)
        #expect(kept.outcomes == OutcomeCounts(completed: 4))
        #expect(try await recovered.texts(session) == ["q", "a"])
        try await recovered.close()
        try await store.close()
    }

    @Test("A closed store says that it is closed")
    func closed() async throws {
        let store = try Store(path: folder.path())
        try await store.close()
        try await store.close()
        let reading = await #expect(throws: StoreError.self) { try await store.state(at: .start) }
        let writing = await #expect(throws: StoreError.self) { try await store.exchange(session, "q", "a") }
        #expect(reading?.code == .closed)
        #expect(writing?.code == .closed)
    }

    @Test("A database of a newer version is refused in words and left alone")
    func newerDatabase() async throws {
        try await Store(path: folder.path()).close()
        try DatabaseFile(folder.path()).execute("INSERT INTO grdb_migrations VALUES ('v999')")
        let bytes = try Data(contentsOf: folder.url.appending(path: "kith.sqlite"))
        let error = #expect(throws: StoreError.self) { try Store(path: folder.path()) }
        #expect(error?.code == .newerDatabase)
        #expect(error?.message.contains(folder.path()) == true)
        #expect(error?.message.contains("update kith") == true)
        #expect(try Data(contentsOf: folder.url.appending(path: "kith.sqlite")) == bytes)
    }

    @Test("Another program's database is refused and left alone")
    func foreignDatabase() throws {
        try DatabaseFile(folder.path()).execute("CREATE TABLE invoice (id INTEGER)")
        let bytes = try Data(contentsOf: folder.url.appending(path: "kith.sqlite"))
        let error = #expect(throws: StoreError.self) { try Store(path: folder.path()) }
        #expect(error?.code == .foreignDatabase)
        #expect(error?.message.contains(folder.path()) == true)
        #expect(try Data(contentsOf: folder.url.appending(path: "kith.sqlite")) == bytes)
    }

    @Test("A first start that was interrupted before its first table does not block the second")
    func interruptedFirstStart() async throws {
        try DatabaseFile(folder.path()).execute("CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY)")
        try await Store(path: folder.path()).close()
    }

    enum Damage: CaseIterable, Sendable { case noise, header, truncation, lostTally }

    @Test("A damaged file is refused with its path and what to do", arguments: Damage.allCases)
    func damagedFile(damage: Damage) async throws {
        let store = try Store(path: folder.path())
        for number in 0..<50 { try await store.exchange(session, "question \(number)", "answer \(number)") }
        try await store.close()
        try inflict(damage)
        let error = #expect(throws: StoreError.self) { try Store(path: folder.path()) }
        #expect(error?.code == .damaged)
        #expect(error?.message.contains(folder.path()) == true)
        #expect(error?.message.contains("move it") == true)
        #expect(FileManager.default.fileExists(atPath: folder.path()))
    }

    private func inflict(_ damage: Damage) throws {
        let url = folder.url.appending(path: "kith.sqlite")
        var data = try Data(contentsOf: url)
        switch damage {
        case .noise:
            var generator = SeededGenerator(seed: 1)
            data = Data((0..<data.count).map { _ in UInt8.random(in: 0...255, using: &generator) })
        case .header: data.replaceSubrange(0..<16, with: Data("not a database!!".utf8))
        case .truncation: data = data.prefix(data.count / 2)
        case .lostTally: return try DatabaseFile(folder.path()).execute("DELETE FROM tally")
        }
        try data.write(to: url)
    }

    @Test("A page that is damaged is found when the file is opened")
    func damagedPage() async throws {
        try await fill()
        try spoilPage(of: "turn")
        let error = #expect(throws: StoreError.self) { try Store(path: folder.path()) }
        #expect(error?.code == .damaged)
    }

    private func fill() async throws {
        let store = try Store(path: folder.path())
        for number in 0..<200 {
            try await store.exchange(session, "question \(number)", String(repeating: "x", count: 500))
        }
        try await store.close()
    }

    private func spoilPage(of table: String) throws {
        let page = try #require(
            try DatabaseFile(folder.path()).number(
                "SELECT rootpage FROM sqlite_schema WHERE name = '\(table)'"))
        let handle = try #require(FileHandle(forUpdatingAtPath: folder.path()))
        try handle.seek(toOffset: UInt64((page - 1) * 4_096))
        try handle.write(contentsOf: Data(repeating: 0xFF, count: 4_096))
        try handle.close()
    }

    @Test("A page that is damaged later is reported with the path by the operation that meets it")
    func pageDamagedLater() async throws {
        try await fill()
        let reopened = try Store(path: folder.path())
        try spoilPage(of: "turn")
        let error = await #expect(throws: StoreError.self) { try await reopened.texts(session) }
        #expect(error?.code == .damaged)
        #expect(error?.message.contains(folder.path()) == true)
        try await reopened.close()
    }

    @Test("New directories and files are for their owner only")
    func permissions() async throws {
        let path = folder.path("state/deep/kith.sqlite")
        let store = try Store(path: path)
        try await store.exchange(session, "q", "a")
        for suffix in ["", "-wal", "-shm"] {
            #expect(try DatabaseFile(path).permissions(suffix) == 0o600, "\(suffix)")
        }
        #expect(try DatabaseFile(folder.path("state")).permissions() == 0o700)
        #expect(try DatabaseFile(folder.path("state/deep")).permissions() == 0o700)
        try await store.close()
    }

    @Test("A file that others may read is taken from them")
    func tightenedPermissions() async throws {
        try await Store(path: folder.path()).close()
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.path())
        try await Store(path: folder.path()).close()
        #expect(try DatabaseFile(folder.path()).permissions() == 0o600)
    }

    @Test("A place where no file can be is refused with the path", arguments: ["file/kith.sqlite", "."])
    func inaccessible(name: String) throws {
        try Data().write(to: folder.url.appending(path: "file"))
        let error = #expect(throws: StoreError.self) { try Store(path: folder.path(name)) }
        #expect(error?.code == .inaccessible)
        #expect(error?.message.contains(folder.path(name)) == true)
    }

    @Test("What an error says holds nothing of what users said")
    func errorsKeepSecrets() async throws {
        let store = try Store(path: folder.path())
        try await store.exchange(session, "q", "a")
        try DatabaseFile(folder.path()).execute("DROP TABLE turn")
        let error = await #expect(throws: StoreError.self) {
            try await store.exchange(session, "my password is swordfish", "noted: swordfish")
        }
        #expect(error.map { "\($0)".contains("swordfish") } == false)
        try await store.close()
    }
}
