// SPDX-License-Identifier: Apache-2.0

import KithFiles
import SystemPackage
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite("Files that are written and read whole")
struct FileTests {
    private let folder: TemporaryFolder
    private let file: FilePath

    init() throws {
        folder = try TemporaryFolder()
        file = folder.path.appending("file")
    }

    @Test("A file is replaced whole, is its owner's only, and leaves nothing beside it")
    func replaced() throws {
        try folder.write("what was there", to: "file")
        try folder.write("of a process that was killed", to: "file.new")
        try DurableFile.replace(file, with: Array("new".utf8))
        #expect(try RegularFile.read(file, limit: 100) == Array("new".utf8))
        #expect(try folder.mode(of: "file") == 0o600)
        #expect(try folder.names() == ["file"])
    }

    @Test("A file that cannot be put in its place leaves what is there, and nothing beside it")
    func irreplaceable() throws {
        try PrivateDirectory.create(file.appending("in the way"))
        #expect(throws: Errno.self) { try DurableFile.replace(file, with: [1]) }
        #expect(try folder.names() == ["file"])
    }

    @Test("A file is created only where there is none")
    func created() throws {
        try DurableFile.create(file, with: [1, 2])
        #expect(throws: Errno.fileExists) { try DurableFile.create(file, with: [3]) }
        #expect(try RegularFile.read(file, limit: 2) == [1, 2])
    }

    @Test("A file is read up to its limit, and a longer one not at all")
    func limit() throws {
        try DurableFile.create(file, with: [UInt8](repeating: 7, count: 100_000))
        #expect(try RegularFile.read(file, limit: 100_000).count == 100_000)
        #expect(throws: Errno.fileTooLarge) { try RegularFile.read(file, limit: 99_999) }
        #expect(throws: Errno.noSuchFileOrDirectory) { try RegularFile.read(folder.path.appending("none"), limit: 1) }
    }

    @Test("A pipe or a folder is refused without waiting for anybody")
    func irregular() throws {
        try #require(mkfifo(file.string, 0o600) == 0)
        #expect(throws: Errno.fileTooLarge) { try RegularFile.read(file, limit: 100) }
        #expect(throws: Errno.fileTooLarge) { try RegularFile.read(folder.path, limit: 1_000_000) }
    }

    @Test("What a file is can be looked at before it is read")
    func check() throws {
        struct Refused: Error {}
        try folder.write("text", to: "file")
        try folder.setMode(0o644, of: "file")
        #expect(throws: Refused.self) {
            try RegularFile.read(file, limit: 100) { status in
                if status.permissions.contains(.otherRead) { throw Refused() }
            }
        }
    }

    @Test("Directories are made with all above them, for their owner only")
    func directories() throws {
        try PrivateDirectory.create(folder.path.appending("a/b/c"))
        for name in ["a", "a/b", "a/b/c"] { #expect(try folder.mode(of: name) == 0o700, "\(name)") }
    }

    @Test("A directory that exists stays as it is, and a file of its name is refused")
    func existing() throws {
        try PrivateDirectory.create(folder.path.appending("shared"))
        try folder.setMode(0o755, of: "shared")
        try PrivateDirectory.create(folder.path.appending("shared"))
        #expect(try folder.mode(of: "shared") == 0o755)
        try folder.write("", to: "file")
        #expect(throws: Errno.notDirectory) { try PrivateDirectory.create(file) }
        #expect(throws: Errno.notDirectory) { try PrivateDirectory.create(file.appending("below")) }
    }
}
