// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// A folder of its own for one test, gone with its last reference.
final class TemporaryFolder: Sendable {
    let path: FilePath

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "kith-files-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = FilePath(url.path)
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path.string) } catch {
            print("left behind: \(path): \(error)")
        }
    }

    func write(_ text: String, to name: String) throws {
        try text.write(toFile: path.appending(name).string, atomically: false, encoding: .utf8)
    }

    func setMode(_ mode: Int, of name: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path.appending(name).string)
    }

    func mode(of name: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path.appending(name).string)[.posixPermissions] as? Int
    }

    func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path.string).sorted()
    }
}
