// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithServer
import Logging
import Synchronization
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Where a node writes its audit trail besides the database.
package struct AuditSettings: Hashable, Sendable {
    /// Absolute.
    package var file: String?
    /// The socket of the system's log, such as `/dev/log`; absolute.
    package var syslog: String?

    package init(file: String? = nil, syslog: String? = nil) {
        self.file = file
        self.syslog = syslog
    }

    var outlets: [any AuditOutlet] {
        [file.map { AuditFile(path: $0) as any AuditOutlet }, syslog.map { AuditSyslog(socket: $0) }].compactMap { $0 }
    }
}

/// The audit trail as a file with an object of JSON a line, which is set aside as `.1` when it has 16 MiB: with both no more
/// than twice that is taken.
final class AuditFile: AuditOutlet {
    static let limit = 16 << 20

    let name: String
    private let file = Mutex<RotatingLog?>(nil)
    private let path: String
    private let limit: Int

    init(path: String, limit: Int = AuditFile.limit) {
        self.path = path
        self.limit = limit
        name = path
    }

    func write(_ records: [AuditRecord]) throws {
        let lines = try records.flatMap { try AuditMessage.Line($0).bytes() + [UInt8(ascii: "\n")] }
        try file.withLock { file in
            if file == nil { file = try RotatingLog(path: path, limit: limit) }
            do {
                try lines.withUnsafeBytes { try file?.write($0) }
            } catch {
                file = nil  // opened anew with the next line
                throw error
            }
        }
    }
}

/// The audit trail in the system's log, a datagram a line, as the C library writes them (RFC 3164, section 4.1).
///
/// Never waits: what the system's log does not take at once is in the database only.
final class AuditSyslog: AuditOutlet {
    /// Facility `authpriv`, severity `notice`.
    private static let priority = 10 * 8 + 5

    let name: String
    private let socketPath: String

    init(socket: String) {
        socketPath = socket
        name = socket
    }

    func write(_ records: [AuditRecord]) throws {
        let log = try DatagramSocket(socketPath)
        for record in records {
            let line = String(decoding: try AuditMessage.Line(record).bytes(), as: UTF8.self)
            try log.send(Array("<\(Self.priority)>\(Self.stamp(record.at)) kith[\(getpid())]: \(line)".utf8))
        }
    }

    /// `Mar  1 12:00:00`, in the machine's own time zone.
    private static func stamp(_ time: WallTime) -> String {
        var seconds = time_t(time.milliseconds / 1_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 32)
        let count = strftime(&text, text.count, "%b %e %H:%M:%S", &parts)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension AuditSettings {
    init(_ values: SettingValues, sources: SettingSources) {
        file = values.path(.auditFile, in: sources)
        syslog = values.path(.auditSyslog, in: sources)
    }
}
