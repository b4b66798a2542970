// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference

/// What a machine has left and runs on, in words.
enum MachineWords {
    /// `20.1 of 32.0 GB`; `nil` where nothing is known.
    static func memory(_ machine: MachineMessage?) -> String? { room(machine?.memoryFreeBytes, machine?.memoryBytes) }

    static func accelerator(_ machine: MachineMessage?) -> String? {
        room(machine?.acceleratorFreeBytes, machine?.acceleratorBytes)
    }

    /// `battery, 43 %, lid closed, spared`; `nil` for a machine that has neither battery nor lid.
    static func power(_ machine: MachineMessage?) -> String? {
        guard let machine else { return nil }
        var words = [machine.power?.rawValue, machine.batteryPercent.map { "\($0) %" }].compactMap(\.self)
        if machine.isLidClosed == true { words.append("lid closed") }
        if machine.sparesBattery == true { words.append("spared") }
        return words.isEmpty ? nil : words.joined(separator: ", ")
    }

    private static func room(_ free: Int?, _ total: Int?) -> String? {
        guard let free, let total else { return nil }
        return "\(ByteText(free)) of \(ByteText(total))"
    }
}
