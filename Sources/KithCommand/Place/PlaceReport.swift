// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithInference
import KithModel

/// Which models are on which machines, for people: all models in a table, or one with a line for each machine.
package struct PlaceReport: TextReport, Sendable {
    private let plan: PlaceMessage.Plan
    private let width: Int?
    private let style: TerminalStyle

    package init(_ plan: PlaceMessage.Plan, width: Int?, style: TerminalStyle) {
        self.plan = plan
        self.width = width
        self.style = style
    }

    package var lines: [String] {
        let models = plan.models.isEmpty ? ["no machine of yours has a model"] : modelTable
        return machineTable + [""] + models + notes
    }

    /// What each machine has left.
    private var machineTable: [String] {
        var table = TextTable([
            .init("MACHINE", .needed, least: 8), .init("STATE", .needed), .init("MEMORY FREE", .useful, .right),
            .init("GRAPHICS FREE", .useful, .right), .init("POWER", .useful), .init("BUSY", .extra, .right),
        ])
        for machine in plan.machines {
            table.add([
                machine.node, machine.isPaused && machine.state == "up" ? "paused" : machine.state,
                MachineWords.memory(machine.machine) ?? "-", MachineWords.accelerator(machine.machine) ?? "-",
                MachineWords.power(machine.machine) ?? "-", "\(machine.active)/\(machine.slots)",
            ])
        }
        return table.lines(width: width, style: style)
    }

    private var modelTable: [String] {
        var table = TextTable([
            .init("MODEL", .first), .init("MEMORY", .useful, .right), .init("WHERE", .needed, least: 20),
            .init("NEXT", .useful, least: 16),
        ])
        for model in plan.models {
            let places = model.places.filter { $0.residency != nil }
            table.add([
                model.name, model.needBytes.map { "\(ByteText($0))" } ?? "-",
                places.map { "\($0.node): \(Self.words($0))" }.joined(separator: ", "), Self.next(model),
            ])
        }
        return table.lines(width: width, style: style)
    }

    private var notes: [String] {
        let ahead = plan.ahead.map { ahead in
            ["\(ahead.node) \(ahead.deed == .keep ? "keeps" : "loads") \(ahead.model) next, by itself".printable]
        }
        return (ahead ?? [])
            + plan.machines.compactMap { machine in
                machine.problem.map { style.yellow("\(machine.node): \($0)".printable) }
            }
    }

    static func words(_ place: PlaceMessage.Place) -> String {
        let state = place.residency.map { $0 == .unknown ? "there" : ModelsReport.words($0) } ?? "absent"
        return state + (place.missingBytes.map { ", \(ByteText($0)) of memory short" } ?? "")
    }

    static func next(_ model: PlaceMessage.Model) -> String {
        guard let next = model.next else { return "nobody" }
        let load = next.coldLoadMilliseconds > 0 ? ", \(RouteTime.text(next.coldLoadMilliseconds)) of it to load" : ""
        return "\(next.node): \(RouteWords.reason(next.reason)), \(RouteTime.text(next.waitMilliseconds))\(load)"
    }
}

/// One model on all machines, for people.
package struct PlacedModelReport: TextReport, Sendable {
    private let plan: PlaceMessage.Plan
    private let width: Int?
    private let style: TerminalStyle

    package init(_ plan: PlaceMessage.Plan, width: Int?, style: TerminalStyle) {
        self.plan = plan
        self.width = width
        self.style = style
    }

    package var lines: [String] {
        var lines: [String] = []
        for model in plan.models {
            let sizes = [
                model.sizeBytes.map { "\(ByteText($0)) on the disk" },
                model.needBytes.map { "\(ByteText($0)) in memory" },
            ].compactMap(\.self)
            lines.append(
                style.bold(model.name.printable) + (sizes.isEmpty ? "" : "  \(sizes.joined(separator: ", "))"))
            lines.append(("next: " + PlaceReport.next(model)).printable)
            if let refusal = model.refusal { lines.append(style.yellow(refusal.printable)) }
            lines += table(model).lines(width: width, style: style)
        }
        return lines
    }

    private func table(_ model: PlaceMessage.Model) -> TextTable {
        var table = TextTable([
            .init("MACHINE", .needed, least: 8), .init("IS", .needed), .init("TAKES", .useful, .right),
            .init("UNTIL", .extra), .init("MEMORY FREE", .useful, .right), .init("GRAPHICS FREE", .useful, .right),
        ])
        for place in model.places {
            let machine = plan.machines.first { $0.node == place.node }?.machine
            table.add([
                place.node, PlaceReport.words(place), place.memoryBytes.map { "\(ByteText($0))" } ?? "-",
                ModelsReport.until(place.loadedUntil), MachineWords.memory(machine) ?? "-",
                MachineWords.accelerator(machine) ?? "-",
            ])
        }
        return table
    }
}
