// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import KithTrust
import Synchronization
import SystemPackage
import Testing

@Suite("The file about kin")
struct KinBackupFileTests {
    private final class Problems: Sendable {
        private let all = Mutex<[KinBackupError]>([])

        func note(_ problem: KinBackupError) { all.withLock { $0.append(problem) } }

        var messages: [String] { all.withLock { $0.map(\.message) } }
    }

    private let folder: TemporaryFolder
    private let problems = Problems()

    init() throws { folder = try TemporaryFolder() }

    private func file() -> KinBackupFile {
        KinBackupFile(folder: folder.path) { [problems] in problems.note($0) }
    }

    private func backup(_ byte: UInt8) throws -> KinBackup {
        let id = try #require(NodeID(digest: [UInt8](repeating: byte, count: 32)))
        return KinBackup(root: id, operations: [], addresses: [id: [try #require(PeerAddress("host:1"))]])
    }

    @Test("What was kept last is read, and only the owner may")
    func kept() async throws {
        let file = file()
        let (first, second) = (try backup(1), try backup(2))
        await file.keep { first }
        await file.keep { second }
        #expect(await self.file().read() == second)
        #expect(try folder.mode(of: "kin") == 0o600)
        #expect(try folder.names() == ["kin"])
        #expect(problems.messages == [])
    }

    @Test("Where there is no file nothing is read, and nothing is wrong")
    func missing() async {
        #expect(await file().read() == nil)
        #expect(problems.messages == [])
    }

    @Test("What is there already is not written again")
    func unchanged() async throws {
        let first = try backup(1)
        await file().keep { first }
        let reopened = file()
        #expect(await reopened.read() == first)
        try folder.remove("kin")
        await reopened.keep { first }
        #expect(try folder.names() == [])
    }

    @Test("A file that a killed process left half written is no obstacle")
    func leftover() async throws {
        try folder.write("half", to: "kin.new")
        let first = try backup(1)
        await file().keep { first }
        #expect(try folder.names() == ["kin"])
        #expect(await file().read() == first)
    }

    @Test("A damaged file is reported, and replaced by the next change")
    func damaged() async throws {
        try folder.write("kith kin 1\nnonsense", to: "kin")
        let file = file()
        #expect(await file.read() == nil)
        #expect(problems.messages == ["is damaged"])
        let first = try backup(1)
        await file.keep { first }
        #expect(await self.file().read() == first)
    }

    @Test("What is no file, or too long for one, is reported and not read")
    func unreadable() async throws {
        let path = folder.path.appending("kin").string
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        #expect(await file().read() == nil)
        try folder.remove("kin")
        try #require(FileManager.default.createFile(atPath: path, contents: nil))
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.truncate(atOffset: UInt64(KinBackup.byteLimit + 1))
        try handle.close()
        #expect(await file().read() == nil)
        #expect(problems.messages == ["cannot be read", "cannot be read"])
    }

    @Test("What cannot be written is reported, and tried again with the next change")
    func unwritable() async throws {
        try FileManager.default.createDirectory(
            atPath: folder.path.appending("kin").appending("in the way").string, withIntermediateDirectories: true)
        let file = file()
        let first = try backup(1)
        await file.keep { first }
        #expect(problems.messages == ["cannot be written"])
        #expect(try folder.names() == ["kin"])
        try folder.remove("kin")
        await file.keep { first }
        #expect(await self.file().read() == first)
    }
}
