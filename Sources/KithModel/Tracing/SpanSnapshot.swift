// SPDX-License-Identifier: Apache-2.0

/// A span as it is told: to the owner, to kin, to a collector.
package struct SpanSnapshot: Hashable, Sendable {
    package enum Status: String, Hashable, Sendable, Codable {
        case open
        case ok
        case error
        case abandoned
    }

    package struct Moment: Hashable, Sendable, Codable {
        package var name: String
        /// Nanoseconds since 1970, by the clock of the node.
        package var at: Int64
        package var attributes: JSONObject

        package init(name: String, at: Int64, attributes: JSONObject = [:]) {
            self.name = name
            self.at = at
            self.attributes = attributes
        }
    }

    package var name: String
    package var role: SpanRole
    package var trace: TraceID
    package var id: SpanID
    package var parent: SpanID?
    package var request: RequestID?
    /// Nanoseconds since 1970, by the clock of the node.
    package var began: Int64
    /// Nanoseconds; up to now for one that goes on.
    package var duration: Int64
    package var status: Status
    package var problem: String?
    package var attributes: JSONObject
    package var moments: [Moment]

    package init(
        name: String, role: SpanRole = .inside, trace: TraceID, id: SpanID, parent: SpanID? = nil,
        request: RequestID? = nil, began: Int64, duration: Int64, status: Status = .ok, problem: String? = nil,
        attributes: JSONObject = [:], moments: [Moment] = []
    ) {
        self.name = name
        self.role = role
        self.trace = trace
        self.id = id
        self.parent = parent
        self.request = request
        self.began = began
        self.duration = duration
        self.status = status
        self.problem = problem
        self.attributes = attributes
        self.moments = moments
    }
}

/// Two clocks at one moment: tells when on the calendar something was that only the monotonic clock saw.
package struct ClockAnchor: Sendable {
    package var wall: WallTime
    package var monotonic: MonotonicInstant

    package init(wall: WallTime, monotonic: MonotonicInstant) {
        self.wall = wall
        self.monotonic = monotonic
    }

    /// Nanoseconds since 1970.
    package func nanoseconds(_ instant: MonotonicInstant) -> Int64 {
        let (now, isTooLate) = wall.milliseconds.multipliedReportingOverflow(by: 1_000_000)
        let (then, overflow) = now.addingReportingOverflow((instant - monotonic).clampedNanoseconds)
        return isTooLate || overflow ? 0 : max(0, then)
    }

    /// The other way about.
    package func instant(nanosecondsSince1970 then: UInt64) -> MonotonicInstant {
        let (now, isTooLate) = wall.milliseconds.multipliedReportingOverflow(by: 1_000_000)
        let (ago, overflow) = now.subtractingReportingOverflow(Int64(clamping: then))
        return isTooLate || overflow ? monotonic : monotonic.advanced(by: .nanoseconds(-ago))
    }
}

extension TraceRecorder {
    /// - Parameter anchor: The clocks now.
    package func snapshots(_ anchor: ClockAnchor) -> [SpanSnapshot] { spans.map { snapshot($0.record, $0.id, anchor) } }

    package func snapshot(_ record: SpanRecord, _ id: SpanID, _ anchor: ClockAnchor) -> SpanSnapshot {
        let notes = record.notes
        var moments = notes.moments.map {
            SpanSnapshot.Moment(name: $0.name, at: anchor.nanoseconds($0.at), attributes: $0.attributes)
        }
        if let token = record.firstToken { moments.append(.init(name: "first token", at: anchor.nanoseconds(token))) }
        let (status, problem) = record.told
        return SpanSnapshot(
            name: name(of: record), role: record.role, trace: trace, id: id, parent: record.parent, request: request,
            began: anchor.nanoseconds(record.began),
            duration: max(0, ((record.ended ?? anchor.monotonic) - record.began).clampedNanoseconds), status: status,
            problem: notes.problem ?? problem, attributes: attributes(of: record, notes), moments: moments)
    }

    /// As OpenTelemetry's conventions name spans: a server's by its route, a call of a model by what is asked of which.
    private func name(of record: SpanRecord) -> String {
        switch record.name {
        case .request: path.map { "POST \($0)" } ?? operation?.rawValue ?? "request"
        case .serve: "serve"
        case .queue: "queue"
        case .route: "route"
        case .attempt: "attempt"
        case .continuation: "continuation"
        case .standby: "standby"
        case .admission: "admission"
        case .engine:
            [operation?.rawValue, record.detail.model?.rawValue].compactMap { $0 }.joined(separator: " ")
        case .other(let name): name
        }
    }

