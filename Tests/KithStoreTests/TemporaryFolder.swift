// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A folder of its own for one test, gone with its last reference.
final class TemporaryFolder: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "kith-store-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        do { try FileManager.default.removeItem(at: url) } catch { print("left behind: \(url.path): \(error)") }
    }

    func path(_ name: String = "kith.sqlite") -> String { url.appending(path: name).path }
}
