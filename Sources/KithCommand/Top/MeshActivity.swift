// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel

/// What a terminal knows of a mesh: read once from a node, then kept true by its events.
package struct MeshActivity: Sendable {
    /// A request that a node answers now.
    package struct Running: Hashable, Sendable {
        package var id: String
        package var node: String
        package var model: String
        package var since: MonotonicInstant
        /// Whether it goes on with an answer that broke off elsewhere.
        package var continues: Bool
    }

    /// A request that has ended.
    package struct Ended: Hashable, Sendable {
        package var request: RouteMessage.Request
        package var at: MonotonicInstant
    }

    /// Whether the node that tells is still there.
    package enum Connection: Hashable, Sendable {
        case live
        /// Since when, and why.
        case lost(MonotonicInstant, String)
    }

    /// What speeds and counts are taken from.
    package static let window = Duration.seconds(60)
    private static let kept = 256
    private static let runningLimit = 512

    package private(set) var own: NodeStatus?
    /// By name.
    package private(set) var peers: [NodeStatus.Peer] = []
    /// The oldest first.
    package private(set) var running: [Running] = []
    /// The newest first.
    package private(set) var ended: [Ended] = []
    /// The names of conditions that fire now, by whom they are about.
    package private(set) var alerts: [String: String] = [:]
    package private(set) var connection = Connection.live
    private var readAt = MonotonicInstant.zero

    package init() {}

    /// Takes what was read of the node, in place of all that was known.
    package mutating func read(
        _ status: NodeStatus, _ recent: RouteMessage.Recent, alerts report: AlertMessage.Report?,
        now: MonotonicInstant
    ) {
        own = status
        readAt = now
        peers = status.peers.sorted { $0.name < $1.name }
        running = []
        ended = recent.requests.prefix(Self.kept).map {
            let ago = max(0, $0.secondsAgo - $0.durationMilliseconds / 1_000)
            return Ended(request: $0, at: now + .seconds(-min(ago, 1e9)))
        }
        alerts = [:]
        for alert in report?.alerts ?? [] where alert.state == "firing" && alert.silence == nil {
            alerts["\(alert.alert) \(alert.subject.id)"] = alert.alert
        }
        connection = .live
    }

    package mutating func lost(_ why: String, now: MonotonicInstant) {
        if case .lost = connection { return }
        connection = .lost(now, why)
        running = []
    }

    /// - Returns: Whether everything has to be read anew, since events were missed.
    package mutating func take(_ event: ServerSentEvent, now: MonotonicInstant) -> Bool {
        guard own != nil, let name = event.name else { return false }
        if name == "gap" { return true }
        guard let kind = NodeEvent.Kind(rawValue: name), let fields = JSONValue(json: event.data)?.objectValue else {
            return false
        }
        switch kind {
        case .node: note(node: fields)
        case .mesh: note(peer: fields)
        case .request: note(request: fields, now: now)
        case .route: note(route: fields, now: now)
        case .alert: note(alert: fields)
        case .level, .context, .bridge, .insight, .exchange, .sync, .session, .pairing: break
        }
        return false
    }

    /// Seconds that the node has been up, as far as is known.
    package func uptime(now: MonotonicInstant) -> Double { (own?.uptimeSeconds ?? 0) + (now - readAt).seconds }

    private mutating func note(node fields: JSONObject) {
        if let engine = fields["engine"]?.decoded(NodeStatus.Engine.self) { own?.engine = engine }
        if let draining = fields["draining"]?.boolValue { own?.draining = draining }
        if let level = fields["level"]?.doubleValue { own?.level = level }
        if let name = fields["node"]?.stringValue { own?.node = name }
    }

    private mutating func note(peer fields: JSONObject) {
        let (id, name) = (fields["id"]?.stringValue, fields["name"]?.stringValue)
        let peer = JSONValue.object(fields).decoded(NodeStatus.Peer.self)
        guard fields["gone"]?.boolValue == true || peer != nil else { return }
        peers.removeAll { id == nil ? $0.id == nil && $0.name == name : $0.id == id }
        guard let peer else { return }
        peers.append(peer)
        peers.sort { $0.name < $1.name }
    }

    private mutating func note(request fields: JSONObject, now: MonotonicInstant) {
        guard let id = fields["id"]?.stringValue else { return }
        let since = running.first { $0.id == id }?.since ?? now
        running.removeAll { $0.id == id }
        running.append(
            Running(
                id: id, node: fields["node"]?.stringValue ?? "-", model: fields["model"]?.stringValue ?? "-",
                since: since, continues: fields["continues"]?.boolValue ?? false))
        running.sort { $0.since < $1.since }
        if running.count > Self.runningLimit { running.removeFirst() }
    }

    private mutating func note(route fields: JSONObject, now: MonotonicInstant) {
        var fields = fields
        fields["seconds_ago"] = 0
        guard let request = JSONValue.object(fields).decoded(RouteMessage.Request.self) else { return }
        running.removeAll { $0.id == request.id }
        ended.insert(Ended(request: request, at: now), at: 0)
        if ended.count > Self.kept { ended.removeLast() }
    }

    private mutating func note(alert fields: JSONObject) {
        guard let condition = fields["alert"]?.stringValue else { return }
        let isTold = fields["state"]?.stringValue == "firing" && fields["silence"]?.stringValue == nil
        alerts["\(condition) \(fields["subject"]?.stringValue ?? "")"] = isTold ? condition : nil
    }
}

extension MeshActivity {
    /// How requests of one kind went of late.
    package struct Pace: Hashable, Sendable {
        package var answers = 0
        /// Of an answer, while it came; the mean, in which long answers count more.
        package var tokensPerSecond: Double?
        /// The middle one.
        package var firstTokenMilliseconds: Double?
    }

    /// The pace of those requests that have ended and fit.
    package func pace(where fits: (RouteMessage.Request) -> Bool) -> Pace {
        var pace = Pace()
        var tokens = 0.0
        var seconds = 0.0
        var waits: [Double] = []
        for one in ended where one.request.outcome == .completed && fits(one.request) {
            pace.answers += 1
            if let wait = one.request.firstTokenMilliseconds { waits.append(wait) }
            guard let speed = one.request.tokensPerSecond, speed > 0, let count = one.request.usage?.completionTokens,
                count > 0
            else { continue }
            tokens += Double(count)
            seconds += Double(count) / speed
        }
        if seconds > 0 { pace.tokensPerSecond = tokens / seconds }
        if !waits.isEmpty { pace.firstTokenMilliseconds = waits.sorted()[waits.count / 2] }
        return pace
    }

    /// Answers that ended within the window.
    package func answers(now: MonotonicInstant) -> Int {
        ended.count { now - $0.at < Self.window && $0.request.outcome == .completed }
    }

    /// Tokens per second of the whole mesh, as this node's requests show it: those of each answer spread over the time in
    /// which it came, as far as that lies within the window.
    package func throughput(now: MonotonicInstant) -> Double {
        let window = Self.window.seconds
        let tokens = ended.reduce(0.0) { sum, one in
            guard let count = one.request.usage?.completionTokens, count > 0 else { return sum }
            let end = (now - one.at).seconds
            let length = max(one.request.durationMilliseconds / 1_000, 0.001)
            let part = (min(window, end + length) - end) / length
            return sum + Double(count) * max(0, min(1, part))
        }
        return tokens / window
    }
}

extension JSONValue {
    fileprivate func decoded<Value: Decodable>(_ type: Value.Type) -> Value? {
        try? JSONBody.decode(type, from: Array(jsonBytes))
    }
}
