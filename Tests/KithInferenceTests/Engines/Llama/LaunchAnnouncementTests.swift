// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@testable import KithInference

@Suite("The line that says where a server listens")
struct LaunchAnnouncementTests {
    @Test("Is found however the pieces are cut", arguments: 1..<60)
    func pieces(size: Int) {
        let bytes = Array("noise\n{\"other\":1}\n{\"address\": \"http://127.0.0.1:4711\"}\n".utf8)
        var announcement = LaunchAnnouncement()
        let found = stride(from: 0, to: bytes.count, by: size).compactMap {
            announcement.feed(bytes[$0..<min($0 + size, bytes.count)])
        }
        #expect(found == [HTTPAddress(host: "127.0.0.1", port: 4_711)])
    }

    @Test(
        "Is not taken for what it is not",
        arguments: [
            "{\"address\": \"http://192.0.2.1:80\"}\n", "{\"address\": \"http://127.0.0.1:4711\"}",
            "{\"address\": 5}\n",
            "\u{FFFD}\n\n\n", String(repeating: "x", count: 1 << 18),
        ])
    func others(text: String) {
        var announcement = LaunchAnnouncement()
        #expect(announcement.feed(text.utf8) == nil)
    }
}
