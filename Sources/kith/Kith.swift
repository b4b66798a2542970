// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithNode

/// The root of the command line.
struct Kith: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kith",
        abstract: "Joins the machines you own into one private network of AI assistants.",
        discussion: """
            Every machine runs one node. Ask any node; the mesh answers, even when the node asked has no model.

            EXAMPLES:
              kith engine install            put an engine and a small model here
              kith up                        start a node on http://127.0.0.1:8080
              kith ask "why is the sky blue?"
              kith invite --tier kin         pair another machine; kith join there
              kith cluster up -n 3           three nodes on this machine, to try things out
              kith doctor                    say what is wrong, and what mends it

            \(ExitStatus.explanation)

            `kith settings` lists all settings. Shell completions: kith --generate-completion-script bash|zsh|fish
            """,
        version: KithVersion.text,
        subcommands: [
            Up.self, Ask.self, Route.self, Status.self, Peers.self, Drain.self, ID.self, Invite.self, Join.self,
            Rename.self, ChangeTier.self, Forget.self, Rekey.self, Key.self, Context.self, Level.self, Sync.self,
            Session.self, Companion.self, Culture.self, Engine.self, Cluster.self, Settings.self, Doctor.self,
        ])
}
