// SPDX-License-Identifier: Apache-2.0

import KithFiles
import SystemPackage

#if canImport(IOKit)
    import IOKit.ps
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
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
        for supply in names(in: folder) {
            func value(_ name: String) -> String? {
                let bytes = try? RegularFile.readFromKernel(FilePath("\(folder)/\(supply)/\(name)"), limit: 256)
                return bytes.map { String(decoding: $0, as: UTF8.self).filter { !$0.isWhitespace } }
            }
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

    private static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while names.count < 64, let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }
}
