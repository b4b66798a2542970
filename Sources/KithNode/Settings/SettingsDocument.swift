// SPDX-License-Identifier: Apache-2.0

/// The reference of all settings, made from the table.
package enum SettingsDocument {
    /// `docs/settings.md`.
    package static var markdown: String {
        """
        # Settings

        <!-- Made by `kith settings --markdown`; a test holds it to the table in the source. -->

        A setting is taken from the first of these that has it: a flag, the environment, `.env` in the data folder,
        `config/kith.yaml` in the data folder, the default. A name that is misspelt and a value that cannot be used stop
        the start with one line that says which, where and what would be right.

        In `kith.yaml` a dot is a level:

        ```yaml
        port: 8081
        engine:
          kind: ollama
          ollama:
            model: llama3.2
        ```

        That is `~/.kith/config/kith.yaml`, unless the node has another data folder. A node reads it when it starts: after a change
        `kith down`, then `kith setup --yes`; of a service, `kith service restart`.

        Paths in files are relative to the data folder, others to the current folder; `~/` is the home folder.

        ## The node

        \(table(SettingDefinition.node))

        ## Who is let in

        \(table(SettingDefinition.access + SettingDefinition.firewall))

        ## Other nodes

        \(table(SettingDefinition.peers))

        ## Its roles, and Vault

        \(table(SettingDefinition.roles))

        ## What it says of itself

        \(table(SettingDefinition.observation))

        ## The way of a request

        \(table(SettingDefinition.routing))

        ## Company

        \(table(SettingDefinition.social))

        ## Alerts

        \(table(SettingDefinition.alerts))

        ## Its engine

        \(table(SettingDefinition.engine))

        ## Machines that sleep

        \(table(SettingDefinition.sleep))

        ## Commands that ask a node

        \(table(SettingDefinition.client))

        """
    }

    private static func table(_ definitions: [SettingDefinition]) -> String {
        let head =
            "| in `kith.yaml` | flag | in the environment | value | default | what it does |\n"
            + "| --- | --- | --- | --- | --- | --- |\n"
        return head + definitions.map(row).joined(separator: "\n")
    }

    private static func row(_ definition: SettingDefinition) -> String {
        let cells = [
            definition.reach == .files ? "`\(definition.key)`" : "",
            definition.flag.map { "`\($0)`" } ?? "",
            definition.environmentNames.map { "`\($0)`" }.joined(separator: ", "),
            definition.kind.expectation,
            definition.fallback.map { "`\($0)`" } ?? definition.fallbackNote ?? "none",
            definition.help + (definition.isSecret ? " Secret." : ""),
        ]
        return "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }
}
