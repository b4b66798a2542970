// SPDX-License-Identifier: Apache-2.0

package import KithPeers

/// When this machine sleeps, and which are woken.
package struct SleepSettings: Hashable, Sendable {
    package var wake: WakeWishes
    /// How long no prompt comes before this machine goes to sleep by itself; `nil` for never.
    package var whenIdle: Duration?
    /// What puts it to sleep, with its arguments; at least one word.
    package var command: [String]

    package init(
        wake: WakeWishes = WakeWishes(), whenIdle: Duration? = nil, command: [String] = SleepSettings.usualCommand
    ) {
        self.wake = wake
        self.whenIdle = whenIdle
        self.command = command
    }

    init(_ values: SettingValues) throws(SettingError) {
        let minutes = try values.required(.sleepWhenIdle, values.number(.sleepWhenIdle))
        let words = values.text(.sleepCommand).map(SettingKind.entries) ?? []
        self.init(
            wake: WakeWishes(
                byPrompts: try values.required(.wakeByPrompts, values.boolean(.wakeByPrompts)),
                limit: .seconds(try values.required(.wakeLimit, values.number(.wakeLimit)))),
            whenIdle: minutes > 0 ? .seconds(minutes * 60) : nil, command: words.isEmpty ? Self.usualCommand : words)
    }

    #if os(macOS)
        package static let usualCommand = ["pmset", "sleepnow"]
    #else
        package static let usualCommand = ["systemctl", "suspend"]
    #endif
}
