// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// A row of `peer_wake`: how a kin is woken.
enum WakeRow {
    static func fetchAll(_ db: Database) throws -> [NodeID: WakeNotes] {
        let rows = try Row.fetchAll(db, sql: "SELECT * FROM peer_wake")
        return Dictionary(
            try rows.map { (try NodeID($0, column: "peer_id"), try notes($0)) }, uniquingKeysWith: { first, _ in first }
        )
    }

    /// In place of what was kept; nothing is kept where nothing is known.
    static func save(_ notes: WakeNotes, of peer: NodeID, in db: Database) throws {
        try db.execute(sql: "DELETE FROM peer_wake WHERE peer_id = ?", arguments: [peer.blob])
        if notes.isEmpty { return }
        try db.execute(
            sql: """
                INSERT INTO peer_wake (peer_id, cards, allows_prompts, times, asleep_since, models)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                peer.blob, notes.cards.map(text).joined(separator: "\n"), notes.allowsPrompts,
                notes.times.map { String(Int64($0.milliseconds)) }.joined(separator: " "),
                notes.asleepSince?.milliseconds, Blob(notes.models),
            ])
    }

    private static func text(_ card: NetworkCard) -> String {
        ([card.hardware.description] + card.networks.map(\.description)).joined(separator: " ")
    }

    /// What cannot be read is as if it were not known: it is learned again.
    private static func notes(_ row: Row) throws -> WakeNotes {
        let lines = try row.decode(String.self, forColumn: "cards").split(separator: "\n")
        let times = try row.decode(String.self, forColumn: "times").split(separator: " ")
        return WakeNotes(
            cards: lines.compactMap { card($0.split(separator: " ")) },
            allowsPrompts: try row.decode(Bool.self, forColumn: "allows_prompts"),
            times: times.compactMap { Int64($0).map { .milliseconds($0) } },
            asleepSince: try row.decode(Int64?.self, forColumn: "asleep_since").map { WallTime(milliseconds: $0) },
            models: try row.decode(Blob.self, forColumn: "models").bytes)
    }

    private static func card(_ words: [Substring]) -> NetworkCard? {
        guard let hardware = words.first.flatMap({ HardwareAddress($0) }) else { return nil }
        return NetworkCard(hardware: hardware, networks: words.dropFirst().compactMap { AddressRange($0) })
    }
}
