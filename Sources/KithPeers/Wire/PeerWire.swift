// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithDialects
package import KithModel
import KithServer

/// What nodes say to each other on the peer port, both ends in one place: JSON, and for answers server-sent events.
package enum PeerWire {
    package static let helloPath = "/peer/v1/hello"
    package static let gossipPath = "/peer/v1/gossip"
    package static let operationsPath = "/peer/v1/operations"
    package static let statePath = "/peer/v1/state"
    package static let modelsPath = "/peer/v1/models"
    package static let generatePath = "/peer/v1/generate"
    package static let embedPath = "/peer/v1/embed"
    package static let countPath = "/peer/v1/count"
    package static let passPath = "/peer/v1/pass"
    package static let cellHealthPath = "/peer/v1/cell/health"
    package static let cellAssistPath = "/peer/v1/cell/code-assist"
    package static let cellSyncPath = "/peer/v1/cell/sync-consciousness"
    package static let conversePath = "/peer/v1/converse"
    package static let sessionsPath = "/peer/v1/sessions"
    /// Below it the id of a request or a trace.
    package static let tracePath = "/peer/v1/trace"
    package static let logsPath = "/peer/v1/logs"
    package static let modelOrdersPath = "/peer/v1/model-orders"
    package static let modelPullPath = "/peer/v1/model-pulls"
    package static let weightsPath = "/peer/v1/weights"
    package static let weightsPiecePath = "/peer/v1/weights/piece"
    package static let hardwarePath = "/peer/v1/hardware"
    package static let wakePath = "/peer/v1/wake"
    package static let pairingHelloPath = "/pair/v1/hello"
    package static let pairingProofPath = "/pair/v1/proof"
    /// The type of a question: see ``KinQuestion``.
    package static let questionType = "application/x-kith-question"
    /// The type of a request that is passed through: see ``KinPassage``.
    package static let passageType = "application/x-kith-passage"
    /// The type of an answer that is sent as it is made: an engine's own events where it speaks the client's dialect,
    /// and besides them events of ``eventName``, each a `Line`.
    package static let eventsType = "text/event-stream"
    package static let eventName = "kith"
    /// With an answer in one piece: how long the engine took, in milliseconds.
    package static let engineTimeHeader = "x-kith-engine-ms"
    /// The milliseconds since 1970 by the clock of the node that answers a packet of gossip; older nodes do not tell.
    package static let clockHeader = "x-kith-clock-ms"
    package static let stateType = "application/octet-stream"
    package static let gossipType = "application/octet-stream"
    /// With a request for an answer: the milliseconds until the asking node gives up, from 1 to those of a day.
    package static let timeLeftHeader = "x-kith-timeout-ms"
    /// With a request for an answer, an embedding or a service: `batch` for one that is to leave slots to people. Kin of
    /// older versions overlook it.
    package static let priorityHeader = "x-kith-priority"
    /// An asked node that is still busy says so this often.
    package static let keepAlive = Duration.seconds(5)

    /// What a node says about an answer besides what its engine says.
    package enum Line: Sendable {
        case event(ChatEvent)
        case failure(ChatError)
    }

    /// What is sent for an event of an answer.
    ///
    /// - Throws: `EncodingError` for a number that JSON cannot hold.
    static func bytes(of event: ChatEvent) throws -> [UInt8] {
        switch event {
        case .raw(let raw): return raw.bytes
        case .comment(let comment): return OpenAIStreamEncoder.comment(comment)
        case .waiting, .delta, .finished, .rawEnd: return try Line.event(event).event()
        }
    }
}

extension PeerWire.Line: Codable {
    private enum CodingKeys: String, CodingKey { case waiting, delta, finish, rawFinish, usage, error }

    private struct Failure: Codable {
        var code: ChatError.Code
        var message: String
        var retryAfter: Double?
        var roomAfter: Double?
        var field: String?
        var engineCode: String?
        var engineType: String?
        var engineStatus: Int?
        var promptTokens: Int?
        var contextLength: Int?

        init(_ failure: ChatError) {
            code = failure.code
            message = failure.message
            retryAfter = failure.retryAfter?.seconds
            roomAfter = failure.roomAfter?.seconds
            field = failure.field
            engineCode = failure.engineCode
            engineType = failure.engineType
            engineStatus = failure.engineStatus
            promptTokens = failure.excess?.tokens
            contextLength = failure.excess?.limit
        }

