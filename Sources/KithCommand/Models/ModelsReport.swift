// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithInference
import KithModel

/// The models on one machine or several, for people.
package struct ModelsReport: TextReport, Sendable {
    private let list: ModelMessage.List
    private let width: Int?
    private let style: TerminalStyle

    package init(_ list: ModelMessage.List, width: Int?, style: TerminalStyle) {
        self.list = list
        self.width = width
        self.style = style
    }

    package var lines: [String] {
        let rows = list.pulls.filter { $0.state == .running }.map(row) + list.models.map(row)
        let table =
            rows.isEmpty
            ? [
                "no models on this machine; kith model list --all shows those of your other machines too, and where Ollama runs "
                    + "kith model pull llama3.2:1b gets one"
            ] : table(rows)
        return table + notes
    }

    private struct Row {
        var node: String
        var name: String
        var engine: String
        var state: String
        var size: Int?
        var memory: Int?
        var until: String
        var context: Int?
    }

    private func row(_ model: ModelMessage.Model) -> Row {
        Row(
            node: model.node, name: model.name, engine: model.engine, state: Self.words(model.residency),
            size: model.sizeBytes, memory: model.memoryBytes, until: Self.until(model.loadedUntil),
            context: model.contextLength)
    }

    private func row(_ pull: ModelMessage.Pull) -> Row {
        Row(
            node: pull.node, name: pull.name, engine: pull.engine, state: PullWords.state(pull),
            size: pull.totalBytes, memory: nil, until: "-", context: nil)
    }

    private func table(_ rows: [Row]) -> [String] {
        let showsNodes = Set(rows.map(\.node)).count > 1
        var columns: [TextTable.Column] = [.init("MODEL", .first)]
        if showsNodes { columns.append(.init("NODE", .needed, least: 8)) }
        columns += [
            .init("STATE", .needed), .init("SIZE", .useful, .right), .init("MEMORY", .useful, .right),
            .init("LOADED UNTIL", .extra), .init("CONTEXT", .extra, .right), .init("ENGINE", .extra),
        ]
        var table = TextTable(columns)
        for row in rows {
            var cells = [row.name]
            if showsNodes { cells.append(row.node) }
            cells += [
                row.state, row.size.map { "\(ByteText($0))" } ?? "-", row.memory.map { "\(ByteText($0))" } ?? "-",
                row.until, row.context.map(String.init) ?? "-", row.engine,
            ]
            table.add(cells)
        }
        return table.lines(width: width, style: style)
    }

    /// What the table does not say: engines and machines that do not answer, pulls that failed, and what is left on the disk.
    private var notes: [String] {
        let pulls = list.pulls.compactMap { pull in
            pull.error.map { "\(pull.name) was not pulled to \(pull.node): \($0.message)" }
        }
        let problems = list.engines.compactMap { engine in
            engine.problem.map { "\(Self.place(engine)) on \(engine.node): \($0)" }
        }
        let missing = list.missing.map { "\($0.node): \($0.reason)" }
        let room = list.engines.filter { $0.fixedBecause == nil }.compactMap { engine in
            engine.freeBytes.map { "\(ByteText($0)) left on the disk for \(engine.kind) on \(engine.node)" }
        }
        return (pulls + problems + missing).map { style.yellow($0.printable) } + room.map { style.dim($0.printable) }
    }

    private static func place(_ engine: ModelMessage.Engine) -> String {
        engine.kind + (engine.address.map { " at \($0)" } ?? "")
    }

    static func words(_ residency: Residency) -> String {
        switch residency {
        case .loaded: "loaded"
        case .loading: "loading"
        case .onDisk: "on disk"
        case .elsewhere: "at a provider"
        case .unknown: "-"
        }
    }

    static func until(_ text: String?) -> String {
        switch text {
        case nil: "-"
        case "always": "unloaded by hand"
        case .some(let time): TimeText.minute(time)
        }
    }
}

