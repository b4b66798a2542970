// SPDX-License-Identifier: Apache-2.0

#if canImport(IOKit)
    import IOKit.ps
#endif

/// What this machine draws its power from.
package enum PowerSource: String, Sendable {
    case mains
    case battery

    /// `mains` also where nothing is known of it, as on a desktop.
    package static func current() -> PowerSource {
        #if canImport(IOKit)
            let information = IOPSCopyPowerSourcesInfo().takeRetainedValue()
            let kind = IOPSGetProvidingPowerSourceType(information)?.takeUnretainedValue() as String?
            return kind == kIOPMBatteryPowerKey ? .battery : .mains
        #else
            return current(in: "/sys/class/power_supply")
        #endif
    }

    /// As Linux tells it (Documentation/ABI/testing/sysfs-class-power): on battery if a battery of the machine itself
    /// discharges and no mains supply is online.
    static func current(in folder: String) -> PowerSource {
        var isDischarging = false
        for supply in KernelFiles.names(in: folder) {
            func value(_ name: String) -> String? { KernelFiles.text("\(folder)/\(supply)/\(name)") }
            switch value("type") {
            case "Mains", "USB": if value("online") == "1" { return .mains }
            // A mouse has a battery too, and says that it is a device.
            case "Battery" where value("scope") != "Device":
                isDischarging = isDischarging || value("status") == "Discharging"
            default: continue
            }
        }
        return isDischarging ? .battery : .mains
    }
}
