// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The alerts of the mesh as one of its nodes has them, and what that node does about them.
///
/// Every node says what it sees; of those that have a way to tell people, the one with the lowest id of all that are in
/// reach tells them, and says so before and after. Who takes over from it knows what was told, and under which name. See
/// docs/decisions/0020-alerts.md.
package struct MeshAlerts: Sendable {
    package struct Timing: Hashable, Sendable {
        /// How long what one node writes may take to be known to its kin: so long a speaker waits before it speaks.
        package var settling = Duration.seconds(2)
        /// How long after its start a node hears out kin that it cannot reach yet, before it speaks.
        package var start = Duration.seconds(10)
        /// How long alerts that are over are shown, and what nodes said of them is kept.
        package var retention = Duration.seconds(86_400)

        package init() {}
    }

    /// What a node knows of its kin at a moment.
    package struct View: Sendable {
        /// All others, in reach or not.
        package var kin: Set<NodeID>
        /// Those in reach.
        package var alive: Set<NodeID>
        /// Nodes that have a way to tell people, perhaps with this one.
        package var speakers: Set<NodeID>
        /// What others have said, by alert and writer.
        package var statements: [AlertKey: [NodeID: AlertStatement]]
        package var silences: [AlertSilence]
        /// Whether what this node writes can be kept, and so reaches its kin.
        package var isWritable: Bool

        package init(
            kin: Set<NodeID>, alive: Set<NodeID>, speakers: Set<NodeID>,
            statements: [AlertKey: [NodeID: AlertStatement]], silences: [AlertSilence] = [], isWritable: Bool = true
        ) {
            self.kin = kin
            self.alive = alive
            self.speakers = speakers
            self.statements = statements
            self.silences = silences
            self.isWritable = isWritable
        }
    }

    package enum Action: Hashable, Sendable {
        /// Says to kin what this node says of an alert from now on; `nil` takes it back.
        case write(AlertKey, AlertStatement?)
        /// Removes what a node said that is no kin any more.
        case remove(AlertKey, writer: NodeID)
        /// Tells people; ends with ``MeshAlerts/delivered(_:_:wall:)``.
        case send(AlertNotice)
    }

    package let own: NodeID
    let rules: AlertRules
    let timing: Timing
    /// What this node says, whether or not it could be kept yet.
    package private(set) var statements: [AlertKey: AlertStatement]
    private let startedAt: MonotonicInstant
    private var alive: Set<NodeID> = []
    private var appearedAt: MonotonicInstant
    /// Since when kin are out of reach.
    private var absentSince: [NodeID: MonotonicInstant] = [:]
    private var announcedAt: [AlertKey: MonotonicInstant] = [:]
    private var underWay: Set<AlertKey> = []

    /// - Parameter statements: What this node said in an earlier run.
    package init(
        own: NodeID, rules: AlertRules, timing: Timing = Timing(), statements: [AlertKey: AlertStatement] = [:],
        now: MonotonicInstant
    ) {
        self.own = own
        self.rules = rules
        self.timing = timing
        self.statements = statements
        startedAt = now
        appearedAt = now
    }

    /// What this node saw in an earlier run and had not seen the end of.
    package var unfinished: [(finding: AlertFinding, since: WallTime)] {
        statements.compactMap { key, statement in
            guard let sighting = statement.sighting, sighting.until == nil else { return nil }
            let finding = AlertFinding(key: key, name: sighting.name, value: sighting.value, detail: sighting.detail)
            return (finding, sighting.since)
        }
    }

    /// Takes note of what this node and its kin see now, and says what is to be done.
    package mutating func step(
        _ view: View, seeing entries: [AlertKey: AlertTracker.Entry], now: MonotonicInstant, wall: WallTime
    ) -> [Action] {
        note(view, now)
        let before = statements
        see(entries, view, now: now, wall: wall)
        var actions: [Action] = []
        for key in keys(view).sorted() {
            let incident = incident(key, view, now)
            if let notice = advance(incident, view, now: now, wall: wall) { actions.append(.send(notice)) }
            if isOutlived(incident, wall) { statements[key] = nil }
            if own == ([own] + view.alive).min() {
                actions += (view.statements[key] ?? [:]).keys.sorted().filter { !view.kin.contains($0) }
                    .map { .remove(key, writer: $0) }
            }
        }
        let changed = Set(before.keys).union(statements.keys).filter { before[$0] != statements[$0] }
        return changed.sorted().map { .write($0, statements[$0]) } + actions
    }

    /// What became of a message.
    ///
    /// - Returns: What is to be written.
    package mutating func delivered(_ notice: AlertNotice, _ isDelivered: Bool, wall: WallTime) -> [Action] {
        underWay.remove(notice.key)
        var statement = statements[notice.key] ?? AlertStatement()
        switch notice.phase {
        case .firing:
            statement.telling = .init(incident: notice.incident, stage: isDelivered ? .told : .abandoned)
        case .resolved:
            statement.telling = nil
            statement.closedUpTo = max(notice.resolvedAt ?? wall, statement.closedUpTo ?? .epoch)
        }
        statements[notice.key] = statement
        return [.write(notice.key, statement)]
    }

    // MARK: Seeing

    private mutating func note(_ view: View, _ now: MonotonicInstant) {
        if !view.alive.isSubset(of: alive) { appearedAt = now }
        alive = view.alive
        absentSince = absentSince.filter { view.kin.contains($0.key) && !alive.contains($0.key) }
        for id in view.kin where !alive.contains(id) && absentSince[id] == nil { absentSince[id] = now }
    }

    private mutating func see(
        _ entries: [AlertKey: AlertTracker.Entry], _ view: View, now: MonotonicInstant, wall: WallTime
    ) {
        for (key, entry) in entries where entry.isFiring {
            let closed = ((view.statements[key] ?? [:]).values.map(\.closedUpTo) + [statements[key]?.closedUpTo])
                .compactMap(\.self).max()
            let isOver = closed.map { ended in statements[key]?.sighting.map { $0.since <= ended } ?? false } ?? false
            // Kin that met it earlier have closed what this node still sees: it is the next incident, once it is plain that
            // this node does not only lag behind.
            let isAgain = isOver && entry.phase == .firing(unseenSince: nil) && now - appearedAt >= timing.start
            guard statements[key]?.sighting.map({ $0.until != nil }) ?? true || isAgain else { continue }
            let since = closed.map { max(entry.since, $0.advanced(by: .milliseconds(1))) } ?? entry.since
            statements[key, default: AlertStatement()].sighting = .init(
                since: since, name: entry.finding.name, value: entry.finding.value, detail: entry.finding.detail)
        }
        for (key, statement) in statements where entries[key]?.isFiring != true {
            guard let sighting = statement.sighting, sighting.until == nil else { continue }
            statements[key]?.sighting?.until = max(wall, sighting.since)
        }
    }

    /// Alerts about nodes that are neither this one nor its kin, such as friends of one of them, of which others tell: a kin
    /// could make up any number of them.
    private static let strangerLimit = 32

    func keys(_ view: View) -> Set<AlertKey> {
        let (known, strange) = view.statements.keys.reduce(into: ([AlertKey](), [AlertKey]())) { keys, key in
            if key.subject == own || view.kin.contains(key.subject) { keys.0.append(key) } else { keys.1.append(key) }
        }
        return Set(statements.keys).union(known).union(strange.sorted().prefix(Self.strangerLimit))
    }

    func incident(_ key: AlertKey, _ view: View, _ now: MonotonicInstant) -> Incident {
        var all = (view.statements[key] ?? [:]).filter { view.kin.contains($0.key) }
        all[own] = statements[key]
        let closed = all.values.compactMap(\.closedUpTo).max()
        let seenBy = all.filter { node, statement in
            guard let sighting = statement.sighting, sighting.until == nil, closed.map({ sighting.since > $0 }) ?? true
            else {
                return false
            }
            return node == own || view.alive.contains(node) || outlives(key, seenBy: node, now)
        }
        return Incident(key: key, statements: all, seenBy: seenBy.keys.sorted())
    }

    /// Whether what a node saw still counts although it is out of reach: of itself nobody else can say that it is over; of
    /// others its kin have had time to see for themselves.
    private func outlives(_ key: AlertKey, seenBy node: NodeID, _ now: MonotonicInstant) -> Bool {
        guard let since = absentSince[node] else { return true }
        if key.subject == node { return now - since < timing.retention }
        return now - since < (rules[key.condition]?.hold ?? .zero) + rules.keep + timing.start
    }

    // MARK: Telling

    private mutating func advance(
        _ incident: Incident, _ view: View, now: MonotonicInstant, wall: WallTime
    ) -> AlertNotice? {
        let key = incident.key
        guard !underWay.contains(key) else { return nil }
        // A node that lost its channels leaves it to those that have one.
        if !view.speakers.contains(own), [.announced, .sending].contains(statements[key]?.telling?.stage) {
            statements[key]?.telling?.stage = .abandoned
            return nil
        }
        if !incident.isActive, !incident.isTold {
            // Whoever is telling it now ends it afterwards.
            if incident.open.contains(where: { $0.value.stage == .sending && view.alive.contains($0.key) }) {
                return nil
            }
            if !mayBeTold(incident, view) {
                let present = view.alive.union([own])
                if incident.openedAt != nil, present.min() == own { close(incident, wall) }
                return nil
            }
        }
        guard teller(of: incident, view) == own else { return nil }
        if !incident.isActive { return isReady(view, now) ? notice(.resolved, incident, wall) : nil }
        if incident.isTold || view.silences.contains(where: { $0.covers(key, at: wall) }) { return nil }
        let name = incident.openedAt ?? incident.beginning(at: wall)
        let isNamed = statements[key]?.telling.map { $0.incident == name && $0.stage != .abandoned } ?? false
        guard isNamed, let announced = announcedAt[key] else {
            if !isNamed {
                statements[key, default: AlertStatement()].telling = .init(incident: name, stage: .announced)
            }
            announcedAt[key] = now
            return nil
        }
        guard now - announced >= timing.settling, isReady(view, now) else { return nil }
        statements[key]?.telling?.stage = .sending
        return notice(.firing, incident, wall)
    }

    /// Whether people may know of an incident although nobody says that they do: the node that would say so is gone, or was.
    private func mayBeTold(_ incident: Incident, _ view: View) -> Bool {
        incident.open.contains { node, telling in
            switch telling.stage {
            case .announced: node != own && !view.alive.contains(node)
            case .sending: true
            case .told, .abandoned: false
            }
        }
    }

    /// Who tells people of an incident: who has begun to, as long as it is in reach, else the first of the speakers that
    /// have not tried in vain.
    private func teller(of incident: Incident, _ view: View) -> NodeID? {
        let candidates = view.speakers.filter { $0 == own || view.alive.contains($0) }
        // A node whose kin cannot read what it says speaks for itself.
        if !view.isWritable, incident.seenBy == [own], candidates.contains(own) { return own }
        let willing = candidates.filter { !incident.isAbandoned(by: $0) }
        let open = incident.open.filter { willing.contains($0.key) }
        return open.filter { $0.value.stage == .told }.keys.min()
            ?? open.filter { $0.value.stage == .sending }.keys.min() ?? open.keys.min() ?? willing.min()
    }

    /// Whether this node knows what its kin have told: it has been among them for a moment, and not only just started.
    private func isReady(_ view: View, _ now: MonotonicInstant) -> Bool {
        now - appearedAt >= timing.settling && (view.alive == view.kin || now - startedAt >= timing.start)
    }

    private mutating func notice(_ phase: AlertNotice.Phase, _ incident: Incident, _ wall: WallTime) -> AlertNotice? {
        guard let sighting = incident.shown, let name = incident.openedAt else { return nil }
        underWay.insert(incident.key)
        return AlertNotice(
            key: incident.key, phase: phase, incident: name,
            resolvedAt: phase == .resolved ? incident.end(at: wall) : nil,
            name: sighting.name, detail: sighting.detail)
    }

    private mutating func close(_ incident: Incident, _ wall: WallTime) {
        var statement = statements[incident.key] ?? AlertStatement()
        statement.telling = nil
        statement.closedUpTo = incident.end(at: wall)
        statements[incident.key] = statement
    }

    /// Whether nobody needs any more what this node said: it is long over, and no other says what is over by these words.
    private func isOutlived(_ incident: Incident, _ wall: WallTime) -> Bool {
        guard let statement = incident.statements[own], !underWay.contains(incident.key), incident.open[own] == nil,
            let last = [statement.sighting?.until ?? statement.sighting?.since, statement.closedUpTo].compactMap(\.self)
                .max(),
            statement.sighting?.until != nil || statement.sighting == nil
        else { return false }
        let isNeeded = incident.statements.contains { $0.key != own && $0.value.telling != nil }
        return !isNeeded && wall.duration(since: last) >= timing.retention
    }
}
