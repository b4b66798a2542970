// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel
import Synchronization

/// What is known of one peer as a companion, as it is stored. Only the code that made the numbers knows their meaning.
package struct CompanionRecord: Hashable, Sendable {
    /// What distinguishes it from all others: a node's id or an address.
    package var key: String
    package var name: String
    package var gains: Double
    package var losses: Double
    package var at: WallTime
    package var exchanges: Int
    package var successes: Int
    package var strikes: Int
    package var pauses: Int
    package var pausedUntil: WallTime?
    package var latency: Duration?

    package init(
        key: String, name: String, gains: Double, losses: Double, at: WallTime, exchanges: Int, successes: Int,
        strikes: Int, pauses: Int, pausedUntil: WallTime?, latency: Duration?
    ) {
        self.key = key
        self.name = name
        self.gains = gains
        self.losses = losses
        self.at = at
        self.exchanges = exchanges
        self.successes = successes
        self.strikes = strikes
        self.pauses = pauses
        self.pausedUntil = pausedUntil
        self.latency = latency
    }
}

/// What was spent on conversations with peers in a day.
package struct BudgetRecord: Hashable, Sendable {
    /// Days since 1970, in UTC.
    package var day: Int64
    package var exchanges: Int
    package var tokens: Int

    package init(day: Int64, exchanges: Int, tokens: Int) {
        self.day = day
        self.exchanges = exchanges
        self.tokens = tokens
    }
}

extension Store {
    /// Stores the result of an exchange, all or nothing; drops the oldest exchanges where there are too many.
    package func record(
        _ exchange: ExchangeRecord, companion: CompanionRecord, budget: BudgetRecord
    ) async throws(StoreError) {
        switch exchange.outcome {
        case .learned, .reinforced: tally.withLock { $0.recordLearned(at: exchange.at) }
        case .quarantined, .nothing, .failed, .refused: break
        }
        try await write { [limits] db in
            try ExchangeRow.insert(exchange, in: db)
            try ExchangeRow.dropOldest(keeping: limits.exchanges, in: db)
            try CompanionRow.put(companion, in: db)
            try CompanionRow.dropOldest(keeping: limits.companions, in: db)
            try db.execute(
                sql: "INSERT OR REPLACE INTO exchange_budget (id, day, exchanges, tokens) VALUES (1, ?, ?, ?)",
                arguments: [budget.day, budget.exchanges, budget.tokens])
        }
    }

    /// The last exchanges, newest first.
    package func exchanges(limit: Int) async throws(StoreError) -> [ExchangeRecord] {
        try await read { db in try ExchangeRow.fetchLast(max(0, limit), in: db) }
    }

    package func companions() async throws(StoreError) -> [CompanionRecord] {
        try await read { db in try CompanionRow.fetchAll(db) }
    }

    /// `nil` before anything was spent.
    package func exchangeBudget() async throws(StoreError) -> BudgetRecord? {
        try await read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM exchange_budget").map { row in
                BudgetRecord(
                    day: try row.decode(Int64.self, forColumn: "day"),
                    exchanges: try row.decode(Int.self, forColumn: "exchanges"),
                    tokens: try row.decode(Int.self, forColumn: "tokens"))
            }
        }
    }

    /// Since when the owner wants no conversations; `nil` if they are allowed.
    package func companionPause() async throws(StoreError) -> WallTime? {
        try await read { db in
            try Int64.fetchOne(db, sql: "SELECT since FROM companion_pause").map { WallTime(milliseconds: $0) }
        }
    }

    /// An existing pause keeps its beginning.
    package func setCompanionPause(since time: WallTime?) async throws(StoreError) {
        try await write { db in
            if let time {
                try db.execute(
                    sql: "INSERT OR IGNORE INTO companion_pause (id, since) VALUES (1, ?)",
                    arguments: [time.milliseconds])
            } else {
                try db.execute(sql: "DELETE FROM companion_pause")
            }
        }
    }

    /// Stores what was not said, for the owner; drops the oldest where there are too many.
    package func record(_ refusal: RefusalRecord) async throws(StoreError) {
        try await write { [limits] db in
            try RefusalRow.insert(refusal, in: db)
            try RefusalRow.dropOldest(keeping: limits.refusals, in: db)
        }
    }

    /// The last ones, newest first.
    package func refusals(limit: Int) async throws(StoreError) -> [RefusalRecord] {
        try await read { db in try RefusalRow.fetchLast(max(0, limit), in: db) }
    }

    /// Goes through everything that users have said and have been told, until `body` has seen enough.
    ///
    /// - Parameter body: Returns whether to go on.
    package func eachTurn(_ body: @escaping @Sendable (String) -> Bool) async throws(StoreError) {
        try await read { db in
            let texts = try String.fetchCursor(
                db, sql: "SELECT text FROM turn UNION ALL SELECT comment FROM feedback WHERE comment IS NOT NULL")
            while let text = try texts.next() { guard body(text) else { return } }
        }
    }
}

/// A row of `exchange`. Texts are cut to what the schema takes.
enum ExchangeRow {
    static func insert(_ exchange: ExchangeRecord, in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO exchange (name, at, peer, tier, topic, outcome, note, insight, duration, tokens)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        try statement.execute(
            arguments: [
                exchange.id.rawValue, exchange.at.milliseconds, KeptText(exchange.peer, limit: 512).value,
                exchange.tier.rawValue, KeptText(exchange.topic, limit: 512).value, exchange.outcome.rawValue,
                exchange.note.map { KeptText($0, limit: 1_024).value }, exchange.insight?.rawValue,
                max(0, exchange.duration.wholeMilliseconds), max(0, exchange.tokens),
            ])
    }

