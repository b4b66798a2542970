// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct Engine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Install the embedded engine, or see which engine a node would use.",
        subcommands: [])
}