        var meaning: ChatError {
            var meaning = ChatError(code, message, retryAfter: Self.pause(retryAfter), field: field)
            meaning.roomAfter = Self.pause(roomAfter)
            meaning.engineCode = engineCode
            meaning.engineType = engineType
            meaning.engineStatus = engineStatus.flatMap { (400..<500).contains($0) ? $0 : nil }
            if let promptTokens, let contextLength {
                meaning.excess = PromptExcess(tokens: promptTokens, limit: contextLength)
            }
            return meaning
        }

        private static func pause(_ seconds: Double?) -> Duration? {
            seconds.flatMap { (0...86_400).contains($0) ? .seconds($0) : nil }
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let delta = try container.decodeIfPresent(ChatDelta.self, forKey: .delta) {
            self = .event(.delta(delta))
        } else if let finish = try container.decodeIfPresent(FinishReason.self, forKey: .finish) {
            self = .event(.finished(finish, try container.decode(TokenUsage.self, forKey: .usage)))
        } else if let reason = try container.decodeIfPresent(WaitReason.self, forKey: .waiting) {
            self = .event(.waiting(reason))
        } else if let failure = try container.decodeIfPresent(Failure.self, forKey: .error) {
            self = .failure(failure.meaning)
        } else {
            // An engine may end without a reason: an empty word.
            let finish = try container.decode(String.self, forKey: .rawFinish)
            self = .event(
                .rawEnd(
                    finish.isEmpty ? nil : FinishReason(rawValue: finish),
                    try container.decode(TokenUsage.self, forKey: .usage)))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .event(.waiting(let reason)): try container.encode(reason, forKey: .waiting)
        case .event(.delta(let delta)): try container.encode(delta, forKey: .delta)
        case .event(.finished(let finish, let usage)):
            try container.encode(finish, forKey: .finish)
            try container.encode(usage, forKey: .usage)
        case .event(.rawEnd(let finish, let usage)):
            try container.encode(finish?.rawValue ?? "", forKey: .rawFinish)
            try container.encode(usage, forKey: .usage)
        case .event(.raw), .event(.comment):
            let context = EncodingError.Context(codingPath: [], debugDescription: "sent as it is, not in a line")
            throw EncodingError.invalidValue(self, context)
        case .failure(let failure): try container.encode(Failure(failure), forKey: .error)
        }
    }

    /// This line as a server-sent event; a piece of plain text is written without an encoder.
    ///
    /// - Throws: `EncodingError` for a number that JSON cannot hold.
    package func event() throws -> [UInt8] {
        var bytes = Array("event: \(PeerWire.eventName)\ndata: ".utf8)
        if case .event(.delta(let delta)) = self, delta.isOnlyText {
            bytes.append(contentsOf: #"{"delta":{"text":"#.utf8)
            JSONText.append(delta.text, to: &bytes)
            bytes.append(contentsOf: "}}".utf8)
        } else {
            bytes.append(contentsOf: try JSONBody.encodeLine(self))
        }
        bytes.append(contentsOf: "\n\n".utf8)
        return bytes
    }
}

/// The header fields that nodes send each other besides their messages.
extension HTTPField.Name {
    static let kithTimeLeft = Self.known(PeerWire.timeLeftHeader)
    static let kithEngineTime = Self.known(PeerWire.engineTimeHeader)
    static let kithPeerPriority = Self.known(PeerWire.priorityHeader)
    static let kithClock = Self.known(PeerWire.clockHeader)
}

extension HTTPFields {
    /// What the kin that asks says of the priority; one that says nothing, or nothing that is known, asks for somebody who
    /// waits.
    package var kinPriority: RequestPriority {
        self[.kithPeerPriority].flatMap(RequestPriority.init(rawValue:)) ?? .interactive
    }

    /// When the kin that asks gives up.
    ///
    /// - Throws: `ChatError` for what is not such a time.
    package func kinDeadline(now: @autoclosure () -> MonotonicInstant) throws -> MonotonicInstant? {
        guard let text = self[.kithTimeLeft] else { return nil }
        guard let limit = TimeLimit.milliseconds(text) else {
            throw ChatError(.malformedRequest, "'\(PeerWire.timeLeftHeader)' must be a number of milliseconds")
        }
        return now() + limit
    }
}
