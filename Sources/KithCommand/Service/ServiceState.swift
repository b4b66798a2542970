// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What systemd says about the node's service.
package struct ServiceState: Hashable, Sendable, Codable {
    /// The properties that ``init(properties:)`` reads, for `systemctl show`.
    package static let properties = [
        "LoadState", "ActiveState", "SubState", "MainPID", "UnitFileState", "NRestarts", "Result", "FragmentPath",
    ]

    package var isInstalled: Bool
    package var isRunning: Bool
    /// Such as `running`, `auto-restart` or `dead`.
    package var state: String
    package var startsByItself: Bool
    package var processID: Int32?
    /// How often it was started again after it had failed.
    package var restarts: Int
    /// Why it ended, when it did not end in order; such as `exit-code`.
    package var failure: String?
    /// The unit's file.
    package var file: String?

    /// - Parameter properties: The output of `systemctl show`, a line for each property.
    package init(properties text: String) {
        var values: [Substring: Substring] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let mark = line.firstIndex(of: "=") else { continue }
            values[line[..<mark]] = line[line.index(after: mark)...]
        }
        isInstalled = values["LoadState"] == "loaded"
        isRunning = ["active", "reloading"].contains(values["ActiveState"])
        state = values["SubState"].map { String($0).printable } ?? "unknown"
        startsByItself = values["UnitFileState"]?.hasPrefix("enabled") ?? false
        processID = values["MainPID"].flatMap { Int32($0) }.flatMap { $0 > 0 ? $0 : nil }
        restarts = values["NRestarts"].flatMap { Int($0) } ?? 0
        failure = values["Result"].flatMap { $0.isEmpty || $0 == "success" ? nil : String($0).printable }
        file = values["FragmentPath"].flatMap { $0.isEmpty ? nil : String($0).printable }
    }

    /// For people.
    package var lines: [String] {
        guard isInstalled else { return ["No service is installed: kith service install"] }
        var lines: [String] = []
        if isRunning {
            lines.append("The node runs as a service" + (processID.map { ", process \($0)." } ?? "."))
        } else if state == "auto-restart" {
            lines.append("The node failed and is started again (\(failure ?? state)): kith service logs")
        } else {
            lines.append(
                "The service is installed and does not run"
                    + (failure.map { " (\($0)): kith service logs" } ?? ": kith service restart"))
        }
        if restarts > 0 { lines.append("It was started again \(restarts) \(restarts == 1 ? "time" : "times").") }
        if !startsByItself { lines.append("It does not start with the machine: kith service install") }
        if let file { lines.append("Its unit: \(file)") }
        return lines
    }
}
