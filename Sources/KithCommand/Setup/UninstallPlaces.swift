// SPDX-License-Identifier: Apache-2.0

/// What kith has on a machine, for people.
package struct UninstallPlaces: Sendable {
    package var program: String
    package var isService: Bool
    /// Whether the node runs, and has to be stopped before.
    package var isRunning: Bool
    /// The node's folder, and bytes in it; `nil` if there is none.
    package var node: (path: String, bytes: Int)?
    /// The embedded engine's folder, and bytes in it; `nil` if there is none.
    package var engine: (path: String, bytes: Int)?

    package init(
        program: String, isService: Bool, isRunning: Bool = false, node: (path: String, bytes: Int)?,
        engine: (path: String, bytes: Int)?
    ) {
        self.program = program
        self.isService = isService
        self.isRunning = isRunning
        self.node = node
        self.engine = engine
    }

    package var lines: [String] {
        var lines: [String] = []
        if isService { lines.append("a service starts the node with the machine: kith uninstall --service removes it") }
        let first = isRunning && !isService ? "kith down, then " : ""
        if let node { lines.append("the node is in \(place(node)): \(first)kith uninstall --node removes it") }
        if let engine { lines.append("the engine is in \(place(engine)): \(first)kith uninstall --engine removes it") }
        return (lines.isEmpty ? ["there is nothing of kith here but the program"] : lines) + [Self.program(program)]
    }

    private func place(_ found: (path: String, bytes: Int)) -> String {
        "\(found.path) (\(max(1, found.bytes / 1_000_000)) MB)"
    }

    /// How the program itself goes.
    package static func program(_ path: String) -> String {
        path == "/usr/bin/kith"
            ? "the program goes with its package: sudo apt remove kith" : "the program is one file: rm \(path)"
    }
}
