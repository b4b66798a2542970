// SPDX-License-Identifier: Apache-2.0

import GRDB

/// All versions of the database's schema, oldest first.
///
/// A version that has been released is never edited; a change is a new version. The database names the versions it has
/// been through, so a program that meets one it does not know refuses to touch it.
enum StoreSchema {
    /// Marks the file as kith's (SQLite's `application_id`): the bytes of "kith".
    static let applicationID: Int32 = 0x6B69_7468

    static func migrator() -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("v1", migrate: ConversationsV1.migrate)
        migrator.registerMigration("v2", migrate: TrustV2.migrate)
        migrator.registerMigration("v3", migrate: StateV3.migrate)
        migrator.registerMigration("v4", migrate: CultureV4.migrate)
        migrator.registerMigration("v5", migrate: CompanyV5.migrate)
        migrator.registerMigration("v6", migrate: ResponsesV6.migrate)
        migrator.registerMigration("v7", migrate: SessionTitlesV7.migrate)
        migrator.registerMigration("v8-session-origins", migrate: SessionOriginsV8.migrate)
        migrator.registerMigration("v8-key-limits", migrate: KeyLimitsV8.migrate)
        migrator.registerMigration("v9-wake", migrate: WakeV9.migrate)
        return migrator
    }
}
