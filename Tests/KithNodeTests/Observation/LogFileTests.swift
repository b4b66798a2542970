// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import Logging
import SystemPackage
import Testing

@testable import KithNode

@Suite("A log that is a file")
struct LogFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private var path: String { folder.path + "/node.log" }

    /// A descriptor that stands for standard error, which the tests themselves write to.
    private func stream() throws -> FileDescriptor {
        try FileDescriptor.open(
            FilePath(folder.path + "/other"), .writeOnly, options: [.create], permissions: [.ownerReadWrite])
    }

    @Test("What is written to the stream goes to the file, after what is there")
    func appended() throws {
        try Data("before\n".utf8).write(to: URL(filePath: path))
        let stream = try stream()
        _ = try LogFile(path: FilePath(path), replacing: stream)
        try stream.writeAll("after\n".utf8)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "before\nafter\n")
        try stream.close()
    }

    @Test("A file that is full is set aside once, and the next lines begin another")
    func rotated() throws {
        let stream = try stream()
        let file = try LogFile(path: FilePath(path), limit: 100, replacing: stream)
        for number in 0..<50 {
            let line = "line \(number) of a log\n"
            try stream.writeAll(line.utf8)
            file.wrote(line.utf8.count)
        }
        let kept = try [path + ".1", path].map { try String(contentsOfFile: $0, encoding: .utf8) }
        #expect(kept.allSatisfy { $0.utf8.count <= 120 })
        #expect(kept.joined().contains("line 49 of") && !kept.joined().contains("line 30 of"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 3)
        try stream.close()
    }

    @Test("Each line of the log counts")
    func counted() throws {
        let stream = try stream()
        let file = try LogFile(path: FilePath(path), limit: 4_096, replacing: stream)
        var logger = Logger(label: "kith") {
            NodeLogHandler(label: $0, format: .json, ring: LogRing(), file: file) { _ = try? stream.writeAll($0) }
        }
        logger.logLevel = .info
        for _ in 0..<200 { logger.info("words", metadata: ["reason": "\(String(repeating: "x", count: 100))"]) }
        let sizes = [path, path + ".1"].map { FileManager.default.contents(atPath: $0)?.count ?? 0 }
        #expect(sizes[1] > 0 && sizes.allSatisfy { $0 < 3 * 4_096 })
        try stream.close()
    }

    @Test("A path that cannot be opened is an error")
    func unusable() throws {
        let stream = try stream()
        #expect(throws: Errno.self) { try LogFile(path: FilePath(folder.path), replacing: stream) }
        try stream.close()
    }
}
