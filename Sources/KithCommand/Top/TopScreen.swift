// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel

/// One picture of `kith top`: as many lines as the terminal has, none wider than it.
package struct TopScreen: Sendable {
    private let activity: MeshActivity
    private let controls: TopControls
    private let now: MonotonicInstant
    private let style: TerminalStyle
    private let width: Int
    private let height: Int

    /// - Parameters:
    ///   - width: Columns.
    ///   - height: Lines.
    package init(
        _ activity: MeshActivity, _ controls: TopControls, width: Int, height: Int, now: MonotonicInstant,
        style: TerminalStyle
    ) {
        self.activity = activity
        self.controls = controls
        self.width = max(1, width)
        self.height = max(1, height)
        self.now = now
        self.style = style
    }

    /// Rows that a section has when it is alone.
    package static func page(height: Int) -> Int { max(1, height - 5) }

    /// Exactly `height` lines.
    package var lines: [String] {
        guard height > 3 else { return Array(([summary] + Array(repeating: "", count: height)).prefix(height)) }
        let room = height - 3
        let body = controls.showsHelp ? help : sections(room)
        let padded = body.prefix(room) + Array(repeating: "", count: max(0, room - body.count))
        return [heading, summary] + padded + [footer]
    }

    /// How many rows the section that is alone on the screen has in all.
    package var rows: Int {
        switch controls.view {
        case .all: 0
        case .machines: machines.count
        case .models: models.count
        case .requests: requests.count
        }
    }

    // MARK: Above and below

    private var heading: String {
        guard let own = activity.own else { return fitted("kith top") }
        let name = "\(own.node)  kith \(own.version)  up \(StatusReport.age(activity.uptime(now: now)))"
        let whole = "kith top  \(name)  \(own.address)"
        return fitted(whole.displayWidth <= width ? whole : "kith top  \(name)", style.bold)
    }

    private var summary: String {
        if case .lost(let since, let why) = activity.connection {
            let seconds = StatusReport.age((now - since).seconds)
            return fitted("the node does not answer since \(seconds): \(why)", style.red)
        }
        let states = Dictionary(grouping: activity.peers, by: \.state).mapValues(\.count)
        let up = (states["up"] ?? 0) + (activity.own == nil ? 0 : 1)
        var parts = ["\(up) up"]
        if up <= activity.peers.count { parts.append("\(activity.peers.count + 1 - up) not up") }
        parts.append("\(activity.running.count) running")
        parts.append("\(activity.answers(now: now)) answers/min")
        parts.append("\(Self.speed(activity.throughput(now: now))) tokens/s")
        if activity.own?.draining == true { parts.append("paused") }
        if controls.isPaused { parts.append("PAUSED") }
        let alerts = Set(activity.alerts.values).sorted()
        guard !alerts.isEmpty else { return fitted(parts.joined(separator: "   ")) }
        parts.append("alerts: \(alerts.joined(separator: ", "))")
        return fitted(parts.joined(separator: "   "), style.yellow)
    }

    private var footer: String {
        let keys =
            width < 60
            ? "q quit  ? help" : "q quit  tab section  s sort: \(controls.order.rawValue)  p pause  ? help"
        return fitted(controls.view == .all ? keys : keys + "  up/down scroll", style.dim)
    }

    private var help: [String] {
        [
            "", "  tab, shift-tab    the next section, the one before", "  0                 all sections",
            "  1  2  3           machines, models, requests alone", "  s                 order by name, load or speed",
            "  up, down, j, k    scroll; also page up, page down, home, end",
            "  p, space          hold the picture; again to go on", "  q, escape         end", "",
            "  Speeds are those of the last \(activity.ended.count) requests that this node passed on or answered.",
            "  A wider terminal shows more columns. Any key goes back.",
        ].map { fitted($0) }
    }

    // MARK: Sections

    private func sections(_ room: Int) -> [String] {
        let page = Self.page(height: height)
        func alone(_ section: Columns, _ rows: [[String]]) -> [String] {
            [""] + lines(section, Array(rows.dropFirst(controls.offset).prefix(page)))
        }
        switch controls.view {
        case .machines: return alone(Self.machineColumns, machines)
        case .models: return alone(Self.modelColumns, models)
        case .requests: return alone(Self.requestColumns, requests)
        case .all: break
        }
        // An empty line and the titles of each.
        let free = max(0, room - 6)
        let forMachines = min(machines.count, max(3, free * 2 / 5))
        let forModels = min(models.count, max(2, (free - forMachines) * 2 / 5))
        return [""] + cut(Self.machineColumns, machines, to: forMachines) + [""]
            + cut(Self.modelColumns, models, to: forModels) + [""]
            + lines(Self.requestColumns, Array(requests.prefix(max(0, free - forMachines - forModels))))
    }

    /// The first rows; where that is not all, the last line says how many are missing.
    private func cut(_ section: Columns, _ rows: [[String]], to count: Int) -> [String] {
        guard rows.count > count, count > 0 else { return lines(section, rows) }
        let missing = fitted("+ \(rows.count - count + 1) more", style.dim)
        return lines(section, Array(rows.prefix(count - 1))) + [missing]
    }

    private func lines(_ section: Columns, _ rows: [[String]]) -> [String] {
        var table = TextTable(section)
        for row in rows { table.add(row) }
        return table.rowsOnly(width: width, style: style)
    }

    private typealias Columns = [TextTable.Column]

    private static let machineColumns: Columns = [
        .init("MACHINE", .needed, least: 12), .init("TIER", .useful), .init("STATE", .needed),
        .init("LOAD", .needed, .right), .init("TOK/S", .needed, .right), .init("ANSWERS", .extra, .right),
        .init("LATENCY", .extra, .right), .init("MODELS", .useful, least: 8),
    ]
    private static let modelColumns: Columns = [
        .init("MODEL", .needed, least: 12), .init("RUNNING", .needed, .right), .init("TOK/S", .needed, .right),
        .init("FIRST", .extra, .right), .init("ANSWERS", .extra, .right), .init("ON", .useful, least: 8),
    ]
    private static let requestColumns: Columns = [
        .init("REQUEST", .needed, .right), .init("MODEL", .needed, least: 10), .init("MACHINE", .needed, least: 10),
        .init("FIRST", .extra, .right), .init("TIME", .needed, .right), .init("TOKENS", .extra, .right),
        .init("TOK/S", .useful, .right), .init("OUTCOME", .useful, least: 9),
    ]

    private var machines: [[String]] {
        struct Row {
            var name: String
            var load: Double
            var speed: Double
            var cells: [String]
        }
        var rows: [Row] = []
        func add(
            _ name: String, _ tier: String, _ state: String, _ load: (Int, Int), _ latency: Double?, _ models: [String]
        ) {
            let pace = activity.pace { ($0.continuations.last?.node ?? $0.node) == name }
            let busy = load.1 > 0 ? Double(load.0) / Double(load.1) : -1
            rows.append(
                Row(
                    name: name, load: busy, speed: pace.tokensPerSecond ?? -1,
                    cells: [
                        Self.short(name), tier, state, load.1 > 0 ? "\(load.0)/\(load.1)" : "-",
                        Self.speed(pace.tokensPerSecond),
                        pace.answers > 0 ? "\(pace.answers)" : "-", latency.map(RouteTime.text) ?? "-",
                        models.isEmpty ? "-" : models.joined(separator: ", "),
                    ]))
        }
        if let own = activity.own {
            let engine = own.engine
            let state = own.draining == true ? "paused" : engine.kind == nil ? "no engine" : engine.state
            add(own.node, "self", state, (engine.active, engine.slots), nil, engine.models)
        }
        for peer in activity.peers {
            let state = peer.draining == true && peer.state == "up" ? "paused" : peer.state
            add(peer.name, peer.tier, state, (peer.active, peer.slots), peer.latencyMilliseconds, peer.models)
        }
        return Self.ordered(rows, by: controls.order, load: \.load, speed: \.speed).map(\.cells)
    }

    private var models: [[String]] {
        struct Row {
            var load: Double
            var speed: Double
            var cells: [String]
        }
        var places: [String: [String]] = [:]
        for model in activity.own?.engine.models ?? [] { places[model, default: []].append(activity.own?.node ?? "-") }
        for peer in activity.peers where peer.state == "up" {
            for model in peer.models { places[model, default: []].append(peer.name) }
        }
        let rows = places.sorted { $0.key < $1.key }.map { model, nodes in
            let running = activity.running.count { $0.model == model }
            let pace = activity.pace { ($0.continuations.last?.model ?? $0.model) == model }
            return Row(
                load: Double(running), speed: pace.tokensPerSecond ?? -1,
                cells: [
                    Self.short(model), "\(running)", Self.speed(pace.tokensPerSecond),
                    pace.firstTokenMilliseconds.map(RouteTime.text) ?? "-",
                    pace.answers > 0 ? "\(pace.answers)" : "-", nodes.joined(separator: ", "),
                ])
        }
        return Self.ordered(rows, by: controls.order, load: \.load, speed: \.speed).map(\.cells)
    }

    /// Those that run, the oldest first; then those that ended, the newest first.
    private var requests: [[String]] {
        activity.running.map { one in
            let seconds = (now - one.since).milliseconds
            return [
                "now", Self.short(one.model), Self.short(one.node), "-", RouteTime.text(max(0, seconds)), "-", "-",
                one.continues ? "goes on" : "running",
            ]
        }
            + activity.ended.map { one in
                let request = one.request
                return [
                    StatusReport.age(max(0, (now - one.at).seconds)),
                    Self.short(request.continuations.last?.model ?? request.model ?? request.asked ?? "-"),
                    Self.short(([request.node ?? "-"] + request.continuations.map(\.node)).joined(separator: " > ")),
                    request.firstTokenMilliseconds.map(RouteTime.text) ?? "-",
                    RouteTime.text(request.durationMilliseconds),
                    request.usage.map { "\($0.completionTokens)" } ?? "-", Self.speed(request.tokensPerSecond),
                    RecentRoutesReport.outcome(of: request),
                ]
            }
    }

    // MARK: Text

    /// The most first; by name they come already.
    private static func ordered<Row>(
        _ rows: [Row], by order: TopControls.Order, load: KeyPath<Row, Double>, speed: KeyPath<Row, Double>
    ) -> [Row] {
        func sorted(by value: KeyPath<Row, Double>) -> [Row] {
            rows.enumerated().sorted { left, right in
                let (one, other) = (left.element[keyPath: value], right.element[keyPath: value])
                return one == other ? left.offset < right.offset : one > other
            }.map(\.element)
        }
        switch order {
        case .name: return rows
        case .load: return sorted(by: load)
        case .speed: return sorted(by: speed)
        }
    }

    /// `47.3`, `812`: a tenth is worth telling of slow ones only.
    private static func speed(_ speed: Double?) -> String {
        guard let speed else { return "-" }
        return StatusReport.rounded(speed < 100 ? (speed * 10).rounded() / 10 : speed.rounded())
    }

    private static func short(_ name: String) -> String { name.truncated(toWidth: 28) }

    private func fitted(_ text: String, _ coloured: (String) -> String = { $0 }) -> String {
        coloured(text.printable.truncated(toWidth: width))
    }
}
