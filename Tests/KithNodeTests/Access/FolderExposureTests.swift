// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithStore
import Testing

@testable import KithNode

struct FolderExposureTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path + "/config", withIntermediateDirectories: true)
    }

    private func setMode(_ mode: Int, of name: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder.path + name)
    }

    private func gather() throws(SettingError) -> SettingSources {
        try SettingSources.gather(flags: [.dataDirectory: folder.path], environment: [:])
    }

    @Test(arguments: ["", "/state", "/state/kith.sqlite", "/state/control.json"])
    func `Where others could change the folder a node does not start, and says what mends it`(name: String) async throws
    {
        let data = try DataFolder.claim(folder.path)
        try await data.openStore().close()
        try Data("{}".utf8).write(to: URL(filePath: folder.path + "/state/control.json"))
        _ = consume data
        try setMode(name.contains(".") ? 0o666 : 0o777, of: name)
        let error = #expect(throws: NodeStartError.self) { _ = try DataFolder.claim(folder.path) }
        #expect(error?.description.contains("chmod go-w '\(folder.path)\(name)'") == true)
        try setMode(0o700, of: name)
        _ = try DataFolder.claim(folder.path)
    }

    @Test func `A folder that the owner's group may write to is taken, and its state is not`() throws {
        _ = try DataFolder.claim(folder.path)
        try setMode(0o775, of: "")
        _ = try DataFolder.claim(folder.path)
        try setMode(0o770, of: "/state")
        #expect(throws: NodeStartError.self) { _ = try DataFolder.claim(folder.path) }
    }

    @Test(arguments: ["/.env", "/config/kith.yaml"])
    func `Settings that others could write are refused`(name: String) throws {
        try Data("".utf8).write(to: URL(filePath: folder.path + name))
        _ = try gather()
        try setMode(0o666, of: name)
        let error = #expect(throws: SettingError.self) { _ = try gather() }
        #expect(error?.description.contains("chmod go-w") == true)
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["/.env", "/config/kith.yaml"])
    func `A pipe in place of a file of settings is refused at once`(name: String) throws {
        #expect(mkfifo(folder.path + name, 0o600) == 0)
        let error = #expect(throws: SettingError.self) { _ = try gather() }
        #expect(error?.description.contains("it is not a regular file") == true)
    }

    @Test func `A file that is too large is refused, whoever reads it`() throws {
        try Data(repeating: 0x20, count: 300_000).write(to: URL(filePath: folder.path + "/.env"))
        let error = #expect(throws: SettingError.self) { _ = try gather() }
        #expect(error?.description.contains("larger than") == true)
    }
}
