// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@testable import KithNode

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("The file by which a node's owner is known")
struct ControlFileTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path + "/state", withIntermediateDirectories: true)
    }

    @Test("It is read back as it was written, by its owner only, and is gone when the node stops")
    func roundTrip() throws {
        #expect(try ControlFile.read(dataDirectory: folder.path) == nil)
        let token = ControlFile.freshToken()
        let url = HTTPAddress(scheme: .https, host: "127.0.0.1", port: 8443)
        try Data("{}".utf8).write(to: URL(filePath: folder.path + "/state/control.json.new"))
        try ControlFile(url: url, token: token, fingerprint: "ab").write(dataDirectory: folder.path)
        let file = try #require(try ControlFile.read(dataDirectory: folder.path))
        #expect(file.url == url)
        #expect(file.token == token)
        #expect(file.fingerprint == "ab")
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/state/control.json")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        ControlFile.remove(dataDirectory: folder.path)
        #expect(try ControlFile.read(dataDirectory: folder.path) == nil)
    }

    @Test("Tokens have the form of a key, and no two are the same")
    func tokens() {
        let tokens = (0..<100).map { _ in ControlFile.freshToken() }
        #expect(Set(tokens).count == 100)
        #expect(tokens.allSatisfy { $0.reveal().hasPrefix("kith_control_") && $0.reveal().utf8.count == 13 + 52 })
    }

    @Test(
        "A file that says something else is refused and named",
        arguments: ["", "{}", "[]", #"{"url":"ftp://x","token":"t"}"#, String(repeating: "x", count: 20_000)])
    func spoilt(text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: folder.path + "/state/control.json"))
        let error = #expect(throws: ControlFileError.self) { try ControlFile.read(dataDirectory: folder.path) }
        #expect(error?.description.contains("control.json") == true)
    }
}
