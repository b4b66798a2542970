// SPDX-License-Identifier: Apache-2.0

extension SettingDefinition {
    /// Where prompts go.
    static let routing: [SettingDefinition] = [
        SettingDefinition(
            .routingContinue, .boolean, fallback: "on",
            help: "Another node goes on with an answer when the one that gave it dies or falls silent."),
        SettingDefinition(
            .routingStandby, .boolean, fallback: "off",
            help: "While a node answers, the one that would go on reads along if it has nothing else to do, every 32 "
                + "tokens: it can then go on at once, and works for answers that mostly need no help."),
        SettingDefinition(
            .routingStallLimit, .number(0.5...3_600), fallback: "30",
            help: "Seconds without a token after which an answer counts as broken off."),
        SettingDefinition(
            .routingToolStallLimit, .number(0.5...3_600), fallback: "180",
            help: "The same for a request with tools, since some engines write a call in silence."),
        SettingDefinition(
            .routingHeartbeat, .number(0.1...3_600), fallback: "5",
            help:
                "Seconds after which a client with an open stream is told what is going on, if nothing else was said; the "
                + "first time after one second."),
        SettingDefinition(
            .routingPatience, .number(0...3_600), fallback: "30",
            help: "Seconds for which a request waits for room while the queues of all engines are full."),
        SettingDefinition(
            .routingAffinity, .boolean, fallback: "on",
            help: "A conversation goes back to the node that answered it last, whose engine still has it in memory, "
                + "unless that node is much busier than another."),
        SettingDefinition(
            .routingSpareBattery, .number(0...100), fallback: "50",
            help:
                "While this machine runs on its battery and has less than this percent of its charge left, or its lid is "
                + "closed, prompts go to others that take at most twice as long; 0 for never."),
        SettingDefinition(
            .routingLoadAhead, .boolean, fallback: "off",
            help:
                "This machine keeps models in memory that are asked for again and again, and loads the one that is asked for "
                + "most when none is in memory: where it fits and a tenth of the memory stays free, and never on battery or "
                + "while paused. Ollama only."),
        SettingDefinition(
            .routingAliases, .aliases, note: "`fast` and `code`",
            help: "Names that clients may ask for in place of a model's, and the models that each stands for: the one "
                + "that answers soonest is taken, on whichever node. In `kith.yaml` a mapping of names to lists. "
                + "`fast`, the fastest that is known, and `code`, a model whose name says that it is one for "
                + "programming, are there unless they are defined otherwise."),
    ]
}
