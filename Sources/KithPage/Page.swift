// SPDX-License-Identifier: Apache-2.0

/// The page that shows a node and its mesh in a browser, as the build has bundled it.
package enum Page {
    /// The views of the page; each has an address of its own, and all are the same file.
    package static let views = ["mesh", "ask", "work", "culture", "health"]

    /// The page itself; `nil` in a program that was built without it.
    package static var index: PageFile? { bundled.first }

    /// What belongs to it, by the name under which it is served.
    package static let parts = Dictionary(bundled.dropFirst().map { ($0.hashedName, $0) }) { first, _ in first }

    /// What a program says that was built without the page.
    package static let absence =
        "This program was built without its page: install esbuild and D3 (Debian: esbuild, node-d3), and build it again."
}

/// A file of the page, as a browser gets it.
package struct PageFile: Sendable {
    /// As its author calls it.
    package let name: String
    /// As it is served: with the hash of its content, so that browsers may keep it for good.
    package let hashedName: String
    /// The media type.
    package let type: String
    /// Of the content, in hexadecimal.
    package let hash: String
    private let content: StaticString

    init(name: String, hashedName: String, type: String, hash: String, content: StaticString) {
        self.name = name
        self.hashedName = hashedName
        self.type = type
        self.hash = hash
        self.content = content
    }

    /// UTF-8, without a copy: it is a part of the program.
    package var bytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: content.utf8Start, count: content.utf8CodeUnitCount)
    }

    /// As the field `ETag` has it (RFC 9110, 8.8.3).
    package var entityTag: String { "\"\(hash)\"" }
}
