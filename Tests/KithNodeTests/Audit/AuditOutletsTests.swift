// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithDialects
import KithModel
import Testing

@testable import KithNode

struct AuditOutletsTests {
    private let folder: TemporaryFolder
    private let refusal = AuditRecord(
        at: WallTime(milliseconds: 1_790_000_000_000), kind: .clientRefused, subject: "abc", source: "192.0.2.1",
        reason: "a \"quoted\"\nreason", count: 3)

    init() throws { folder = try TemporaryFolder() }

    @Test func `In the file each line is one object that says all of its record`() throws {
        let path = folder.path + "/audit.log"
        let outlet = AuditFile(path: path)
        try outlet.write([refusal, refusal])
        let lines = try #require(FileManager.default.contents(atPath: path)).split(separator: UInt8(ascii: "\n"))
        #expect(lines.count == 2)
        let read = try JSONBody.decode(AuditMessage.Line.self, from: Array(lines[0]))
        #expect(read == AuditMessage.Line(refusal))
    }

    @Test func `The file and the one set aside stay within their limit`() throws {
        let path = folder.path + "/audit.log"
        let outlet = AuditFile(path: path, limit: 2_000)
        for _ in 0..<100 { try outlet.write([refusal]) }
        let sizes = [path, path + ".1"].map { FileManager.default.contents(atPath: $0)?.count ?? 0 }
        #expect(sizes.allSatisfy { (1...2_000).contains($0) })
    }

    @Test func `The system's log gets a datagram a line, with facility, severity and time in front`() throws {
        let path = folder.path + "/log"
        let receiver = try DatagramReceiver(path: path)
        try AuditSyslog(socket: path).write([refusal])
        let text = String(decoding: try receiver.receive(), as: UTF8.self)
        #expect(text.hasPrefix("<85>Sep 2"))
        #expect(text.contains(" kith[\(getpid())]: {"))
        #expect(!text.contains("\n"))
    }

    @Test func `Where nobody listens the outlet says so and does not wait`() {
        #expect(throws: (any Error).self) { try AuditSyslog(socket: folder.path + "/none").write([refusal]) }
    }
}

/// A socket that takes datagrams, as the system's log has.
private struct DatagramReceiver: ~Copyable {
    private let descriptor: Int32

    init(path: String) throws {
        #if canImport(Glibc)
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        #else
            descriptor = socket(AF_UNIX, SOCK_DGRAM, 0)
        #endif
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
    }

    deinit { close(descriptor) }

    func receive() throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        try #require(count > 0)
        return Array(bytes.prefix(count))
    }
}
