// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithAlerts
import KithModel
import KithSync
import Logging

/// Judges this node every few seconds, shares with kin what is found, and tells people where that is this node's part.
actor AlertService: AlertBoard {
    /// Messages on their way at once.
    private static let sendLimit = 32

    nonisolated let firing = FiringAlerts()
    private let node: NodeID
    private let name: NodeName
    private let settings: AlertSettings
    private let source: any NodeVitalsSource
    private let register: AlertStateRegister
    private let events: EventHub
    private let channels: AlertChannels
    private let clock: any TimeSource
    private let logger: Logger
    private var tracker = AlertTracker()
    private var window: VitalsWindow?
    private var mesh: MeshAlerts?
    private var view: MeshAlerts.View?
    /// Whether the last write reached the disk.
    private var isWritable = true
    /// What is to be written, in the form that it has by then.
    private var unwritten: Set<AlertKey> = []
    private var foreign: [MeshAlerts.Action] = []
    private var isWriting = false
    /// What was announced last, by alert.
    private var announced: [AlertKey: MeshAlert.State] = [:]
    private var waiting: [AlertNotice] = []
    private var sending = 0

    init(
        node: NodeID, name: NodeName, settings: AlertSettings, source: any NodeVitalsSource, state: SharedStateStore,
        events: EventHub, channels: AlertChannels, clock: any TimeSource, logger: Logger
    ) {
        self.node = node
        self.name = name
        self.settings = settings
        self.source = source
        register = AlertStateRegister(state: state, node: node)
        self.events = events
        self.channels = channels
        self.clock = clock
        self.logger = logger
    }

    /// Until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                await step()
                while sending < Self.sendLimit, !waiting.isEmpty {
                    let notice = waiting.removeFirst()
                    sending += 1
                    group.addTask { await self.send(notice) }
                }
                do { try await clock.sleep(forAbout: settings.interval) } catch { break }
            }
            group.cancelAll()
        }
    }

    /// Judges once.
    func step() async {
        let vitals = await source.vitals()
        let (now, wall) = (clock.now, WallTime.now())
        if window == nil {
            window = VitalsWindow(node: node, name: name, first: vitals, now: now, wall: wall)
        } else {
            window?.add(vitals, now: now, wall: wall)
        }
        guard let window else { return }
        let board = register.read()
        var mesh = mesh ?? begin(board, now)
        tracker.judge(settings.rules.findings(in: window), by: settings.rules, now: now, wall: wall)
        let view = view(board, vitals)
        let actions = mesh.step(view, seeing: tracker.entries, now: now, wall: wall)
        self.mesh = mesh
        self.view = view
        for case .send(let notice) in actions { waiting.append(notice) }
        announce(now, wall)
        await write(actions, declaring: board.speakers.contains(node) == channels.isEmpty)
    }

    private func begin(_ board: AlertStateRegister.Board, _ now: MonotonicInstant) -> MeshAlerts {
        let own = board.statements.compactMapValues { $0[node] }
        let mesh = MeshAlerts(own: node, rules: settings.rules, statements: own, now: now)
        for (finding, since) in mesh.unfinished { tracker.resume(finding, since: since, now: now) }
        return mesh
    }

    private func view(_ board: AlertStateRegister.Board, _ vitals: NodeVitals) -> MeshAlerts.View {
        let kin = vitals.peers.filter { $0.tier == .kin }
        let alive = kin.filter { $0.state == "up" || $0.state == "suspect" }
        return MeshAlerts.View(
            kin: Set(kin.map(\.id)), alive: Set(alive.map(\.id)),
            speakers: board.speakers.subtracting([node]).union(channels.isEmpty ? [] : [node]),
            statements: board.statements.mapValues { $0.filter { $0.key != node } }.filter { !$0.value.isEmpty },
            silences: board.silences, isWritable: isWritable)
    }

    // MARK: Writing

    /// One write after the other, so that what was said last is what stands there; what failed is tried with the next.
    ///
    /// - Parameter isNew: Whether kin are to be told if this node has a channel.
    private func write(_ actions: [MeshAlerts.Action], declaring isNew: Bool = false) async {
        for action in actions {
            switch action {
            case .write(let key, _): unwritten.insert(key)
            case .remove: foreign.append(action)
            case .send: continue
            }
        }
        guard !isWriting else { return }
        isWriting = true
        defer { isWriting = false }
        do {
            if isNew { try await register.setChannels(!channels.isEmpty) }
            while !unwritten.isEmpty || !foreign.isEmpty {
                let (keys, others) = (unwritten, foreign)
                (unwritten, foreign) = ([], [])
                do {
                    try await register.write(keys.sorted().map { .write($0, mesh?.statements[$0]) } + others)
                } catch {
                    unwritten.formUnion(keys)
                    throw error
                }
            }
            isWritable = true
        } catch {
            if isWritable { logger.warning("alerts not shared with kin", metadata: ["reason": "\(error)"]) }
            isWritable = false
        }
    }

    // MARK: Telling

    private func send(_ notice: AlertNotice) async {
        await channels.tell(notice) { isDelivered in
            await self.write(await self.delivered(notice, isDelivered))
        }
        sending -= 1
    }

    private func delivered(_ notice: AlertNotice, _ isDelivered: Bool) -> [MeshAlerts.Action] {
        if isDelivered { logger.info("alert told", metadata: ["alert": "\(notice.id)"]) }
        return mesh?.delivered(notice, isDelivered, wall: .now()) ?? []
    }

    /// To the log and to followers of events, here and at every other node: what begins and what is over.
    private func announce(_ now: MonotonicInstant, _ wall: WallTime) {
        guard let mesh, let view else { return }
        let alerts = mesh.shown(view, seeing: tracker.entries, now: now, wall: wall)
        firing.set(alerts.filter { !mesh.isContradicted($0, view, seeing: tracker.entries) })
        for alert in alerts where alert.state != .pending {
            guard announced[alert.key] != alert.state else { continue }
            let isKnown = announced.updateValue(alert.state, forKey: alert.key) != nil
            // What was over before this node began is nothing new.
            if alert.state == .resolved, !isKnown { continue }
            events.publish(NodeEvent(.alert, at: wall, alert.fields))
            let metadata: Logger.Metadata = ["alert": "\(alert.key.fingerprint)", "detail": "\(alert.detail)"]
            if alert.state == .firing {
                logger.warning("alert: \(alert.sentence)", metadata: metadata)
            } else {
                logger.info("alert is over", metadata: metadata)
            }
        }
        let shown = Set(alerts.map(\.key))
        announced = announced.filter { shown.contains($0.key) }
    }

    // MARK: What clients ask

    func report() -> AlertReport {
        guard let mesh, let view else { return AlertReport() }
        let (now, wall) = (clock.now, WallTime.now())
        var current = view
        current.silences = register.read().silences
        let alerts = mesh.shown(current, seeing: tracker.entries, now: now, wall: wall)
        return AlertReport(
            alerts: alerts.filter { !mesh.isContradicted($0, current, seeing: tracker.entries) },
            silences: current.silences.filter { wall < $0.until }.sorted { ($0.until, $0.id) < ($1.until, $1.id) })
    }

    func silence(_ wish: AlertSilenceWish) async throws(StateRefusal) -> AlertSilence {
        try await register.add(wish, now: .now())
    }

    func unsilence(_ id: String) async throws(StateRefusal) -> AlertSilence? { try await register.remove(id) }
}

extension MeshAlert {
    /// As the fields of an event.
    fileprivate var fields: JSONObject {
        [
            "alert": .string(key.condition.rawValue), "state": .string(state.rawValue),
            "severity": .string(severity.rawValue), "subject": .string(key.subject.description),
            "subject_name": .string(name.rawValue), "since": .string(since.rfc3339),
            "until": until.map { .string($0.rfc3339) } ?? .null, "text": .string(sentence), "detail": .string(detail),
            "silence": silence.map { .string($0) } ?? .null,
        ]
    }
}
