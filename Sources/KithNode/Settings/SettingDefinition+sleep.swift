// SPDX-License-Identifier: Apache-2.0

extension SettingDefinition {
    /// Machines that sleep, and are woken.
    static let sleep: [SettingDefinition] = [
        SettingDefinition(
            .wakeByPrompts, .boolean, fallback: "on",
            help:
                "A prompt that only a machine can answer that has gone to sleep wakes it. Off, prompts that come to this "
                + "node wake nobody, and no prompt wakes this machine; `kith wake` does all the same."),
        SettingDefinition(
            .wakeLimit, .number(1...600), fallback: "60",
            help: "Seconds for which a prompt waits for a machine that is woken; less where it is known to wake sooner."
        ),
        SettingDefinition(
            .sleepWhenIdle, .number(0...10_080), fallback: "0",
            help:
                "Minutes without a prompt after which this machine goes to sleep by itself; 0 for never. What else is done "
                + "at it is not looked at, so leave it off where somebody works."),
        SettingDefinition(
            .sleepCommand, .words, note: "`systemctl,suspend`; on macOS `pmset,sleepnow`",
            help: "The program that puts this machine to sleep, and its arguments, separated by commas."),
    ]
}