/// One model, for people.
package struct ModelReport: TextReport, Sendable {
    private let model: ModelMessage.Model
    private let style: TerminalStyle

    package init(_ model: ModelMessage.Model, width: Int?, style: TerminalStyle) {
        self.model = model
        self.style = style
    }

    package var lines: [String] {
        let kind = [model.family, model.parameters, model.quantization].compactMap(\.self).joined(separator: ", ")
        let rows: [(String, String?)] = [
            ("node", model.node), ("engine", model.engine + (model.address.map { " at \($0)" } ?? "")),
            ("state", state), ("size", model.sizeBytes.map { "\(ByteText($0))" }), ("memory", memory),
            ("kind", kind.isEmpty ? nil : kind), ("context", model.contextLength.map { "\($0) tokens" }),
            ("can", model.capabilities.map { $0.joined(separator: ", ") }),
            ("changed", model.changedAt.map(TimeText.minute)), ("digest", model.digest),
        ]
        let width = rows.map(\.0.count).max() ?? 0
        return [style.bold(model.name.printable)]
            + rows.compactMap { name, value in
                value.map { name + String(repeating: " ", count: width - name.count + 2) + $0.printable }
            }
    }

    private var state: String {
        var words = ModelsReport.words(model.residency)
        if let until = model.loadedUntil { words += ", until " + ModelsReport.until(until) }
        if model.isPreferred { words += "; for prompts that name no model" }
        return words
    }

    private var memory: String? {
        model.memoryBytes.map { bytes in
            "\(ByteText(bytes))"
                + (model.acceleratorMemoryBytes.map { ", \(ByteText($0)) of it the accelerator's" } ?? "")
        }
    }
}

/// A pull in words.
package enum PullWords {
    /// `pulling, 40 %`.
    static func state(_ pull: ModelMessage.Pull) -> String {
        guard let total = pull.totalBytes, total > 0 else { return "pulling" }
        return "pulling, \(percent(pull, of: total)) %"
    }

    /// A line for those who see no bar; `nil` where the last one said the same.
    package static func line(_ pull: ModelMessage.Pull, after last: ModelMessage.Pull?) -> String? {
        guard let total = pull.totalBytes, total > 0 else {
            return pull.status == last?.status ? nil : "\(pull.name): \(pull.status)".printable
        }
        let tenth = percent(pull, of: total) / 10
        if let last, let before = last.totalBytes, before > 0, last.status == pull.status || last.totalBytes == total,
            percent(last, of: before) / 10 == tenth
        {
            return nil
        }
        return "\(pull.name): \(percent(pull, of: total)) % of \(ByteText(total))".printable
    }

    package static func bar(_ pull: ModelMessage.Pull) -> ProgressBar {
        let label = pull.totalBytes == nil ? "\(pull.name): \(pull.status)" : pull.name
        return ProgressBar(
            label.printable.truncated(toWidth: 48), done: pull.completedBytes, of: pull.totalBytes, .bytes)
    }

    /// How it ended.
    ///
    /// - Parameter done: The word for one that ended well.
    /// - Throws: ``CommandError`` for a pull that did not end with the model.
    package static func end(_ pull: ModelMessage.Pull, _ done: String = "pulled") throws(CommandError) -> String {
        switch pull.state {
        case .running: "\(pull.name) is still being pulled".printable
        case .done:
            "\(done) \(pull.name) to \(pull.node)".printable + (pull.totalBytes.map { " (\(ByteText($0)))" } ?? "")
        case .cancelled: throw CommandError(.failed, "the pull of \(pull.name.printable) was cancelled")
        case .failed: throw CommandError(.failed, (pull.error?.message ?? "the pull failed").printable)
        }
    }

    private static func percent(_ pull: ModelMessage.Pull, of total: Int) -> Int {
        Int(min(1, max(0, Double(pull.completedBytes) / Double(total))) * 100)
    }
}
