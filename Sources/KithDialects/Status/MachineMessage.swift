// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a machine has left for models and what it runs on, as a node tells its owner. What is not known is missing.
package struct MachineMessage: Codable, Hashable, Sendable {
    package enum Power: String, Codable, Sendable, CaseIterable { case mains, battery }

    package var memoryBytes: Int?
    package var memoryFreeBytes: Int?
    /// Of its graphics cards together.
    package var acceleratorBytes: Int?
    package var acceleratorFreeBytes: Int?
    /// Missing on a machine without a battery.
    package var power: Power?
    /// From 0 to 100.
    package var batteryPercent: Int?
    package var isLidClosed: Bool?
    /// Whether prompts go to others that answer about as soon, to spare its battery; missing where they do not.
    package var sparesBattery: Bool?

    package init(_ facts: MachineFacts) {
        memoryBytes = facts.memory?.total
        memoryFreeBytes = facts.memory?.free
        acceleratorBytes = facts.accelerator?.total
        acceleratorFreeBytes = facts.accelerator?.free
        power = facts.battery.map { $0.isInUse ? .battery : .mains }
        batteryPercent = facts.battery?.percent
        isLidClosed = facts.isLidClosed
        sparesBattery = facts.sparesBattery
    }

    private enum CodingKeys: String, CodingKey {
        case power
        case memoryBytes = "memory_bytes"
        case memoryFreeBytes = "memory_free_bytes"
        case acceleratorBytes = "accelerator_bytes"
        case acceleratorFreeBytes = "accelerator_free_bytes"
        case batteryPercent = "battery_percent"
        case isLidClosed = "lid_closed"
        case sparesBattery = "spares_battery"
    }
}
