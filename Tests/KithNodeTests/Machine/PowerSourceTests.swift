// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
@testable import KithNode

@Suite("Where a machine has its power from")
struct PowerSourceTests {
    private typealias Supplies = [String: [String: String]]

    private static let discharging = ["type": "Battery", "status": "Discharging"]

    private static let machines: [(Supplies, PowerSource)] = [
        ([:], .mains),
        (["BAT0": discharging], .battery),
        (["BAT0": ["type": "Battery", "status": "Charging"]], .mains),
        (["BAT0": discharging, "AC": ["type": "Mains", "online": "1"]], .mains),
        (["BAT0": discharging, "AC": ["type": "Mains", "online": "0"]], .battery),
        (["BAT0": ["type": "Battery", "status": "Full"], "BAT1": discharging], .battery),
        (["mouse": ["type": "Battery", "scope": "Device", "status": "Discharging"]], .mains),
        (["broken": [:]], .mains),
    ]

    @Test("A battery that discharges while no mains supply is online", arguments: machines.indices)
    func sysfs(number: Int) throws {
        let (supplies, expected) = Self.machines[number]
        let folder = try TemporaryFolder()
        for (name, values) in supplies {
            let supply = folder.path + "/" + name
            try FileManager.default.createDirectory(atPath: supply, withIntermediateDirectories: true)
            for (file, value) in values { try Data((value + "\n").utf8).write(to: URL(filePath: supply + "/" + file)) }
        }
        #expect(PowerSource.current(in: folder.path) == expected)
        #expect(PowerSource.current(in: "/no/such/folder") == .mains)
    }
}