    static func dropOldest(keeping limit: Int, in db: Database) throws {
        try db.execute(
            sql: "DELETE FROM exchange WHERE id <= (SELECT id FROM exchange ORDER BY id DESC LIMIT 1 OFFSET ?)",
            arguments: [limit])
    }

    /// Those with an outcome that a newer version wrote and this one does not know are left out.
    static func fetchLast(_ limit: Int, in db: Database) throws -> [ExchangeRecord] {
        try Row.fetchAll(db, sql: "SELECT * FROM exchange ORDER BY id DESC LIMIT ?", arguments: [limit]).compactMap {
            row in
            guard let outcome = ExchangeRecord.Outcome(rawValue: try row.decode(String.self, forColumn: "outcome")),
                let tier = Tier(rawValue: try row.decode(String.self, forColumn: "tier"))
            else { return nil }
            return ExchangeRecord(
                id: RequestID(rawValue: try row.decode(String.self, forColumn: "name")),
                at: WallTime(milliseconds: try row.decode(Int64.self, forColumn: "at")),
                peer: try row.decode(String.self, forColumn: "peer"), tier: tier,
                topic: try row.decode(String.self, forColumn: "topic"), outcome: outcome,
                note: try row.decode(String?.self, forColumn: "note"),
                insight: try row.decode(String?.self, forColumn: "insight").flatMap { InsightID($0) },
                duration: .milliseconds(try row.decode(Int64.self, forColumn: "duration")),
                tokens: try row.decode(Int.self, forColumn: "tokens"))
        }
    }
}

/// A row of `companion`.
enum CompanionRow {
    static func put(_ companion: CompanionRecord, in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO companion
                    (key, name, gains, losses, at, exchanges, successes, strikes, pauses, paused_until, latency)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        try statement.execute(
            arguments: [
                companion.key, KeptText(companion.name, limit: 512).value, companion.gains, companion.losses,
                companion.at.milliseconds, companion.exchanges, companion.successes, companion.strikes,
                companion.pauses,
                companion.pausedUntil?.milliseconds, companion.latency?.wholeMilliseconds,
            ])
    }

    static func dropOldest(keeping limit: Int, in db: Database) throws {
        try db.execute(
            sql: "DELETE FROM companion WHERE key IN (SELECT key FROM companion ORDER BY at DESC LIMIT -1 OFFSET ?)",
            arguments: [limit])
    }

    static func fetchAll(_ db: Database) throws -> [CompanionRecord] {
        try Row.fetchAll(db, sql: "SELECT * FROM companion ORDER BY key").map { row in
            CompanionRecord(
                key: try row.decode(String.self, forColumn: "key"),
                name: try row.decode(String.self, forColumn: "name"),
                gains: try row.decode(Double.self, forColumn: "gains"),
                losses: try row.decode(Double.self, forColumn: "losses"),
                at: WallTime(milliseconds: try row.decode(Int64.self, forColumn: "at")),
                exchanges: try row.decode(Int.self, forColumn: "exchanges"),
                successes: try row.decode(Int.self, forColumn: "successes"),
                strikes: try row.decode(Int.self, forColumn: "strikes"),
                pauses: try row.decode(Int.self, forColumn: "pauses"),
                pausedUntil: try row.decode(Int64?.self, forColumn: "paused_until").map { WallTime(milliseconds: $0) },
                latency: try row.decode(Int64?.self, forColumn: "latency").map { .milliseconds($0) })
        }
    }
}

/// A row of `refusal`. Texts are cut to what the schema takes.
enum RefusalRow {
    static func insert(_ refusal: RefusalRecord, in db: Database) throws {
        let statement = try db.cachedStatement(sql: "INSERT INTO refusal (at, peer, reason, text) VALUES (?, ?, ?, ?)")
        try statement.execute(
            arguments: [
                refusal.at.milliseconds, KeptText(refusal.peer, limit: 512).value, refusal.reason.rawValue,
                KeptText(refusal.text, limit: 1_024).value,
            ])
    }

    static func dropOldest(keeping limit: Int, in db: Database) throws {
        try db.execute(
            sql: "DELETE FROM refusal WHERE id <= (SELECT id FROM refusal ORDER BY id DESC LIMIT 1 OFFSET ?)",
            arguments: [limit])
    }

    /// Those with a reason that a newer version wrote and this one does not know are left out.
    static func fetchLast(_ limit: Int, in db: Database) throws -> [RefusalRecord] {
        try Row.fetchAll(db, sql: "SELECT * FROM refusal ORDER BY id DESC LIMIT ?", arguments: [limit]).compactMap {
            row in
            guard let reason = SharingRefusal.Reason(rawValue: try row.decode(String.self, forColumn: "reason")) else {
                return nil
            }
            return RefusalRecord(
                at: WallTime(milliseconds: try row.decode(Int64.self, forColumn: "at")),
                peer: try row.decode(String.self, forColumn: "peer"), reason: reason,
                text: try row.decode(String.self, forColumn: "text"))
        }
    }
}
