// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB

/// A database file as another program sees it.
struct DatabaseFile {
    let path: String

    init(_ path: String) { self.path = path }

    func completed() throws -> Int? { try number("SELECT completed FROM tally") }

    func number(_ sql: String) throws -> Int? {
        let queue = try DatabaseQueue(path: path)
        defer { close(queue) }
        return try queue.read { db in try Int.fetchOne(db, sql: sql) }
    }

    func execute(_ sql: String) throws {
        let queue = try DatabaseQueue(path: path)
        defer { close(queue) }
        try queue.write { db in try db.execute(sql: sql) }
    }

    /// What the schema would refuse, such as a disk's error may write.
    func executeUnchecked(_ sql: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { close(queue) }
        try queue.write { db in try db.execute(sql: "PRAGMA ignore_check_constraints = ON; \(sql)") }
    }

    /// Copies the database and its log as they are on disk, as a crash would leave them.
    func copy(to target: String) throws {
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path + suffix) {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: target + suffix)
        }
    }

    func permissions(_ suffix: String = "") throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path + suffix)[.posixPermissions] as? Int
    }

    private func close(_ queue: DatabaseQueue) {
        do { try queue.close() } catch { print("not closed: \(error)") }
    }
}