    private func attributes(of record: SpanRecord, _ notes: SpanRecord.Notes) -> JSONObject {
        var told = notes.attributes
        let detail = record.detail
        switch record.name {
        case .request, .serve:
            if let path, record.name == .request {
                told["http.request.method"] = "POST"
                told["http.route"] = .string(path)
            }
            told["gen_ai.operation.name"] = operation.map { .string($0.rawValue) }
            told["kith.request.id"] = request.map { .string($0.rawValue) }
            told["gen_ai.response.model"] = detail.model.map { .string($0.rawValue) }
        case .engine:
            told["gen_ai.operation.name"] = operation.map { .string($0.rawValue) }
            told["gen_ai.provider.name"] = detail.engine.map { .string($0.rawValue) }
            told["gen_ai.request.model"] = detail.model.map { .string($0.rawValue) }
        case .attempt, .continuation, .route, .standby, .queue, .admission, .other:
            told["gen_ai.request.model"] = detail.model.map { .string($0.rawValue) }
        }
        told["gen_ai.usage.input_tokens"] = detail.promptTokens.map { .integer(Int64($0)) }
        told["gen_ai.usage.output_tokens"] = detail.answerTokens.map { .integer(Int64($0)) }
        told["kith.node"] = detail.node.map { .string($0.rawValue) }
        told["kith.route.reason"] = detail.reason.map { .string($0) }
        if let count = detail.count, let name = record.name.counted { told[name] = .integer(Int64(count)) }
        if case .failed(let code) = record.outcome { told["error.type"] = .string(code.rawValue) }
        return told
    }
}

extension SpanName {
    /// What the number of a ``SpanDetail`` is in a span of this name.
    fileprivate var counted: String? {
        switch self {
        case .route: "kith.route.candidates"
        case .queue, .admission: "kith.queue.ahead"
        case .continuation: "kith.continuation.after_tokens"
        case .request, .serve, .attempt, .standby, .engine, .other: nil
        }
    }
}

extension SpanRecord {
    fileprivate var told: (SpanSnapshot.Status, String?) {
        switch outcome {
        case .open: (ended == nil ? .open : .ok, nil)
        case .completed: (.ok, nil)
        case .failed(let code): (.error, code.rawValue)
        case .abandoned: (.abandoned, nil)
        case .broke: (.error, nil)
        }
    }
}

extension SpanSnapshot: Codable {
    private enum CodingKeys: String, CodingKey {
        case name, role, trace, id, parent, request, began, duration, status, problem, attributes, moments
    }

    /// Characters of a text that another node sends.
    private static let textLimit = 512
    /// Nanoseconds: longer than any request, and far from what would overflow.
    private static let times = Int64(0)...Int64(1) << 62

    /// - Throws: `DecodingError` for what no node tells.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func broken(_ key: CodingKeys) -> DecodingError {
            .dataCorruptedError(forKey: key, in: container, debugDescription: "not of a span")
        }
        name = try container.decode(String.self, forKey: .name).cut(toBytes: Self.textLimit)
        guard let role = SpanRole(rawValue: try container.decode(UInt8.self, forKey: .role)) else {
            throw broken(.role)
        }
        guard let trace = TraceID(try container.decode(String.self, forKey: .trace)) else { throw broken(.trace) }
        guard let id = SpanID(try container.decode(String.self, forKey: .id)) else { throw broken(.id) }
        self.role = role
        self.trace = trace
        self.id = id
        parent = try container.decodeIfPresent(String.self, forKey: .parent).flatMap { SpanID($0) }
        request = try container.decodeIfPresent(String.self, forKey: .request).flatMap { RequestID(given: $0) }
        began = try container.decode(Int64.self, forKey: .began)
        duration = try container.decode(Int64.self, forKey: .duration)
        guard Self.times.contains(began) else { throw broken(.began) }
        guard Self.times.contains(duration) else { throw broken(.duration) }
        status = try container.decode(Status.self, forKey: .status)
        problem = try container.decodeIfPresent(String.self, forKey: .problem).map { $0.cut(toBytes: Self.textLimit) }
        attributes = try container.decode(JSONObject.self, forKey: .attributes)
        moments = try container.decode([Moment].self, forKey: .moments)
        guard moments.allSatisfy({ Self.times.contains($0.at) }) else { throw broken(.moments) }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(role.rawValue, forKey: .role)
        try container.encode(trace.description, forKey: .trace)
        try container.encode(id.description, forKey: .id)
        try container.encodeIfPresent(parent?.description, forKey: .parent)
        try container.encodeIfPresent(request?.rawValue, forKey: .request)
        try container.encode(began, forKey: .began)
        try container.encode(duration, forKey: .duration)
        try container.encode(status, forKey: .status)
        try container.encodeIfPresent(problem, forKey: .problem)
        try container.encode(attributes, forKey: .attributes)
        try container.encode(moments, forKey: .moments)
    }
}
