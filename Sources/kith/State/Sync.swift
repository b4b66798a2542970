// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct Sync: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See whether your devices are in step.",
        discussion: """
            EXAMPLES:
              kith sync status
            """,
        subcommands: [SyncStatus.self], defaultSubcommand: SyncStatus.self)
}
