// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct Level: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show and declare levels: how much of the work a node is for.",
        discussion: """
            A node that declares twice the level of another gets about twice the work. Programs may declare levels under \
            names of their own, which all your devices see.

            EXAMPLES:
              kith level show
              kith level set 2.5
              kith level set 0.8 --source editor
            """,
        subcommands: [LevelShow.self, LevelSet.self])
}
