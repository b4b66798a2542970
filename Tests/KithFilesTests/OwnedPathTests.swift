// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithFiles
import SystemPackage
import Testing

struct OwnedPathTests {
    private func inFolder(_ body: (FilePath) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kith-owned-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(FilePath(folder.path))
    }

    @Test(arguments: [
        (0o700, true, true), (0o755, true, true), (0o775, false, true), (0o757, false, false), (0o777, false, false),
        (0o1777, false, true),
    ])
    func `Whoever else may write is noticed, by the mode`(mode: Int, strict: Bool, group: Bool) throws {
        try inFolder { folder in
            #expect(chmod(folder.string, mode_t(mode)) == 0)
            let found = (all: try OwnedPath.exposure(of: folder), shared: try OwnedPath.exposure(of: folder, .group))
            #expect((found.all == nil) == strict)
            #expect((found.shared == nil) == group)
        }
    }

    @Test func `What another user owns is noticed, root's is not`() throws {
        try inFolder { folder in
            let owner = geteuid()
            let other = owner &+ 1
            let found = try OwnedPath.exposure(of: folder, owners: [other, 0])
            #expect(found == (owner == 0 ? nil : .foreign(owner: owner)))
            #expect(try OwnedPath.exposure(of: "/", owners: [other, 0]) == nil)
        }
    }

    @Test func `Root trusts whoever owns the folder that it is given, and nobody else but itself`() throws {
        try inFolder { folder in
            let owner = geteuid()
            #expect(OwnedPath.owners(of: folder, user: 0) == [owner, 0])
            #expect(OwnedPath.owners(of: folder, user: owner &+ 1) == [owner &+ 1, 0])
        }
    }

    @Test func `What is not there cannot be changed`() throws {
        #expect(try OwnedPath.exposure(of: "/nonexistent/kith") == nil)
    }
}
